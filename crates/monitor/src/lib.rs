//! Monitor of CPU, memory, disk, network and pressure of the process under test, the machine and brunt itself.
//!
//! The caller calls [`Monitor::read`] once per second with the time of the run's clock, and gets a
//! [`brunt_record::Reading`]. The monitor has neither a clock nor threads, except for the metrics endpoints of other
//! machines. It reads `/proc`, `/sys` and the kernel's CPU clocks, and therefore works only on Linux. It does not interpret
//! the readings.

mod cgroup;
mod cgroup_quota;
mod cpu_affinity;
mod cpu_contention;
mod error;
mod flows;
mod listener;
mod machine;
mod metrics_endpoint;
mod monitor;
mod pressure;
mod process;
mod process_tree;
mod prometheus_text;
mod unavailable;
mod usage_accounting;

#[cfg(test)]
#[path = "../tests/shell/mod.rs"]
mod shell;

pub use cpu_affinity::{allowed_cpus, pin_current_thread};
pub use error::MonitorError;
pub use listener::listener_of;
pub use metrics_endpoint::MetricsSource;
pub use monitor::{Monitor, MonitorTarget};
pub use rustix::process::Pid;
