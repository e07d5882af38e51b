//! Comparison of runs with a baseline.

use brunt_record::{Header, RunRecord};
use brunt_verdict::Verdict;
use brunt_verdict::baseline::{Baseline, Compatibility, Conditions, Difference, incompatible};

use crate::exit::{Failure, print_note};
use crate::results::baseline_files;

/// Baseline that runs are compared with, and how.
pub(crate) struct BaselineComparison {
    baseline: Baseline,
    /// Differences smaller than this share are ignored.
    tolerance: Option<f64>,
    /// Compares even if conditions differ that make runs incomparable.
    allow_mismatch: bool,
}

impl BaselineComparison {
    /// Reads the baseline of this name.
    pub(crate) fn find(
        name: &str,
        tolerance: Option<f64>,
        allow_mismatch: bool,
    ) -> Result<Self, Failure> {
        Ok(Self {
            baseline: baseline_files::read(name)?,
            tolerance,
            allow_mismatch,
        })
    }

    /// Differences of conditions between the baseline and a run that is about to start. Prints what the baseline cannot
    /// decide.
    pub(crate) fn before_load(&self, run: &Header) -> Result<Vec<Difference>, Failure> {
        let differences = self.differences(run)?;
        if let Some(weakness) = self.baseline.weakness() {
            print_note(&format!("note: {weakness}"));
        }
        Ok(differences)
    }

    /// Differences of conditions between the baseline and a run. Prints those that weaken the conclusion.
    ///
    /// # Errors
    ///
    /// The run cannot be compared.
    pub(crate) fn differences(&self, run: &Header) -> Result<Vec<Difference>, Failure> {
        let conditions = Conditions::of(run);
        let mut differences = self.baseline.conditions.differences(&conditions);
        let incomparable: Vec<String> = incompatible(&differences)
            .into_iter()
            .map(Difference::in_words)
            .collect();
        if !incomparable.is_empty() && !self.allow_mismatch {
            return Err(Failure::Input(format!(
                "this run cannot be compared with baseline `{}`:\n  {}\nsave a new baseline under these \
                 conditions, or compare anyway with --allow-mismatch",
                self.baseline.name,
                incomparable.join("\n  ")
            )));
        }
        for difference in &mut differences {
            // With --allow-mismatch it is compared, and the conclusion is weaker.
            if difference.compatibility == Compatibility::Incompatible {
                difference.compatibility = Compatibility::Degraded;
            }
            if difference.compatibility == Compatibility::Degraded {
                print_note(&format!("note: {}", difference.in_words()));
            }
        }
        Ok(differences)
    }

    /// Judges a run against the baseline.
    pub(crate) fn judge(&self, record: &RunRecord, differences: Vec<Difference>) -> Verdict {
        brunt_verdict::judge_with_baseline(record, &self.baseline, differences, self.tolerance)
    }
}
