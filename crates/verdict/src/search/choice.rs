//! The choice of the next level: as near to where the service seems to break as a trial of the time that
//! is left can tell from it.

use std::ops::RangeInclusive;

use super::bracket::{Bracket, same};
use super::trial::{Outcome, Trial};
use crate::blocks::Sureness;

/// How steeply shares rise with the level where nothing is known of it.
const SLOPE: f64 = 15.0;
const SLOPE_MIN: f64 = 4.0;
const SLOPE_MAX: f64 = 300.0;
/// Independent requests a second where nothing is known of them.
const EFFECTIVE_PER_S: f64 = 5.0;
const EFFECTIVE_PER_S_OVER: f64 = 0.3;
/// What misses at a level that is tried is so many times more or less than what may, at most.
const RATIO_MAX: f64 = 10.0;
/// A line goes through trials as near as this, in logarithms of the level, …
const LINE: f64 = 0.15;
/// … that missed something, and not everything.
const TELLING: RangeInclusive<f64> = -2.9..=4.4;
/// A level is chosen so that its trial would be surer than it has to be: not every trial is as sure as the
/// surest.
const PLANNED: f64 = 0.25;
/// A level that holds speaks against a glance at up to so many times it.
const CONTRADICTS: f64 = 1.25;
/// So many trials that did not tell are enough on one side.
const OPEN_MAX: usize = 3;
/// Trials tell how sure others will be that miss about as much: as logarithms over what may.
const UNDER: RangeInclusive<f64> = -2.5..=0.3;
const OVER: RangeInclusive<f64> = 0.7..=4.4;
/// Where the levels that an estimate rests on are farther apart than this, in logarithms, it is too rough.
const PILOT: f64 = 0.12;
/// A step that narrows the bracket by less than this is not worth a trial.
const WORTH: f64 = 0.004;

/// What was seen of a level: the logarithm of the share that misses, over what may.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Point {
    pub(crate) level: f64,
    pub(crate) excess: f64,
}

/// What is known when a level is chosen.
pub(crate) struct Known<'a> {
    pub(crate) trials: &'a [Trial],
    pub(crate) glances: &'a [Point],
    /// No level is higher.
    pub(crate) most: f64,
    /// A trial may take so many seconds.
    pub(crate) budget_s: f64,
    /// The risk that a trial takes.
    pub(crate) risk: f64,
    /// Narrow enough.
    pub(crate) precision: f64,
    /// There is no time for another after the next.
    pub(crate) is_last: bool,
}

/// The next level to try; `None` where none is worth a trial.
pub(crate) fn next_level(known: &Known) -> Option<f64> {
    let bracket = Bracket::of(known.trials);
    if let Some(contested) = bracket.contested.first() {
        return Some(*contested);
    }
    // What seems to break may have been a bad moment: the last trial asks again.
    if known.is_last
        && bracket.holds.is_some()
        && bracket.votes == 1
        && let Some(breaks) = bracket.breaks
    {
        return Some(breaks);
    }
    if bracket
        .width()
        .is_some_and(|width| width <= known.precision)
    {
        return None;
    }
    let (lower, upper) = known.ends(&bracket);
    if bracket.breaks.is_none() && bracket.holds.is_some_and(|holds| same(holds, known.most)) {
        return None;
    }
    let estimate = known.estimate(lower, upper);
    if estimate.apart > PILOT {
        return Some(estimate.breaks_at.min(known.most));
    }
    let gaps = (
        (estimate.breaks_at / lower).ln(),
        (upper / estimate.breaks_at).ln(),
    );
    let off_down = known.off(&estimate, gaps.0, known.tells_less(&estimate), |point| {
        -point
    });
    let off_up = known.off(&estimate, gaps.1, known.tells_more(&estimate), |point| {
        point
    });
    let (gain_down, gain_up) = (gaps.0 - off_down, gaps.1 - off_up);
    let goes_down = match (bracket.holds, bracket.breaks) {
        (None, _) => true,
        (Some(_), None) => false,
        _ => gain_down >= gain_up,
    };
    let (off, gain) = if goes_down {
        (-off_down, gain_down)
    } else {
        (off_up, gain_up)
    };
    (gain > WORTH).then(|| (estimate.breaks_at * off.exp()).min(known.most))
}

/// Whether the next trial is but to come near: nothing is expected to be decided by it.
pub(crate) fn is_pilot(known: &Known) -> bool {
    let bracket = Bracket::of(known.trials);
    let (lower, upper) = known.ends(&bracket);
    bracket.contested.is_empty() && known.estimate(lower, upper).apart > PILOT
}

/// Where a service seems to break.
struct Estimate {
    breaks_at: f64,
    /// How steeply shares rise there.
    slope: f64,
    /// How far apart, in logarithms, the levels are that it rests on.
    apart: f64,
}

impl Known<'_> {
    /// Glances that no trial contradicts: where a trial holds, a glance that was broken a little above it was
    /// a bad moment.
    fn believed(&self) -> Vec<Point> {
        let holds = Bracket::of(self.trials).holds.unwrap_or(0.0);
        let glances = self.glances.iter().copied();
        let is_contradicted =
            |point: &Point| point.excess > 0.0 && point.level < holds * CONTRADICTS;
        glances.filter(|point| !is_contradicted(point)).collect()
    }

    /// Levels between which the next one lies: those of trials, and of glances where trials say nothing.
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
            let upper = broken.unwrap_or(self.most);
            let seemed = seemed(false).filter(|level| *level < upper * 0.99);
            let least = broken.map_or(0.0, |broken| broken / 8.0);
            seemed.fold(least, f64::max)
        });
        let upper = bracket.breaks.unwrap_or_else(|| {
            let seemed = seemed(true).filter(|level| *level > lower * 1.01);
            seemed.fold(self.most.min(lower * 2.0), f64::min)
        });
        (lower, upper)
    }

    /// Where the service seems to break, between two levels.
    fn estimate(&self, lower: f64, upper: f64) -> Estimate {
        let rough = self.estimate_by_neighbours(lower, upper);
        let fine = if rough.apart > PILOT {
            None
        } else {
            line(self.trials, rough.breaks_at)
        };
        let (breaks_at, slope) = fine.map_or((rough.breaks_at, rough.slope), |line| {
            (line.breaks_at, line.slope)
        });
        Estimate {
            breaks_at: breaks_at.clamp(lower, upper),
            slope,
            ..rough
        }
    }

    /// By the two levels that are nearest to it, one on each side.
    fn estimate_by_neighbours(&self, lower: f64, upper: f64) -> Estimate {
        let of_trials = self.trials.iter().map(|trial| Point {
            level: trial.level,
            excess: trial.excess,
        });
        let points: Vec<Point> = of_trials.chain(self.believed()).collect();
        let over = points.iter().filter(|point| point.excess > 0.0);
        let over = over.min_by(|a, b| a.level.total_cmp(&b.level));
        let under = points.iter().filter(|point| point.excess <= 0.0);
        let under = under
            .filter(|point| over.is_none_or(|over| point.level < over.level))
            .max_by(|a, b| a.level.total_cmp(&b.level));
        let (breaks_at, slope, apart) = match (under, over) {
            (Some(under), Some(over)) => {
                let apart = (over.level / under.level).ln();
                let slope = (over.excess - under.excess) / apart;
                let slope = slope.clamp(SLOPE_MIN, SLOPE_MAX);
                (under.level * (-under.excess / slope).exp(), slope, apart)
            }
            (Some(point), None) | (None, Some(point)) => {
                let level = point.level * (-point.excess / SLOPE).exp();
                (level, SLOPE, f64::INFINITY)
            }
            (None, None) => ((lower * upper).sqrt(), SLOPE, f64::INFINITY),
        };
        Estimate {
            breaks_at: breaks_at.clamp(lower, upper),
            slope,
            apart,
        }
    }

    /// How far off the next level is: as far as tells, and half of the way to what is known at most. Where
    /// trials on this side did not tell, half of the way from the farthest of them.
    fn off(&self, estimate: &Estimate, gap: f64, tells: f64, side: fn(f64) -> f64) -> f64 {
        let open = self
            .trials
            .iter()
            .filter(|trial| trial.outcome == Outcome::Open);
        let offs = open.map(|trial| side((trial.level / estimate.breaks_at).ln()));
        let on_side: Vec<f64> = offs.filter(|off| (0.0..gap).contains(off)).collect();
        if on_side.len() >= OPEN_MAX {
            let farthest = on_side.into_iter().fold(0.0, f64::max);
            return f64::midpoint(farthest, gap).max(tells.min(gap / 2.0));
        }
        tells.min(gap / 2.0)
    }

    /// How far below, in logarithms of the level, a trial shows that it holds.
    fn tells_less(&self, estimate: &Estimate) -> f64 {
        let (limit, per_s) = self.surest(UNDER).unwrap_or((0.01, EFFECTIVE_PER_S));
        farther_until(estimate.slope, |ratio| {
            let seen = self.seen(limit / ratio, per_s);
            seen.high(self.risk * PLANNED) < limit
        })
    }

    /// How far above a trial shows that it breaks. What waits then tells less: it waits together.
    fn tells_more(&self, estimate: &Estimate) -> f64 {
        let (limit, per_s) = self.surest(OVER).unwrap_or((0.01, EFFECTIVE_PER_S_OVER));
        farther_until(estimate.slope, |ratio| {
            let seen = self.seen((limit * ratio).min(1.0), per_s);
            seen.low(self.risk * PLANNED) > limit
        })
    }

    /// Of the trials that missed about so much: what the surest looked at, and how sure it was.
    fn surest(&self, missed: RangeInclusive<f64>) -> Option<(f64, f64)> {
        let near = self
            .trials
            .iter()
            .filter(|trial| missed.contains(&trial.excess));
        let surest = near.max_by(|a, b| a.effective_per_s.total_cmp(&b.effective_per_s));
        surest.map(|trial| (trial.limit, trial.effective_per_s))
    }

    fn seen(&self, share: f64, per_s: f64) -> Sureness {
        Sureness {
            share,
            effective: (per_s * self.budget_s).max(2.0),
            is_long_enough: true,
            is_settled: true,
        }
    }
}

/// Goes farther until it tells. Beyond some ratio, a longer trial tells more than a level that is
/// farther off.
fn farther_until(slope: f64, tells: impl Fn(f64) -> bool) -> f64 {
    let most = RATIO_MAX.ln() / slope;
    let mut off = 0.004;
    while !tells((slope * off).exp()) && off < most {
        off *= 1.2;
    }
    off.min(most)
}

/// What misses at each level, as a line of logarithms.
pub(crate) struct Line {
    /// Where it crosses what may miss.
    pub(crate) breaks_at: f64,
    slope: f64,
    /// The standard error of where it crosses, as a logarithm.
    pub(crate) error: f64,
}

/// A line through all trials near a level, by their length.
pub(crate) fn line(trials: &[Trial], about: f64) -> Option<Line> {
    let near = trials.iter().filter(|trial| {
        let off = (trial.level / about).ln();
        off.abs() < LINE && TELLING.contains(&trial.excess)
    });
    let points: Vec<(f64, f64, f64)> = near
        .map(|trial| {
            let weight = trial.to_s - trial.from_s;
            ((trial.level / about).ln(), trial.excess, weight)
        })
        .collect();
    if points.len() < 3 {
        return None;
    }
    let sum = |part: fn(&(f64, f64, f64)) -> f64| points.iter().map(part).sum::<f64>();
    let all = sum(|(_, _, w)| *w);
    let (x, y) = (sum(|(x, _, w)| x * w) / all, sum(|(_, y, w)| y * w) / all);
    let (mut xx, mut xy) = (0.0, 0.0);
    for (at, excess, weight) in &points {
        xx += weight * (at - x).powi(2);
        xy += weight * (at - x) * (excess - y);
    }
    let slope = xy / xx;
    let slope = Some(slope).filter(|slope| (SLOPE_MIN..=SLOPE_MAX).contains(slope))?;
    let misfit = points.iter().map(|(at, excess, weight)| {
        let off = excess - y - slope * (at - x);
        weight * off * off
    });
    // Of the trials, two went into the line.
    let freedom = points.len() as f64 - 2.0;
    let variance = misfit.sum::<f64>() / all / freedom;
    Some(Line {
        breaks_at: about * (x - y / slope).clamp(-LINE, LINE).exp(),
        slope,
        error: variance.sqrt() / slope,
    })
}
