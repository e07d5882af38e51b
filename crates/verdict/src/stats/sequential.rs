//! Sequential tests: what may be decided while a run continues. A test that is repeated every second is wrong far
//! more often than a single one, so the risk is divided among a fixed list of looks (Bonferroni): however they depend
//! on each other, all of them together stay within the total risk.
//!
//! Looks are spaced geometrically: a run that is 10 % longer has little more information, and the number of looks
//! grows with the logarithm of the run's length.

use crate::stats::batch_means::{
    BATCHES, Block, ProportionEstimate, batch_sums, batch_variance, student_at, variance_inflation,
};

/// Fewer batches show no variance.
const BATCHES_MIN: usize = 6;
/// The largest of several variances is trusted like one between at least this number of batches: it is too small only
/// if all of them are.
const BATCHES_TRUSTED: usize = 8;

/// The times at which a run is tested, in seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Looks {
    first_s: f64,
    last_s: f64,
    factor: f64,
}

impl Looks {
    /// From the first time to the last one, with this factor from one to the next.
    pub(crate) fn new(first_s: f64, last_s: f64, factor: f64) -> Self {
        Self {
            first_s,
            last_s: last_s.max(first_s),
            factor,
        }
    }

    /// The number of looks.
    pub(crate) fn count(self) -> u32 {
        let steps = (self.last_s / self.first_s).ln() / self.factor.ln();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a float cast saturates, and the last look is not before the first"
        )]
        let steps = (steps - 1e-9).ceil() as u32;
        steps + 1
    }

    /// The time of a look, counted from 0.
    pub(crate) fn at_s(self, look: u32) -> f64 {
        (self.first_s * self.factor.powf(look.into())).min(self.last_s)
    }

    /// The number of looks up to a time.
    pub(crate) fn until(self, at_s: f64) -> u32 {
        let is_due = |look: &u32| self.at_s(*look) <= at_s + 1e-6;
        let due = (0..self.count()).take_while(is_due).count();
        u32::try_from(due).unwrap_or(u32::MAX)
    }
}

/// The lowest proportion that chance explains, with this risk, of as few as a dozen blocks.
///
/// Like [`crate::stats::batch_means::estimate`], with three differences. There, fewer than 20 blocks count as
/// independent requests, which a single stall would contradict; here, the variance is always that between batches. It
/// is the largest of several, with longer and longer batches. And the uncertainty of the variance itself is taken at
/// the given risk, which is far smaller than 5 %.
pub(crate) fn proportion_lower_bound(blocks: &[Block], risk: f64) -> f64 {
    let all: f64 = blocks.iter().map(|block| block.all).sum();
    let missing: f64 = blocks.iter().map(|block| block.missing).sum();
    if all <= 0.0 || missing <= 0.0 {
        return 0.0;
    }
    let share = missing / all;
    let seen = |effective_size: f64| ProportionEstimate {
        share,
        effective_size,
        is_long_enough: true,
        is_settled: true,
    };
    if missing >= all {
        return seen(all).low(risk);
    }
    let low = |batch_variance: &BatchVariance| {
        let independent = share * (1.0 - share) / (batch_variance.variance / (all * all));
        let freedom = student_at(all - 1.0, risk) / student_at(batch_variance.count - 1.0, risk);
        let effective = independent * freedom.powi(2);
        seen(effective.min(all).max(f64::MIN_POSITIVE)).low(risk)
    };
    let spreads = BatchVariance::at_all_scales(blocks, share);
    spreads.iter().map(low).fold(1.0, f64::min)
}

/// The lowest mean that chance explains, with this risk: `missing` is the sum of a block, `all` the number of values.
/// Minus infinity if there are too few blocks.
pub(crate) fn mean_lower_bound(blocks: &[Block], risk: f64) -> f64 {
    let all: f64 = blocks.iter().map(|block| block.all).sum();
    let sum: f64 = blocks.iter().map(|block| block.missing).sum();
    if all <= 0.0 || blocks.len() < 2 {
        return f64::NEG_INFINITY;
    }
    let mean = sum / all;
    let low = |batch_variance: &BatchVariance| {
        mean - student_at(batch_variance.count - 1.0, risk)
            * batch_variance.variance.max(0.0).sqrt()
            / all
    };
    let spreads = BatchVariance::at_all_scales(blocks, mean);
    spreads.iter().map(low).fold(f64::INFINITY, f64::min)
}

/// The variance of a ratio of sums between batches of a run.
struct BatchVariance {
    /// Variance of the sum of all residuals.
    variance: f64,
    /// The number of batches.
    count: f64,
}

impl BatchVariance {
    /// Computes the variance with batches as short as the run allows, and with longer and longer ones: in short
    /// batches, the noise of single requests hides slow fluctuations.
    fn at_all_scales(blocks: &[Block], ratio: f64) -> Vec<Self> {
        let residuals: Vec<f64> = blocks
            .iter()
            .map(|block| block.missing - ratio * block.all)
            .collect();
        let finest = BATCHES.min(residuals.len());
        let counts = std::iter::successors(Some(finest), |count| {
            Some(count / 2).filter(|count| *count >= BATCHES_MIN)
        });
        let batch_variance = |count: usize| {
            let (variance, correlation) = batch_variance(&batch_sums(&residuals, count));
            Self {
                variance: variance * variance_inflation(correlation),
                count: count.max(finest.min(BATCHES_TRUSTED)) as f64,
            }
        };
        counts.map(batch_variance).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blocks(shares: &[f64]) -> Vec<Block> {
        let block = |share: &f64| Block {
            missing: share * 100.0,
            all: 100.0,
        };
        shares.iter().map(block).collect()
    }

    #[test]
    fn looks_end_at_the_last_time() {
        let looks = Looks::new(12.0, 60.0, 1.1);
        assert_eq!(looks.count(), 18);
        assert!((looks.at_s(17) - 60.0).abs() < 1e-9);
        assert_eq!(looks.until(11.9), 0);
        assert_eq!(looks.until(12.0), 1);
        assert_eq!(looks.until(60.0), 18);
        assert_eq!(looks.until(1e9), 18);
        assert_eq!(Looks::new(60.0, 240.0, 1.25).count(), 8);
        assert_eq!(Looks::new(60.0, 60.0, 1.25).count(), 1);
    }

    #[test]
    fn single_stall_of_three_seconds_is_not_certain() {
        let mut shares = [0.0; 12];
        shares[7..10].fill(1.0);
        let seen = blocks(&shares);
        assert!(
            proportion_lower_bound(&seen, 0.05) < 0.05,
            "{}",
            proportion_lower_bound(&seen, 0.05)
        );
        // Independent requests would be certain, as 300 of 1,200 are.
        let naive = crate::stats::batch_means::estimate(&seen).unwrap();
        assert!(naive.low(0.001) > 0.05);
    }

    #[test]
    fn steady_misses_are_certain_soon() {
        let shares: Vec<f64> = (0..12).map(|at| 0.3 + 0.05 * f64::from(at % 3)).collect();
        let low = proportion_lower_bound(&blocks(&shares), 0.0005);
        assert!(low > 0.2, "{low}");
        assert!((proportion_lower_bound(&blocks(&[0.0; 12]), 0.05)).abs() < 1e-12);
        assert!(proportion_lower_bound(&blocks(&[1.0; 12]), 0.0005) > 0.99);
    }

    #[test]
    fn mean_is_certainly_over_a_value_far_below_it() {
        let values: Vec<Block> = (0..12u32)
            .map(|at| Block {
                missing: 90.0 + f64::from(at % 4),
                all: 1.0,
            })
            .collect();
        let low = mean_lower_bound(&values, 0.0005);
        assert!((85.0..91.5).contains(&low), "{low}");
        assert!(mean_lower_bound(&values[..1], 0.05).is_infinite());
    }
}
