//! Time windows of a run: what was measured in them, and the confidence intervals of it.

pub(crate) mod confidence_intervals;
pub(crate) mod time_window;
pub(crate) mod totals;
pub mod warm_up;
