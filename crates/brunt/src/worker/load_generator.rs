//! Interface between the run loop and whatever generates the load.

use std::time::Duration;

use brunt_engine::{Clock, Engine, EngineEvent, StartStats};
use brunt_record::Command;

/// Error: a worker process ended before its load was complete.
#[derive(Debug)]
pub(crate) struct WorkerLost {
    /// Message with the worker, its exit status, and the missing share of the load.
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

    /// Outcome of the start steps of users, in threads or workers that have ended.
    fn start_stats(&self) -> &StartStats;

    /// Number of seconds that all threads or workers have completed, and whose events [`Self::next_event`] has returned;
    /// `None` once all have ended.
    fn completed_seconds(&self) -> Option<u32>;

    /// Abandons threads or workers that have not ended.
    fn abandon(&mut self);

    /// Returns the next event, or [`EngineEvent::Timeout`] after `wait`.
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
