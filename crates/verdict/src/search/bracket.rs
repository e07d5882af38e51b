//! The bracket: the highest level that holds and the lowest that breaks, by all trials together.

use crate::search::estimate::line;
use crate::search::trial::{BreakCause, Trial, TrialOutcome};

/// The levels between which the service breaks.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Bracket {
    /// The highest level that holds, below any that breaks.
    pub holds: Option<f64>,
    /// The lowest level that breaks.
    pub breaks: Option<f64>,
    /// Number of trials at which it breaks.
    pub(crate) votes: usize,
    /// Levels in between with contradictory trials.
    pub(crate) contested: Vec<f64>,
}

impl Bracket {
    pub(crate) fn of(trials: &[Trial]) -> Self {
        Self::of_pooled(&pool(trials))
    }

    /// The same of trials that are already pooled.
    pub(crate) fn of_pooled(trials: &[Trial]) -> Self {
        let mut levels: Vec<f64> = trials.iter().map(|trial| trial.level).collect();
        levels.sort_by(f64::total_cmp);
        levels.dedup();
        let at = |level: f64| trials.iter().filter(move |trial| same(trial.level, level));
        let fails = |level| at(level).filter(|trial| trial.breaks()).count();
        // A service that holds more holds this as well; a level that seems to hold when repeated speaks against a
        // break.
        let passes = |level: f64| {
            let speaks = |trial: &&Trial| {
                let holds = trial.level >= level && trial.outcome == TrialOutcome::Holds;
                let seems_to = trial.outcome == TrialOutcome::Open && trial.excess < 0.0;
                holds
                    || same(trial.level, level)
                        && (trial.outcome == TrialOutcome::Holds || seems_to)
            };
            trials.iter().filter(speaks).count()
        };
        let breaks = levels
            .iter()
            .copied()
            .find(|level| fails(*level) > passes(*level));
        let below = |level: &f64| breaks.is_none_or(|breaks| *level < breaks);
        let held = |level: &f64| at(*level).any(|trial| trial.outcome == TrialOutcome::Holds);
        let holds = levels.iter().copied().filter(below).filter(held);
        let holds = holds.filter(|level| {
            let own = at(*level)
                .filter(|trial| trial.outcome == TrialOutcome::Holds)
                .count();
            own > fails(*level)
        });
        let holds = holds.reduce(f64::max);
        let contested = levels.iter().copied().filter(|level| {
            let is_between = below(level) && holds.is_none_or(|holds| *level > holds);
            is_between && fails(*level) > 0
        });
        Self {
            holds,
            breaks,
            votes: breaks.map_or(0, fails),
            contested: contested.collect(),
        }
    }

    /// The relative width of the bracket.
    pub fn width(&self) -> Option<f64> {
        Some(self.breaks? / self.holds? - 1.0)
    }
}

/// Trials this close below a level, as a proportion of it, count for whether it breaks.
const NEAR: f64 = 0.05;
/// Trials this close to each other count as one level.
const SAME: f64 = 0.005;
/// The difference of two trials, as a logarithm of their misses relative to the limit, from which one of them was
/// temporarily disturbed, so they are not pooled.
const APART: f64 = 3.0;

/// The number of standard errors between a level and the break estimated by the regression line from which the line
/// decides.
const SURE: f64 = 2.2;

/// The trials, pooled with those of the same level. If they do not decide alone, trials at higher levels show that a
/// level holds, however far away, and trials closely below show that it breaks; finally the regression line through
/// all of them decides, if it does not contradict the trial.
pub(crate) fn pool(trials: &[Trial]) -> Vec<Trial> {
    let mut all = trials.to_vec();
    for (pooled, trial) in all.iter_mut().zip(trials) {
        if trial.counted.is_empty() {
            continue;
        }
        pooled.outcome = pool_with(trials, trial, |ratio, other| {
            (1.0 - SAME..=1.0 + SAME).contains(&ratio)
                && (other.excess - trial.excess).abs() < APART
        });
        if trial.outcome == TrialOutcome::Open && pooled.outcome == TrialOutcome::Open {
            let is_open = |other: &Trial| other.outcome == TrialOutcome::Open;
            let above = pool_with(trials, trial, |ratio, other| {
                is_open(other) && ratio >= 1.0 - 1e-9
            });
            let below = pool_with(trials, trial, |ratio, other| {
                is_open(other) && (1.0 / (1.0 + NEAR)..=1.0 + 1e-9).contains(&ratio)
            });
            pooled.outcome = match (above, below) {
                (TrialOutcome::Holds, _) => TrialOutcome::Holds,
                (_, TrialOutcome::Breaks(cause)) => TrialOutcome::Breaks(cause),
                _ => by_line(trials, trial),
            };
        }
    }
    all
}

/// The decision of the regression line through all trials for one that does not decide alone.
fn by_line(trials: &[Trial], trial: &Trial) -> TrialOutcome {
    let Some(line) = line(trials.iter(), trial.level) else {
        return TrialOutcome::Open;
    };
    let below = (line.breaks_at / trial.level).ln();
    if trial.excess < 0.0 && below > SURE * line.error {
        TrialOutcome::Holds
    } else if trial.excess > 0.0 && -below > SURE * line.error {
        TrialOutcome::Breaks(BreakCause::Bound(trial.nearest))
    } else {
        TrialOutcome::Open
    }
}

/// Pools a trial with others that are selected by the ratio of their levels.
fn pool_with(
    trials: &[Trial],
    trial: &Trial,
    speaks: impl Fn(f64, &Trial) -> bool,
) -> TrialOutcome {
    let others = trials.iter().filter(|other| {
        !std::ptr::eq(*other, trial)
            && !other.counted.is_empty()
            && speaks(other.level / trial.level, other)
    });
    let mut all = trial.clone();
    for other in others {
        all = all.and(other);
    }
    all.outcome
}

/// Returns whether two levels are equal.
pub(crate) fn same(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9 * a.abs().min(b.abs())
}

#[cfg(test)]
mod tests {
    use super::super::bound::BoundCounts;
    use super::*;

    /// A trial that does not decide alone, with misses relative to the limit as a logarithm.
    fn open(level: f64, excess: f64) -> Trial {
        let counted = BoundCounts {
            limit: 0.01,
            ..BoundCounts::default()
        };
        let mut trial = Trial::seen(level, (0.0, 100.0));
        trial.excess = excess;
        trial.effective_per_s = 5.0;
        trial.counted = vec![counted];
        trial
    }

    #[test]
    fn regression_line_decides_an_undecided_level() {
        let trials = [(860.0, -2.0), (880.0, -1.2), (909.0, 0.1), (940.0, 1.4)]
            .map(|(level, excess)| open(level, excess));
        let bracket = Bracket::of(&trials);
        assert_eq!((bracket.holds, bracket.breaks), (Some(880.0), Some(940.0)));
    }

    #[test]
    fn regression_line_does_not_contradict_a_trial() {
        let trials = [(860.0, -2.0), (880.0, 0.5), (909.0, 0.1), (940.0, 1.4)]
            .map(|(level, excess)| open(level, excess));
        let bracket = Bracket::of(&trials);
        assert_ne!(bracket.holds, Some(880.0));
    }
}
