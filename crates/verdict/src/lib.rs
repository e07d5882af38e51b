//! Targets to grades, statistics to findings: pure functions of a run record.

mod absent;
pub mod baseline;
pub mod blocks;
mod breaking_point;
pub mod comparison;
mod conclusion;
mod contested;
pub mod decidability;
pub mod degradation;
mod durations;
mod evidence;
mod finding;
mod grade;
mod judge;
mod lack;
mod ladder;
pub mod leak;
mod limit;
mod median;
mod number;
mod outlook;
mod overload;
mod question;
pub mod rates;
mod reading;
pub mod recovery;
mod regression;
mod result;
mod row;
pub mod search;
mod sentence;
mod sequential;
mod share;
mod signal;
mod slow_request;
mod stall;
pub mod stopping;
mod stretch;
mod tally;
pub mod trend;
pub mod until_decided;
mod validity;
mod verdict;
pub mod warm_up;
mod withheld;

pub use breaking_point::SearchOutcome;
pub use conclusion::{Conclusion, FailOn};
pub use contested::Contested;
pub use grade::{Grade, Possible};
pub use judge::judge;
pub use median::median;
pub use regression::{BaselineVerdict, judge_with_baseline};
pub use result::RunResult;
pub use stall::{Stall, stalls};
pub use verdict::{Figure, Finding, FindingKind, Interval, Judgement, Mark, Value, Verdict};

/// The interval of a metric of requests with 95 % confidence, in the metric's unit; `None` where the run
/// does not tell, or the metric is no percentile, error rate or throughput of all requests.
pub fn interval(
    record: &brunt_record::RunRecord,
    scope: brunt_record::Scope,
    metric: brunt_record::Metric,
) -> Option<Interval> {
    stretch::Stretch::whole(record).interval(scope, metric)
}
