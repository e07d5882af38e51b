//! The verdict on a run: grades of its targets, its validity, and findings. Everything here is a pure function of a run
//! record.
//!
//! [`judge`] judges one run, [`judge_with_baseline`] also compares it with stored runs. [`search::Search`] controls a run
//! that searches for the breaking point, [`stopping`] decides whether a run ends early or is extended, and
//! [`comparison::AbTest`] compares two builds. The statistics behind them are in [`stats`].
//!
//! ```no_run
//! let record = brunt_record::file::read(std::fs::File::open("record.brunt")?)?;
//! let verdict = brunt_verdict::judge(&record);
//! println!("{}", verdict.headline);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod baseline;
pub mod comparison;
mod convert;
pub mod findings;
mod generator;
pub mod grading;
mod judging;
mod model;
mod number;
pub mod search;
mod sentence;
pub mod stats;
pub mod stopping;
mod verdict;
pub mod window;

pub use baseline::judge_with_baseline;
pub use comparison::ab_summary::AbSummary;
pub use comparison::baseline_verdict::BaselineVerdict;
pub use findings::stall::{Stall, stalls};
pub use judging::judge::judge;
pub use model::finding::{Figure, Finding, FindingKind, Mark};
pub use model::grade::{Grade, PossibleGrades};
pub use model::judgment::{Interval, Judgment, Value};
pub use model::run_result::RunResult;
pub use search::breaking_point::SearchOutcome;
pub use verdict::{Conclusion, FailOn, Verdict};
pub use window::confidence_intervals::of_whole_run as interval;
