//! Trends: whether a series rises, how fast, and whether it will continue to.
//!
//! The Mann–Kendall test with the variance of Hamed and Rao (Journal of Hydrology 204, 1998), the slope of Theil and
//! Sen (Sen, JASA 63, 1968), and a comparison of a line with a saturating curve.

use statrs::distribution::{ContinuousCDF, Normal};

use crate::stats::median::median;

/// A point of a series: a time, in seconds, and a value.
pub type Point = (f64, f64);

/// The trend of a series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Trend {
    /// Slope per second.
    pub slope: f64,
    /// Lower end of the slope (95 %, two-sided).
    pub slope_low: f64,
    /// Upper end.
    pub slope_high: f64,
    /// The probability of such a rise in a series that does not rise (one-sided).
    pub p: f64,
    /// Shape of the rise.
    pub shape: TrendShape,
}

impl Trend {
    /// Takes the slope of another series of the same growth if it is more certain.
    pub(crate) fn with_slope_of(self, other: Option<Self>) -> Self {
        let width = |trend: &Self| trend.slope_high - trend.slope_low;
        match other {
            Some(other) if other.slope_low > 0.0 && width(&other) < width(&self) => Self {
                p: self.p,
                shape: self.shape,
                ..other
            },
            _ => self,
        }
    }
}

/// The shape of a rising series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum TrendShape {
    /// It rises at a constant rate, as far as the data show.
    Linear,
    /// It levels off, as a cache does once it is full.
    Saturating,
    /// The run is too short compared with the curve.
    Unclear,
}

/// Fewer points show no trend.
const POINTS_MIN: usize = 12;
/// The evidence by which a curve must fit better than the line: strong according to Kass and Raftery (1995).
const BETTER_BY: f64 = 6.0;
/// The number of windows of a series.
const WINDOWS: usize = 40;

/// The minimum of each of about 40 windows: memory in use right after a garbage collection.
pub fn minima(series: &[Point]) -> Vec<Point> {
    windows(series, |values| values.fold(f64::INFINITY, f64::min))
}

/// The mean of each of about 40 windows.
pub fn means(series: &[Point]) -> Vec<Point> {
    windows(series, |values| {
        let (sum, count) =
            values.fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
        sum / count
    })
}

fn windows(series: &[Point], one: fn(&mut dyn Iterator<Item = f64>) -> f64) -> Vec<Point> {
    let count = WINDOWS.min(series.len());
    (0..count)
        .map(|at| {
            let window = &series[at * series.len() / count..(at + 1) * series.len() / count];
            let middle = window.iter().map(|(at_s, _)| at_s).sum::<f64>() / window.len() as f64;
            (middle, one(&mut window.iter().map(|(_, value)| *value)))
        })
        .collect()
}

/// Computes the trend of a series; `None` if it has too few points.
pub fn trend(points: &[Point]) -> Option<Trend> {
    if points.len() < POINTS_MIN {
        return None;
    }
    let mut slopes = slopes(points);
    let slope = median(&mut slopes)?;
    let score = score(points);
    let variance = variance(points, slope);
    let deviation = variance.sqrt();
    let z = (score - score.signum()) / deviation;
    let normal = Normal::standard();
    // The interval of the slope (Sen): the ranks around the median that chance explains.
    let off = normal.inverse_cdf(0.975) * deviation;
    Some(Trend {
        slope,
        slope_low: ranked(&slopes, (slopes.len() as f64 - off) / 2.0),
        slope_high: ranked(&slopes, f64::midpoint(slopes.len() as f64, off)),
        p: 1.0 - normal.cdf(z),
        shape: shape(points),
    })
}

/// Slopes between all pairs of points.
fn slopes(points: &[Point]) -> Vec<f64> {
    let pairs = points.iter().enumerate();
    pairs
        .flat_map(|(at, a)| {
            points[at + 1..]
                .iter()
                .map(move |b| (b.1 - a.1) / (b.0 - a.0))
        })
        .collect()
}

fn ranked(sorted: &[f64], rank: f64) -> f64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "held to the places that there are"
    )]
    let at = rank.round().clamp(0.0, sorted.len() as f64 - 1.0) as usize;
    sorted[at]
}

/// Rising pairs minus falling pairs.
fn score(points: &[Point]) -> f64 {
    slopes(points)
        .iter()
        .map(|slope| {
            if *slope > 0.0 {
                1.0
            } else if *slope < 0.0 {
                -1.0
            } else {
                0.0
            }
        })
        .sum()
}

/// The variance of the score, which is larger for correlated neighbors (Hamed and Rao).
fn variance(points: &[Point], slope: f64) -> f64 {
    let n = points.len() as f64;
    let independent = n * (n - 1.0) * (2.0 * n + 5.0) / 18.0;
    let rest: Vec<f64> = points
        .iter()
        .map(|(at, value)| value - slope * at)
        .collect();
    let ranks = ranks(&rest);
    let mean = ranks.iter().sum::<f64>() / n;
    let centred: Vec<f64> = ranks.iter().map(|rank| rank - mean).collect();
    let power: f64 = centred.iter().map(|rank| rank * rank).sum();
    let mut sum = 0.0;
    if power > 0.0 {
        for lag in 1..points.len() / 3 {
            let products = centred.iter().zip(&centred[lag..]).map(|(a, b)| a * b);
            let correlation = products.sum::<f64>() / power;
            // Only significant correlations count (Hamed and Rao), and only positive ones.
            if correlation > 1.96 / n.sqrt() {
                let left = n - lag as f64;
                sum += left * (left - 1.0) * (left - 2.0) * correlation;
            }
        }
    }
    independent * (1.0 + 2.0 / (n * (n - 1.0) * (n - 2.0)) * sum)
}

fn ranks(values: &[f64]) -> Vec<f64> {
    values
        .iter()
        .map(|value| {
            let below = values.iter().filter(|other| *other < value).count();
            let same = values
                .iter()
                .filter(|other| (**other - value).abs() <= 0.0)
                .count();
            below as f64 + f64::midpoint(same as f64, 1.0)
        })
        .collect()
}

/// Returns whether a saturating curve, a + b (1 − e^(−t/τ)), fits better than a line.
fn shape(points: &[Point]) -> TrendShape {
    let begin = points[0].0;
    let length = points[points.len() - 1].0 - begin;
    let line = misfit(points, |at| at - begin);
    let (mut best, mut best_tau) = (f64::INFINITY, length);
    for step in 1..=60 {
        // From a hundredth of the run's length to three times of it.
        let tau = length * 0.01 * 300f64.powf(f64::from(step) / 60.0);
        let curve = misfit(points, |at| 1.0 - (-(at - begin) / tau).exp());
        if curve < best {
            (best, best_tau) = (curve, tau);
        }
    }
    let n = points.len() as f64;
    if evidence(n, line, step(points)) > BETTER_BY {
        return TrendShape::Saturating;
    }
    if evidence(n, line, best) <= BETTER_BY {
        return TrendShape::Linear;
    }
    if best_tau > length / 2.0 {
        TrendShape::Unclear
    } else {
        TrendShape::Saturating
    }
}

/// The evidence for a fit with one more parameter than the line, minus the penalty for the parameter (BIC; Schwarz,
/// 1978).
fn evidence(n: f64, line: f64, other: f64) -> f64 {
    n * (line.max(f64::MIN_POSITIVE) / other.max(f64::MIN_POSITIVE)).ln() - n.ln()
}

/// The residual sum of squares of the best single step from one level to another.
fn step(points: &[Point]) -> f64 {
    let left = |part: &[Point]| misfit(part, |_| 0.0);
    let places = 2..points.len().saturating_sub(1);
    let all = places.map(|at| left(&points[..at]) + left(&points[at..]));
    all.fold(f64::INFINITY, f64::min)
}

/// The residual sum of squares of the best a + b x(t).
fn misfit(points: &[Point], x: impl Fn(f64) -> f64) -> f64 {
    let n = points.len() as f64;
    let mean_x = points.iter().map(|(at, _)| x(*at)).sum::<f64>() / n;
    let mean_y = points.iter().map(|(_, value)| value).sum::<f64>() / n;
    let (mut xx, mut xy, mut yy) = (0.0, 0.0, 0.0);
    for (at, value) in points {
        let (dx, dy) = (x(*at) - mean_x, value - mean_y);
        xx += dx * dx;
        xy += dx * dy;
        yy += dy * dy;
    }
    if xx > 0.0 { yy - xy * xy / xx } else { yy }
}
