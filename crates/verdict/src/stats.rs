//! Statistics, independent of load tests: each with its source, and validated by simulation (docs/validation.md).

pub mod batch_means;
pub mod change_points;
pub mod median;
pub(crate) mod proportion_test;
pub(crate) mod run_difference;
pub(crate) mod sequential;
pub(crate) mod signed_rank;
pub mod trend;
pub mod usl;
