//! Why something cannot be monitored.

use std::io;
use std::path::PathBuf;

use rustix::process::Pid;

/// Why something cannot be monitored.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MonitorError {
    /// No process has this ID, or it has ended.
    #[error(
        "no process has the ID {0}: use the ID of a running process, or the port that it listens on"
    )]
    NoProcess(Pid),
    /// A file or process cannot be read.
    #[error("cannot read {what}: {source}; /proc must be mounted and readable")]
    Unreadable {
        /// The file or process.
        what: String,
        /// The kernel's error.
        source: io::Error,
    },
    /// The folder is not a control group.
    #[error(
        "{} is not a control group (version 2): {source}; use the folder of one, such as \
         /sys/fs/cgroup/system.slice/my.service", .folder.display()
    )]
    NoControlGroup {
        /// The folder.
        folder: PathBuf,
        /// The kernel's error.
        source: io::Error,
    },
    /// The metrics endpoint cannot be read, or has no metrics of a process.
    #[error(
        "cannot monitor a process by its metrics: {0}; use the URL of a Prometheus endpoint with \
         process_ metrics"
    )]
    NoMetrics(String),
    /// No process listens on the port.
    #[error(
        "no process listens on TCP port {0} of this machine: start the service first, or use its \
         process ID"
    )]
    NoListener(u16),
    /// A process listens, but this user may not see which.
    #[error(
        "the process that listens on TCP port {0} belongs to another user or container: run as \
         that user or as root, or use its process ID"
    )]
    OwnerHidden(u16),
    /// Several processes listen that are not children of each other.
    #[error(
        "several processes listen on TCP port {port}: {}; use the ID of the one to monitor, or of \
         their parent", list(.pids)
    )]
    SeveralListeners {
        /// The port.
        port: u16,
        /// The processes, in ascending order.
        pids: Vec<Pid>,
    },
}

fn list(pids: &[Pid]) -> String {
    pids.iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(", ")
}
