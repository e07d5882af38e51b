//! Workers: load threads, and runs of a single user before and after the load.

pub(crate) mod engine;
pub(crate) mod setup;
pub(crate) mod smoke_run;
