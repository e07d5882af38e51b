//! The process under test: which one is watched, and how it was found.

use engine::Target;
use monitor::{Pid, Subject};

use crate::embedded::EmbeddedAgent;
use crate::exit::Failure;

/// The process under test, and how it was found.
pub(crate) struct Watched {
    pid: u32,
    pub(crate) words: String,
    /// It is the agent that brunt started.
    pub(crate) is_agent: bool,
}

impl Watched {
    /// The embedded agent, the process that was named, or whoever listens on the target's port of
    /// this machine.
    pub(crate) fn find(
        pid: Option<u32>,
        port: Option<u16>,
        agent: Option<&EmbeddedAgent>,
        target: &Target,
    ) -> Result<Option<Self>, Failure> {
        if let Some(agent) = agent {
            let words = "the embedded Application Agent".to_owned();
            return Ok(Some(Self {
                pid: agent.pid(),
                words,
                is_agent: true,
            }));
        }
        if let Some(pid) = pid_of(pid, port)? {
            let words = match port {
                Some(port) => format!("process {pid}, which listens on port {port}"),
                None => format!("process {pid}"),
            };
            return Ok(Some(Self {
                pid,
                words,
                is_agent: false,
            }));
        }
        let port = target.url.port_or_known_default().unwrap_or(0);
        let listener = target
            .is_local()
            .then(|| monitor::listener_of(port).ok())
            .flatten();
        Ok(listener.map(|pid| {
            let pid = pid.as_raw_nonzero().get().unsigned_abs();
            Self {
                pid,
                words: format!("process {pid}, which listens on port {port}"),
                is_agent: false,
            }
        }))
    }

    /// For the monitor.
    pub(crate) fn subject(&self) -> Result<Subject, Failure> {
        subject_of(self.pid)
    }
}

/// The process that `--pid` or `--port` names.
pub(crate) fn pid_of(pid: Option<u32>, port: Option<u16>) -> Result<Option<u32>, Failure> {
    match (pid, port) {
        (Some(pid), _) => Ok(Some(pid)),
        (None, Some(port)) => {
            let pid =
                monitor::listener_of(port).map_err(|error| Failure::Input(error.to_string()))?;
            Ok(Some(pid.as_raw_nonzero().get().unsigned_abs()))
        }
        (None, None) => Ok(None),
    }
}

/// The process to watch, by its id.
pub(crate) fn subject_of(pid: u32) -> Result<Subject, Failure> {
    let known = i32::try_from(pid).ok().and_then(Pid::from_raw);
    known
        .map(Subject::Process)
        .ok_or_else(|| Failure::Input(format!("{pid} is no process id")))
}
