//! Levels: what a search tells the engine to offer, and why.

use serde::{Deserialize, Serialize};

/// A level from a moment on, until another takes its place.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LoadLevel {
    /// From when, in milliseconds of the run's clock.
    pub from_ms: u64,
    /// It is come to within so many milliseconds.
    pub ramp_ms: u64,
    /// Users, or arrivals a second.
    pub level: f64,
    /// What it is for.
    pub phase: SearchPhase,
}

/// What a level is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SearchPhase {
    /// A short look that narrows the range of levels.
    Probe,
    /// A level that is judged.
    Trial,
    /// Little load, until what waits is served.
    Drain,
    /// Half of the highest level that holds, held before the final spike.
    PreSpike,
    /// The final spike, with a level that broke.
    Spike,
    /// The level before the spike again, to see whether the service recovers.
    Recovery,
}

impl SearchPhase {
    /// Its name in files and on charts.
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

/// Something that the engine was told to do.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// Another level of load.
    Level(LoadLevel),
    /// No new tasks; those under way may end.
    Stop,
    /// What is under way is cut off.
    Abort,
}

/// A command with its time.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// When, in milliseconds of the run's clock.
    pub at_ms: u64,
    /// What the engine was told.
    pub command: Command,
}
