//! Levels: what a search tells the engine to offer, and why.

use serde::{Deserialize, Serialize};

/// A load that is searched for its breaking point: levels are tried one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Search {
    /// The first level: users, or arrivals a second.
    pub from: f64,
    /// No level is higher; `None`: no bound.
    pub to: Option<f64>,
    /// The threshold of each target at which the service is broken.
    pub breaks_at: ThresholdKind,
    /// Narrow enough: the level that breaks over the one that holds, less 1.
    pub precision: f64,
}

/// One of a target's thresholds. Where a target does not have it, the next milder one takes its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ThresholdKind {
    /// `target`.
    Target,
    /// `acceptable`.
    Acceptable,
    /// `critical`.
    Critical,
}

impl ThresholdKind {
    /// Each of them, the strictest first.
    pub const ALL: [Self; 3] = [Self::Target, Self::Acceptable, Self::Critical];

    /// Its name in files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Target => "target",
            Self::Acceptable => "acceptable",
            Self::Critical => "critical",
        }
    }
}

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
