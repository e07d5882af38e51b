//! The monitor: what is watched, and one reading of all of it at a time.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use brunt_record::{ProcessReading, Reading, Unavailable, duration_ms};
use rustix::process::{Pid, getpid};

use crate::cgroup::ControlGroup;
use crate::cpu_contention::ContentionMonitor;
use crate::machine::Machine;
use crate::metrics_endpoint::{MetricsEndpoint, MetricsSource};
use crate::process::{Kernel, Scope};
use crate::process_tree::ProcessTree;

/// What is watched besides brunt itself and the machine.
#[derive(Debug)]
pub enum Subject {
    /// The process with this id, with its children, which are found anew at every reading.
    Process(Pid),
    /// The control group (version 2) whose folder this is, with those below it.
    ControlGroup(PathBuf),
    /// The process that tells of itself on a Prometheus page.
    Page(MetricsSource),
}

/// Why something cannot be watched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MonitorError {
    /// No process has this id, or it has ended.
    #[error("no process has the id {0}: give the id of one that runs, or the port it listens on")]
    NoProcess(Pid),
    /// A file or process could not be read.
    #[error("cannot read {what}: {source}; /proc has to be mounted and readable")]
    Unreadable {
        /// The file or process.
        what: String,
        /// What the kernel said.
        source: io::Error,
    },
    /// The folder is no control group.
    #[error(
        "{} is no control group of version 2: {source}; give the folder of one, such as \
         /sys/fs/cgroup/system.slice/my.service", .folder.display()
    )]
    NoControlGroup {
        /// The folder.
        folder: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// The page cannot be had, or tells nothing of a process.
    #[error(
        "cannot watch a process by its page: {0}; give the URL of a Prometheus page with process_ metrics"
    )]
    NoPage(String),
    /// Nobody listens on the port.
    #[error(
        "nobody listens on TCP port {0} of this machine: start the service first, or give the id \
         of its process"
    )]
    NobodyListens(u16),
    /// Somebody listens, and this user may not see who.
    #[error(
        "the process that listens on TCP port {0} belongs to another user or container: run as \
         that user or as root, or give the id of the process"
    )]
    OwnerHidden(u16),
    /// Several processes listen that are not children of each other.
    #[error(
        "several processes listen on TCP port {port}: {}; give the id of the one to watch, or of \
         their parent", ids(.pids)
    )]
    SeveralListen {
        /// The port.
        port: u16,
        /// Who listens, in ascending order.
        pids: Vec<Pid>,
    },
}

fn ids(pids: &[Pid]) -> String {
    pids.iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(", ")
}

/// Watches the process under test, brunt itself and the machine.
///
/// Keeps two small tables of counters a process; its memory depends on the number of processes
/// and threads watched, and not on the number of readings.
#[derive(Debug)]
pub struct Monitor {
    target: Option<Watched>,
    beside: Vec<Watched>,
    generator: ProcessTree,
    interference: ContentionMonitor,
    machine: Machine,
}

impl Monitor {
    /// Starts to watch the process under test, and others beside it. brunt's own cores are those that the
    /// calling thread may use.
    ///
    /// Errors where one of them does not exist or has ended, and where `/proc` cannot be read.
    pub fn new(
        target: Option<Subject>,
        beside: impl IntoIterator<Item = Subject>,
    ) -> Result<Self, MonitorError> {
        let kernel = Kernel::ask();
        let open = |subject| Watched::open(subject, kernel);
        let target = target.map(open).transpose()?;
        let beside = beside.into_iter().map(open);
        let beside = beside.collect::<Result<_, _>>()?;
        // The embedded agent is a child of brunt: brunt is watched without its children.
        let generator = watch(getpid(), Scope::Alone, kernel)?;
        Ok(Self {
            target,
            beside,
            generator,
            interference: ContentionMonitor::begin(),
            machine: Machine::begin(),
        })
    }

    /// Counts processes as brunt itself that make load for it.
    ///
    /// Errors where `/proc` cannot be read.
    pub fn count_in(&mut self, pids: &[u32]) -> Result<(), MonitorError> {
        for pid in pids {
            let pid = i32::try_from(*pid).unwrap_or(i32::MAX);
            let counted = self.generator.add_root(pid);
            counted.map_err(|source| MonitorError::Unreadable {
                what: format!("process {pid}"),
                source,
            })?;
        }
        Ok(())
    }

    /// Takes a reading; `at` is the time since the run's clock started.
    ///
    /// CPU, disk and network are told since the reading before: the first reading has none of
    /// them. What cannot be read is `None`, and everything is once the process has ended; a
    /// process that started with the same id later is another one.
    pub fn read(&mut self, at: Duration) -> Reading {
        Reading {
            at_ms: duration_ms(at),
            target: self.target.as_mut().map(|target| target.reading(at)),
            additional_targets: self.beside.iter_mut().map(|one| one.reading(at)).collect(),
            generator: Some(self.generator.reading(at)),
            interference: Some(self.interference.reading(at)),
            machine: self.machine.reading(at),
        }
    }

    /// What cannot be seen, by what a reading lacks that is not the first.
    pub fn unavailable(&self, reading: &Reading) -> Unavailable {
        let target = self.target.as_ref().zip(reading.target.as_ref());
        let beside = self.beside.iter().zip(&reading.additional_targets);
        Unavailable {
            target: target.map_or_else(Vec::new, |(watched, reading)| watched.unavailable(reading)),
            additional_targets: beside
                .map(|(watched, reading)| watched.unavailable(reading))
                .collect(),
            machine: self.machine.unavailable(),
        }
    }
}

#[derive(Debug)]
enum Watched {
    Processes(Box<ProcessTree>),
    Group(Box<ControlGroup>),
    Page(Box<MetricsEndpoint>),
}

impl Watched {
    fn open(subject: Subject, kernel: Kernel) -> Result<Self, MonitorError> {
        Ok(match subject {
            Subject::Process(pid) => {
                Self::Processes(Box::new(watch(pid, Scope::WithChildren, kernel)?))
            }
            Subject::ControlGroup(folder) => Self::Group(Box::new(group(&folder, kernel)?)),
            Subject::Page(source) => {
                let remote = MetricsEndpoint::begin(source).map_err(MonitorError::NoPage)?;
                Self::Page(Box::new(remote))
            }
        })
    }

    fn reading(&mut self, at: Duration) -> ProcessReading {
        match self {
            Self::Processes(tree) => tree.reading(at),
            Self::Group(group) => group.reading(at),
            Self::Page(remote) => remote.reading(),
        }
    }

    fn unavailable(&self, reading: &ProcessReading) -> Vec<String> {
        match self {
            Self::Processes(tree) => tree.unavailable(reading),
            Self::Group(group) => group.unavailable(),
            Self::Page(remote) => remote.unavailable(),
        }
    }
}

fn group(folder: &Path, kernel: Kernel) -> Result<ControlGroup, MonitorError> {
    ControlGroup::open(folder, kernel).map_err(|source| MonitorError::NoControlGroup {
        folder: folder.to_owned(),
        source,
    })
}

fn watch(pid: Pid, scope: Scope, kernel: Kernel) -> Result<ProcessTree, MonitorError> {
    match ProcessTree::find(pid.as_raw_nonzero().get(), scope, kernel) {
        Ok(Some(tree)) => Ok(tree),
        Ok(None) => Err(MonitorError::NoProcess(pid)),
        Err(source) => Err(MonitorError::Unreadable {
            what: format!("process {pid}"),
            source,
        }),
    }
}
