//! Estimates of the level at which a service breaks, from all observed levels.

use std::ops::RangeInclusive;

use crate::search::trial::Trial;

/// Prior of the slope of misses over levels, and its standard error.
const SLOPE: f64 = 30.0;
const SLOPE_ERROR: f64 = 30.0;
const SLOPE_MIN: f64 = 4.0;
const SLOPE_MAX: f64 = 300.0;
/// The regression line uses trials this close, in logarithms of the level, …
const LINE: f64 = 0.15;
/// … with some misses, but not only misses.
const TELLING: RangeInclusive<f64> = -2.9..=4.4;
/// Uncertainty of the line's shape, as a proportion of the distance from the limit.
const BENT: f64 = 0.25;
/// The smallest number of misses that counts.
const MISSES_MIN: f64 = 0.3;

/// An observation at a level: the logarithm of the misses relative to the limit.
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

/// An estimate of the level at which a service breaks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BreakEstimate {
    pub(crate) breaks_at: f64,
    /// The slope there: logarithm of the misses over that of the level.
    pub(crate) slope: f64,
    /// Standard error, as a logarithm.
    pub(crate) error: f64,
}

/// The regression line through the misses at nearby levels: both as logarithms, weighted by their certainty. `None`
/// if fewer than two levels have a weight, or misses do not rise.
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
    // Trials that differ more than their counts explain are less certain.
    let unlike = (misfit / (points.len() as f64 - 1.0)).max(1.0);
    let variance = (1.0 / all + (off - x).powi(2) / xx) * unlike;
    Some(BreakEstimate {
        breaks_at: about * off.clamp(-LINE, LINE).exp(),
        slope,
        error: variance.sqrt() / slope,
    })
}

/// Variance of the logarithm of the misses at a level: from their number, and from the line's shape.
fn variance(trial: &Trial) -> f64 {
    let missed = trial.limit * trial.excess.exp();
    let misses = missed * trial.effective_per_s * (trial.to_s - trial.from_s);
    1.0 / misses.max(MISSES_MIN) + (BENT * trial.excess).powi(2)
}

/// Estimates from the two nearest levels, one on each side; the error is half of their distance.
pub(crate) fn by_neighbors(points: &[LevelPoint], (lower, upper): (f64, f64)) -> BreakEstimate {
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
