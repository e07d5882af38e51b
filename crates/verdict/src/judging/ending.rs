//! The end of a run: whether it ran to completion, and if not, what stopped it and when.

use brunt_record::{RunRecord, StoppedBy};

use crate::findings::stall;
use crate::model::finding::{Finding, FindingKind};
use crate::number;
use crate::sentence::capitalized;
use crate::window::totals;

/// Completion of a run, as far as its result depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Completion {
    /// The load ran as planned, or until the scenario or a target ended it.
    Complete,
    /// The user stopped the run, or the record has no ending: the rest was never measured.
    CutShort,
    /// The service stopped responding, and the run ended because of it or before the service came back.
    ServiceStopped,
    /// Every request of the run failed.
    AllFailed,
}

impl Completion {
    pub(crate) fn of(record: &RunRecord) -> Self {
        match record.ending.as_ref().map(|ending| ending.stopped_by) {
            Some(StoppedBy::EverythingFailed | StoppedBy::TargetEnded) => Self::ServiceStopped,
            _ if stall::for_good(record).is_some() => Self::ServiceStopped,
            _ if totals::all_failed(record) => Self::AllFailed,
            None | Some(StoppedBy::Interrupted | StoppedBy::Terminated) => Self::CutShort,
            _ => Self::Complete,
        }
    }
}

/// The finding that the record is incomplete or the run was stopped before its planned end.
pub(crate) fn unfinished(record: &RunRecord) -> Option<Finding> {
    let stopped = stop(record)?;
    let sentence = match Completion::of(record) {
        Completion::ServiceStopped => stop_after_reason(record)?,
        _ => stopped,
    };
    let sentence = format!("{}.", capitalized(&sentence));
    Some(Finding::new(FindingKind::Unfinished, sentence))
}

/// Returns whether the run was stopped because a target was certain to be missed.
pub(crate) fn is_stopped_for_target(record: &RunRecord) -> bool {
    let ending = record.ending.as_ref();
    ending.is_some_and(|ending| ending.stopped_by == StoppedBy::TargetMissed)
}

/// Describes who or what stopped the run before its planned end, when, and why.
pub(crate) fn stop(record: &RunRecord) -> Option<String> {
    const BRUNT: &str = "stopped by brunt";
    let stopped_by = record.ending.as_ref().map(|ending| ending.stopped_by);
    let (who, why) = match stopped_by {
        Some(StoppedBy::Finished) => return None,
        Some(StoppedBy::Interrupted) => ("stopped by Ctrl-C", ""),
        Some(StoppedBy::Terminated) => ("stopped by SIGTERM", ""),
        Some(StoppedBy::SetupFailed) => (BRUNT, ", because the set-up failed"),
        Some(StoppedBy::Unreachable) => (BRUNT, ", because the host could not be reached"),
        Some(StoppedBy::EverythingFailed) => (BRUNT, ", because every request failed"),
        Some(StoppedBy::TargetEnded) => (BRUNT, ", because the process under test ended"),
        Some(StoppedBy::Scenario) => ("stopped by the scenario", ""),
        Some(StoppedBy::TargetMissed) => (BRUNT, " (stop_at)"),
        Some(StoppedBy::WorkerLost) => (BRUNT, ", because a load process was lost"),
        Some(StoppedBy::InternalError) => ("stopped by an error in brunt itself", ""),
        None => (
            "the record ends",
            " (brunt was killed or could not write it)",
        ),
    };
    let seen = number::seconds(record.duration_s());
    let longest = record.header.load.until_decided_s;
    let planned = number::seconds(record.header.load.duration_s());
    let planned = match longest {
        Some(longest_s) if record.duration_s() > record.header.load.duration_s() => {
            format!("at most {}", number::seconds(longest_s))
        }
        _ => planned,
    };
    let reason = record
        .ending
        .as_ref()
        .and_then(|ending| ending.stop_reason.as_ref());
    let reason = reason
        .map(|reason| format!(": {reason}"))
        .unwrap_or_default();
    if stopped_by == Some(StoppedBy::TargetMissed) {
        let seen = number::seconds(record.duration_s().floor());
        let seen = seen.trim_end_matches(" s");
        return Some(format!("{who} at {seen} of {planned}{why}{reason}"));
    }
    Some(format!("{who} after {seen} of {planned}{why}{reason}"))
}

/// Describes what stopped the service or its responses, and when the run was stopped for it, if it was.
pub(crate) fn stop_after_reason(record: &RunRecord) -> Option<String> {
    let ending = record.ending.as_ref();
    let stopped_by = ending.map(|ending| ending.stopped_by);
    let is_stopped_for_it = matches!(
        stopped_by,
        Some(StoppedBy::EverythingFailed | StoppedBy::TargetEnded)
    );
    if !is_stopped_for_it && let Some(stall) = stall::for_good(record) {
        return Some(format!(
            "the service stopped responding at {}, for the rest of the run ({})",
            number::seconds(stall.from_s),
            number::seconds(stall.seconds())
        ));
    }
    let Some(reason) = ending.and_then(|ending| ending.stop_reason.as_ref()) else {
        return stop(record);
    };
    let seen = number::seconds(record.duration_s());
    let planned = number::seconds(record.header.load.duration_s());
    Some(format!(
        "{reason}; stopped by brunt after {seen} of {planned}"
    ))
}
