//! Workers: the load threads of an engine, and runs of a single user before and after the load.

pub(crate) mod engine;
mod run_loop;
pub(crate) mod setup;
pub(crate) mod smoke_run;
