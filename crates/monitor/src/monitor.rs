//! The monitor: what is watched, and one reading of all of it at a time.

use std::io;
use std::time::Duration;

use record::Reading;
use rustix::process::{Pid, getpid};

use crate::interference::Watch;
use crate::machine::Machine;
use crate::process::{Kernel, Scope};
use crate::tree::Tree;

/// What is watched besides brunt itself and the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// Nothing more.
    Nothing,
    /// The process with this id, with its children, which are found anew at every reading.
    Process(Pid),
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
    target: Option<Tree>,
    generator: Tree,
    interference: Watch,
    machine: Machine,
}

impl Monitor {
    /// Starts to watch. brunt's own cores are those that the calling thread may use. Errors where the process does not exist, has ended, or `/proc` cannot be
    /// read.
    pub fn new(subject: Subject) -> Result<Self, MonitorError> {
        let kernel = Kernel::ask();
        let target = match subject {
            Subject::Nothing => None,
            Subject::Process(pid) => Some(watch(pid, Scope::WithChildren, kernel)?),
        };
        // The embedded agent is a child of brunt: brunt is watched without its children.
        let generator = watch(getpid(), Scope::Alone, kernel)?;
        Ok(Self {
            target,
            generator,
            interference: Watch::begin(),
            machine: Machine::default(),
        })
    }

    /// Takes a reading; `at` is the time since the run's clock started.
    ///
    /// CPU, disk and network are told since the reading before: the first reading has none of
    /// them. What cannot be read is `None`, and everything is once the process has ended; a
    /// process that started with the same id later is another one.
    pub fn read(&mut self, at: Duration) -> Reading {
        Reading {
            at_ms: u64::try_from(at.as_millis()).unwrap_or(u64::MAX),
            target: self.target.as_mut().map(|target| target.reading(at)),
            generator: Some(self.generator.reading(at)),
            interference: Some(self.interference.reading(at)),
            machine: self.machine.reading(),
        }
    }
}

fn watch(pid: Pid, scope: Scope, kernel: Kernel) -> Result<Tree, MonitorError> {
    match Tree::find(pid.as_raw_nonzero().get(), scope, kernel) {
        Ok(Some(tree)) => Ok(tree),
        Ok(None) => Err(MonitorError::NoProcess(pid)),
        Err(source) => Err(MonitorError::Unreadable {
            what: format!("process {pid}"),
            source,
        }),
    }
}
