//! Who makes a run's load: threads of brunt, or processes of its own.

use std::time::Duration;

use brunt_engine::{Clock, Engine, EngineEvent, StartStats};
use brunt_record::Command;

use crate::worker::process_pool::{Processes, WorkerLost};

pub(crate) enum Makers {
    Threads(Engine),
    Processes(Processes),
}

impl Makers {
    /// The run's clock.
    pub(crate) fn clock(&self) -> Clock {
        match self {
            Self::Threads(engine) => engine.clock(),
            Self::Processes(processes) => processes.clock(),
        }
    }

    /// Gives a command to all.
    pub(crate) fn command(&mut self, command: Command) {
        match self {
            Self::Threads(engine) => engine.command(command),
            Self::Processes(processes) => processes.command(command),
        }
    }

    /// How the users started of those that have ended.
    pub(crate) fn start_stats(&self) -> &StartStats {
        match self {
            Self::Threads(engine) => engine.start_stats(),
            Self::Processes(processes) => processes.start_stats(),
        }
    }

    /// So many seconds of all were told as news; more than there are once all have ended.
    pub(crate) fn completed_seconds(&self) -> u32 {
        match self {
            Self::Threads(engine) => engine.completed_seconds(),
            Self::Processes(processes) => processes.completed_seconds(),
        }
    }

    /// Gives up those that have not ended: nobody waits for them.
    pub(crate) fn abandon(&mut self) {
        match self {
            Self::Threads(engine) => engine.abandon(),
            Self::Processes(processes) => processes.abandon(),
        }
    }

    /// What comes next, waiting at most so long; an error when a process is lost.
    pub(crate) fn next_event(&mut self, wait: Duration) -> Result<EngineEvent, WorkerLost> {
        match self {
            Self::Threads(engine) => Ok(engine.next_event(wait)),
            Self::Processes(processes) => processes.next_event(wait),
        }
    }
}
