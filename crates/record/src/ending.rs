//! The ending of a run: when and why it ended.

use serde::{Deserialize, Serialize};

use crate::target::ThresholdKind;
use crate::unavailable::Unavailable;

/// When and why a run ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ending {
    /// Cause of the end of the load.
    pub stopped_by: StoppedBy,
    /// Time at which the load was stopped, in milliseconds of the run's clock.
    pub load_ended_ms: u64,
    /// Time at which the last request ended, in milliseconds of the run's clock.
    pub ended_ms: u64,
    /// Details of the cause, if there are any.
    pub stop_reason: Option<String>,
    /// Targets that were certainly missed, for which the run was stopped.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missed_targets: Vec<MissedTarget>,
    /// Data that the monitor could not read.
    #[serde(default)]
    pub unavailable: Unavailable,
}

/// A target that was certainly missed before the planned end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct MissedTarget {
    /// Position among the targets of the header.
    pub target: u32,
    /// Threshold that was missed.
    pub threshold: ThresholdKind,
}

/// Cause of the end of the load.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StoppedBy {
    /// The profile ended.
    Finished,
    /// Ctrl-C.
    Interrupted,
    /// SIGTERM.
    Terminated,
    /// A set-up request failed.
    SetupFailed,
    /// The host could not be reached.
    Unreachable,
    /// All requests failed for some time.
    EverythingFailed,
    /// The process under test ended.
    TargetEnded,
    /// A step of the scenario stopped the test.
    Scenario,
    /// A target was certainly missed, and the scenario stops the run in this case.
    TargetMissed,
    /// A worker process was lost, and its share of the load with it.
    WorkerLost,
    /// brunt itself failed.
    InternalError,
}

impl StoppedBy {
    /// Name in files.
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
