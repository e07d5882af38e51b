//! Observations of a search: its probes and its trials, and what they show together.

use brunt_record::{LoadLevel, Measure, RunRecord, SearchPhase};

use crate::search::bound::Bound;
use crate::search::bracket::{self, Bracket, same};
use crate::search::estimate::{LevelPoint, line};
use crate::search::trial::{self, Trial, TrialOutcome, in_flight};

/// Length of the beginning of a probe that is not judged, in seconds.
pub(super) const PROBE_SETTLE_S: f64 = 1.0;
/// A trial counts if it is this many standard errors from the break estimated by the regression line, or at most this
/// far.
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
    /// Requests in flight while a level held.
    pub(super) calm_in_flight: f64,
    /// Relative width of the bracket; `None` if an end is missing.
    pub(super) width: Option<f64>,
    /// Whether probes are to continue upward.
    pub(super) probes_continue: bool,
}

impl Observations {
    /// Starts a search that judges its bounds with a measure.
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

    /// The levels between which the service breaks. A trial that contradicts the regression line through all of them
    /// was temporarily disturbed, and is ignored.
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
            // With so few trials, the line is not better than they are.
            None => bracket,
        }
    }

    /// The trials, pooled with those at the same and at nearby levels.
    pub(crate) fn pooled_trials(&self) -> Vec<Trial> {
        bracket::pool(&self.trials)
    }

    /// The trials that decided the bracket, the last one at each level: the one that holds, and the one that breaks.
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

    /// Evaluates a probe.
    pub(super) fn add_probe(&mut self, record: &RunRecord, level: f64, judged: (f64, f64)) {
        let (is_broken, excess) = trial::probe(record, &self.bounds, level, judged);
        if self.confirm(level, judged, is_broken) {
            return;
        }
        // A second probe replaces the first one.
        self.probes.retain(|point| !same(point.level, level));
        self.probes.push(LevelPoint { level, excess });
        if excess <= 0.0 {
            self.calm_in_flight = in_flight(record, judged.1);
        }
    }

    /// A second probe of a shattered level confirms it, or shows that its trial was temporarily disturbed and says
    /// nothing about the load. Returns whether the probe was such a second one.
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

    /// The levels of a phase as trials without a decision.
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

    /// Half of the level that holds, as far as it is known.
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
