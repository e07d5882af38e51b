//! The bracket: the highest level that holds and the lowest that breaks, by what all trials say together.

use crate::search::estimate::line;
use crate::search::trial::{BreakCause, Trial, TrialOutcome};

/// Between these two the service breaks.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Bracket {
    /// The highest level that holds, below any that breaks.
    pub holds: Option<f64>,
    /// The lowest level that breaks.
    pub breaks: Option<f64>,
    /// So many trials say that it breaks.
    pub(crate) votes: usize,
    /// Levels in between of which trials say either.
    pub(crate) contested: Vec<f64>,
}

impl Bracket {
    pub(crate) fn of(trials: &[Trial]) -> Self {
        Self::of_pooled(&pool(trials))
    }

    /// The same of trials that have been told together.
    pub(crate) fn of_pooled(trials: &[Trial]) -> Self {
        let mut levels: Vec<f64> = trials.iter().map(|trial| trial.level).collect();
        levels.sort_by(f64::total_cmp);
        levels.dedup();
        let at = |level: f64| trials.iter().filter(move |trial| same(trial.level, level));
        let fails = |level| at(level).filter(|trial| trial.breaks()).count();
        // Who holds more holds this as well; who seems to hold it when asked again speaks against a break.
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

    /// The level that breaks over the one that holds, less 1.
    pub fn width(&self) -> Option<f64> {
        Some(self.breaks? / self.holds? - 1.0)
    }
}

/// Trials this near below, as a share of the level, speak of whether it breaks.
const NEAR: f64 = 0.05;
/// Trials as near as this are of one level.
const SAME: f64 = 0.005;
/// Where one trial is broken by this and another seems to hold, one of them was a bad moment: they are
/// counted apart. A logarithm of the share that misses over what may.
const APART: f64 = 3.0;

/// The line through what all trials missed tells of a level that is so many of its standard errors off
/// where it says that the service breaks.
const SURE: f64 = 2.2;

/// All trials, with what is told together by those of one level; and by those that do not tell alone: that a level
/// holds follows from what was seen at levels above it as well, however far, and that it breaks from those near
/// below; and from the line through all of them, where it says no other than the trial itself.
pub(crate) fn pool(trials: &[Trial]) -> Vec<Trial> {
    let mut all = trials.to_vec();
    for (told, trial) in all.iter_mut().zip(trials) {
        if trial.counted.is_empty() {
            continue;
        }
        told.outcome = pool_with(trials, trial, |ratio, other| {
            (1.0 - SAME..=1.0 + SAME).contains(&ratio)
                && (other.excess - trial.excess).abs() < APART
        });
        if trial.outcome == TrialOutcome::Open && told.outcome == TrialOutcome::Open {
            let is_open = |other: &Trial| other.outcome == TrialOutcome::Open;
            let above = pool_with(trials, trial, |ratio, other| {
                is_open(other) && ratio >= 1.0 - 1e-9
            });
            let below = pool_with(trials, trial, |ratio, other| {
                is_open(other) && (1.0 / (1.0 + NEAR)..=1.0 + 1e-9).contains(&ratio)
            });
            told.outcome = match (above, below) {
                (TrialOutcome::Holds, _) => TrialOutcome::Holds,
                (_, TrialOutcome::Breaks(cause)) => TrialOutcome::Breaks(cause),
                _ => by_line(trials, trial),
            };
        }
    }
    all
}

/// What the line through all trials says of one that does not tell.
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

/// What a trial says together with others, by how their levels are to its own.
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

/// Whether two levels are one.
pub(crate) fn same(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9 * a.abs().min(b.abs())
}

#[cfg(test)]
mod tests {
    use super::super::bound::BoundCounts;
    use super::*;

    /// A trial that does not tell alone: it missed so many times what may, as a logarithm.
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
    fn the_line_tells_of_a_level_that_does_not_tell_alone() {
        let trials = [(860.0, -2.0), (880.0, -1.2), (909.0, 0.1), (940.0, 1.4)]
            .map(|(level, excess)| open(level, excess));
        let bracket = Bracket::of(&trials);
        assert_eq!((bracket.holds, bracket.breaks), (Some(880.0), Some(940.0)));
    }

    #[test]
    fn it_tells_nothing_against_what_a_level_seemed_itself() {
        let trials = [(860.0, -2.0), (880.0, 0.5), (909.0, 0.1), (940.0, 1.4)]
            .map(|(level, excess)| open(level, excess));
        let bracket = Bracket::of(&trials);
        assert_ne!(bracket.holds, Some(880.0));
    }
}
