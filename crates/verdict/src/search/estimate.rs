//! Where a service seems to break, by all that was seen of its levels.

use std::ops::RangeInclusive;

use crate::search::trial::Trial;

/// How steeply shares rise with the level where nothing is known of it, and how sure that is.
const SLOPE: f64 = 30.0;
const SLOPE_ERROR: f64 = 30.0;
const SLOPE_MIN: f64 = 4.0;
const SLOPE_MAX: f64 = 300.0;
/// A line goes through trials as near as this, in logarithms of the level, …
const LINE: f64 = 0.15;
/// … that missed something, and not everything.
const TELLING: RangeInclusive<f64> = -2.9..=4.4;
/// The farther from what may miss, the less a line says: as a share of how far.
const BENT: f64 = 0.25;
/// Fewer misses than this are counted as so many.
const MISSES_MIN: f64 = 0.3;

/// What was seen of a level: the logarithm of the share that misses, over what may.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LevelPoint {
    pub(crate) level: f64,
    pub(crate) excess: f64,
}

impl LevelPoint {
    pub(super) fn of(trial: &Trial) -> Self {
        Self {
            level: trial.level,
            excess: trial.excess,
        }
    }
}

/// Where a service seems to break.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BreakEstimate {
    pub(crate) breaks_at: f64,
    /// How steeply shares rise there: the logarithm of what misses, over that of the level.
    pub(crate) slope: f64,
    /// Its standard error, as a logarithm.
    pub(crate) error: f64,
}

/// A line through what misses at the levels near one: both as logarithms, each trial by how much it tells.
/// `None` where fewer than two levels tell, or what misses does not rise.
pub(crate) fn line<'a>(
    trials: impl Iterator<Item = &'a Trial>,
    about: f64,
) -> Option<BreakEstimate> {
    let points: Vec<(f64, f64, f64)> = trials
        .filter(|trial| trial.effective_per_s > 0.0 && TELLING.contains(&trial.excess))
        .map(|trial| {
            (
                (trial.level / about).ln(),
                trial.excess,
                1.0 / variance(trial),
            )
        })
        .filter(|(off, ..)| off.abs() < LINE)
        .collect();
    if points.len() < 2 {
        return None;
    }
    let sum = |part: fn(&(f64, f64, f64)) -> f64| points.iter().map(part).sum::<f64>();
    let all = sum(|(_, _, w)| *w);
    let (x, y) = (sum(|(x, _, w)| x * w) / all, sum(|(_, y, w)| y * w) / all);
    let sure = SLOPE_ERROR.powi(-2);
    let (mut xx, mut xy) = (sure, sure * SLOPE);
    for (at, excess, weight) in &points {
        xx += weight * (at - x).powi(2);
        xy += weight * (at - x) * (excess - y);
    }
    let slope = (xy / xx).clamp(SLOPE_MIN, SLOPE_MAX);
    let off = x - y / slope;
    let misfit: f64 = points
        .iter()
        .map(|(at, excess, weight)| weight * (excess - y - slope * (at - x)).powi(2))
        .sum();
    // Trials that are less alike than their counts say are less sure.
    let unlike = (misfit / (points.len() as f64 - 1.0)).max(1.0);
    let variance = (1.0 / all + (off - x).powi(2) / xx) * unlike;
    Some(BreakEstimate {
        breaks_at: about * off.clamp(-LINE, LINE).exp(),
        slope,
        error: variance.sqrt() / slope,
    })
}

/// Of the logarithm of what missed at a level: by the count of what missed, and by how far a line is bent.
fn variance(trial: &Trial) -> f64 {
    let missed = trial.limit * trial.excess.exp();
    let misses = missed * trial.effective_per_s * (trial.to_s - trial.from_s);
    1.0 / misses.max(MISSES_MIN) + (BENT * trial.excess).powi(2)
}

/// By the two levels that are nearest to it, one on each side; its error is how far they are apart.
pub(crate) fn by_neighbours(points: &[LevelPoint], (lower, upper): (f64, f64)) -> BreakEstimate {
    let over = points.iter().filter(|point| point.excess > 0.0);
    let over = over.min_by(|a, b| a.level.total_cmp(&b.level));
    let under = points.iter().filter(|point| point.excess <= 0.0);
    let under = under
        .filter(|point| over.is_none_or(|over| point.level < over.level))
        .max_by(|a, b| a.level.total_cmp(&b.level));
    let (breaks_at, slope, error) = match (under, over) {
        (Some(under), Some(over)) => {
            let apart = (over.level / under.level).ln();
            let slope = (over.excess - under.excess) / apart;
            let slope = slope.clamp(SLOPE_MIN, SLOPE_MAX);
            (
                under.level * (-under.excess / slope).exp(),
                slope,
                apart / 2.0,
            )
        }
        (Some(point), None) | (None, Some(point)) => {
            let level = point.level * (-point.excess / SLOPE).exp();
            (level, SLOPE, f64::INFINITY)
        }
        (None, None) => ((lower * upper).sqrt(), SLOPE, f64::INFINITY),
    };
    BreakEstimate {
        breaks_at: breaks_at.clamp(lower, upper),
        slope,
        error,
    }
}
