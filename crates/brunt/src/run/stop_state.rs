//! Early stop of a run: on a signal, a failure, a certainly missed target, or when all targets are decided.

use std::time::Duration;

use brunt_engine::Clock;
use brunt_record::{
    Command, Ending, Header, Load, MissedTarget, RunRecord, Second, StoppedBy, duration_ms,
};
use brunt_scenario::Plan;
use brunt_verdict::stopping::{EarlyStopping, UntilDecided};

use super::run_recorder::RunRecorder;
use crate::exit::print_note;
use crate::worker::load_generator::{LoadGenerator, WorkerLost};

/// Time after `--stop-timeout` after which the load generator counts as hung.
const OVERDUE_AFTER: Duration = Duration::from_secs(30);

/// Whether and why the load was stopped before its planned end.
#[derive(Default)]
pub(super) struct StopState {
    /// Cause, time in milliseconds, and reason of the stop.
    pub(super) requested: Option<(StoppedBy, u64, Option<String>)>,
    /// Targets that caused the stop.
    missed: Vec<MissedTarget>,
    pub(super) aborted: bool,
}

impl StopState {
    /// Stops the load, unless it was already stopped or has reached its planned end.
    pub(super) fn request(
        &mut self,
        generator: &mut dyn LoadGenerator,
        recorder: &mut RunRecorder,
        stopped_by: StoppedBy,
        reason: Option<String>,
    ) {
        let now_ms = duration_ms(generator.clock().elapsed());
        if self.requested.is_none()
            && now_ms < load_ms(&recorder.record.header.load.extended_to_limit())
        {
            self.requested = Some((stopped_by, now_ms, reason));
            generator.command(Command::Stop);
            recorder.event(generator.clock(), Command::Stop);
        }
    }

    /// Stops the load because the generator failed or hangs. This overrides any other cause.
    pub(super) fn fail(
        &mut self,
        generator: &mut dyn LoadGenerator,
        recorder: &mut RunRecorder,
        reason: String,
    ) {
        let by = StoppedBy::InternalError;
        self.request(generator, recorder, by, Some(reason.clone()));
        let load_ms = load_ms(&recorder.record.header.load.extended_to_limit());
        let requested = self.requested.take();
        self.requested = match requested {
            Some((StoppedBy::InternalError | StoppedBy::WorkerLost, ..)) => requested,
            Some((_, at_ms, _)) => Some((by, at_ms, Some(reason))),
            None => Some((by, load_ms, Some(reason))),
        };
    }

    /// Whether the load generator counts as hung.
    pub(super) fn is_overdue(&self, clock: Clock, load: &Load, stop_timeout: Duration) -> bool {
        let ends_ms = self
            .requested
            .as_ref()
            .map_or_else(|| load_ms(load), |(_, at_ms, _)| *at_ms);
        let timeout = stop_timeout.saturating_add(OVERDUE_AFTER);
        clock.elapsed() > Duration::from_millis(ends_ms).saturating_add(timeout)
    }

    /// Ends the load because of its targets.
    pub(super) fn end(
        &mut self,
        generator: &mut dyn LoadGenerator,
        recorder: &mut RunRecorder,
        end: StopDecision,
    ) {
        let was_requested = self.requested.is_some();
        self.request(generator, recorder, end.stopped_by, end.reason);
        if !was_requested && self.requested.is_some() {
            self.missed = end.missed;
        }
    }

    /// Stops the load because a worker process was lost. The judged part of the run ends with the last second that all
    /// workers reported. This overrides any other cause except an internal error.
    pub(super) fn lose(
        &mut self,
        generator: &mut dyn LoadGenerator,
        recorder: &mut RunRecorder,
        lost: WorkerLost,
    ) {
        let (reason, at_ms) = (lost.reason, u64::from(lost.at_s) * 1_000);
        self.request(generator, recorder, StoppedBy::WorkerLost, None);
        if !matches!(
            self.requested,
            Some((StoppedBy::WorkerLost, _, Some(_)) | (StoppedBy::InternalError, ..))
        ) {
            let load = &recorder.record.header.load;
            let ends_ms = load_ms(&load.extended_to_limit());
            let ends_ms = self.requested.take().map_or(ends_ms, |(_, at_ms, _)| at_ms);
            self.requested = Some((StoppedBy::WorkerLost, at_ms.min(ends_ms), Some(reason)));
            self.missed.clear();
        }
    }

    /// Ends the run because the start steps of all users failed.
    pub(super) fn set_no_user_started(&mut self, clock: Clock, reason: &str) {
        let now_ms = duration_ms(clock.elapsed());
        self.requested = Some((StoppedBy::SetupFailed, now_ms, Some(reason.to_owned())));
    }

    /// Records that the load ended early because all users had stopped. With iterations this is the planned end.
    pub(super) fn check_users_left(&mut self, clock: Clock, record: &RunRecord) {
        let now_ms = duration_ms(clock.elapsed());
        let load = &record.header.load;
        let is_planned = load.iterations.is_some() || now_ms >= load_ms(load);
        let mut seconds = record.timeline.seconds().iter();
        let is_gone = |second: Second| second.users_out_of_data + second.users_stopped > 0;
        if self.requested.is_none() && !is_planned && seconds.any(is_gone) {
            let reason =
                "all users stopped: their data was exhausted, or the scenario stopped them";
            self.requested = Some((StoppedBy::Scenario, now_ms, Some(reason.to_owned())));
        }
    }

    pub(super) fn ending(
        &self,
        clock: Clock,
        plan: &Plan,
        unavailable: brunt_record::Unavailable,
    ) -> Ending {
        let ended_ms = duration_ms(clock.elapsed());
        let planned_ms = load_ms(&plan.load.extended_to_limit());
        // A number of iterations may be complete before the planned duration.
        let load_ended_ms = match plan.load.iterations {
            Some(_) => planned_ms.min(ended_ms),
            None => planned_ms,
        };
        let (stopped_by, load_ended_ms, reason) =
            self.requested
                .clone()
                .unwrap_or((StoppedBy::Finished, load_ended_ms, None));
        Ending {
            stopped_by,
            load_ended_ms,
            ended_ms,
            stop_reason: reason,
            missed_targets: self.missed.clone(),
            unavailable,
        }
    }
}

/// Planned duration of a load.
fn load_ms(load: &Load) -> u64 {
    duration_ms(Duration::from_secs_f64(load.duration_s()))
}

/// Decision to end a run early because of its targets.
#[derive(Debug, Clone)]
pub(crate) struct StopDecision {
    pub(crate) stopped_by: StoppedBy,
    pub(crate) reason: Option<String>,
    pub(crate) missed: Vec<MissedTarget>,
}

impl StopDecision {
    /// Prints the reason.
    pub(crate) fn announce(&self, elapsed: Duration, load: &Load) {
        let (elapsed_s, planned_s) = (elapsed.as_secs(), load.duration_s());
        match &self.reason {
            Some(reason) => print_note(&format!(
                "stopping after {elapsed_s} of {planned_s} s: {reason}"
            )),
            None => print_note(&format!(
                "stopping after {elapsed_s} s: every target is decided"
            )),
        }
    }
}

/// Checks after each second whether a run can end because of its targets.
pub(crate) struct StopWatch {
    stopping: Option<EarlyStopping>,
    deciding: Option<UntilDecided>,
    /// Number of seconds at the last check.
    checked_s: u32,
    /// Targets that were undecided at the last check.
    undecided: Vec<String>,
}

impl StopWatch {
    pub(crate) fn new(header: &Header) -> Self {
        Self {
            stopping: EarlyStopping::new(header),
            deciding: UntilDecided::new(header),
            checked_s: 0,
            undecided: Vec::new(),
        }
    }

    /// Checks the record, of which `completed_s` seconds are complete. Returns a decision if the run is to end.
    pub(crate) fn check(&mut self, record: &RunRecord, completed_s: u32) -> Option<StopDecision> {
        if completed_s <= self.checked_s {
            return None;
        }
        self.checked_s = completed_s;
        let stopping = self.stopping.as_mut();
        if let Some(missed) = stopping.and_then(|stopping| stopping.look(record, completed_s)) {
            return Some(StopDecision {
                stopped_by: StoppedBy::TargetMissed,
                reason: Some(missed.reason),
                missed: missed.targets,
            });
        }
        self.undecided = self.deciding.as_mut()?.look(record, completed_s)?;
        self.undecided.is_empty().then_some(StopDecision {
            stopped_by: StoppedBy::Finished,
            reason: None,
            missed: Vec::new(),
        })
    }

    /// Descriptions of the undecided targets.
    pub(crate) fn undecided(&self) -> &[String] {
        &self.undecided
    }
}
