//! Resource readings: the monitor's measurements of the process under test, the generator and the machine, once per second.
//! A value that cannot be read is `None`, never 0.

use serde::{Deserialize, Serialize};

/// Measurements of everything that is monitored, at one moment.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Reading {
    /// Time in milliseconds of the run's clock.
    pub at_ms: u64,
    /// The process under test with its children; `None` if it is not monitored.
    pub target: Option<ProcessReading>,
    /// Other monitored processes, in the order of [`crate::Generator::additional_targets`].
    pub additional_targets: Vec<ProcessReading>,
    /// brunt itself.
    pub generator: Option<ProcessReading>,
    /// Interference with brunt; `None` if it is not measured.
    pub interference: Option<Interference>,
    /// The machine that brunt runs on.
    pub machine: MachineReading,
}

/// Causes that kept brunt from running or changed its clocks, since the previous reading.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Interference {
    /// CPU time that the hypervisor gave to others while brunt's cores had work, in milliseconds, summed over the cores.
    pub stolen_ms: Option<u64>,
    /// CPU time that any process used on these cores, in milliseconds.
    pub used_ms: Option<u64>,
    /// Number of periods in which the CPU quota of brunt's control group was exhausted.
    pub throttled_periods: Option<u64>,
    /// Time that the group's threads were throttled, in milliseconds, summed over the cores.
    pub throttled_ms: Option<u64>,
    /// Share of the time in which some task of the machine waited for a CPU, in percent.
    pub pressure_percent: Option<f64>,
    /// Share of the time in which some task of brunt's control group waited for a CPU, in percent.
    pub group_pressure_percent: Option<f64>,
    /// Step of the system clock in milliseconds; negative: backward.
    pub clock_step_ms: Option<i64>,
    /// Time that the machine was suspended, in milliseconds, during which the run's clock did not advance.
    pub suspended_ms: Option<u64>,
}

/// A process with its children since the previous reading.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ProcessReading {
    /// CPU use in percent of the cores that it may use (0 to 100).
    pub cpu_percent: Option<f64>,
    /// CPU use of the busiest thread, in percent of one core.
    pub busiest_thread_percent: Option<f64>,
    /// Number of cores that it may use, from affinity and CPU quota.
    pub cores: Option<f64>,
    /// Resident memory, in bytes.
    pub rss_bytes: Option<u64>,
    /// Resident anonymous memory, in bytes: without the page cache.
    pub anonymous_bytes: Option<u64>,
    /// Number of threads.
    pub threads: Option<u64>,
    /// Number of open file descriptors.
    pub descriptors: Option<u64>,
    /// Bytes read from storage.
    pub disk_read_bytes: Option<u64>,
    /// Bytes written to storage.
    pub disk_written_bytes: Option<u64>,
    /// Number of processes: the process itself and its children.
    pub processes: u64,
    /// CPU use in cores: 1.5 is all of one core and half of another.
    pub cpu_cores: Option<f64>,
    /// Time that its threads waited for a CPU, in milliseconds, summed over the threads. The last part of threads that ended
    /// is unknown.
    pub run_delay_ms: Option<f64>,
    /// Bytes sent; known only if it has a network namespace of its own, as in a container.
    pub network_sent_bytes: Option<u64>,
    /// Bytes received; known only if it has a network namespace of its own.
    pub network_received_bytes: Option<u64>,
    /// Pressure; known only for control groups.
    pub pressure: Pressure,
}

/// Pressure stall information: the share of the time since the previous reading in which some task had to wait, in percent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Pressure {
    /// For a CPU.
    pub cpu_percent: Option<f64>,
    /// For memory that had to be reclaimed first.
    pub memory_percent: Option<f64>,
    /// For a disk.
    pub io_percent: Option<f64>,
}

/// The machine since the previous reading.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct MachineReading {
    /// CPU use in percent of all cores (0 to 100).
    pub cpu_percent: Option<f64>,
    /// CPU time that the hypervisor gave to others, in percent of all cores.
    pub steal_percent: Option<f64>,
    /// Memory in use (total less available), in percent of the total.
    pub memory_percent: Option<f64>,
    /// Memory in use (total less available), in bytes.
    pub memory_bytes: Option<u64>,
    /// Bytes read from all disks.
    pub disk_read_bytes: Option<u64>,
    /// Bytes written to all disks.
    pub disk_written_bytes: Option<u64>,
    /// Bytes sent over all network interfaces, loopback included.
    pub network_sent_bytes: Option<u64>,
    /// Bytes received over all network interfaces, loopback included.
    pub network_received_bytes: Option<u64>,
    /// Pressure on the machine's resources.
    pub pressure: Pressure,
}
