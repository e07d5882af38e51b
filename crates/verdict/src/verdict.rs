//! The verdict on a run, and the conclusion from it: whether the run passes.

use crate::comparison::baseline_verdict::BaselineVerdict;
use crate::model::finding::Finding;
use crate::model::grade::Grade;
use crate::model::judgment::Judgment;
use crate::model::run_result::RunResult;

/// The verdict on a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// The headline: the state, a colon, and the explanation.
    pub headline: String,
    /// The next step, in one sentence.
    pub next_step: String,
    /// The result.
    pub result: RunResult,
    /// Reasons for which the run is invalid; empty if it is valid.
    pub invalid_reasons: Vec<String>,
    /// The targets, in the order of the scenario.
    pub judgments: Vec<Judgment>,
    /// Findings beyond the targets.
    pub findings: Vec<Finding>,
    /// The comparison with a baseline, if there was one.
    pub baseline: Option<BaselineVerdict>,
}

impl Verdict {
    /// Splits the headline into the state, such as "Good" or "Incomplete", and the explanation.
    pub fn headline_parts(&self) -> (&str, &str) {
        self.headline
            .split_once(": ")
            .unwrap_or(("", &self.headline))
    }

    /// Returns the conclusion: whether the run passes.
    pub fn conclusion(&self, fail_on: FailOn) -> Conclusion {
        if fail_on == FailOn::Never {
            return Conclusion::Passed;
        }
        match self.result {
            RunResult::Invalid => Conclusion::Invalid,
            RunResult::NoResponse => Conclusion::NoResponse,
            RunResult::Graded(Grade::Inconclusive | Grade::NotApplicable) => {
                Conclusion::Inconclusive
            }
            RunResult::Graded(grade) if fail_on.fails(grade) || self.is_worse_than_baseline() => {
                Conclusion::Missed
            }
            RunResult::Graded(Grade::Poor) if self.may_be_critical() => Conclusion::Inconclusive,
            RunResult::NoTargets | RunResult::Graded(_) => Conclusion::Passed,
        }
    }

    fn is_worse_than_baseline(&self) -> bool {
        let compared = self.baseline.as_ref();
        compared.is_some_and(|compared| compared.comparison.is_worse())
    }

    /// Returns whether an undecided target may be critical.
    fn may_be_critical(&self) -> bool {
        let mut possible = self.judgments.iter().filter_map(|row| row.possible);
        possible.any(|possible| possible.decided().is_none() && possible.worst == Grade::Critical)
    }
}

/// The grade from which a run fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailOn {
    /// Poor and critical fail.
    Poor,
    /// Only critical fails.
    Critical,
    /// Nothing fails: every run that can be reported passes.
    Never,
}

impl FailOn {
    /// Returns whether a grade fails the run.
    pub fn fails(self, grade: Grade) -> bool {
        match self {
            Self::Poor => matches!(grade, Grade::Poor | Grade::Critical),
            Self::Critical => grade == Grade::Critical,
            Self::Never => false,
        }
    }
}

/// The conclusion of a verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conclusion {
    /// Everything that is required is decided and nothing fails; or nothing is required, and there were responses.
    Passed,
    /// A target was missed, the service stopped, or the run is worse than its baseline.
    Missed,
    /// Something that is required is undecided and could still fail, or no target is applicable.
    Inconclusive,
    /// The run does not describe the service.
    Invalid,
    /// No request got a response.
    NoResponse,
}

impl Conclusion {
    /// The exit code of such a run; docs/exit-codes.md lists all codes.
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Passed => 0,
            Self::Missed => 1,
            Self::Invalid => 3,
            Self::NoResponse => 4,
            Self::Inconclusive => 5,
        }
    }
}
