//! Judging: from the grades of the targets and the findings to the verdict on the run.

pub(crate) mod ending;
pub(crate) mod graded_target;
pub(crate) mod headline;
pub(crate) mod judge;
mod profile_result;
mod validity;
