//! Early stop of a run: when a target is certainly missed, or when all targets are decided.

use std::time::Duration;

use brunt_record::{Header, Load, MissedTarget, RunRecord, StoppedBy};
use brunt_verdict::stopping::Stopping;
use brunt_verdict::stopping::UntilDecided;

use crate::exit::print_note;

/// Why a run ends before its time, or before the last moment that it may take.
#[derive(Debug, Clone)]
pub(crate) struct StopDecision {
    pub(crate) stopped_by: StoppedBy,
    pub(crate) reason: Option<String>,
    pub(crate) missed: Vec<MissedTarget>,
}

impl StopDecision {
    /// Tells the user, who may not be looking at the live line.
    pub(crate) fn announce(&self, elapsed: Duration, load: &Load) {
        let (elapsed_s, planned_s) = (elapsed.as_secs(), load.duration_s());
        match &self.reason {
            Some(reason) => print_note(&format!(
                "stopped by brunt at {elapsed_s} of {planned_s} s: {reason}"
            )),
            None => print_note(&format!("every target is decided after {elapsed_s} s")),
        }
    }
}

/// The watch over a run: it is asked after each second whether the run is to end.
pub(crate) struct StopWatch {
    stopping: Option<Stopping>,
    deciding: Option<UntilDecided>,
    /// The number of seconds that it has looked at.
    looked_at_s: u32,
    /// The targets that were not decided at the last look.
    undecided: Vec<String>,
}

impl StopWatch {
    pub(crate) fn new(header: &Header) -> Self {
        Self {
            stopping: Stopping::new(header),
            deciding: UntilDecided::new(header),
            looked_at_s: 0,
            undecided: Vec::new(),
        }
    }

    /// Judges the first `completed_s` seconds of a record, all of which are complete. Returns the reason to end the run, if
    /// there is one.
    pub(crate) fn look(&mut self, record: &RunRecord, completed_s: u32) -> Option<StopDecision> {
        if completed_s <= self.looked_at_s {
            return None;
        }
        self.looked_at_s = completed_s;
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

    /// The targets that keep the run going, in words.
    pub(crate) fn undecided(&self) -> &[String] {
        &self.undecided
    }
}
