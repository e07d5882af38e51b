//! The breaking point: the result of a search as a finding and as a clause of the headline.

use brunt_record::{Measure, Reading, RunRecord, SearchPhase};

use crate::convert::whole_number;
use crate::generator::cpu_starvation::saturated_share;
use crate::model::finding::{Figure, Finding, FindingKind, Mark};
use crate::model::grade::Grade;
use crate::number;
use crate::search::missed_at_any_load::{MissedAtAnyLoad, missed_at_any_load};
use crate::search::rates::Rates;
use crate::search::trial::{BreakCause, Trial, TrialOutcome, throughput_and_in_flight};
use crate::search::{Search, generator_limit};
use crate::sentence::capitalized;
use crate::stats::usl::Usl;

/// Coverage of the bracket: the lowest of all validations.
const CONFIDENCE: f64 = 0.95;
/// The utilization from which CPU or memory are exhausted, in percent.
const USED_UP: f64 = 90.0;
/// The number of points of the drawn law.
const LAW_POINTS: u32 = 40;
/// The largest ratio of the last to the first point.
const LAW_REACH: f64 = 1e8;

/// The result of a search. Levels are requests per second, or users in a search over users.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum SearchOutcome {
    /// A level holds, and a higher one breaks the service.
    Bracket {
        /// The highest level that holds.
        holds: f64,
        /// The lowest level that breaks.
        breaks: f64,
    },
    /// A level holds, and none that was tried broke.
    HoldsNotBroken {
        /// The highest level that holds.
        holds: f64,
    },
    /// A level breaks the service, and none below it is known to hold.
    BreaksBelowLowest {
        /// The lowest level that breaks.
        breaks: f64,
    },
    /// The service stopped responding, and did not recover when the load was removed: not a breaking point.
    ServiceStopped {
        /// The highest level that had held before.
        holds: Option<f64>,
        /// The load at that time.
        level: f64,
        /// When it last responded, in seconds since the start of the run.
        at_s: f64,
    },
    /// The generator could not keep up with more load, so the breaking point is unknown.
    GeneratorLimited {
        /// The highest level that holds.
        holds: Option<f64>,
        /// The load that the generator could not keep up with, or is not trusted with.
        limit: f64,
    },
    /// No level is known to hold or to break.
    Nothing,
}

impl SearchOutcome {
    /// The highest level that holds.
    pub const fn holds(self) -> Option<f64> {
        match self {
            Self::Bracket { holds, .. } | Self::HoldsNotBroken { holds } => Some(holds),
            Self::ServiceStopped { holds, .. } | Self::GeneratorLimited { holds, .. } => holds,
            Self::BreaksBelowLowest { .. } | Self::Nothing => None,
        }
    }

    /// The lowest level that breaks.
    pub const fn breaks(self) -> Option<f64> {
        match self {
            Self::Bracket { breaks, .. } | Self::BreaksBelowLowest { breaks } => Some(breaks),
            _ => None,
        }
    }

    /// Name in files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bracket { .. } => "bracket",
            Self::HoldsNotBroken { .. } => "holds_not_broken",
            Self::BreaksBelowLowest { .. } => "breaks_below_lowest",
            Self::ServiceStopped { .. } => "service_stopped",
            Self::GeneratorLimited { .. } => "generator_limited",
            Self::Nothing => "not_found",
        }
    }
}

/// The result of a search.
pub(crate) struct BreakingPoint<'a> {
    record: &'a RunRecord,
    search: Search,
    rates: Rates,
    holds: Option<Trial>,
    breaks: Option<Trial>,
}

impl<'a> BreakingPoint<'a> {
    /// Reads the search of a run.
    pub(crate) fn of(record: &'a RunRecord) -> Option<Self> {
        let search = Search::of(record)?;
        let (holds, breaks) = search.observed.deciding_trials();
        Some(Self {
            record,
            search,
            rates: Rates::of(record),
            holds,
            breaks,
        })
    }

    /// Reports, in words, whether a level breaks only because of the generator's lateness: without it, the trial
    /// would have another outcome.
    pub(crate) fn made_by_lateness(&self) -> Option<String> {
        let breaks = self.breaks.as_ref()?;
        let without = Search::by(self.record, Measure::LagCorrected)?
            .observed
            .pooled_trials();
        let mut same = without.iter();
        let same = same.find(|trial| trial.from_s >= breaks.from_s)?;
        let grew = breaks.outcome == TrialOutcome::Breaks(BreakCause::Backlog);
        let seconds = whole_number(breaks.from_s)..whole_number(breaks.to_s);
        // The backlog also grows if the generator does not come to read responses.
        let own = grew && saturated_share(self.record, seconds) > 0.5;
        // Lateness is excluded generously, so a trial that is still missed, with less certainty, counts as unchanged.
        let is_missed = same.outcome == TrialOutcome::Open && same.excess > 0.0;
        let changed = same.outcome != breaks.outcome && !is_missed || own;
        changed.then(|| format!("{} break", self.in_words(breaks.level)))
    }

    /// Returns whether a level breaks.
    pub(crate) fn breaks(&self) -> bool {
        self.breaks.is_some()
    }

    /// The part of the run in which the highest level that holds was judged.
    pub(crate) fn held(&self) -> Option<(f64, f64)> {
        let trial = self.holds.as_ref()?;
        Some((trial.from_s, trial.to_s))
    }

    /// The outcome of the search.
    pub(crate) fn outcome(&self) -> SearchOutcome {
        let rate = |trial: &Option<Trial>| trial.as_ref().map(|trial| self.rate(trial.level));
        let (holds, breaks) = (rate(&self.holds), rate(&self.breaks));
        if let Some(stop) = self.search.service_stopped(self.record) {
            return SearchOutcome::ServiceStopped {
                holds,
                level: self.rate(stop.level),
                at_s: stop.at_s,
            };
        }
        match (holds, breaks) {
            (Some(holds), Some(breaks)) => SearchOutcome::Bracket { holds, breaks },
            (None, Some(breaks)) => SearchOutcome::BreaksBelowLowest { breaks },
            (holds, None) => match (self.generator_limit(), holds) {
                (Some(limit), _) => SearchOutcome::GeneratorLimited { holds, limit },
                (None, Some(holds)) => SearchOutcome::HoldsNotBroken { holds },
                (None, None) => SearchOutcome::Nothing,
            },
        }
    }

    /// The load that the generator could not keep up with, or the limit of what it is trusted with, if the search
    /// reached it.
    fn generator_limit(&self) -> Option<f64> {
        let late = self.search.late().map(|level| self.rate(level));
        late.or_else(|| generator_limit::ended_search(self.record))
    }

    /// A level as in reports: measured requests per second, or users.
    fn rate(&self, level: f64) -> f64 {
        self.rates.rate(level)
    }

    fn in_words(&self, level: f64) -> String {
        let rate = number::measured(self.rate(level));
        match self.record.header.load.open {
            Some(_) => format!("{rate} req/s"),
            None => format!("{rate} users"),
        }
    }

    /// The result as a clause of the headline.
    pub(crate) fn clause(&self) -> String {
        let holds = self.holds.as_ref().map(|trial| self.in_words(trial.level));
        let clause = match (self.outcome(), holds, &self.breaks) {
            (SearchOutcome::ServiceStopped { at_s, .. }, holds, _) => self.stopped(at_s, holds),
            (SearchOutcome::GeneratorLimited { limit, .. }, holds, _) => self.limited(limit, holds),
            (_, Some(holds), Some(breaks)) => format!(
                "holds {holds}; breaks at {} ({})",
                number::measured(self.rate(breaks.level)),
                self.why(breaks)
            ),
            (_, None, Some(breaks)) => format!(
                "breaks at {} ({}); no lower level was found to hold: search longer, or from a lower level",
                self.in_words(breaks.level),
                self.why(breaks)
            ),
            (_, Some(holds), None) => format!("holds {holds}; {}", self.not_broken()),
            (_, None, None) => self.undecided(),
        };
        let missed_at_any_load = missed_at_any_load(&self.search.observed, self.record);
        let missed_at_any_load: Vec<String> = missed_at_any_load
            .iter()
            .map(|missed_at_any_load| self.at_any_load(missed_at_any_load))
            .collect();
        let missed_at_any_load = if missed_at_any_load.is_empty() {
            String::new()
        } else {
            format!("; at any load, {}", missed_at_any_load.join(", and "))
        };
        format!("{clause}{missed_at_any_load}")
    }

    /// Describes what is missed at any load, with the request that causes most of it.
    fn at_any_load(&self, missed_at_any_load: &MissedAtAnyLoad) -> String {
        let bound = &self.search.observed.bounds[missed_at_any_load.bound];
        let what = bound.missed_at_any_load_in_words(missed_at_any_load.share);
        let names = self.record.timeline.names();
        let Some((id, name)) = missed_at_any_load
            .name
            .and_then(|id| Some((id, names.get(id.index())?)))
        else {
            return what;
        };
        let failures = self.record.timeline.failures().iter();
        let of_name = failures.filter(|failure| failure.name == id);
        let kind = of_name.max_by_key(|failure| failure.count);
        let kind = kind
            .filter(|_| bound.is_of_errors())
            .map_or_else(String::new, |failure| format!(": {}", failure.in_words()));
        format!("{what} (most of them {}{kind})", name.title())
    }

    /// The finding that a target is missed at any load, so that load is not the cause.
    fn asides(&self) -> Vec<Finding> {
        let missed_at_any_load = missed_at_any_load(&self.search.observed, self.record);
        let finding = |missed_at_any_load: &MissedAtAnyLoad| {
            let bound = &self.search.observed.bounds[missed_at_any_load.bound];
            let names = self.record.timeline.names();
            let name = missed_at_any_load.name.and_then(|id| names.get(id.index()));
            let sentence = format!(
                "At any load, {}: load is not the cause. {} was excluded up to that proportion, and the search continued until \
                 more requests miss it, or another target breaks.",
                self.at_any_load(missed_at_any_load),
                capitalized(bound.title())
            );
            Finding::new(FindingKind::MissedAtAnyLoad, sentence)
                .with("target", Figure::Text(bound.title().to_owned()))
                .with("share", Figure::Number(missed_at_any_load.share))
                .with(
                    "request",
                    name.map_or(Figure::Null, |name| Figure::Text(name.title())),
                )
        };
        missed_at_any_load.iter().map(finding).collect()
    }

    /// The findings: the breaking point, and targets that are missed at any load.
    pub(crate) fn findings(&self) -> Vec<Finding> {
        let mut findings = vec![self.finding()];
        findings.extend(self.asides());
        findings
    }

    /// The worst grade of the targets that are missed at any load.
    pub(crate) fn missed_at_any_load(&self) -> Option<Grade> {
        let missed_at_any_load = missed_at_any_load(&self.search.observed, self.record);
        let grades = missed_at_any_load.iter().map(|missed_at_any_load| {
            self.search.observed.bounds[missed_at_any_load.bound].grade_if_missed()
        });
        grades.max()
    }

    /// Describes that the service stopped responding, which is not a breaking point.
    fn stopped(&self, at_s: f64, holds: Option<String>) -> String {
        let stop = self.search.service_stopped(self.record);
        let level = stop.map_or(0.0, |stop| stop.level);
        let kind = stop.and_then(|stop| stop.kind);
        let kind = kind.map_or_else(String::new, |kind| format!(" ({})", kind.name()));
        let held = holds.map_or_else(String::new, |holds| format!("; it held {holds}"));
        format!(
            "the service stopped responding at {}, after {}{kind}, and did not recover: no breaking point{held}",
            self.in_words(level),
            number::seconds(at_s)
        )
    }

    /// Describes that the generator, not the service, was the limit.
    fn limited(&self, limit: f64, holds: Option<String>) -> String {
        let limit = number::measured(limit);
        let is_late = self.search.late().is_some();
        let what = if is_late {
            format!("could not keep up with {limit} req/s")
        } else {
            format!("is not reliable beyond {limit} req/s")
        };
        match holds {
            Some(holds) => format!("holds {holds}; not broken; brunt itself {what}"),
            None => format!("brunt itself {what}; give brunt more cores or threads"),
        }
    }

    fn not_broken(&self) -> String {
        let open = self.search.trials().iter();
        let open = open.filter(|trial| trial.outcome == TrialOutcome::Open);
        let open = open.map(|trial| trial.level).reduce(f64::max);
        let held = self.holds.as_ref().map_or(0.0, |trial| trial.level);
        match open.filter(|level| *level > held) {
            Some(level) => format!(
                "not broken within this time: {} is undecided; search longer",
                self.in_words(level)
            ),
            None => "not broken".to_owned(),
        }
    }

    /// Describes what is known if no level is known to hold or to break.
    fn undecided(&self) -> String {
        let tried = self.search.trials().iter().map(|trial| trial.level);
        match tried.reduce(f64::min) {
            Some(level) => format!(
                "no level was found to hold or to break; {} was undecided; search longer",
                self.in_words(level)
            ),
            None => {
                "the search was too short to try a level; search for a minute or longer".to_owned()
            }
        }
    }

    /// Describes what broke, and which resource was exhausted.
    fn why(&self, trial: &Trial) -> String {
        let mut why = vec![self.broken_by(trial)];
        if let Some(percent) = self.cpu(trial).filter(|percent| *percent >= USED_UP) {
            why.push(format!("CPU {} %", number::measured(percent)));
        }
        why.join(", ")
    }

    fn broken_by(&self, trial: &Trial) -> String {
        match trial.outcome {
            TrialOutcome::Breaks(BreakCause::Bound(at)) => self.search.observed.bounds[at].broken(),
            _ => "the backlog grew throughout".to_owned(),
        }
    }

    /// Mean CPU use of the process under test while a level was judged, in percent of what it may use.
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

    /// The resource that was exhausted when the service broke.
    fn exhausted(&self, trial: &Trial) -> &'static str {
        let memory = self.readings(trial, |reading| reading.machine.memory_percent);
        let is_full = memory.iter().any(|percent| *percent >= USED_UP);
        match self.cpu(trial) {
            Some(percent) if percent >= USED_UP => "cpu",
            _ if is_full => "memory",
            Some(_) => "none",
            None => "unknown",
        }
    }

    /// The finding.
    fn finding(&self) -> Finding {
        let is_open = self.record.header.load.open.is_some();
        let names = if is_open {
            ["holds_rps", "breaks_rps"]
        } else {
            ["holds_users", "breaks_users"]
        };
        let rate = |trial: &Option<Trial>| trial.as_ref().map(|trial| self.rate(trial.level));
        let (holds, breaks) = (rate(&self.holds), rate(&self.breaks));
        let figure = |rate: Option<f64>| rate.map_or(Figure::Null, Figure::Number);
        let known = self.breaks.as_ref();
        let mut found = Finding::new(
            FindingKind::BreakingPoint,
            format!("{}.", capitalized(&self.clause())),
        )
        .with("outcome", Figure::Keyword(self.outcome().name()))
        .with(names[0], figure(holds))
        .with(names[1], figure(breaks))
        .with("confidence", Figure::Number(CONFIDENCE))
        .with(
            "broken_by",
            known.map_or(Figure::Null, |trial| Figure::Text(self.broken_by(trial))),
        )
        .with(
            "saturated_resource",
            known.map_or(Figure::Null, |trial| Figure::Keyword(self.exhausted(trial))),
        )
        .with("trials", Figure::Count(self.search.trials().len() as u64));
        if is_open {
            found = found.with_mark(Mark::Bracket { holds, breaks });
        }
        self.with_scaling(found)
    }

    fn with_scaling(&self, found: Finding) -> Finding {
        let trials = self.search.trials().iter();
        let mut points: Vec<(f64, f64)> = trials
            .chain(&self.probes())
            .filter_map(|trial| throughput_and_in_flight(self.record, trial))
            .map(|(per_s, in_flight)| (in_flight, per_s))
            .collect();
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        let Some(usl) = Usl::fit(&points) else {
            return found.with("usl", Figure::Null);
        };
        let most = points.last().map_or(1.0, |(in_flight, _)| *in_flight);
        let known = points.iter().map(|(in_flight, _)| *in_flight);
        let least = known
            .fold(most, f64::min)
            .max(most / LAW_REACH)
            .max(f64::MIN_POSITIVE);
        // The points of the law are spaced geometrically, like the levels.
        let law = (0..=LAW_POINTS).map(|at| {
            let in_flight = least * (most / least).powf(f64::from(at) / f64::from(LAW_POINTS));
            (in_flight, usl.throughput(in_flight))
        });
        let law = law.collect();
        let figures = vec![
            ("gamma", Figure::Number(usl.gamma)),
            ("alpha", Figure::Number(usl.alpha)),
            ("beta", Figure::Number(usl.beta)),
            ("peak", usl.peak().map_or(Figure::Null, Figure::Number)),
        ];
        found
            .with("usl", Figure::Group(figures))
            .with_mark(Mark::Scaling { points, law })
    }

    /// The probes as trials without a decision.
    fn probes(&self) -> Vec<Trial> {
        self.search
            .observed
            .probe_trials(self.record, SearchPhase::Probe)
    }
}
