//! Stop state of a run: whether and why its load ends before the planned end.

use std::time::Duration;

use brunt_engine::Clock;
use brunt_record::{Command, Ending, MissedTarget, RunRecord, Second, StoppedBy, duration_ms};
use brunt_scenario::Plan;

use super::run_recorder::RunRecorder;
use super::stopping::StopDecision;
use crate::worker::load_generator::{LoadGenerator, WorkerLost};

/// A load generator that has not ended this long after `--stop-timeout` never will.
const ENDS_WITHIN: Duration = Duration::from_secs(30);

/// Whether and why the load was stopped before its planned end.
#[derive(Default)]
pub(super) struct StopState {
    pub(super) asked: Option<(StoppedBy, u64, Option<String>)>,
    /// The targets for which it was stopped.
    missed: Vec<MissedTarget>,
    pub(super) aborted: bool,
}

impl StopState {
    /// Stops the load, once.
    pub(super) fn ask(
        &mut self,
        generator: &mut dyn LoadGenerator,
        recorder: &mut RunRecorder,
        stopped_by: StoppedBy,
        reason: Option<String>,
    ) {
        let now_ms = duration_ms(generator.clock().elapsed());
        if self.asked.is_none()
            && now_ms < load_ms(&recorder.record.header.load.extended_to_limit())
        {
            self.asked = Some((stopped_by, now_ms, reason));
            generator.command(Command::Stop);
            recorder.event(generator.clock(), Command::Stop);
        }
    }

    /// Stops the load since what makes it has failed, or cannot be waited for. That is the run's ending, whatever else
    /// had been asked.
    pub(super) fn fail(
        &mut self,
        generator: &mut dyn LoadGenerator,
        recorder: &mut RunRecorder,
        reason: String,
    ) {
        let by = StoppedBy::InternalError;
        self.ask(generator, recorder, by, Some(reason.clone()));
        let planned_ms = load_ms(&recorder.record.header.load.extended_to_limit());
        let asked = self.asked.take();
        self.asked = match asked {
            Some((StoppedBy::InternalError | StoppedBy::WorkerLost, ..)) => asked,
            Some((_, at_ms, _)) => Some((by, at_ms, Some(reason))),
            None => Some((by, planned_ms, Some(reason))),
        };
    }

    /// Whether what makes the load should have ended long ago.
    pub(super) fn is_overdue(
        &self,
        clock: Clock,
        load: &brunt_record::Load,
        stop_timeout: Duration,
    ) -> bool {
        let ends_ms = self
            .asked
            .as_ref()
            .map_or_else(|| load_ms(load), |(_, at_ms, _)| *at_ms);
        let patience = stop_timeout.saturating_add(ENDS_WITHIN);
        clock.elapsed() > Duration::from_millis(ends_ms).saturating_add(patience)
    }

    /// Ends the load for what was seen of its targets.
    pub(super) fn end(
        &mut self,
        generator: &mut dyn LoadGenerator,
        recorder: &mut RunRecorder,
        end: StopDecision,
    ) {
        let was_asked = self.asked.is_some();
        self.ask(generator, recorder, end.stopped_by, end.reason);
        if !was_asked && self.asked.is_some() {
            self.missed = end.missed;
        }
    }

    /// A process of the load is lost. What is judged ends with the last second of which all is known, whatever else
    /// stopped the load.
    pub(super) fn lose(
        &mut self,
        generator: &mut dyn LoadGenerator,
        recorder: &mut RunRecorder,
        lost: WorkerLost,
    ) {
        let (reason, at_ms) = (lost.reason, u64::from(lost.at_s) * 1_000);
        self.ask(generator, recorder, StoppedBy::WorkerLost, None);
        if !matches!(
            self.asked,
            Some((StoppedBy::WorkerLost, _, Some(_)) | (StoppedBy::InternalError, ..))
        ) {
            let load = &recorder.record.header.load;
            let ends_ms = load_ms(&load.extended_to_limit());
            let ends_ms = self.asked.take().map_or(ends_ms, |(_, at_ms, _)| at_ms);
            self.asked = Some((StoppedBy::WorkerLost, at_ms.min(ends_ms), Some(reason)));
            self.missed.clear();
        }
    }

    /// All that users do before their tasks has failed.
    pub(super) fn nobody_started(&mut self, clock: Clock, reason: &str) {
        let now_ms = duration_ms(clock.elapsed());
        self.asked = Some((StoppedBy::SetupFailed, now_ms, Some(reason.to_owned())));
    }

    /// The load has ended before its time, since all users had stopped for good. With iterations that is its end.
    pub(super) fn nobody_left(&mut self, clock: Clock, record: &RunRecord) {
        let now_ms = duration_ms(clock.elapsed());
        let load = &record.header.load;
        let is_planned = load.iterations.is_some() || now_ms >= load_ms(load);
        let mut seconds = record.timeline.seconds().iter();
        let is_gone = |second: Second| second.users_out_of_data + second.users_stopped > 0;
        if self.asked.is_none() && !is_planned && seconds.any(is_gone) {
            let reason = "all users had stopped: their data was used up, or the scenario says so";
            self.asked = Some((StoppedBy::Scenario, now_ms, Some(reason.to_owned())));
        }
    }

    pub(super) fn ending(
        &self,
        clock: Clock,
        plan: &Plan,
        unseen: brunt_record::Unavailable,
    ) -> Ending {
        let ended_ms = duration_ms(clock.elapsed());
        let planned_ms = load_ms(&plan.load.extended_to_limit());
        // So many tasks may be done before the time is up.
        let load_ended_ms = match plan.load.iterations {
            Some(_) => planned_ms.min(ended_ms),
            None => planned_ms,
        };
        let (stopped_by, load_ended_ms, reason) =
            self.asked
                .clone()
                .unwrap_or((StoppedBy::Finished, load_ended_ms, None));
        Ending {
            stopped_by,
            load_ended_ms,
            ended_ms,
            stop_reason: reason,
            missed_targets: self.missed.clone(),
            unavailable: unseen,
        }
    }
}

fn load_ms(load: &brunt_record::Load) -> u64 {
    duration_ms(Duration::from_secs_f64(load.duration_s()))
}
