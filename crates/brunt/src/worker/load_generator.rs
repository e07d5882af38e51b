//! Load generators: what a run needs of those that send the requests.

use std::time::Duration;

use brunt_engine::{Clock, Engine, EngineEvent, StartStats};
use brunt_record::Command;

/// A worker process ended before its load did.
#[derive(Debug)]
pub(crate) struct WorkerLost {
    /// Which worker, how it ended, and which share of the load is missing since when.
    pub(crate) reason: String,
    /// Number of seconds that all workers reported.
    pub(crate) at_s: u32,
}

/// Generates the load of a run: threads of this process, or worker processes.
pub(crate) trait LoadGenerator {
    /// The run's clock.
    fn clock(&self) -> Clock;

    /// Sends a command to all threads or workers.
    fn command(&mut self, command: Command);

    /// How users started, of the threads or workers that have ended.
    fn start_stats(&self) -> &StartStats;

    /// Number of seconds that all have reported and [`Self::next_event`] has passed on; `None` once all have ended.
    fn completed_seconds(&self) -> Option<u32>;

    /// Gives up those that have not ended: nothing waits for them.
    fn abandon(&mut self);

    /// What comes next, after waiting at most for `wait`.
    ///
    /// # Errors
    ///
    /// A worker process is lost.
    fn next_event(&mut self, wait: Duration) -> Result<EngineEvent, WorkerLost>;
}

impl LoadGenerator for Engine {
    fn clock(&self) -> Clock {
        Self::clock(self)
    }

    fn command(&mut self, command: Command) {
        Self::command(self, command);
    }

    fn start_stats(&self) -> &StartStats {
        Self::start_stats(self)
    }

    fn completed_seconds(&self) -> Option<u32> {
        Self::completed_seconds(self)
    }

    fn abandon(&mut self) {
        Self::abandon(self);
    }

    fn next_event(&mut self, wait: Duration) -> Result<EngineEvent, WorkerLost> {
        Ok(Self::next_event(self, wait))
    }
}
