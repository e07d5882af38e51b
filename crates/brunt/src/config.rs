//! Configuration of runs.

pub(crate) mod load_config;
pub(crate) mod network_config;
pub(crate) mod scenario_source;
pub(crate) mod watch_config;
