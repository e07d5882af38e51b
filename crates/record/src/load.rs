//! The planned load. It is part of the record, so that a shortfall can be distinguished from a lower plan.

use serde::{Deserialize, Serialize};

use crate::command::LoadLevel;
use crate::target::ThresholdKind;

/// The load that a profile plans.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Load {
    /// Stages, in order.
    pub stages: Vec<LoadStage>,
    /// Settings of the open model, in which levels are arrivals per second; `None`: the closed model, in which levels are
    /// users.
    #[serde(default)]
    pub open: Option<OpenModel>,
    /// Search for the breaking point, which starts from the stages; `None`: the stages are the load.
    #[serde(default)]
    pub search: Option<Search>,
    /// Duration at the beginning that is not judged, in seconds.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub warm_up_s: f64,
    /// Number of tasks after which the load ends, if that is before its planned end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iterations: Option<u64>,
    /// Longest duration of a load whose last level is held until every target is decided, in seconds; `None`: the load ends
    /// as planned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until_decided_s: Option<f64>,
    /// Tasks per second that a user would start if responses took no time, mean over the classes; `None` if users do not
    /// wait, so that there is no bound.
    pub tasks_per_user_second: Option<f64>,
    /// Judged requests per task, mean over the tasks by weight.
    pub requests_per_task: f64,
    /// Loads of other classes that run concurrently, for the same duration.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub concurrent: Vec<Load>,
}

/// Settings of the open model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenModel {
    /// Distribution of the gaps between arrivals.
    pub arrival_process: ArrivalProcess,
    /// Number of users in the pool, which bounds the concurrent tasks. An arrival waits for an idle user.
    pub users: u32,
}

/// Distribution of the gaps between arrivals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ArrivalProcess {
    /// Exponential gaps: independent arrivals, like those of many people.
    Poisson,
    /// Equal gaps.
    Constant,
}

/// A search for the breaking point, which tries one level after the other.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Search {
    /// First level: users, or arrivals per second.
    pub from: f64,
    /// Highest level; `None`: no bound.
    pub to: Option<f64>,
    /// Threshold of the targets at which the service is considered broken.
    pub breaks_at: ThresholdKind,
    /// Relative width at which the result is precise enough: the ratio of the level that breaks to the level that holds,
    /// minus 1.
    pub precision: f64,
}

/// A stage, in which the level changes linearly from one value to another.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LoadStage {
    /// Duration in seconds.
    pub seconds: f64,
    /// Level at the beginning: users, or arrivals per second.
    pub from: f64,
    /// Level at the end.
    pub to: f64,
}

impl LoadStage {
    /// Whether the level is constant.
    fn is_flat(&self) -> bool {
        (self.from - self.to).abs() <= 0.0
    }
}

/// Whether a field has its default, which is not serialized.
#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn is_zero(seconds: &f64) -> bool {
    *seconds == 0.0
}

impl Load {
    /// Planned duration in seconds.
    pub fn duration_s(&self) -> f64 {
        self.stages.iter().map(|stage| stage.seconds).sum()
    }

    /// The load with the last level of each part held to this many seconds, if that is longer than planned.
    #[must_use]
    pub fn extended_to(&self, seconds: f64) -> Self {
        let mut longer = self.clone();
        let more_s = seconds - self.duration_s();
        if more_s > 0.0 {
            match longer.stages.last_mut() {
                Some(last) if last.is_flat() => last.seconds += more_s,
                last => {
                    let level = last.map_or(0.0, |last| last.to);
                    longer.stages.push(LoadStage {
                        seconds: more_s,
                        from: level,
                        to: level,
                    });
                }
            }
        }
        longer.concurrent = self
            .concurrent
            .iter()
            .map(|part| part.extended_to(seconds))
            .collect();
        longer
    }

    /// The longest possible load: as planned, or up to the limit of a load that continues until every target is decided.
    #[must_use]
    pub fn extended_to_limit(&self) -> Self {
        match self.until_decided_s {
            Some(max_s) => self.extended_to(max_s),
            None => self.clone(),
        }
    }

    /// Replaces the plan after a moment by another level, which is held until the planned end.
    pub fn steer(&mut self, level: &LoadLevel) {
        let end_s = self.duration_s();
        let from_s = (level.from_ms as f64 / 1e3).min(end_s);
        let before = self.level_at(from_s);
        let mut left = from_s;
        for stage in &mut self.stages {
            if stage.seconds > left {
                stage.to = if stage.seconds > 0.0 {
                    stage.from + (stage.to - stage.from) * left / stage.seconds
                } else {
                    stage.from
                };
                stage.seconds = left.max(0.0);
            }
            left -= stage.seconds;
        }
        self.stages.retain(|stage| stage.seconds > 0.0);
        let ramp_s = (level.ramp_ms as f64 / 1e3).min(end_s - from_s);
        let ramp = LoadStage {
            seconds: ramp_s,
            from: before,
            to: level.level,
        };
        let hold = LoadStage {
            seconds: end_s - from_s - ramp_s,
            from: level.level,
            to: level.level,
        };
        let added = [ramp, hold].into_iter().filter(|stage| stage.seconds > 0.0);
        self.stages.extend(added);
    }

    /// Planned level at a moment, in seconds from the start; 0 after the end.
    pub fn level_at(&self, at_s: f64) -> f64 {
        let mut left = at_s.max(0.0);
        for stage in &self.stages {
            if left < stage.seconds {
                return stage.from + (stage.to - stage.from) * left / stage.seconds;
            }
            left -= stage.seconds;
        }
        0.0
    }

    /// Integral of the level up to a moment: user-seconds, or arrivals.
    pub fn integral(&self, until_s: f64) -> f64 {
        let mut left = until_s.max(0.0);
        let mut sum = 0.0;
        for stage in &self.stages {
            let part = left.min(stage.seconds);
            if stage.seconds > 0.0 {
                let at_end = stage.from + (stage.to - stage.from) * part / stage.seconds;
                sum += f64::midpoint(stage.from, at_end) * part;
            }
            left -= part;
        }
        sum
    }

    /// Number of users that are planned to start up to a moment. Each starts its first task immediately.
    pub fn users_started(&self, until_s: f64) -> f64 {
        let mut left = until_s.max(0.0);
        let (mut started, mut level) = (0.0, 0.0);
        for stage in self.stages.iter().filter(|stage| stage.seconds > 0.0) {
            if left <= 0.0 {
                break;
            }
            let part = left.min(stage.seconds);
            let reached = stage.from + (stage.to - stage.from) * part / stage.seconds;
            started += f64::max(stage.from - level, 0.0) + f64::max(reached - stage.from, 0.0);
            level = reached;
            left -= part;
        }
        started
    }

    /// The load and its concurrent loads.
    pub fn parts(&self) -> impl Iterator<Item = &Self> {
        std::iter::once(self).chain(&self.concurrent)
    }

    /// The spans in which the level is constant and above 0, and the levels of the concurrent loads are constant: from … to,
    /// in seconds.
    pub fn steady_spans(&self) -> Vec<(f64, f64)> {
        let mut ends: Vec<f64> = self.parts().flat_map(Self::ends).collect();
        ends.sort_by(f64::total_cmp);
        ends.dedup();
        let begins = std::iter::once(0.0).chain(ends.iter().copied());
        let is_steady = |(from_s, to_s): &(f64, f64)| {
            let middle_s = f64::midpoint(*from_s, *to_s);
            let is_flat = |part: &Self| part.stage_at(middle_s).is_none_or(LoadStage::is_flat);
            self.level_at(middle_s) > 0.0 && self.parts().all(is_flat)
        };
        begins.zip(ends.iter().copied()).filter(is_steady).collect()
    }

    /// Ends of the stages, in seconds.
    fn ends(&self) -> impl Iterator<Item = f64> {
        let mut end_s = 0.0;
        self.stages.iter().map(move |stage| {
            end_s += stage.seconds;
            end_s
        })
    }

    fn stage_at(&self, at_s: f64) -> Option<&LoadStage> {
        let place = self.ends().position(|end_s| at_s < end_s)?;
        self.stages.get(place)
    }

    /// Largest mean number of requests per second that the load offers up to a moment; `None` if it has no bound.
    pub fn offered_rps(&self, until_s: f64) -> Option<f64> {
        self.parts().map(|part| part.offered_alone(until_s)).sum()
    }

    fn offered_alone(&self, until_s: f64) -> Option<f64> {
        let until_s = until_s.min(self.duration_s());
        if self.open.is_some() {
            let arrivals = self.integral(until_s);
            return (until_s > 0.0).then(|| arrivals * self.requests_per_task / until_s);
        }
        let rate = self.tasks_per_user_second?;
        let tasks = self.users_started(until_s) + self.integral(until_s) * rate;
        let tasks = match self.iterations {
            Some(iterations) => tasks.min(iterations as f64),
            None => tasks,
        };
        (until_s > 0.0).then(|| tasks * self.requests_per_task / until_s)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn loads() -> impl Strategy<Value = Load> {
        let stage = (0.0..100.0f64, 0.0..50.0f64, 0.0..50.0f64);
        let stage = stage.prop_map(|(seconds, from, to)| LoadStage { seconds, from, to });
        prop::collection::vec(stage, 0..5).prop_map(|stages| Load {
            stages,
            ..Load::default()
        })
    }

    proptest! {
        #[test]
        fn integral_equals_the_sum_of_the_levels(load in loads(), until in 0.0..500.0f64) {
            let steps = 200_000;
            let width = until / f64::from(steps);
            let sum: f64 = (0..steps)
                .map(|step| load.level_at((f64::from(step) + 0.5) * width) * width)
                .sum();
            // A step may straddle the jump between two stages.
            let jump = 50.0 * width * 6.0;
            prop_assert!((sum - load.integral(until)).abs() <= 1e-6 * sum + jump + 1e-6);
        }
    }

    #[test]
    fn level_replaces_the_plan_after_it() {
        let mut load = Load {
            stages: vec![LoadStage {
                seconds: 100.0,
                from: 10.0,
                to: 10.0,
            }],
            ..Load::default()
        };
        for (from_ms, ramp_ms, level) in [(20_000, 0, 40.0), (30_000, 10_000, 0.0)] {
            load.steer(&LoadLevel {
                from_ms,
                ramp_ms,
                level,
                phase: crate::SearchPhase::Trial,
            });
        }
        assert!((load.duration_s() - 100.0).abs() < 1e-9);
        for (at_s, level) in [
            (19.9, 10.0),
            (20.0, 40.0),
            (35.0, 20.0),
            (40.0, 0.0),
            (99.0, 0.0),
        ] {
            assert!((load.level_at(at_s) - level).abs() < 1e-9, "{at_s} s");
        }
        assert!((load.integral(100.0) - (200.0 + 400.0 + 200.0)).abs() < 1e-6);
    }

    #[test]
    fn extended_load_holds_its_last_level() {
        let stage = |seconds, from, to| LoadStage { seconds, from, to };
        let additional = Load {
            stages: vec![stage(30.0, 0.0, 4.0)],
            ..Load::default()
        };
        let load = Load {
            stages: vec![stage(10.0, 0.0, 20.0), stage(20.0, 20.0, 20.0)],
            until_decided_s: Some(120.0),
            concurrent: vec![additional],
            ..Load::default()
        };
        let longest = load.extended_to_limit();
        assert_eq!(
            longest.stages,
            [stage(10.0, 0.0, 20.0), stage(110.0, 20.0, 20.0)]
        );
        assert_eq!(
            longest.concurrent[0].stages,
            [stage(30.0, 0.0, 4.0), stage(90.0, 4.0, 4.0)]
        );
        assert_eq!(load.extended_to(20.0), load);
        let as_planned = Load {
            until_decided_s: None,
            ..load
        };
        assert_eq!(as_planned.extended_to_limit(), as_planned);
    }

    #[test]
    fn offered_rate_counts_the_first_task_of_each_user_and_the_ramp() {
        let ramp = LoadStage {
            seconds: 5.0,
            from: 0.0,
            to: 10.0,
        };
        let hold = LoadStage {
            seconds: 15.0,
            from: 10.0,
            to: 10.0,
        };
        let load = Load {
            stages: vec![ramp, hold],
            open: None,
            search: None,
            warm_up_s: 0.0,
            concurrent: Vec::new(),
            iterations: None,
            until_decided_s: None,
            tasks_per_user_second: Some(0.5),
            requests_per_task: 1.0,
        };
        assert_eq!(
            load.offered_rps(20.0),
            Some((10.0 + (25.0 + 150.0) * 0.5) / 20.0)
        );
        assert_eq!(load.offered_rps(5.0), Some((10.0 + 12.5) / 5.0));
        let unbounded = Load {
            tasks_per_user_second: None,
            ..load
        };
        assert_eq!(unbounded.offered_rps(20.0), None);
    }

    #[test]
    fn concurrent_load_adds_to_the_offered_rate_and_limits_steady_spans() {
        let stage = |seconds, from, to| LoadStage { seconds, from, to };
        let open = Load {
            stages: vec![stage(40.0, 5.0, 5.0), stage(20.0, 5.0, 15.0)],
            open: Some(OpenModel {
                arrival_process: ArrivalProcess::Constant,
                users: 10,
            }),
            requests_per_task: 2.0,
            ..Load::default()
        };
        let load = Load {
            stages: vec![stage(10.0, 0.0, 20.0), stage(50.0, 20.0, 20.0)],
            tasks_per_user_second: Some(0.5),
            requests_per_task: 1.0,
            concurrent: vec![open.clone()],
            ..Load::default()
        };
        let alone = Load {
            concurrent: Vec::new(),
            ..load.clone()
        };
        let sum = alone.offered_rps(60.0).zip(open.offered_rps(60.0));
        assert_eq!(load.offered_rps(60.0), sum.map(|(one, other)| one + other));
        assert_eq!(alone.steady_spans(), [(10.0, 60.0)]);
        assert_eq!(load.steady_spans(), [(10.0, 40.0)]);
    }
}
