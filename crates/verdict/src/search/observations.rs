//! Observations of a search: its probes and its trials, and what they show together.

use brunt_record::{LoadLevel, Measure, RunRecord, SearchPhase};

use crate::search::bound::Bound;
use crate::search::bracket::{self, Bracket, same};
use crate::search::estimate::{LevelPoint, line};
use crate::search::trial::{self, Trial, TrialOutcome, in_flight};

/// Length of the beginning of a probe that is not judged, in seconds.
pub(super) const PROBE_SETTLE_S: f64 = 1.0;
/// A trial is believed that is so many standard errors off where the line through all breaks, or this far.
const MARGIN: f64 = 1.0;
const MARGIN_MAX: f64 = 0.03;

/// The observations of a search.
#[derive(Debug, Clone)]
pub(crate) struct Observations {
    pub(super) settings: brunt_record::Search,
    pub(super) is_open: bool,
    pub(crate) bounds: Vec<Bound>,
    pub(super) probes: Vec<LevelPoint>,
    pub(super) trials: Vec<Trial>,
    /// What was under way while a level held.
    pub(super) calm_in_flight: f64,
    /// How wide the bracket is; `None`: it lacks an end.
    pub(super) width: Option<f64>,
    /// What was glanced at is to go on upwards.
    pub(super) probes_continue: bool,
}

impl Observations {
    /// Those of a search that begins, which judges its bounds by a measure.
    pub(super) fn new(
        record: &RunRecord,
        settings: brunt_record::Search,
        measure: Measure,
    ) -> Self {
        Self {
            settings,
            is_open: record.header.load.open.is_some(),
            bounds: Bound::all(record, settings.breaks_at, measure),
            probes: Vec::new(),
            trials: Vec::new(),
            calm_in_flight: 0.0,
            width: None,
            probes_continue: false,
        }
    }

    /// Between which levels the service breaks. A trial that says otherwise than the line through all of
    /// them had a good or a bad moment: it is not believed.
    pub(super) fn bracket(&self) -> Bracket {
        let pooled = self.pooled_trials();
        let bracket = Bracket::of_pooled(&pooled);
        let (Some(holds), Some(breaks)) = (bracket.holds, bracket.breaks) else {
            return bracket;
        };
        let Some(line) = line(self.trials.iter(), (holds * breaks).sqrt()) else {
            return bracket;
        };
        let margin = (MARGIN * line.error).min(MARGIN_MAX).exp();
        let believed: Vec<Trial> = pooled
            .into_iter()
            .filter(|trial| match trial.outcome {
                TrialOutcome::Holds => trial.level <= line.breaks_at / margin,
                TrialOutcome::Breaks(_) => trial.level >= line.breaks_at * margin,
                TrialOutcome::Open | TrialOutcome::Late => true,
            })
            .collect();
        let narrowed = Bracket::of_pooled(&believed);
        match narrowed.width() {
            Some(_) => narrowed,
            // With so few trials, the line is no better than they are.
            None => bracket,
        }
    }

    /// The trials, with what each tells together with the others of its level and near it.
    pub(crate) fn pooled_trials(&self) -> Vec<Trial> {
        bracket::pool(&self.trials)
    }

    /// The trials that decided the bracket, the last of each level: of the one that holds, and of the one
    /// that breaks.
    pub(crate) fn deciding_trials(&self) -> (Option<Trial>, Option<Trial>) {
        let bracket = self.bracket();
        let pooled = self.pooled_trials();
        let last = |level: Option<f64>, decides: fn(&Trial) -> bool| {
            let mut last = pooled.iter().rev();
            let is_at = |trial: &Trial| level.is_some_and(|level| same(trial.level, level));
            last.find(|trial| is_at(trial) && decides(trial)).cloned()
        };
        (
            last(bracket.holds, |trial| trial.outcome == TrialOutcome::Holds),
            last(bracket.breaks, Trial::breaks),
        )
    }

    /// Takes in what a glance showed.
    pub(super) fn add_probe(&mut self, record: &RunRecord, level: f64, judged: (f64, f64)) {
        let (is_broken, excess) = trial::probe(record, &self.bounds, level, judged);
        if self.confirm(level, judged, is_broken) {
            return;
        }
        // A second look takes the place of the first.
        self.probes.retain(|point| !same(point.level, level));
        self.probes.push(LevelPoint { level, excess });
        if excess <= 0.0 {
            self.calm_in_flight = in_flight(record, judged.1);
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
    pub(crate) fn probe_trials(&self, record: &RunRecord, part: SearchPhase) -> Vec<Trial> {
        let ends = record.levels().map(|level| level.from_ms as f64 / 1e3);
        let ends: Vec<f64> = ends.chain([record.duration_s()]).collect();
        let first = LoadLevel {
            from_ms: 0,
            ramp_ms: 0,
            level: self.settings.from,
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
    pub(super) fn highest_broken(&self) -> Option<f64> {
        let broke = self.trials.iter().filter(|trial| trial.breaks());
        broke.map(|trial| trial.level).reduce(f64::max)
    }

    /// Half of what holds, as far as is known.
    pub(super) fn half_of_held(&self) -> f64 {
        let seemed = self.probes.iter().filter(|point| point.excess <= 0.7);
        let seemed = seemed.map(|point| point.level).reduce(f64::max);
        let bracket = self.bracket();
        let holds = bracket.holds.or(seemed).unwrap_or(self.settings.from / 2.0);
        let holds = bracket.breaks.map_or(holds, |breaks| holds.min(breaks));
        if self.is_open {
            holds / 2.0
        } else {
            (holds / 2.0).round().max(1.0)
        }
    }
}
