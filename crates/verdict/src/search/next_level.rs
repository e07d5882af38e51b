//! The choice of the next level: as close to the estimated break as a trial of the remaining time can distinguish
//! from it.

use std::ops::RangeInclusive;

use crate::search::bracket::{Bracket, same};
use crate::search::estimate::{self, BreakEstimate, LevelPoint, line};
use crate::search::trial::{Trial, TrialOutcome};
use crate::stats::batch_means::ProportionEstimate;

/// The two-sided risk of each look at a trial. Its level is chosen so far from the estimated break that trials are
/// wrong far less often, …
pub(crate) const RISK: f64 = 0.12;
/// … and even more so in a search with few requests, whose levels are so distant that a look may have a higher risk:
/// in a short search, …
const RISK_SHORT: f64 = 0.2;
/// … and in a longer one.
const RISK_SPARSE: f64 = 0.15;
/// The risk of a pilot trial, which may be at any distance.
const RISK_PILOT: f64 = 0.02;
/// The risk of a trial that is to find an end of the bracket, which is at a large distance.
const RISK_END: f64 = 0.05;
/// The level that is to hold, as a proportion of one that seems to hold, or of the last undecided one.
const SECURE: f64 = 0.8;
/// With more remaining time than this many of the shortest trials, a search with many requests approaches the break
/// before it finds the ends of the bracket.
const NEAR_IN: f64 = 6.0;
/// Lower risks, which are used if there is time.
const LESS_RISK: [f64; 4] = [0.01, 0.02, 0.04, 0.07];
/// Independent requests per second, if nothing is known about them.
const EFFECTIVE_PER_S: f64 = 5.0;
const EFFECTIVE_PER_S_OVER: f64 = 1.0;
/// The largest ratio of the misses at a level to the limit.
const RATIO_MAX: f64 = 10.0;
/// A level is chosen so that its trial would be more certain than necessary, since not every trial is as certain as
/// planned.
const PLANNED: f64 = 0.25;
/// A level that holds contradicts a broken probe up to this ratio.
const CONTRADICTS: f64 = 1.25;
/// Trials predict the certainty of others with a similar number of misses: logarithms relative to the limit.
const UNDER: RangeInclusive<f64> = -2.5..=0.3;
const OVER: RangeInclusive<f64> = 0.3..=3.5;
/// The standard error of the estimated break, as a logarithm, above which a trial is only a pilot.
const PILOT: f64 = 0.06;
/// The proportion of the standard error that is added to the distance of a level.
const UNKNOWN: f64 = 0.4;
/// The smallest distance from the estimated break, as a proportion of the gap on that side: with few requests, a
/// wrong estimate must not cost a trial that cannot decide.
const STEP: f64 = 0.4;
/// The proportion of the target width on each side.
const SIDE: f64 = 0.42;
/// The proportion of the target width at which a side is known well enough.
const ENOUGH: f64 = 0.48;
/// A trial that would take this many times as long as the next may take did not decide, …
const SILENT: f64 = 1.5;
/// … nor would one this close to it, as a proportion of its distance.
const SAME: f64 = 0.1;
/// A step that narrows the bracket by less than this proportion of the precision is not worth a trial.
const WORTH: f64 = 0.08;
/// A level that broke is repeated if a higher one had fewer misses by this, as a logarithm.
const DOUBTED: f64 = 1.5;
/// The largest number of trials at a level with contradictory results.
const TRIALS_PER_LEVEL_MAX: usize = 4;

/// The state of a search when a level is chosen.
pub(crate) struct SearchState<'a> {
    pub(crate) trials: &'a [Trial],
    pub(crate) probes: &'a [LevelPoint],
    /// The highest possible level.
    pub(crate) highest_level: f64,
    /// Remaining seconds.
    pub(crate) remaining_s: f64,
    /// Length of the shortest trial, in seconds.
    pub(crate) shortest_trial_s: f64,
    /// The required relative width of the bracket.
    pub(crate) precision: f64,
    /// Whether there are few requests: then both ends of the bracket are found before the search approaches the
    /// break.
    pub(crate) is_sparse: bool,
    /// Whether the whole search is short.
    pub(crate) is_short: bool,
}

/// One side of the estimated break.
struct BracketSide {
    /// −1: below, 1: above.
    sign: f64,
    /// Distance to the known end, in logarithms of the level.
    gap: f64,
    /// Whether the end is known by trials.
    has_trials: bool,
    /// Distance of the next level, and its risk.
    off: f64,
    risk: f64,
}

impl BracketSide {
    fn is_done(&self, enough: f64) -> bool {
        self.has_trials && self.gap <= enough
    }

    fn gain(&self, enough: f64) -> f64 {
        if self.is_done(enough) {
            0.0
        } else {
            self.gap - self.off
        }
    }
}

/// The next level, and its longest trial.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct NextLevel {
    pub(crate) level: f64,
    pub(crate) seconds: f64,
    /// The two-sided risk of each look at it.
    pub(crate) risk: f64,
}

/// Chooses the next level; `None` if none is worth a trial.
pub(crate) fn next(state: &SearchState) -> Option<NextLevel> {
    let bracket = Bracket::of(state.trials);
    let needs_repeat = |level: &&f64| {
        let tried = state.trials.iter();
        tried.filter(|trial| same(trial.level, **level)).count() < TRIALS_PER_LEVEL_MAX
    };
    let level_to_repeat = bracket.contested.iter().find(needs_repeat).copied();
    let level_to_repeat = level_to_repeat.or_else(|| state.doubted(&bracket));
    if let Some(level) = level_to_repeat {
        let seconds = state.pilot_s();
        let risk = RISK;
        return Some(NextLevel {
            level,
            seconds,
            risk,
        });
    }
    if bracket.breaks.is_none()
        && bracket
            .holds
            .is_some_and(|holds| same(holds, state.highest_level))
    {
        return None;
    }
    if let Some(level) = state.end_to_find(&bracket) {
        return Some(NextLevel {
            level: level.min(state.highest_level),
            seconds: (state.remaining_s / 2.0).max(state.shortest_trial_s),
            risk: RISK_END,
        });
    }
    let ends = state.ends(&bracket);
    let estimate = state.estimate(ends);
    if estimate.error > PILOT && !state.is_sparse {
        let is_narrow = bracket
            .width()
            .is_some_and(|width| width <= state.precision);
        return (!is_narrow).then(|| NextLevel {
            level: estimate.breaks_at.min(state.highest_level),
            seconds: state.pilot_s(),
            risk: RISK_PILOT,
        });
    }
    state.nearer(&bracket, ends, &estimate)
}

impl SearchState<'_> {
    /// A level for a missing end of the bracket: first one that holds, well below the estimated break; then one that
    /// breaks. `None` if there are both.
    fn end_to_find(&self, bracket: &Bracket) -> Option<f64> {
        let tried = |is_so: fn(&Trial) -> bool| {
            let trials = self.trials.iter().filter(move |trial| is_so(trial));
            trials.map(|trial| trial.level)
        };
        match (bracket.holds, bracket.breaks) {
            (Some(_), Some(_)) => None,
            // There is time to approach the break first.
            _ if !self.is_sparse && self.remaining_s > NEAR_IN * self.shortest_trial_s => None,
            (None, breaks) => {
                let broken = self.seemed(true).chain(breaks).reduce(f64::min);
                let upper = broken.unwrap_or(self.highest_level);
                let seemed = self.seemed(false).filter(|level| *level < upper * 0.99);
                let seemed = seemed.reduce(f64::max);
                let lowest = self
                    .trials
                    .iter()
                    .min_by(|a, b| a.level.total_cmp(&b.level));
                let level = match (seemed, broken) {
                    (Some(seemed), Some(_)) => seemed * SECURE,
                    (Some(seemed), None) => seemed,
                    (None, _) => upper / 2.0,
                };
                Some(match lowest {
                    None => level,
                    Some(open) if open.excess <= 0.7 => open.level * SECURE,
                    Some(broken) => level.min(broken.level * SECURE),
                })
            }
            (Some(holds), None) => {
                let above = self.seemed(true).filter(|level| *level > holds * 1.01);
                let broken = above.reduce(f64::min);
                let upper = broken.unwrap_or(self.highest_level.min(holds * 2.0));
                let open = tried(|trial| trial.outcome == TrialOutcome::Open);
                let lower = open
                    .filter(|level| *level < upper * 0.99)
                    .fold(holds, f64::max);
                let is_last = self.remaining_s < 2.0 * self.shortest_trial_s;
                Some(if broken.is_none() || is_last {
                    upper
                } else {
                    (lower * upper).sqrt()
                })
            }
        }
    }

    /// Levels of probes that seemed to be broken, or not to be.
    fn seemed(&self, broken: bool) -> impl Iterator<Item = f64> {
        let levels = self.believed().into_iter();
        levels
            .filter(move |point| (point.excess > 0.7) == broken)
            .map(|point| point.level)
    }

    /// Length of a pilot trial, in seconds.
    fn pilot_s(&self) -> f64 {
        (self.remaining_s * 0.1).clamp(self.shortest_trial_s, 120.0)
    }

    /// A level on the side with more to learn, as close as can be decided.
    fn nearer(
        &self,
        bracket: &Bracket,
        ends: (f64, f64),
        estimate: &BreakEstimate,
    ) -> Option<NextLevel> {
        let mut down = BracketSide {
            sign: -1.0,
            gap: (estimate.breaks_at / ends.0).ln(),
            has_trials: bracket.holds.is_some(),
            off: 0.0,
            risk: RISK,
        };
        let mut up = BracketSide {
            sign: 1.0,
            gap: (ends.1 / estimate.breaks_at).ln(),
            has_trials: bracket.breaks.is_some(),
            off: 0.0,
            risk: RISK,
        };
        let enough = self.precision * ENOUGH;
        let sides = [&down, &up].map(|side| side.is_done(enough));
        let seconds = match sides {
            [false, false] => self.remaining_s / 2.0,
            _ => self.remaining_s,
        };
        let seconds = seconds.max(self.shortest_trial_s);
        self.plan(&mut down, estimate, seconds);
        self.plan(&mut up, estimate, seconds);
        let side = match (down.has_trials, up.has_trials) {
            (false, _) => &down,
            (true, false) => &up,
            _ if down.gain(enough) >= up.gain(enough) => &down,
            _ => &up,
        };
        let level = (estimate.breaks_at * (side.sign * side.off).exp()).min(self.highest_level);
        (side.gain(enough) > WORTH * self.precision).then_some(NextLevel {
            level,
            seconds,
            risk: side.risk,
        })
    }

    /// Sets the distance of the next level on a side: as close as can be decided, but not closer than trials that
    /// could not decide in such a time. With enough time, the risk is lower.
    fn plan(&self, side: &mut BracketSide, estimate: &BreakEstimate, seconds: f64) {
        let near = SIDE * self.precision;
        let decides = |risk: f64| match side.sign {
            ..0.0 => self.tells_less(estimate, seconds, risk),
            _ => self.tells_more(estimate, seconds, risk),
        };
        let least = LESS_RISK.into_iter().find(|risk| decides(*risk) <= near);
        side.risk = least.unwrap_or(match (self.is_sparse, self.is_short) {
            (true, true) => RISK_SHORT,
            (true, false) => RISK_SPARSE,
            _ => RISK,
        });
        let step = if self.is_sparse { STEP } else { 0.0 };
        let off = decides(side.risk).max(near) + UNKNOWN * estimate.error;
        let off = off.clamp(step * side.gap, side.gap / 2.0);
        let silent = self.trials.iter().filter(|trial| {
            let would_take_s = trial.times * (trial.to_s - trial.from_s);
            trial.outcome == TrialOutcome::Open && would_take_s > SILENT * seconds
        });
        let silent = silent
            .map(|trial| side.sign * (trial.level / estimate.breaks_at).ln())
            .filter(|silent| (off * (1.0 - SAME)..side.gap).contains(silent))
            .reduce(f64::max);
        side.off = silent.map_or(off, |silent| f64::midpoint(silent, side.gap));
    }

    /// The level that broke once, if a higher one seems to hold better: it may have been a temporary disturbance.
    fn doubted(&self, bracket: &Bracket) -> Option<f64> {
        let breaks = bracket.breaks.filter(|_| bracket.votes == 1)?;
        let broke = self
            .trials
            .iter()
            .find(|trial| trial.breaks() && same(trial.level, breaks))?;
        let above = self
            .trials
            .iter()
            .map(LevelPoint::of)
            .chain(self.probes.iter().copied());
        let mut above = above.filter(|point| point.level > breaks * 1.001);
        above
            .any(|point| point.excess < broke.excess - DOUBTED)
            .then_some(breaks)
    }

    /// Probes that no trial contradicts: if a trial holds, a broken probe slightly above it was a temporary
    /// disturbance.
    fn believed(&self) -> Vec<LevelPoint> {
        let holds = Bracket::of(self.trials).holds.unwrap_or(0.0);
        let probes = self.probes.iter().copied();
        let is_contradicted =
            |point: &LevelPoint| point.excess > 0.0 && point.level < holds * CONTRADICTS;
        probes.filter(|point| !is_contradicted(point)).collect()
    }

    /// The levels between which the next one is: those of trials, or of probes if there are no trials.
    fn ends(&self, bracket: &Bracket) -> (f64, f64) {
        let seemed = |broken: bool| {
            let levels = self
                .believed()
                .into_iter()
                .filter(move |point| (point.excess > 0.7) == broken);
            levels.map(|point| point.level)
        };
        let lower = bracket.holds.unwrap_or_else(|| {
            let broken = bracket.breaks.or_else(|| seemed(true).reduce(f64::min));
            let upper = broken.unwrap_or(self.highest_level);
            let seemed = seemed(false).filter(|level| *level < upper * 0.99);
            let least = broken.map_or(0.0, |broken| broken / 8.0);
            seemed.fold(least, f64::max)
        });
        let upper = bracket.breaks.unwrap_or_else(|| {
            let seemed = seemed(true).filter(|level| *level > lower * 1.01);
            seemed.fold(self.highest_level.min(lower * 2.0), f64::min)
        });
        (lower, upper)
    }

    /// Estimates the break between two levels.
    fn estimate(&self, (lower, upper): (f64, f64)) -> BreakEstimate {
        let points: Vec<LevelPoint> = self
            .trials
            .iter()
            .map(LevelPoint::of)
            .chain(self.believed())
            .collect();
        let rough = estimate::by_neighbors(&points, (lower, upper));
        let fine = line(self.trials.iter(), rough.breaks_at);
        let found = fine
            .filter(|fine| fine.error < rough.error)
            .unwrap_or(rough);
        BreakEstimate {
            breaks_at: found.breaks_at.clamp(lower, upper),
            ..found
        }
    }

    /// The distance below, in logarithms of the level, at which a trial shows that it holds.
    fn tells_less(&self, estimate: &BreakEstimate, seconds: f64, risk: f64) -> f64 {
        let (limit, per_s) = self.typical(UNDER).unwrap_or((0.01, EFFECTIVE_PER_S));
        farther_until(estimate.slope, |ratio| {
            seen(limit / ratio, per_s * seconds).is_under(limit, risk * PLANNED)
        })
    }

    /// The distance above at which a trial shows that it breaks. Waiting requests are correlated, so they show less.
    fn tells_more(&self, estimate: &BreakEstimate, seconds: f64, risk: f64) -> f64 {
        let (limit, per_s) = self.typical(OVER).unwrap_or((0.01, EFFECTIVE_PER_S_OVER));
        farther_until(estimate.slope, |ratio| {
            seen((limit * ratio).min(1.0), per_s * seconds).is_over(limit, risk * PLANNED)
        })
    }

    /// The median of the trials with about this many misses: its limit, and its number of independent requests per
    /// second.
    fn typical(&self, missed: RangeInclusive<f64>) -> Option<(f64, f64)> {
        let near = self
            .trials
            .iter()
            .filter(|trial| missed.contains(&trial.excess) && trial.effective_per_s > 0.0);
        let mut near: Vec<&Trial> = near.collect();
        near.sort_by(|a, b| a.effective_per_s.total_cmp(&b.effective_per_s));
        let trial = near.get(near.len() / 2)?;
        Some((trial.limit, trial.effective_per_s))
    }
}

fn seen(share: f64, effective_size: f64) -> ProportionEstimate {
    ProportionEstimate {
        share,
        effective_size: effective_size.max(2.0),
        is_long_enough: true,
        is_settled: true,
    }
}

/// Increases the distance until it decides. Beyond some ratio, a longer trial is better than a more distant level.
fn farther_until(slope: f64, decides: impl Fn(f64) -> bool) -> f64 {
    let highest_level = RATIO_MAX.ln() / slope;
    let mut off = 0.001;
    while !decides((slope * off).exp()) && off < highest_level {
        off *= 1.1;
    }
    off.min(highest_level)
}
