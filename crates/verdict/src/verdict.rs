//! The verdict on a run, and the conclusion from it: whether the run passes.

use crate::comparison::baseline_verdict::BaselineVerdict;
use crate::model::finding::Finding;
use crate::model::grade::Grade;
use crate::model::judgement::Judgement;
use crate::model::run_result::RunResult;

/// The verdict on a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// The headline: the state, a colon, and what explains it.
    pub headline: String,
    /// What to do next, in one sentence.
    pub next_step: String,
    /// What came out.
    pub result: RunResult,
    /// Why the run is not valid; empty where it is.
    pub invalid_reasons: Vec<String>,
    /// The targets, in the order of the scenario.
    pub judgements: Vec<Judgement>,
    /// What the data say beyond the targets.
    pub findings: Vec<Finding>,
    /// What it is beside a baseline; `None` where it was not compared.
    pub baseline: Option<BaselineVerdict>,
}

impl Verdict {
    /// The headline in two parts: the state, such as "Good" or "Incomplete", and what explains it.
    pub fn headline_parts(&self) -> (&str, &str) {
        self.headline
            .split_once(": ")
            .unwrap_or(("", &self.headline))
    }

    /// Whether the run passes.
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
        let beside = self.baseline.as_ref();
        beside.is_some_and(|beside| beside.comparison.is_worse())
    }

    /// Whether a target that is not decided may be critical.
    fn may_be_critical(&self) -> bool {
        let mut possible = self.judgements.iter().filter_map(|row| row.possible);
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
    /// Whether a grade fails.
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
    /// Everything that was asked is decided and none of it fails, or nothing was asked and requests were
    /// answered.
    Passed,
    /// A target was missed, the service stopped, or the run is worse than its baseline.
    Missed,
    /// Something that was asked is not decided and could still fail, or no target is applicable.
    Inconclusive,
    /// The run does not describe the service.
    Invalid,
    /// No request was answered.
    NoResponse,
}

impl Conclusion {
    /// The exit code that such a run ends with; docs/exit-codes.md has all codes.
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
