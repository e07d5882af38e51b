//! Resource readings: what the monitor saw of the process under test, the generator and the
//! machine, once a second, on the run's clock. A value that could not be read is `None`, never 0.

use serde::{Deserialize, Serialize};

/// One look at everything that is watched.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Reading {
    /// When it was taken, in milliseconds since the run's clock started.
    pub at_ms: u64,
    /// The process under test with its children; `None` where nothing is watched.
    pub target: Option<ProcessReading>,
    /// Others that are watched beside it, in the order of [`crate::Generator::additional_targets`].
    pub additional_targets: Vec<ProcessReading>,
    /// brunt itself.
    pub generator: Option<ProcessReading>,
    /// What kept brunt from running; `None` where nobody looked.
    pub interference: Option<Interference>,
    /// The whole machine that brunt runs on.
    pub machine: MachineReading,
}

/// What kept brunt from running, or moved its clocks, since the reading before.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Interference {
    /// CPU time that the hypervisor gave to others while brunt's cores had work, in milliseconds, these
    /// cores together.
    pub stolen_ms: Option<u64>,
    /// CPU time that was used on these cores, by anyone, in milliseconds.
    pub used_ms: Option<u64>,
    /// Periods in which the quota of brunt's control group was used up.
    pub throttled_periods: Option<u64>,
    /// How long the group's threads stood for it, in milliseconds, over its cores together.
    pub throttled_ms: Option<u64>,
    /// The share of the time in which something on the machine was ready and had no CPU, in percent.
    pub pressure_percent: Option<f64>,
    /// The same of brunt's control group.
    pub group_pressure_percent: Option<f64>,
    /// How far the system's clock was set forward (or back), in milliseconds.
    pub clock_step_ms: Option<i64>,
    /// How long the machine was suspended, in milliseconds: the run's clock stood as well.
    pub suspended_ms: Option<u64>,
}

/// A process with its children since the reading before.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ProcessReading {
    /// CPU used, in percent of the cores it may use (0 to 100).
    pub cpu_percent: Option<f64>,
    /// CPU used by its busiest thread, in percent of one core.
    pub busiest_thread_percent: Option<f64>,
    /// Cores that it may use: affinity and CPU quota taken together.
    pub cores: Option<f64>,
    /// Resident memory, in bytes.
    pub rss_bytes: Option<u64>,
    /// Resident anonymous memory, in bytes: without the page cache.
    pub anonymous_bytes: Option<u64>,
    /// Threads.
    pub threads: Option<u64>,
    /// Open file descriptors.
    pub descriptors: Option<u64>,
    /// Bytes read from storage since the reading before.
    pub disk_read_bytes: Option<u64>,
    /// Bytes written to storage since the reading before.
    pub disk_written_bytes: Option<u64>,
    /// Processes counted: the process itself and its children.
    pub processes: u64,
    /// CPU used, in cores: 1.5 is all of one core and half of another.
    pub cpu_cores: Option<f64>,
    /// How long its threads were ready to run and had no CPU since the reading before, in milliseconds, all
    /// together. Of threads that ended meanwhile the last part is not known.
    pub run_delay_ms: Option<f64>,
    /// Bytes sent since the reading before; known where it has a network of its own, as in a container.
    pub network_sent_bytes: Option<u64>,
    /// Bytes received since the reading before; known where it has a network of its own.
    pub network_received_bytes: Option<u64>,
    /// What it lacked; known of control groups.
    pub pressure: Pressure,
}

/// Pressure stall information: the share of the time since the reading before in which something was kept
/// waiting, in percent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Pressure {
    /// For a CPU.
    pub cpu_percent: Option<f64>,
    /// For memory that had to be found first.
    pub memory_percent: Option<f64>,
    /// For a disk.
    pub io_percent: Option<f64>,
}

/// The machine since the reading before.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct MachineReading {
    /// CPU used, in percent of all cores (0 to 100).
    pub cpu_percent: Option<f64>,
    /// CPU time taken by the hypervisor for others, in percent of all cores.
    pub steal_percent: Option<f64>,
    /// Memory in use (total less available), in percent of the total.
    pub memory_percent: Option<f64>,
    /// Memory in use (total less available), in bytes.
    pub memory_bytes: Option<u64>,
    /// Bytes read from all disks since the reading before.
    pub disk_read_bytes: Option<u64>,
    /// Bytes written to all disks since the reading before.
    pub disk_written_bytes: Option<u64>,
    /// Bytes sent over all network interfaces, loopback included, since the reading before.
    pub network_sent_bytes: Option<u64>,
    /// Bytes received over all network interfaces, loopback included, since the reading before.
    pub network_received_bytes: Option<u64>,
    /// What it lacked.
    pub pressure: Pressure,
}
