//! The breaking point: what a search found, as a finding and as the sentence on top.

use record::{Measure, Part, Reading, RunRecord};

use crate::search::{Cause, Outcome, Search, Trial, Usl, throughput_and_in_flight};
use crate::stretch::whole_number;
use crate::withheld::saturated_share;
use crate::{Figure, Finding, FindingKind, Mark, limit, number};

/// How often the bracket holds the truth: in the proof that reached least.
const CONFIDENCE: f64 = 0.95;
/// From this use on, CPU or memory are used up, in percent.
const USED_UP: f64 = 90.0;
/// Places at which the law is drawn.
const LAW_POINTS: u32 = 40;
/// The last of them is at most so many times the first.
const LAW_REACH: f64 = 1e8;

/// What a search found.
pub(crate) struct BreakingPoint<'a> {
    record: &'a RunRecord,
    search: Search,
    holds: Option<Trial>,
    breaks: Option<Trial>,
}

impl<'a> BreakingPoint<'a> {
    /// Of a run whose load was searched.
    pub(crate) fn of(record: &'a RunRecord) -> Option<Self> {
        let search = Search::of(record)?;
        let (holds, breaks) = search.deciding();
        Some(Self {
            record,
            search,
            holds,
            breaks,
        })
    }

    /// That brunt's own lateness made the level break that is said to, in words: without it, the trial does
    /// not tell so.
    pub(crate) fn made_by_lateness(&self) -> Option<String> {
        let breaks = self.breaks.as_ref()?;
        let without = Search::by(self.record, Measure::Unlagged)?.told();
        let mut same = without.iter();
        let same = same.find(|trial| trial.from_s >= breaks.from_s)?;
        let grew = breaks.outcome == Outcome::Breaks(Cause::Backlog);
        let seconds = whole_number(breaks.from_s)..whole_number(breaks.to_s);
        // What waits grows as well where brunt itself does not come to take up the answers.
        let own = grew && saturated_share(self.record, seconds) > 0.5;
        // Still missed, though less surely, is no other outcome: lateness is taken out generously.
        let is_missed = same.outcome == Outcome::Open && same.excess > 0.0;
        let changed = same.outcome != breaks.outcome && !is_missed || own;
        changed.then(|| format!("{} break", self.in_words(breaks.level)))
    }

    /// Whether some level breaks.
    pub(crate) fn breaks(&self) -> bool {
        self.breaks.is_some()
    }

    /// Whether some level holds.
    pub(crate) fn holds(&self) -> bool {
        self.holds.is_some()
    }

    /// The part of the run in which the highest level that holds was judged.
    pub(crate) fn held(&self) -> Option<(f64, f64)> {
        let trial = self.holds.as_ref()?;
        Some((trial.from_s, trial.to_s))
    }

    /// A level in what reports speak of: requests a second, or users.
    fn rate(&self, level: f64) -> f64 {
        let load = &self.record.header.load;
        match load.open {
            Some(_) => level * load.requests_per_task,
            None => level,
        }
    }

    fn in_words(&self, level: f64) -> String {
        let rate = number::measured(self.rate(level));
        match self.record.header.load.open {
            Some(_) => format!("{rate} req/s"),
            None => format!("{rate} users"),
        }
    }

    /// It in one sentence.
    pub(crate) fn sentence(&self) -> String {
        let holds = self.holds.as_ref().map(|trial| trial.level);
        match (holds, &self.breaks) {
            (Some(holds), Some(breaks)) => format!(
                "Holds {}; breaks at {} ({}).",
                self.in_words(holds),
                number::measured(self.rate(breaks.level)),
                self.why(breaks)
            ),
            (None, Some(breaks)) => format!(
                "Breaks at {} ({}); no level was seen to hold.",
                self.in_words(breaks.level),
                self.why(breaks)
            ),
            (Some(holds), None) => {
                format!(
                    "Holds {}; not broken{}.",
                    self.in_words(holds),
                    self.not_broken()
                )
            }
            (None, None) => {
                "Inconclusive: no level was seen to hold or to break; search longer.".to_owned()
            }
        }
    }

    fn not_broken(&self) -> String {
        let mut trials = self.search.trials().iter();
        if trials.any(|trial| trial.outcome == Outcome::Open) {
            return ", as far as the time told".into();
        }
        limit::ended_search(self.record).map_or_else(String::new, |limit_rps| {
            let limit = number::measured(limit_rps);
            format!("; brunt itself cannot be trusted beyond {limit} req/s")
        })
    }

    /// What broke, and what the service had used up.
    fn why(&self, trial: &Trial) -> String {
        let mut why = vec![self.broken_by(trial)];
        if let Some(percent) = self.cpu(trial).filter(|percent| *percent >= USED_UP) {
            why.push(format!("CPU {} %", number::measured(percent)));
        }
        why.join(", ")
    }

    fn broken_by(&self, trial: &Trial) -> String {
        match trial.outcome {
            Outcome::Breaks(Cause::Bound(at)) => self.search.bounds[at].broken(),
            _ => "what waits grew all along".to_owned(),
        }
    }

    /// Mean CPU of the process under test while a level was judged, in percent of what it may use.
    fn cpu(&self, trial: &Trial) -> Option<f64> {
        let percents = self.readings(trial, |reading| reading.target.as_ref()?.cpu_percent);
        let count = percents.len() as f64;
        (count > 0.0).then(|| percents.iter().sum::<f64>() / count)
    }

    fn readings(&self, trial: &Trial, of: impl Fn(&Reading) -> Option<f64>) -> Vec<f64> {
        let during = self.record.readings.iter().filter(|reading| {
            let at_s = reading.at_ms as f64 / 1e3;
            (trial.from_s + 0.5..=trial.to_s + 0.5).contains(&at_s)
        });
        during.filter_map(|reading| of(&reading)).collect()
    }

    /// What had come to its end when the service broke.
    fn exhausted(&self, trial: &Trial) -> &'static str {
        let memory = self.readings(trial, |reading| reading.machine.memory_percent);
        let is_full = memory.iter().any(|percent| *percent >= USED_UP);
        match self.cpu(trial) {
            Some(percent) if percent >= USED_UP => "cpu",
            _ if is_full => "memory",
            Some(_) => "nothing_watched",
            None => "unknown",
        }
    }

    /// The finding.
    pub(crate) fn finding(&self) -> Finding {
        let is_open = self.record.header.load.open.is_some();
        let names = if is_open {
            ["holds_rps", "breaks_rps"]
        } else {
            ["holds_users", "breaks_users"]
        };
        let rate = |trial: &Option<Trial>| trial.as_ref().map(|trial| self.rate(trial.level));
        let (holds, breaks) = (rate(&self.holds), rate(&self.breaks));
        let figure = |rate: Option<f64>| rate.map_or(Figure::Nothing, Figure::Number);
        let known = self.breaks.as_ref();
        let mut found = Finding::new(FindingKind::BreakingPoint, self.sentence())
            .with(names[0], figure(holds))
            .with(names[1], figure(breaks))
            .with("confidence", Figure::Number(CONFIDENCE))
            .with(
                "broken_by",
                known.map_or(Figure::Nothing, |trial| Figure::Text(self.broken_by(trial))),
            )
            .with(
                "exhausted",
                known.map_or(Figure::Nothing, |trial| Figure::Word(self.exhausted(trial))),
            )
            .with("trials", Figure::Count(self.search.trials().len() as u64));
        if is_open {
            found = found.marked(Mark::Bracket { holds, breaks });
        }
        self.with_scaling(found)
    }

    fn with_scaling(&self, found: Finding) -> Finding {
        let trials = self.search.trials().iter();
        let mut points: Vec<(f64, f64)> = trials
            .chain(&self.glances())
            .filter_map(|trial| throughput_and_in_flight(self.record, trial))
            .map(|(per_s, in_flight)| (in_flight, per_s))
            .collect();
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        let Some(usl) = Usl::fit(&points) else {
            return found.with("usl", Figure::Nothing);
        };
        let most = points.last().map_or(1.0, |(in_flight, _)| *in_flight);
        let known = points.iter().map(|(in_flight, _)| *in_flight);
        let least = known
            .fold(most, f64::min)
            .max(most / LAW_REACH)
            .max(f64::MIN_POSITIVE);
        // Levels double: so do the steps of the law, about.
        let law = (0..=LAW_POINTS).map(|at| {
            let in_flight = least * (most / least).powf(f64::from(at) / f64::from(LAW_POINTS));
            (in_flight, usl.throughput(in_flight))
        });
        let law = law.collect();
        let figures = vec![
            ("gamma", Figure::Number(usl.gamma)),
            ("alpha", Figure::Number(usl.alpha)),
            ("beta", Figure::Number(usl.beta)),
            ("peak", usl.peak().map_or(Figure::Nothing, Figure::Number)),
        ];
        found
            .with("usl", Figure::Group(figures))
            .marked(Mark::Scaling { points, law })
    }

    /// Glances, as trials that tell nothing but what was measured.
    fn glances(&self) -> Vec<Trial> {
        self.search.glanced(self.record, Part::Glance)
    }
}
