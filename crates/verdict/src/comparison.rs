//! Comparisons: whether a run is worse than the runs of a baseline, and whether one build is worse than another. This
//! module neither reads nor runs anything: callers supply the measurements.

pub(crate) mod ab_summary;
pub(crate) mod ab_test;
pub(crate) mod baseline_verdict;
pub(crate) mod compare;
pub(crate) mod conditions;
pub(crate) mod figures;
pub(crate) mod metric;
pub(crate) mod outcome;
pub(crate) mod row;
pub(crate) mod sequential_test;

pub use ab_test::{AbMeasurement, AbTest};
pub use compare::{TESTED, compare};
pub use figures::{BlockSeries, RequestMetrics, RunMetrics};
pub use metric::ComparedMetric;
pub use outcome::{Change, ChangeInterval, Outcome, Tolerance};
pub use row::{BetweenRuns, Comparison, ComparisonRow};
pub use sequential_test::{
    FIRST_LOOK, Limit, Look, SequentialTest, Side, TestDecision, difference, order,
};
