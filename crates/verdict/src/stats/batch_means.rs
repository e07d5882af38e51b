//! Batch means: the certainty of a proportion that was counted second by second. Requests during one stall are not
//! independent, and neither are neighboring seconds, so the variance is taken between batches that are long enough to
//! be nearly uncorrelated.
//!
//! The estimator is that of batch means (Law, Simulation Modeling and Analysis, chapter 9) for a ratio (Cochran,
//! Sampling Techniques, chapter 6). The interval is the exact binomial one (Clopper and Pearson, 1934) for the number
//! of independent requests that has the same variance (Korn and Graubard, 1998).

use crate::convert::whole_number;
use statrs::distribution::{Beta, ContinuousCDF, StudentsT};

/// The number of blocks below which a run is not judged good.
pub const BLOCKS_MIN: usize = BATCHES_MIN;
/// The number of batches; fewer say too little about the variance.
pub(crate) const BATCHES: usize = 32;
/// With fewer batches nothing is decided.
const BATCHES_MIN: usize = 20;
/// Autocorrelation of batches from which they count as dependent.
const CORRELATION_SETTLED: f64 = 0.3;
/// The largest autocorrelation that is corrected for.
const CORRELATION_MAX: f64 = 0.8;

/// The number of blocks, each with a width in seconds, that a run needs to pass. A scenario may require fewer or more
/// seconds than the default of one block per second.
pub(crate) fn blocks_min(min_duration_s: Option<f64>, width_s: f64) -> usize {
    let default = BLOCKS_MIN;
    let Some(seconds) = min_duration_s else {
        return default;
    };
    let blocks = whole_number((seconds / width_s).ceil());
    if seconds < default as f64 {
        // A variance needs two blocks.
        blocks.clamp(2, default)
    } else {
        blocks.max(default)
    }
}

/// Counts of one block: one second, or more.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Block {
    /// Requests that miss the threshold.
    pub missing: f64,
    /// All requests.
    pub all: f64,
}

/// A proportion and its certainty.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ProportionEstimate {
    /// The proportion that misses the threshold (0 to 1).
    pub share: f64,
    /// The number of independent requests with the same certainty (effective sample size).
    pub effective_size: f64,
    /// Whether there are enough blocks to show how the proportion varies; with fewer, a low proportion shows nothing.
    pub is_long_enough: bool,
    /// Whether the run is long compared with its own fluctuations. If not, only thresholds that are far away are
    /// decided, as if each batch were one request.
    pub is_settled: bool,
}

/// Requirements for calling a proportion low.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Requirements {
    /// Autocorrelation of batches (0 to 1) from which they count as dependent.
    pub(crate) max_correlation: f64,
    /// The number of blocks below which variation is unknown.
    pub(crate) blocks_min: usize,
}

impl Default for Requirements {
    fn default() -> Self {
        Self {
            max_correlation: CORRELATION_SETTLED,
            blocks_min: BATCHES_MIN,
        }
    }
}

/// Estimates the proportion of all blocks; `None` without requests.
pub fn estimate(blocks: &[Block]) -> Option<ProportionEstimate> {
    estimate_with(blocks, Requirements::default())
}

/// The same with another limit of the autocorrelation.
pub(crate) fn estimate_unless_correlated(
    blocks: &[Block],
    max_correlation: f64,
) -> Option<ProportionEstimate> {
    let requirements = Requirements {
        max_correlation,
        ..Requirements::default()
    };
    estimate_with(blocks, requirements)
}

/// The same with other requirements.
pub(crate) fn estimate_with(
    blocks: &[Block],
    requirements: Requirements,
) -> Option<ProportionEstimate> {
    let all: f64 = blocks.iter().map(|block| block.all).sum();
    let missing: f64 = blocks.iter().map(|block| block.missing).sum();
    if all <= 0.0 {
        return None;
    }
    let share = missing / all;
    let certain = ProportionEstimate {
        share,
        effective_size: all,
        is_long_enough: true,
        is_settled: true,
    };
    let is_long_enough = blocks.len() >= requirements.blocks_min;
    if missing <= 0.0 || missing >= all || !is_long_enough {
        // Nothing varies, or there are too few blocks to show how it does.
        return Some(ProportionEstimate {
            is_long_enough,
            is_settled: is_long_enough,
            ..certain
        });
    }
    let residuals: Vec<f64> = blocks
        .iter()
        .map(|block| block.missing - share * block.all)
        .collect();
    let count = BATCHES.min(residuals.len());
    let batch_sums = batch_sums(&residuals, count);
    let (variance, correlation) = batch_variance(&batch_sums);
    // Positive autocorrelation of batches hides part of the variance.
    let variance = variance * variance_inflation(correlation);
    let of_share = variance / (all * all);
    let independent = share * (1.0 - share) / of_share;
    // A variance that was itself estimated is uncertain (Korn and Graubard).
    let freedom = count as f64 - 1.0;
    let factor = (student(all - 1.0) / student(freedom)).powi(2);
    let effective = (independent * factor).min(all);
    let is_settled = correlation < requirements.max_correlation;
    // Correlated batches are worth fewer independent ones.
    let as_batches = count as f64 * (1.0 - correlation) / (1.0 + correlation);
    Some(ProportionEstimate {
        share,
        effective_size: if is_settled {
            effective
        } else {
            effective.min(as_batches.max(2.0))
        },
        is_long_enough,
        is_settled,
    })
}

/// Variance inflation of a sum of correlated batches compared with uncorrelated ones, for a first-order
/// autoregression.
pub(crate) fn variance_inflation(correlation: f64) -> f64 {
    let correlation = correlation.clamp(-CORRELATION_SETTLED / 2.0, CORRELATION_MAX);
    (1.0 + correlation) / (1.0 - correlation)
}

/// Sums of batches of the same length, as nearly as the blocks allow.
pub(crate) fn batch_sums(residuals: &[f64], count: usize) -> Vec<f64> {
    let edge = |at: usize| at * residuals.len() / count;
    (0..count)
        .map(|at| residuals[edge(at)..edge(at + 1)].iter().sum())
        .collect()
}

/// The variance of the sum of all batches, and the autocorrelation of neighbors (−1 to 1).
pub(crate) fn batch_variance(batch_sums: &[f64]) -> (f64, f64) {
    let count = batch_sums.len() as f64;
    let squares: f64 = batch_sums.iter().map(|sum| sum * sum).sum();
    let variance = squares * count / (count - 1.0);
    if squares <= 0.0 {
        return (0.0, 0.0);
    }
    let products: f64 = batch_sums.windows(2).map(|pair| pair[0] * pair[1]).sum();
    // Residuals add up to zero, which biases the autocorrelation by −1/n.
    (variance, products / squares + 1.0 / count)
}

/// A quotient of two sums, such as responses per second or time per response, with its standard error.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct RatioEstimate {
    /// The standard error in the unit of the numerator.
    error: f64,
    freedom: f64,
    /// Whether the run is long compared with its own fluctuations.
    pub(crate) is_settled: bool,
}

impl RatioEstimate {
    /// Estimates from pairs of numerator and denominator, block by block; `None` if there are too few.
    pub(crate) fn of(blocks: &[(f64, f64)], blocks_min: usize) -> Option<Self> {
        if blocks.len() < blocks_min.max(2) {
            return None;
        }
        let sum = |part: fn(&(f64, f64)) -> f64| blocks.iter().map(part).sum::<f64>();
        let (above, below) = (sum(|block| block.0), sum(|block| block.1));
        let quotient = if below > 0.0 { above / below } else { 0.0 };
        let residuals: Vec<f64> = blocks
            .iter()
            .map(|(above, below)| above - quotient * below)
            .collect();
        let count = BATCHES.min(residuals.len());
        let (variance, correlation) = batch_variance(&batch_sums(&residuals, count));
        Some(Self {
            error: (variance * variance_inflation(correlation)).max(0.0).sqrt(),
            freedom: count as f64 - 1.0,
            is_settled: correlation < CORRELATION_SETTLED,
        })
    }

    /// The margin of error of the numerator, with a one-sided risk. It is wider if the run is short compared with its
    /// own fluctuations.
    pub(crate) fn margin(&self, risk: f64) -> f64 {
        let caution = if self.is_settled { 1.0 } else { UNSETTLED };
        caution * student_at(self.freedom, risk) * self.error
    }
}

/// The factor by which an unsettled run is trusted less.
const UNSETTLED: f64 = 3.0;

fn student(freedom: f64) -> f64 {
    student_at(freedom, 0.025)
}

/// The quantile of Student's t distribution that is exceeded with this risk.
pub(crate) fn student_at(freedom: f64, risk: f64) -> f64 {
    StudentsT::new(0.0, 1.0, freedom.clamp(1.0, 1e6))
        .expect("a scale of one and degrees of freedom above zero")
        .inverse_cdf(1.0 - risk)
}

/// The same if few misses occurred: misses would be clustered like the slow responses of the same run, so the run is
/// worth no more independent requests than it is for those.
pub fn estimate_with_slow(blocks: &[Block], slow: &[Block]) -> Option<ProportionEstimate> {
    estimate_with_slow_and(blocks, slow, Requirements::default())
}

/// The same with another limit of the autocorrelation.
pub(crate) fn estimate_with_slow_unless_correlated(
    blocks: &[Block],
    slow: &[Block],
    max_correlation: f64,
) -> Option<ProportionEstimate> {
    let requirements = Requirements {
        max_correlation,
        ..Requirements::default()
    };
    estimate_with_slow_and(blocks, slow, requirements)
}

/// The same with other requirements.
pub(crate) fn estimate_with_slow_and(
    blocks: &[Block],
    slow: &[Block],
    requirements: Requirements,
) -> Option<ProportionEstimate> {
    let own = estimate_with(blocks, requirements)?;
    let slow =
        estimate_with(slow, requirements).filter(|slow| slow.share > 0.0 && slow.share < 1.0);
    let Some(slow) = slow else {
        return Some(own);
    };
    if own.share * own.effective_size >= MISSES_ENOUGH && own.effective_size < slow.effective_size {
        return Some(own);
    }
    let is_informative = slow.share * slow.effective_size >= MISSES_ENOUGH;
    Some(ProportionEstimate {
        effective_size: own.effective_size.min(slow.effective_size),
        is_settled: own.is_settled && slow.is_settled && is_informative,
        ..own
    })
}

/// With fewer misses than this, their clustering is unknown.
const MISSES_ENOUGH: f64 = 5.0;

impl ProportionEstimate {
    /// The lowest proportion that chance explains, with this risk.
    pub fn low(&self, risk: f64) -> f64 {
        let missing = self.share * self.effective_size;
        if missing <= 0.0 {
            return 0.0;
        }
        quantile(missing, self.effective_size - missing + 1.0, risk)
    }

    /// Returns whether the lowest proportion that chance explains is above a limit: `low(risk) > limit`, with a
    /// single evaluation of the distribution instead of a search.
    pub(crate) fn is_over(&self, limit: f64, risk: f64) -> bool {
        let missing = self.share * self.effective_size;
        missing > 0.0
            && limit < 1.0
            && beta(missing, self.effective_size - missing + 1.0).cdf(limit) < risk
    }

    /// Returns whether the highest proportion is below a limit: `high(risk) < limit`.
    pub(crate) fn is_under(&self, limit: f64, risk: f64) -> bool {
        let missing = self.share * self.effective_size;
        missing < self.effective_size
            && limit > 0.0
            && (limit > 1.0
                || beta(missing + 1.0, self.effective_size - missing).cdf(limit) > 1.0 - risk)
    }

    /// The highest proportion that chance explains, with this risk.
    pub fn high(&self, risk: f64) -> f64 {
        let missing = self.share * self.effective_size;
        if missing >= self.effective_size {
            return 1.0;
        }
        quantile(missing + 1.0, self.effective_size - missing, 1.0 - risk)
    }
}

fn beta(a: f64, b: f64) -> Beta {
    Beta::new(a, b).expect("counts above zero")
}

/// The quantile of a beta distribution, by bisection.
fn quantile(a: f64, b: f64, at: f64) -> f64 {
    let beta = beta(a, b);
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..HALVINGS {
        let middle = f64::midpoint(low, high);
        if beta.cdf(middle) < at {
            low = middle;
        } else {
            high = middle;
        }
    }
    f64::midpoint(low, high)
}

/// Bisection steps, for a precision of 10⁻¹².
const HALVINGS: u32 = 40;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limit_comparison_agrees_with_the_interval_ends() {
        for (share, effective_size) in [
            (0.0, 50.0),
            (0.004, 900.0),
            (0.02, 300.0),
            (0.3, 12.5),
            (1.0, 40.0),
        ] {
            let seen = ProportionEstimate {
                share,
                effective_size,
                is_long_enough: true,
                is_settled: true,
            };
            for risk in [0.0005, 0.02, 0.05, 0.2] {
                for limit in [0.0, 0.001, 0.01, 0.05, 0.25, 0.99, 1.0] {
                    let (over, under) = (seen.low(risk) > limit, seen.high(risk) < limit);
                    let found = (seen.is_over(limit, risk), seen.is_under(limit, risk));
                    assert_eq!(
                        found,
                        (over, under),
                        "{share} of {effective_size}, {risk}, {limit}"
                    );
                }
            }
        }
    }
}
