//! Comparison of runs with a baseline.

use brunt_record::{Header, RunRecord};
use brunt_verdict::Verdict;
use brunt_verdict::baseline::{
    Baseline, Compatibility, ConditionDifference, Conditions, incompatible,
};

use crate::exit::{Failure, print_note};
use crate::results::baseline_files;

/// Baseline and options of a comparison.
pub(crate) struct BaselineComparison {
    baseline: Baseline,
    /// Differences smaller than this share are ignored.
    tolerance: Option<f64>,
    /// Whether to compare even if conditions are incompatible.
    allow_mismatch: bool,
}

impl BaselineComparison {
    /// Reads the baseline of this name.
    pub(crate) fn read(
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

    /// Returns the differences of conditions between the baseline and a run that is about to start. Prints the limits of the
    /// baseline.
    pub(crate) fn check_before_run(
        &self,
        run: &Header,
    ) -> Result<Vec<ConditionDifference>, Failure> {
        let differences = self.differences(run)?;
        if let Some(weakness) = self.baseline.weakness() {
            print_note(&format!("note: {weakness}"));
        }
        Ok(differences)
    }

    /// Returns the differences of conditions between the baseline and a run. Prints those that weaken the conclusion.
    ///
    /// # Errors
    ///
    /// The conditions are incompatible.
    pub(crate) fn differences(&self, run: &Header) -> Result<Vec<ConditionDifference>, Failure> {
        let conditions = Conditions::of(run);
        let mut differences = self.baseline.conditions.differences(&conditions);
        let incomparable: Vec<String> = incompatible(&differences)
            .into_iter()
            .map(ConditionDifference::in_words)
            .collect();
        if !incomparable.is_empty() && !self.allow_mismatch {
            return Err(Failure::Input(format!(
                "cannot compare this run with baseline `{}`:\n  {}\nsave a new baseline under these \
                 conditions, or compare anyway with --allow-mismatch",
                self.baseline.name,
                incomparable.join("\n  ")
            )));
        }
        for difference in &mut differences {
            // Only with --allow-mismatch; the conclusion is weaker.
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
    pub(crate) fn judge(
        &self,
        record: &RunRecord,
        differences: Vec<ConditionDifference>,
    ) -> Verdict {
        brunt_verdict::judge_with_baseline(record, &self.baseline, differences, self.tolerance)
    }
}
