//! Differences of a run from a baseline, and how certain they are: by the blocks of both (Welch, 1947) and by
//! how the runs of the baseline differ from each other.
//!
//! Three runs give a poor estimate of the noise between runs: with two degrees of freedom the interval is so
//! wide that a build 20 % slower is not found. The estimate is moderated (Smyth, Statistical Applications in
//! Genetics and Molecular Biology 3, 2004): the variance of the runs is averaged with one that is known
//! beforehand, with the weight of so many degrees of freedom. It is known for response times and throughput:
//! machines that do nothing else repeat them within a percent. It is not known for CPU time and memory, whose
//! level differs from process to process, so there the runs alone count.

use statrs::distribution::{ContinuousCDF, StudentsT};

/// With fewer runs the noise between runs is not known.
pub(crate) const RUNS_MIN: usize = 3;
/// What is measured without any noise is as certain as this.
const ERROR_MIN: f64 = 1e-9;

/// The noise between runs as it is known before any run: a standard deviation of logarithms, and the degrees
/// of freedom that it weighs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Prior {
    pub(crate) deviation: f64,
    pub(crate) freedom: f64,
}

/// Fewer blocks say too little of how they vary.
const BLOCKS_MIN: usize = 20;
/// Neighbours that are more alike are taken as this alike: the run is then worth one block or two.
const CORRELATION_MAX: f64 = 0.9;

/// The mean of blocks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct BlockMean {
    pub(crate) mean: f64,
    /// The variance of that mean.
    pub(crate) variance: f64,
    /// The degrees of freedom of that variance.
    pub(crate) freedom: f64,
}

impl BlockMean {
    /// What blocks tell; `None` where they are too few.
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
            // Residuals add up to nothing, which makes neighbours look unlike by one in the count.
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
    /// Run less baseline.
    pub(crate) mean: f64,
    /// Standard errors with their degrees of freedom, of which the least certain counts; `None` if the noise
    /// between runs is not known.
    errors: Option<[(f64, f64); 2]>,
}

impl RunDifference {
    /// The difference of a run from those of a baseline; `None` without a baseline.
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

    /// The ends between which the true difference lies, with this risk at each; `None` if the noise between
    /// runs is not known.
    pub(crate) fn ends(&self, risk: f64) -> Option<(f64, f64)> {
        let off = self
            .errors?
            .into_iter()
            .map(|(error, freedom)| student(freedom, risk) * error.max(ERROR_MIN));
        let off = off.fold(0.0, f64::max);
        Some((self.mean - off, self.mean + off))
    }
}

/// The error by the blocks of all runs.
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

/// The error by how runs differ from each other.
fn between(baseline: &[BlockMean], usual: f64, prior: Option<Prior>) -> (f64, f64) {
    let runs = baseline.len() as f64;
    let squares = baseline.iter().map(|sample| (sample.mean - usual).powi(2));
    let squares: f64 = squares.sum();
    let (known, weight) = prior.map_or((0.0, 0.0), |prior| {
        // Runs differ by chance of their own as well, even on a machine that never changes.
        let own = baseline.iter().map(|sample| sample.variance).sum::<f64>() / runs;
        (prior.deviation.powi(2) + own, prior.freedom)
    });
    let freedom = weight + runs - 1.0;
    let variance = (weight * known + squares) / freedom;
    // The new run differs as any of them does, and so does their mean.
    ((variance * (1.0 + 1.0 / runs)).sqrt(), freedom)
}

/// How many errors of so many degrees of freedom are exceeded with this risk.
fn student(freedom: f64, risk: f64) -> f64 {
    StudentsT::new(0.0, 1.0, freedom.clamp(1.0, 1e6))
        .expect("a scale of one and a freedom above nothing")
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
        // 0.1 less 4.303 · 0.02 · √(4/3).
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
    fn blocks_that_are_alike_count_as_fewer() {
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
