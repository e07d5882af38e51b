//! CPU, memory, disk and network of the process under test, the machine and brunt itself.
//!
//! Synchronous and, but for the pages of other machines, without threads or a clock of its own: whoever runs the load calls
//! [`Monitor::read`] once a second with the time on the run's clock and keeps the
//! [`brunt_record::Reading`]. All else comes from `/proc`, `/sys` and the kernel's CPU clocks, so it
//! works on Linux only. What the readings mean for a run is left to others.

mod cgroup;
mod cgroup_quota;
mod cpu_affinity;
mod cpu_contention;
mod listener;
mod machine;
mod metrics_endpoint;
mod monitor;
mod network;
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
pub use listener::listener_of;
pub use metrics_endpoint::MetricsSource;
pub use monitor::{Monitor, MonitorError, Subject};
pub use rustix::process::Pid;
