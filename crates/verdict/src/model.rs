//! Parts of a verdict: plain data.

pub(crate) mod finding;
pub(crate) mod grade;
pub(crate) mod judgment;
pub(crate) mod run_result;
