//! Differences of a run from a baseline, and how sure they are: by the blocks of both (Welch, 1947), and,
//! where three runs or more tell it, by how the runs of the baseline differ among themselves.

use statrs::distribution::{ContinuousCDF, StudentsT};

use super::sample::Sample;

/// With fewer runs the noise between runs is not known.
pub(crate) const RUNS_MIN: usize = 3;
/// What is measured without any noise is as sure as this.
const ERROR_MIN: f64 = 1e-9;

/// How far a run is from a baseline.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Difference {
    /// Run less baseline.
    pub(crate) mean: f64,
    /// Standard errors with their degrees of freedom; what is least sure counts.
    errors: Vec<(f64, f64)>,
}

impl Difference {
    /// The difference of a run from those of a baseline; `None` without a baseline.
    pub(crate) fn of(baseline: &[Sample], run: &Sample) -> Option<Self> {
        let runs = baseline.len() as f64;
        if baseline.is_empty() {
            return None;
        }
        let usual = baseline.iter().map(|sample| sample.mean).sum::<f64>() / runs;
        let of_baseline = baseline.iter().map(|sample| sample.variance).sum::<f64>() / runs / runs;
        let freedom: f64 = baseline.iter().map(|sample| sample.freedom).sum();
        let variance = run.variance + of_baseline;
        let welch = run.variance.powi(2) / run.freedom + of_baseline.powi(2) / freedom;
        let within = if welch > 0.0 {
            variance.powi(2) / welch
        } else {
            freedom
        };
        let mut errors = vec![(variance.sqrt(), within)];
        if baseline.len() >= RUNS_MIN {
            let squares = baseline.iter().map(|sample| (sample.mean - usual).powi(2));
            let between = squares.sum::<f64>() / (runs - 1.0);
            // The new run differs as any of them, and so does their mean.
            errors.push(((between * (1.0 + 1.0 / runs)).sqrt(), runs - 1.0));
        }
        Some(Self {
            mean: run.mean - usual,
            errors,
        })
    }

    /// The same for a service where more is better: over zero is worse.
    pub(crate) fn turned(self, worse: f64) -> Self {
        Self {
            mean: self.mean * worse,
            ..self
        }
    }

    /// The chance of a difference like this, were the true one not over a margin.
    pub(crate) fn chance_not_over(&self, margin: f64) -> f64 {
        self.chance(self.mean - margin)
    }

    /// The chance of a difference like this, were the true one not under a margin.
    pub(crate) fn chance_not_under(&self, margin: f64) -> f64 {
        self.chance(margin - self.mean)
    }

    fn chance(&self, beyond: f64) -> f64 {
        if beyond <= 0.0 {
            return 1.0;
        }
        let chances = self.errors.iter().map(|(error, freedom)| {
            // The lower tail, which is told to its last digits.
            student(*freedom).cdf(-beyond / error.max(ERROR_MIN))
        });
        chances.fold(0.0, f64::max)
    }

    /// The ends between which the true difference lies, but for a risk at each.
    pub(crate) fn ends(&self, risk: f64) -> (f64, f64) {
        let off = self.errors.iter().map(|(error, freedom)| {
            student(*freedom).inverse_cdf(1.0 - risk) * error.max(ERROR_MIN)
        });
        let off = off.fold(0.0, f64::max);
        (self.mean - off, self.mean + off)
    }
}

fn student(freedom: f64) -> StudentsT {
    StudentsT::new(0.0, 1.0, freedom.clamp(1.0, 1e6))
        .expect("a scale of one and a freedom above nothing")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(mean: f64) -> Sample {
        Sample {
            mean,
            variance: 1e-6,
            freedom: 29.0,
        }
    }

    #[test]
    fn runs_that_differ_make_a_difference_less_sure() {
        let ends = |means: &[f64]| {
            let baseline: Vec<Sample> = means.iter().map(|mean| sample(*mean)).collect();
            Difference::of(&baseline, &sample(0.1)).unwrap().ends(0.025)
        };
        let (low, _) = ends(&[-0.02, 0.02]);
        assert!(low > 0.09, "two runs tell nothing of each other: {low}");
        let (low, _) = ends(&[-0.02, 0.0, 0.02]);
        // 0.1 less 4.303 · 0.02 · √(4/3).
        assert!((low - 0.000_63).abs() < 1e-4, "{low}");
        assert_eq!(Difference::of(&[], &sample(0.0)), None);
    }

    #[test]
    fn chances_and_ends_agree() {
        let difference = Difference::of(&[sample(0.0); 4], &sample(0.01)).unwrap();
        let (low, high) = difference.ends(0.025);
        assert!((difference.chance_not_over(low) - 0.025).abs() < 1e-6);
        assert!((difference.chance_not_under(high) - 0.025).abs() < 1e-6);
        assert!(difference.chance_not_over(0.02) > 0.99);
    }
}
