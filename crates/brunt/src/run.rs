//! Runs: test environment, load, record and verdict.

pub(crate) mod decidability;
pub(crate) mod environment;
mod generator_capacity;
mod placement;
pub(crate) mod run_loop;
mod run_recorder;
pub(crate) mod run_session;
mod stop_state;
pub(crate) mod watch_targets;
