//! Grading: what a run measured of a target, which grade follows, and what is missing if none does.

pub mod decidability;
pub(crate) mod evidence;
pub(crate) mod evidence_gap;
pub(crate) mod lost_users;
pub(crate) mod risk;
pub(crate) mod thresholds;
