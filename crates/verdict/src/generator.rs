//! The load generator itself: what kept brunt from its work, and when.

pub(crate) mod cpu_starvation;
pub(crate) mod overload;
pub(crate) mod signals;
