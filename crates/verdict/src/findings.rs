//! Findings beyond the targets: stalls, leaks, degradation, recovery, and notes on how the run was made.

pub mod degradation;
pub(crate) mod dominant_request;
pub mod leak;
pub mod recovery;
pub(crate) mod run_notes;
pub(crate) mod stall;
