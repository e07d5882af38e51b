//! Observations of a search: its probes and its trials, and what they show together.

use brunt_record::{LoadLevel, Measure, RunRecord, SearchPhase};

use crate::search::bound::Bound;
use crate::search::bracket::{self, Bracket, same};
use crate::search::estimate::{Point, line};
use crate::search::trial::{self, Outcome, Trial, in_flight};

/// Length of the beginning of a probe that is not judged, in seconds.
pub(super) const PROBE_SETTLE_S: f64 = 1.0;
/// A trial is believed that is so many standard errors off where the line through all breaks, or this far.
const MARGIN: f64 = 1.0;
const MARGIN_MAX: f64 = 0.03;

/// The observations of a search.
#[derive(Debug, Clone)]
pub(crate) struct Observations {
    pub(super) asked: brunt_record::Search,
    pub(super) is_open: bool,
    pub(crate) bounds: Vec<Bound>,
    pub(super) glances: Vec<Point>,
    pub(super) trials: Vec<Trial>,
    /// What was under way while a level held.
    pub(super) calm: f64,
    /// How wide the bracket is; `None`: it lacks an end.
    pub(super) width: Option<f64>,
    /// What was glanced at is to go on upwards.
    pub(super) glances_on: bool,
}

impl Observations {
    /// Those of a search that begins, which judges its bounds by a measure.
    pub(super) fn new(record: &RunRecord, asked: brunt_record::Search, measure: Measure) -> Self {
        Self {
            asked,
            is_open: record.header.load.open.is_some(),
            bounds: Bound::all(record, asked.breaks_at, measure),
            glances: Vec::new(),
            trials: Vec::new(),
            calm: 0.0,
            width: None,
            glances_on: false,
        }
    }

    /// Between which levels the service breaks. A trial that says otherwise than the line through all of
    /// them had a good or a bad moment: it is not believed.
    pub(super) fn bracket(&self) -> Bracket {
        let told = self.told();
        let bracket = Bracket::told_by(&told);
        let (Some(holds), Some(breaks)) = (bracket.holds, bracket.breaks) else {
            return bracket;
        };
        let Some(line) = line(self.trials.iter(), (holds * breaks).sqrt()) else {
            return bracket;
        };
        let margin = (MARGIN * line.error).min(MARGIN_MAX).exp();
        let believed: Vec<Trial> = told
            .into_iter()
            .filter(|trial| match trial.outcome {
                Outcome::Holds => trial.level <= line.breaks_at / margin,
                Outcome::Breaks(_) => trial.level >= line.breaks_at * margin,
                Outcome::Open | Outcome::Late => true,
            })
            .collect();
        let narrowed = Bracket::told_by(&believed);
        match narrowed.width() {
            Some(_) => narrowed,
            // With so few trials, the line is no better than they are.
            None => bracket,
        }
    }

    /// The trials, with what each tells together with the others of its level and near it.
    pub(crate) fn told(&self) -> Vec<Trial> {
        bracket::together(&self.trials)
    }

    /// The trials that decided the bracket, the last of each level: of the one that holds, and of the one
    /// that breaks.
    pub(crate) fn deciding(&self) -> (Option<Trial>, Option<Trial>) {
        let bracket = self.bracket();
        let told = self.told();
        let last = |level: Option<f64>, decides: fn(&Trial) -> bool| {
            let mut last = told.iter().rev();
            let is_at = |trial: &Trial| level.is_some_and(|level| same(trial.level, level));
            last.find(|trial| is_at(trial) && decides(trial)).cloned()
        };
        (
            last(bracket.holds, |trial| trial.outcome == Outcome::Holds),
            last(bracket.breaks, Trial::breaks),
        )
    }

    /// Takes in what a glance showed.
    pub(super) fn take_glance(&mut self, record: &RunRecord, level: f64, judged: (f64, f64)) {
        let (is_broken, excess) = trial::glance(record, &self.bounds, level, judged);
        if self.confirm(level, judged, is_broken) {
            return;
        }
        // A second look takes the place of the first.
        self.glances.retain(|point| !same(point.level, level));
        self.glances.push(Point { level, excess });
        if excess <= 0.0 {
            self.calm = in_flight(record, judged.1);
        }
    }

    /// A second look at a level that was shattered confirms it, or shows that its trial had a bad moment, which tells
    /// nothing of the load. Whether the glance was such a look.
    pub(super) fn confirm(&mut self, level: f64, (from_s, _): (f64, f64), is_broken: bool) -> bool {
        let is_asked = |trial: &&mut Trial| {
            trial.is_doubtful() && same(trial.level, level) && trial.to_s <= from_s
        };
        let Some(trial) = self.trials.last_mut().filter(is_asked) else {
            return false;
        };
        if is_broken {
            trial.is_confirmed = true;
        } else {
            self.trials.pop();
            self.width = self.bracket().width();
        }
        true
    }

    /// What was looked at of the levels of a part.
    pub(crate) fn glanced(&self, record: &RunRecord, part: SearchPhase) -> Vec<Trial> {
        let ends = record.levels().map(|level| level.from_ms as f64 / 1e3);
        let ends: Vec<f64> = ends.chain([record.duration_s()]).collect();
        let first = LoadLevel {
            from_ms: 0,
            ramp_ms: 0,
            level: self.asked.from,
            phase: SearchPhase::Probe,
        };
        let levels = std::iter::once(&first).chain(record.levels());
        levels
            .zip(&ends)
            .filter(|(level, _)| level.phase == part)
            .map(|(level, end_s)| {
                let from_s = (level.from_ms + level.ramp_ms) as f64 / 1e3 + PROBE_SETTLE_S;
                Trial::seen(level.level, (from_s, *end_s))
            })
            .collect()
    }

    /// The highest level that broke the service.
    pub(super) fn hardest(&self) -> Option<f64> {
        let broke = self.trials.iter().filter(|trial| trial.breaks());
        broke.map(|trial| trial.level).reduce(f64::max)
    }

    /// Half of what holds, as far as is known.
    pub(super) fn half(&self) -> f64 {
        let seemed = self.glances.iter().filter(|point| point.excess <= 0.7);
        let seemed = seemed.map(|point| point.level).reduce(f64::max);
        let bracket = self.bracket();
        let holds = bracket.holds.or(seemed).unwrap_or(self.asked.from / 2.0);
        let holds = bracket.breaks.map_or(holds, |breaks| holds.min(breaks));
        if self.is_open {
            holds / 2.0
        } else {
            (holds / 2.0).round().max(1.0)
        }
    }
}
