//! Commands to the load generators.

use serde::{Deserialize, Serialize};

/// A level that holds from a moment on, until another level replaces it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LoadLevel {
    /// Beginning, in milliseconds of the run's clock.
    pub from_ms: u64,
    /// Duration of the ramp to the level, in milliseconds.
    pub ramp_ms: u64,
    /// Users, or arrivals per second.
    pub level: f64,
    /// Phase of the search that the level belongs to.
    pub phase: SearchPhase,
}

/// A phase of a search for the breaking point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SearchPhase {
    /// A short trial that narrows the range of levels.
    Probe,
    /// A level that is judged.
    Trial,
    /// Little load, until the backlog is served.
    Drain,
    /// Half of the highest level that holds, held before the final spike.
    PreSpike,
    /// The final spike, with a level that broke.
    Spike,
    /// The level before the spike again, to see whether the service recovers.
    Recovery,
}

impl SearchPhase {
    /// Name in files and on charts.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Probe => "probe",
            Self::Trial => "trial",
            Self::Drain => "drain",
            Self::PreSpike => "pre_spike",
            Self::Spike => "spike",
            Self::Recovery => "recovery",
        }
    }
}

/// A command to the load generators.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// Sets the level of load.
    Level(LoadLevel),
    /// Starts no new tasks; running tasks may end.
    Stop,
    /// Aborts running tasks and requests.
    Abort,
}

/// A command with its time.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Time in milliseconds of the run's clock.
    pub at_ms: u64,
    /// The command.
    pub command: Command,
}
