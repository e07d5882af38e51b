//! The monitor, which reads all monitored processes and the machine at once.

use std::path::{Path, PathBuf};
use std::time::Duration;

use brunt_record::{ProcessReading, Reading, Unavailable, duration_ms};
use rustix::process::{Pid, getpid};

use crate::cgroup::ControlGroup;
use crate::cpu_contention::ContentionMonitor;
use crate::error::MonitorError;
use crate::machine::Machine;
use crate::metrics_endpoint::{MetricsEndpoint, MetricsSource};
use crate::process::{Kernel, Scope};
use crate::process_tree::ProcessTree;

/// Something that is monitored in addition to brunt itself and the machine.
#[derive(Debug)]
pub enum MonitorTarget {
    /// The process with this ID and its children, which are searched at each reading.
    Process(Pid),
    /// The control group (version 2) with this folder, and the groups below it.
    ControlGroup(PathBuf),
    /// The process whose metrics a Prometheus endpoint reports.
    MetricsEndpoint(MetricsSource),
}

/// Monitor of the process under test, brunt itself and the machine.
///
/// It has two small tables of counters per process. Its memory depends on the number of monitored processes and threads, not
/// on the number of readings.
#[derive(Debug)]
pub struct Monitor {
    target: Option<TargetMonitor>,
    additional: Vec<TargetMonitor>,
    generator: ProcessTree,
    interference: ContentionMonitor,
    machine: Machine,
}

impl Monitor {
    /// Starts to monitor the process under test and additional targets. brunt's own cores are those that the calling thread
    /// may use.
    ///
    /// # Errors
    ///
    /// If a target does not exist or has ended, or `/proc` cannot be read.
    pub fn new(
        target: Option<MonitorTarget>,
        additional: impl IntoIterator<Item = MonitorTarget>,
    ) -> Result<Self, MonitorError> {
        let kernel = Kernel::detect();
        let open = |target| TargetMonitor::open(target, kernel);
        let target = target.map(open).transpose()?;
        let additional = additional.into_iter().map(open);
        let additional = additional.collect::<Result<_, _>>()?;
        // The embedded agent is a child of brunt, so brunt is monitored without its children.
        let generator = process_tree(getpid(), Scope::Alone, kernel)?;
        Ok(Self {
            target,
            additional,
            generator,
            interference: ContentionMonitor::new(),
            machine: Machine::new(),
        })
    }

    /// Counts worker processes as part of brunt.
    ///
    /// # Errors
    ///
    /// If `/proc` cannot be read.
    pub fn add_workers(&mut self, pids: &[u32]) -> Result<(), MonitorError> {
        for pid in pids {
            let pid = i32::try_from(*pid).unwrap_or(i32::MAX);
            let added = self.generator.add_root(pid);
            added.map_err(|source| MonitorError::Unreadable {
                what: format!("process {pid}"),
                source,
            })?;
        }
        Ok(())
    }

    /// Takes a reading; `at` is the time of the run's clock.
    ///
    /// CPU, disk and network are measured since the previous reading, so the first reading does not contain them. Values that
    /// cannot be read are `None`, as are all values once the process has ended. A later process with the same ID is another
    /// one.
    pub fn read(&mut self, at: Duration) -> Reading {
        Reading {
            at_ms: duration_ms(at),
            target: self.target.as_mut().map(|target| target.reading(at)),
            additional_targets: self
                .additional
                .iter_mut()
                .map(|target| target.reading(at))
                .collect(),
            generator: Some(self.generator.reading(at)),
            interference: Some(self.interference.reading(at)),
            machine: self.machine.reading(at),
        }
    }

    /// Data that is unavailable, from the missing values of a reading other than the first.
    pub fn unavailable(&self, reading: &Reading) -> Unavailable {
        let target = self.target.as_ref().zip(reading.target.as_ref());
        let additional = self.additional.iter().zip(&reading.additional_targets);
        Unavailable {
            target: target.map_or_else(Vec::new, |(target, reading)| target.unavailable(reading)),
            additional_targets: additional
                .map(|(target, reading)| target.unavailable(reading))
                .collect(),
            machine: self.machine.unavailable(),
        }
    }
}

/// Monitor of one target.
#[derive(Debug)]
enum TargetMonitor {
    Processes(Box<ProcessTree>),
    Group(Box<ControlGroup>),
    Endpoint(Box<MetricsEndpoint>),
}

impl TargetMonitor {
    fn open(target: MonitorTarget, kernel: Kernel) -> Result<Self, MonitorError> {
        Ok(match target {
            MonitorTarget::Process(pid) => {
                let tree = process_tree(pid, Scope::WithChildren, kernel)?;
                Self::Processes(Box::new(tree))
            }
            MonitorTarget::ControlGroup(folder) => Self::Group(Box::new(group(&folder, kernel)?)),
            MonitorTarget::MetricsEndpoint(source) => {
                let endpoint = MetricsEndpoint::open(source).map_err(MonitorError::NoMetrics)?;
                Self::Endpoint(Box::new(endpoint))
            }
        })
    }

    fn reading(&mut self, at: Duration) -> ProcessReading {
        match self {
            Self::Processes(tree) => tree.reading(at),
            Self::Group(group) => group.reading(at),
            Self::Endpoint(endpoint) => endpoint.reading(),
        }
    }

    fn unavailable(&self, reading: &ProcessReading) -> Vec<String> {
        match self {
            Self::Processes(tree) => tree.unavailable(reading),
            Self::Group(group) => group.unavailable(),
            Self::Endpoint(endpoint) => endpoint.unavailable(),
        }
    }
}

fn group(folder: &Path, kernel: Kernel) -> Result<ControlGroup, MonitorError> {
    ControlGroup::open(folder, kernel).map_err(|source| MonitorError::NoControlGroup {
        folder: folder.to_owned(),
        source,
    })
}

fn process_tree(pid: Pid, scope: Scope, kernel: Kernel) -> Result<ProcessTree, MonitorError> {
    match ProcessTree::find(pid.as_raw_nonzero().get(), scope, kernel) {
        Ok(Some(tree)) => Ok(tree),
        Ok(None) => Err(MonitorError::NoProcess(pid)),
        Err(source) => Err(MonitorError::Unreadable {
            what: format!("process {pid}"),
            source,
        }),
    }
}
