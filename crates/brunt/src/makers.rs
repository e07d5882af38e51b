//! Who makes a run's load: threads of brunt, or processes of its own.

use std::time::Duration;

use brunt_engine::{Clock, Engine, News, Started};
use brunt_record::Command;

use crate::processes::{Processes, WorkerLost};

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
    pub(crate) fn started(&self) -> &Started {
        match self {
            Self::Threads(engine) => engine.started(),
            Self::Processes(processes) => processes.started(),
        }
    }

    /// So many seconds of all were told as news; more than there are once all have ended.
    pub(crate) fn told_s(&self) -> u32 {
        match self {
            Self::Threads(engine) => engine.told_s(),
            Self::Processes(processes) => processes.told_s(),
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
    pub(crate) fn news(&mut self, wait: Duration) -> Result<News, WorkerLost> {
        match self {
            Self::Threads(engine) => Ok(engine.news(wait)),
            Self::Processes(processes) => processes.news(wait),
        }
    }
}
