//! Runs: from the service under test to the judged record.

pub(crate) mod decidability;
pub(crate) mod environment;
pub(crate) mod generator_capacity;
pub(crate) mod placement;
pub(crate) mod run_loop;
pub(crate) mod run_session;
pub(crate) mod stopping;
pub(crate) mod watch_targets;
