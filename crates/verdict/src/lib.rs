//! Targets to grades, statistics to findings: pure functions of a run record.

mod evidence;
mod finding;
mod grade;
mod judge;
mod ladder;
mod number;
mod row;
mod sentence;
mod share;
mod validity;
mod verdict;

pub use grade::Grade;
pub use judge::judge;
pub use verdict::{Finding, FindingKind, Judgement, RunResult, Value, Verdict};
