//! The run record: everything a run leaves. It is stored, judged and rendered as it is.

use serde::{Deserialize, Serialize};

use crate::{Header, Level, Load, Readings, Timeline, Unseen, Whose};

/// Everything a run leaves.
#[derive(Debug, Clone)]
pub struct RunRecord {
    /// What was known when the run began.
    pub header: Header,
    /// What was recorded.
    pub timeline: Timeline,
    /// What the monitor saw, in the order of time.
    pub readings: Readings,
    /// What the run was told to do, in the order of time.
    pub events: Vec<Event>,
    /// How the run ended; `None` where the record breaks off before its end.
    pub ending: Option<Ending>,
}

impl RunRecord {
    /// The record of a run that is about to begin.
    pub fn new(header: Header) -> Self {
        let timeline = Timeline::new(header.names.clone());
        Self {
            header,
            timeline,
            readings: Readings::default(),
            events: Vec::new(),
            ending: None,
        }
    }

    /// How long load was made, in seconds: up to the moment at which it was stopped.
    pub fn duration_s(&self) -> f64 {
        match &self.ending {
            Some(ending) => ending.load_ended_ms as f64 / 1e3,
            None => self.timeline.seconds().len() as f64,
        }
    }

    /// The levels that were told to the engine, in the order of time.
    pub fn levels(&self) -> impl Iterator<Item = &Level> {
        self.events.iter().filter_map(|event| match &event.command {
            Command::Level(level) => Some(level),
            Command::Stop | Command::Abort => None,
        })
    }

    /// The load as it was planned and steered.
    pub fn load(&self) -> Load {
        let mut load = self.header.load.clone();
        self.levels().for_each(|level| load.steer(level));
        load
    }

    /// What the monitor could not see, of whom; nothing where the record breaks off before its end.
    pub fn unseen(&self) -> impl Iterator<Item = (Whose<'_>, &[String])> {
        let beside = self.header.generator.beside.iter();
        let names = beside.map(|beside| beside.name.as_str());
        let unseen = self.ending.as_ref().map(|ending| &ending.unseen);
        unseen
            .into_iter()
            .flat_map(move |unseen| unseen.each(names.clone()))
    }

    /// The seconds over which throughput is counted: while load was made, and until the last request
    /// of it that was answered well.
    pub fn throughput_s(&self) -> f64 {
        self.duration_s()
            .max(self.timeline.last_ok_ns() as f64 / 1e9)
    }
}

/// Something that the engine was told to do.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// Another level of load.
    Level(Level),
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

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ending {
    /// What ended the load.
    pub stopped_by: StoppedBy,
    /// When the load was stopped, in milliseconds of the run's clock.
    pub load_ended_ms: u64,
    /// When the last request under way had ended, in milliseconds of the run's clock.
    pub ended_ms: u64,
    /// Why, where there is more to say.
    pub reason: Option<String>,
    /// What the monitor could not see.
    #[serde(default)]
    pub unseen: Unseen,
}

/// What ended the load.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StoppedBy {
    /// The profile was played to its end.
    Finished,
    /// Ctrl-C.
    Interrupted,
    /// SIGTERM.
    Terminated,
    /// A set-up request failed.
    SetupFailed,
    /// The host could not be reached.
    Unreachable,
    /// Nothing but failures for a while.
    EverythingFailed,
    /// The process under test ended.
    TargetEnded,
    /// The scenario wanted it.
    Scenario,
    /// brunt itself failed.
    InternalError,
}

impl StoppedBy {
    /// Its name in files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Finished => "finished",
            Self::Interrupted => "interrupted",
            Self::Terminated => "terminated",
            Self::SetupFailed => "setup_failed",
            Self::Unreachable => "unreachable",
            Self::EverythingFailed => "everything_failed",
            Self::TargetEnded => "target_ended",
            Self::Scenario => "scenario",
            Self::InternalError => "internal_error",
        }
    }
}
