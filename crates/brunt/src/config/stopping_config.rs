//! When a run ends other than as planned.

use std::time::Duration;

use brunt_record::{Load, ThresholdKind};
use brunt_scenario::Plan;

use crate::cli::run::{StopAtArg, StoppingArgs};
use crate::exit::Failure;

/// A run continues for at most this many times its planned duration, unless the user gives a maximum.
const TIMES_MAX: f64 = 4.0;

/// When a run ends other than as planned.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct StoppingConfig {
    /// The threshold at which targets stop a run; `None`: as each target says.
    stop_at: Option<StopAt>,
    /// Whether a run continues until its targets are decided, and its maximum duration.
    until_decided: Option<MaxDuration>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum StopAt {
    Threshold(ThresholdKind),
    Never,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum MaxDuration {
    Planned,
    Given(Duration),
}

impl From<StoppingArgs> for StoppingConfig {
    fn from(args: StoppingArgs) -> Self {
        let stop_at = args.stop_at.map(|stop_at| match stop_at {
            StopAtArg::Target => StopAt::Threshold(ThresholdKind::Target),
            StopAtArg::Acceptable => StopAt::Threshold(ThresholdKind::Acceptable),
            StopAtArg::Critical => StopAt::Threshold(ThresholdKind::Critical),
            StopAtArg::Never => StopAt::Never,
        });
        let max = |max: Option<Duration>| max.map_or(MaxDuration::Planned, MaxDuration::Given);
        Self {
            stop_at,
            until_decided: args.until_decided.map(max),
        }
    }
}

impl StoppingConfig {
    /// Changes the plan of a profile as the user asked.
    pub(crate) fn apply(self, plan: &mut Plan, profile: &str) -> Result<(), Failure> {
        if let Some(stop_at) = self.stop_at {
            if plan.load.search.is_some() && stop_at != StopAt::Never {
                return Err(Failure::Input(format!(
                    "cannot stop profile `{profile}` at a missed target: it is a search, which continues until a \
                     target is missed; leave --stop-at out, or name other profiles"
                )));
            }
            let limit = match stop_at {
                StopAt::Threshold(limit) => Some(limit),
                StopAt::Never => None,
            };
            stop_all_at(plan, limit, profile)?;
        }
        if let Some(max) = self.until_decided {
            let longest_s = longest_s(plan, profile, max)?;
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
            "cannot stop profile `{profile}` at a missed target: none of its targets has a threshold `{}`; set \
             one, or leave --stop-at out",
            limit.name()
        ))),
        _ => Ok(()),
    }
}

/// Maximum duration of a run that continues until its targets are decided, in seconds.
fn longest_s(plan: &Plan, profile: &str, max: MaxDuration) -> Result<f64, Failure> {
    let load = &plan.load;
    let planned_s = load.duration_s();
    let last_level = |load: &Load| load.stages.last().map_or(0.0, |stage| stage.to);
    let reason = if load.search.is_some() {
        "it is a search, which continues until it has found where a target breaks".to_owned()
    } else if plan.targets.is_empty() {
        "it has no targets; set one under [targets]".to_owned()
    } else if load.iterations.is_some() {
        "it ends after a number of iterations; leave iterations out".to_owned()
    } else if load.parts().any(|part| last_level(part) <= 0.0) {
        "it ends without load, which is the level that would continue; end it with a stage that holds a level"
            .to_owned()
    } else {
        match max {
            MaxDuration::Planned => return Ok(planned_s * TIMES_MAX),
            MaxDuration::Given(max) if max.as_secs_f64() >= planned_s => {
                return Ok(max.as_secs_f64());
            }
            MaxDuration::Given(_) => {
                format!("its planned duration of {planned_s} s is longer than MAX; give more")
            }
        }
    };
    Err(Failure::Input(format!(
        "cannot run profile `{profile}` until every target is decided: {reason}"
    )))
}
