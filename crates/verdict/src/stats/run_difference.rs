//! The difference of a run from a baseline, with its uncertainty: from the blocks of both (Welch, 1947), and from the
//! differences between the runs of the baseline.
//!
//! Three runs give a poor estimate of the noise between runs: with two degrees of freedom the interval is so wide
//! that a build that is 20 % slower is not found. The estimate is therefore moderated (Smyth, Statistical
//! Applications in Genetics and Molecular Biology 3, 2004): the variance of the runs is averaged with a prior
//! variance, which has a weight in degrees of freedom. There is a prior for response times and throughput, which
//! otherwise idle machines repeat within a percent. CPU time and memory, whose level differs from
//! process to process, have no prior, so only the runs count.

use statrs::distribution::{ContinuousCDF, StudentsT};

/// The number of runs below which the noise between runs is unknown.
pub(crate) const RUNS_MIN: usize = 3;
/// The smallest standard error.
const ERROR_MIN: f64 = 1e-9;

/// Prior of the noise between runs: a standard deviation of logarithms, and its weight in degrees of freedom.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Prior {
    pub(crate) deviation: f64,
    pub(crate) freedom: f64,
}

/// Fewer blocks say too little about their variation.
const BLOCKS_MIN: usize = 20;
/// The largest autocorrelation that is corrected for: the run is then worth one or two blocks.
const CORRELATION_MAX: f64 = 0.9;

/// The mean of a run's blocks. Neighboring blocks may be correlated, so they count as fewer: as in a first-order
/// autoregression (Bartlett, 1946; Law, Simulation Modeling and Analysis, chapter 4).
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct BlockMean {
    pub(crate) mean: f64,
    /// Variance of the mean.
    pub(crate) variance: f64,
    /// Degrees of freedom of the variance.
    pub(crate) freedom: f64,
}

impl BlockMean {
    /// Computes the mean of blocks; `None` if there are too few.
    pub(crate) fn of(blocks: &[f64]) -> Option<Self> {
        if blocks.len() < BLOCKS_MIN {
            return None;
        }
        let count = blocks.len() as f64;
        let mean = blocks.iter().sum::<f64>() / count;
        let residuals: Vec<f64> = blocks.iter().map(|value| value - mean).collect();
        let squares: f64 = residuals.iter().map(|off| off * off).sum();
        let products: f64 = residuals.windows(2).map(|pair| pair[0] * pair[1]).sum();
        let correlation = if squares > 0.0 {
            // Residuals add up to zero, which biases the autocorrelation by −1/n.
            (products / squares + 1.0 / count).clamp(0.0, CORRELATION_MAX)
        } else {
            0.0
        };
        let fewer = (1.0 + correlation) / (1.0 - correlation);
        Some(Self {
            mean,
            variance: squares / (count - 1.0) / count * fewer,
            freedom: (count / fewer - 1.0).max(1.0),
        })
    }
}

/// The difference of a run from a baseline.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct RunDifference {
    /// Run minus baseline.
    pub(crate) mean: f64,
    /// Standard errors with their degrees of freedom, of which the larger margin counts; `None` if the noise between
    /// runs is unknown.
    errors: Option<[(f64, f64); 2]>,
}

impl RunDifference {
    /// Computes the difference; `None` without a baseline.
    pub(crate) fn of(
        baseline: &[BlockMean],
        run: &BlockMean,
        prior: Option<Prior>,
    ) -> Option<Self> {
        let runs = baseline.len() as f64;
        if baseline.is_empty() {
            return None;
        }
        let usual = baseline.iter().map(|sample| sample.mean).sum::<f64>() / runs;
        let errors = (baseline.len() >= RUNS_MIN)
            .then(|| [within(baseline, run), between(baseline, usual, prior)]);
        Some(Self {
            mean: run.mean - usual,
            errors,
        })
    }

    /// The ends of the interval of the true difference, with this risk at each; `None` if the noise between runs is
    /// unknown.
    pub(crate) fn ends(&self, risk: f64) -> Option<(f64, f64)> {
        let off = self
            .errors?
            .into_iter()
            .map(|(error, freedom)| student(freedom, risk) * error.max(ERROR_MIN));
        let off = off.fold(0.0, f64::max);
        Some((self.mean - off, self.mean + off))
    }
}

/// Standard error from the blocks of all runs.
fn within(baseline: &[BlockMean], run: &BlockMean) -> (f64, f64) {
    let runs = baseline.len() as f64;
    let of_baseline = baseline.iter().map(|sample| sample.variance).sum::<f64>() / runs / runs;
    let freedom: f64 = baseline.iter().map(|sample| sample.freedom).sum();
    let variance = run.variance + of_baseline;
    let welch = run.variance.powi(2) / run.freedom + of_baseline.powi(2) / freedom;
    let freedom = if welch > 0.0 {
        variance.powi(2) / welch
    } else {
        freedom
    };
    (variance.sqrt(), freedom)
}

/// Standard error from the differences between runs.
fn between(baseline: &[BlockMean], usual: f64, prior: Option<Prior>) -> (f64, f64) {
    let runs = baseline.len() as f64;
    let squares = baseline.iter().map(|sample| (sample.mean - usual).powi(2));
    let squares: f64 = squares.sum();
    let (known, weight) = prior.map_or((0.0, 0.0), |prior| {
        // Even on a machine that never changes, runs differ by chance.
        let own = baseline.iter().map(|sample| sample.variance).sum::<f64>() / runs;
        (prior.deviation.powi(2) + own, prior.freedom)
    });
    let freedom = weight + runs - 1.0;
    let variance = (weight * known + squares) / freedom;
    // The new run differs like any of them, and so does their mean.
    ((variance * (1.0 + 1.0 / runs)).sqrt(), freedom)
}

/// The quantile of Student's t distribution that is exceeded with this risk.
fn student(freedom: f64, risk: f64) -> f64 {
    StudentsT::new(0.0, 1.0, freedom.clamp(1.0, 1e6))
        .expect("a scale of one and degrees of freedom above zero")
        .inverse_cdf(1.0 - risk)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRIOR: Prior = Prior {
        deviation: 0.007,
        freedom: 2.0,
    };

    fn sample(mean: f64) -> BlockMean {
        BlockMean {
            mean,
            variance: 1e-6,
            freedom: 29.0,
        }
    }

    fn ends(means: &[f64], prior: Option<Prior>) -> Option<(f64, f64)> {
        let baseline: Vec<BlockMean> = means.iter().map(|mean| sample(*mean)).collect();
        RunDifference::of(&baseline, &sample(0.1), prior)?.ends(0.025)
    }

    #[test]
    fn runs_that_differ_widen_the_interval() {
        let (low, _) = ends(&[-0.02, 0.0, 0.02], None).unwrap();
        // 0.1 minus 4.303 · 0.02 · √(4/3).
        assert!((low - 0.000_63).abs() < 1e-4, "{low}");
        // √((2 · (0.007² + 1e-6) + 2 · 0.02²) / 4) · √(4/3) · 2.776.
        let (low, _) = ends(&[-0.02, 0.0, 0.02], Some(PRIOR)).unwrap();
        assert!((low - (0.1 - 0.048_04)).abs() < 1e-4, "{low}");
    }

    #[test]
    fn fewer_than_three_runs_have_no_interval() {
        for means in [&[0.0][..], &[-0.001, 0.001]] {
            assert_eq!(ends(means, Some(PRIOR)), None);
        }
        assert_eq!(RunDifference::of(&[], &sample(0.0), None), None);
    }

    #[test]
    fn correlated_blocks_count_as_fewer() {
        let turns: Vec<f64> = (0..30).map(|at| f64::from(at % 2)).collect();
        let halves: Vec<f64> = (0..30).map(|at| f64::from(at / 15)).collect();
        let (turns, halves) = (
            BlockMean::of(&turns).unwrap(),
            BlockMean::of(&halves).unwrap(),
        );
        assert!(halves.variance > 15.0 * turns.variance);
        assert!(halves.freedom < 2.0 && turns.freedom > 28.0);
        assert_eq!(BlockMean::of(&[1.0; 19]), None);
    }
}
