//! Targets to grades, statistics to findings: pure functions of a run record.

pub mod blocks;
mod evidence;
mod finding;
mod grade;
mod judge;
mod ladder;
pub mod leak;
mod number;
pub mod recovery;
mod row;
mod seen;
mod sentence;
mod share;
pub mod trend;
mod validity;
mod verdict;

pub use grade::Grade;
pub use judge::judge;
pub use seen::interval;
pub use verdict::{
    Figure, Finding, FindingKind, Interval, Judgement, Mark, RunResult, Value, Verdict,
};
