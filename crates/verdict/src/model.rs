//! Parts of a verdict: plain data.

pub(crate) mod finding;
pub(crate) mod grade;
pub(crate) mod judgement;
pub(crate) mod run_result;
