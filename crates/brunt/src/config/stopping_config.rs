//! Early stop and extension of a run.

use std::time::Duration;

use brunt_record::{Load, ThresholdKind};
use brunt_scenario::Plan;

use crate::cli::run::{StopAtArg, StoppingArgs};
use crate::exit::Failure;

/// Default maximum duration of a run with `--until-decided`, as a multiple of its planned duration.
const EXTENSION_FACTOR: f64 = 4.0;

/// Early stop and extension of a run.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct StoppingConfig {
    /// Threshold at which a missed target stops the run; `None`: that of each target.
    stop_at: Option<StopAt>,
    /// Maximum duration of a run that continues until its targets are decided; `None`: the run is not extended.
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
    /// Applies the options to the plan of a profile.
    pub(crate) fn apply(self, plan: &mut Plan, profile: &str) -> Result<(), Failure> {
        if let Some(stop_at) = self.stop_at {
            if plan.load.search.is_some() && stop_at != StopAt::Never {
                return Err(Failure::Input(format!(
                    "cannot stop profile `{profile}` at a missed target: it is a search, which continues until a \
                     target is missed; omit --stop-at, or choose other profiles"
                )));
            }
            let threshold = match stop_at {
                StopAt::Threshold(threshold) => Some(threshold),
                StopAt::Never => None,
            };
            stop_all_at(plan, threshold, profile)?;
        }
        if let Some(max) = self.until_decided {
            let duration_max_s = duration_max_s(plan, profile, max)?;
            plan.load.until_decided_s = Some(duration_max_s);
        }
        Ok(())
    }
}

/// Sets the threshold that stops the run, for each target that has this threshold.
fn stop_all_at(
    plan: &mut Plan,
    threshold: Option<ThresholdKind>,
    profile: &str,
) -> Result<(), Failure> {
    let mut stops = false;
    for target in &mut plan.targets {
        target.stop_at = threshold.filter(|kind| target.threshold(*kind).is_some());
        stops |= target.stop_at.is_some();
    }
    match threshold {
        Some(threshold) if !stops => Err(Failure::Input(format!(
            "cannot stop profile `{profile}` at a missed target: none of its targets has a threshold `{}`; set \
             one, or omit --stop-at",
            threshold.name()
        ))),
        _ => Ok(()),
    }
}

/// Maximum duration of a run that continues until its targets are decided, in seconds.
fn duration_max_s(plan: &Plan, profile: &str, max: MaxDuration) -> Result<f64, Failure> {
    let load = &plan.load;
    let planned_s = load.duration_s();
    let last_level = |load: &Load| load.stages.last().map_or(0.0, |stage| stage.to);
    let reason = if load.search.is_some() {
        "it is a search, which continues until it has found where a target breaks".to_owned()
    } else if plan.targets.is_empty() {
        "it has no targets; set one under [targets]".to_owned()
    } else if load.iterations.is_some() {
        "it ends after a number of iterations; remove `iterations`".to_owned()
    } else if load.parts().any(|part| last_level(part) <= 0.0) {
        "its last level, which would continue, is 0; add a last stage that holds a level".to_owned()
    } else {
        match max {
            MaxDuration::Planned => return Ok(planned_s * EXTENSION_FACTOR),
            MaxDuration::Given(max) if max.as_secs_f64() >= planned_s => {
                return Ok(max.as_secs_f64());
            }
            MaxDuration::Given(_) => {
                format!("its planned duration of {planned_s} s is longer than MAX; increase MAX")
            }
        }
    };
    Err(Failure::Input(format!(
        "cannot run profile `{profile}` until every target is decided: {reason}"
    )))
}
