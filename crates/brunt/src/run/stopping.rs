//! When a run ends other than as planned: once a target is surely missed, or once all targets are decided.

use std::time::Duration;

use brunt_record::{Header, Load, MissedTarget, RunRecord, StoppedBy, ThresholdKind};
use brunt_scenario::Plan;
use brunt_verdict::stopping::Stopping;
use brunt_verdict::until_decided::UntilDecided;

use crate::config::load_config::positive_duration;
use crate::exit::{Failure, note};

/// A run goes on for at most this many times its planned time, unless the user gives a limit.
const TIMES_MAX: f64 = 4.0;

/// When a run is to end.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct StoppingOptions {
    /// Stop as soon as a target certainly misses this threshold [default: from each target]
    #[arg(long, value_name = "THRESHOLD", value_enum)]
    stop_at: Option<StopAt>,
    /// Extend the run at its last level until every target is decided, to MAX in total
    /// [default MAX: four times the planned time]
    #[expect(
        clippy::option_option,
        reason = "an option that may be given without its value"
    )]
    #[arg(long, value_name = "MAX", num_args = 0..=1, require_equals = true, value_parser = positive_duration)]
    until_decided: Option<Option<Duration>>,
}

/// The threshold at which targets stop a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum StopAt {
    Target,
    Acceptable,
    Critical,
    // Whatever the scenario says.
    Never,
}

impl StopAt {
    fn limit(self) -> Option<ThresholdKind> {
        match self {
            Self::Target => Some(ThresholdKind::Target),
            Self::Acceptable => Some(ThresholdKind::Acceptable),
            Self::Critical => Some(ThresholdKind::Critical),
            Self::Never => None,
        }
    }
}

impl StoppingOptions {
    /// Changes a profile's plan as the user asked.
    pub(crate) fn change(self, plan: &mut Plan, profile: &str) -> Result<(), Failure> {
        let refused = |message: String| Err(Failure::Input(message));
        if let Some(stop_at) = self.stop_at {
            if plan.load.search.is_some() && stop_at != StopAt::Never {
                return refused(format!(
                    "cannot stop the profile `{profile}` at a missed target: it is a search, which goes on until a \
                     target is missed; leave --stop-at out, or name other profiles"
                ));
            }
            stop_all_at(plan, stop_at.limit(), profile)?;
        }
        if let Some(max) = self.until_decided {
            let longest_s = self::longest_s(plan, profile, max)?;
            plan.load.until_decided_s = Some(longest_s);
        }
        Ok(())
    }
}

/// Sets the threshold that stops the run, for each target that has it.
fn stop_all_at(
    plan: &mut Plan,
    limit: Option<ThresholdKind>,
    profile: &str,
) -> Result<(), Failure> {
    let mut stops = false;
    for target in &mut plan.targets {
        target.stop_at = limit.filter(|limit| target.threshold(*limit).is_some());
        stops |= target.stop_at.is_some();
    }
    match limit {
        Some(limit) if !stops => Err(Failure::Input(format!(
            "cannot stop the profile `{profile}` at a missed target: none of its targets has a threshold `{}`; set \
             one, or leave --stop-at out",
            limit.name()
        ))),
        _ => Ok(()),
    }
}

/// How long a run may go on until its targets are decided, in seconds.
fn longest_s(plan: &Plan, profile: &str, max: Option<Duration>) -> Result<f64, Failure> {
    let load = &plan.load;
    let planned_s = load.duration_s();
    let last_level = |load: &Load| load.stages.last().map_or(0.0, |stage| stage.to);
    let why = if load.search.is_some() {
        "it is a search, which goes on until it has found where a target breaks".to_owned()
    } else if plan.targets.is_empty() {
        "it has no targets; set one under [targets]".to_owned()
    } else if load.iterations.is_some() {
        "it ends after a number of iterations; leave iterations out".to_owned()
    } else if load.parts().any(|part| last_level(part) <= 0.0) {
        "it ends with no load, which would be all that goes on; end it with a stage that holds a level".to_owned()
    } else {
        match max.map(|max| max.as_secs_f64()) {
            None => return Ok(planned_s * TIMES_MAX),
            Some(max_s) if max_s >= planned_s => return Ok(max_s),
            Some(_) => format!("its planned time of {planned_s} s is longer than MAX; give more"),
        }
    };
    Err(Failure::Input(format!(
        "cannot play the profile `{profile}` until all is decided: {why}"
    )))
}

/// Why a run ends before its time, or before the last moment that it may take.
#[derive(Debug, Clone)]
pub(crate) struct End {
    pub(crate) stopped_by: StoppedBy,
    pub(crate) reason: Option<String>,
    pub(crate) missed: Vec<MissedTarget>,
}

impl End {
    /// Tells the user, who may not be looking at the live line.
    pub(crate) fn announce(&self, elapsed: Duration, load: &Load) {
        let (elapsed_s, planned_s) = (elapsed.as_secs(), load.duration_s());
        match &self.reason {
            Some(reason) => note(&format!(
                "stopped by brunt at {elapsed_s} of {planned_s} s: {reason}"
            )),
            None => note(&format!("every target is decided after {elapsed_s} s")),
        }
    }
}

/// The watch over a run: it is asked after each second whether the run is to end.
pub(crate) struct Watch {
    stopping: Option<Stopping>,
    deciding: Option<UntilDecided>,
    /// The number of seconds that it has looked at.
    looked_at_s: u32,
    /// The targets that were not decided at the last look.
    undecided: Vec<String>,
}

impl Watch {
    pub(crate) fn new(header: &Header) -> Self {
        Self {
            stopping: Stopping::new(header),
            deciding: UntilDecided::new(header),
            looked_at_s: 0,
            undecided: Vec::new(),
        }
    }

    /// Looks at what has been recorded; `told_s` seconds of it are complete. Says why the run is to end, if it is.
    pub(crate) fn look(&mut self, record: &RunRecord, told_s: u32) -> Option<End> {
        if told_s <= self.looked_at_s || told_s == u32::MAX {
            return None;
        }
        self.looked_at_s = told_s;
        let stopping = self.stopping.as_mut();
        if let Some(missed) = stopping.and_then(|stopping| stopping.look(record, told_s)) {
            return Some(End {
                stopped_by: StoppedBy::TargetMissed,
                reason: Some(missed.reason),
                missed: missed.targets,
            });
        }
        self.undecided = self.deciding.as_mut()?.look(record, told_s)?;
        self.undecided.is_empty().then_some(End {
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
