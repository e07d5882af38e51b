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
    /// brunt itself.
    pub generator: Option<ProcessReading>,
    /// The whole machine that brunt runs on.
    pub machine: MachineReading,
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
}
