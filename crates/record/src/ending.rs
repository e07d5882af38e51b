//! How a run ended.

use serde::{Deserialize, Serialize};

use crate::target::ThresholdKind;
use crate::unavailable::Unavailable;

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
    pub stop_reason: Option<String>,
    /// The targets that were surely missed, for which the run was stopped.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missed_targets: Vec<MissedTarget>,
    /// What the monitor could not see.
    #[serde(default)]
    pub unavailable: Unavailable,
}

/// A target that was surely missed while the run went on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct MissedTarget {
    /// Its place among the targets of the header.
    pub target: u32,
    /// The threshold that was missed.
    pub threshold: ThresholdKind,
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
    /// A target was surely missed, and the run was to stop then.
    TargetMissed,
    /// A process that made a share of the load was lost.
    WorkerLost,
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
            Self::TargetMissed => "target_missed",
            Self::WorkerLost => "worker_lost",
            Self::InternalError => "internal_error",
        }
    }
}
