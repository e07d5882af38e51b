//! Targets to grades, statistics to findings: pure functions of a run record.

mod grade;
mod verdict;

pub use grade::Grade;
pub use verdict::{Finding, FindingKind, Judgement, RunResult, Value, Verdict};
