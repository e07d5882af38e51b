//! Decidability: whether a planned load can decide a target, and what would make it decidable. `brunt check` and
//! `brunt run` use it before the load, the verdict afterwards.
//!
//! Requests are estimated from arrivals, or from users and their waits as if every response came at once, so a plan
//! sends at most that many, except if a loop has more iterations than are known in advance.

pub(crate) mod question;
pub(crate) mod remedy;

use std::fmt;

use brunt_record::{Load, Metric, RequestName, Target};

use crate::grading::decidability::question::Question;
use crate::model::judgment;
use crate::number;
use crate::stats::batch_means::blocks_min;
pub use question::{Obstacle, Portion};
pub(crate) use question::{enough_rps, is_to_spare};
pub use remedy::Remedy;

/// A planned load, as far as it matters for targets.
#[derive(Debug, Clone, Copy)]
pub struct PlannedLoad<'a> {
    /// The load over time.
    pub load: &'a Load,
    /// The shortest duration of a run that may pass, in seconds; `None`: the default.
    pub min_duration_s: Option<f64>,
    /// Whether a process is monitored.
    pub is_watched: bool,
}

/// A target that a load cannot show to be met.
#[derive(Debug, Clone, PartialEq)]
pub struct Undecidable {
    /// The reason.
    pub obstacle: Obstacle,
    /// Changes, each of which would make it decidable.
    pub remedies: Vec<Remedy>,
    /// Whether the service could still miss a threshold. If not, nothing that the service does decides the target,
    /// and it is not applicable to the load.
    pub can_be_missed: bool,
    metric: Metric,
    /// The strictest threshold, in the metric's unit.
    threshold: f64,
}

impl PlannedLoad<'_> {
    /// Why this load cannot show that a target is met, and what would change that; `None` if it can, or if that is
    /// not known in advance. A search increases its load until targets break, and can always decide.
    pub fn undecidable(&self, target: &Target, portion: Portion) -> Option<Undecidable> {
        let threshold = target.target.or(target.acceptable).or(target.critical)?;
        if self.load.search.is_some() {
            return None;
        }
        let question = Question {
            metric: target.metric,
            threshold,
            portion,
            blocks_min: blocks_min(self.min_duration_s, 1.0),
        };
        let obstacle = match target.metric {
            Metric::Cpu | Metric::Memory if self.is_watched => return None,
            Metric::Cpu | Metric::Memory => Obstacle::NotWatched,
            _ => question.obstacle(self.load)?,
        };
        let can_be_missed = match obstacle {
            Obstacle::NotOffered { offered_rps, .. } => {
                let levels = [target.target, target.acceptable, target.critical];
                let mut levels = levels.into_iter().flatten();
                levels.any(|level| offered_rps > level || is_to_spare(offered_rps, level))
            }
            Obstacle::NotRequested => false,
            _ => true,
        };
        Some(Undecidable {
            remedies: remedy::remedies(self.load, &question, &obstacle),
            obstacle,
            can_be_missed,
            metric: target.metric,
            threshold,
        })
    }

    /// A warning for each target that this load cannot show to be met.
    pub fn warnings(
        &self,
        targets: &[Target],
        names: &[RequestName],
        portion_of: impl Fn(&Target) -> Portion,
    ) -> Vec<String> {
        let warned = targets.iter().filter_map(|target| {
            let found = self.undecidable(target, portion_of(target))?;
            let title = judgment::title(target.metric, target.scope_title(names).as_deref());
            Some(format!("{title} cannot be decided: {found}"))
        });
        warned.collect()
    }
}

impl Undecidable {
    /// The reason in words.
    pub(crate) fn obstacle_in_words(&self) -> String {
        let what = match self.metric {
            Metric::ErrorRate => {
                format!("an error rate under {} %", number::chosen(self.threshold))
            }
            Metric::Throughput => format!("over {} req/s", number::chosen(self.threshold)),
            other => format!("a {}", other.name()),
        };
        match &self.obstacle {
            Obstacle::TooShort {
                planned_s,
                needed_s,
            } => {
                let (planned, needed) = (number::duration(*planned_s), number::duration(*needed_s));
                format!("{what} needs a run of {needed}, but this load lasts {planned}")
            }
            Obstacle::TooFewRequests { planned, needed } => {
                let (planned, needed) = (number::about(*planned), number::about(*needed as f64));
                format!("{what} needs about {needed} requests, but this load sends about {planned}")
            }
            Obstacle::NotOffered {
                offered_rps,
                threshold_rps,
            } => format!(
                "{what} needs an offered load of {} req/s (10 % headroom), but this load offers {}",
                number::chosen(enough_rps(*threshold_rps)),
                number::measured(*offered_rps)
            ),
            Obstacle::NotRequested => "no user of this load sends such a request".to_owned(),
            Obstacle::NotWatched => "no process is monitored".to_owned(),
        }
    }
}

impl fmt::Display for Undecidable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.obstacle_in_words())?;
        let remedies: Vec<String> = self.remedies.iter().map(Remedy::to_string).collect();
        if remedies.is_empty() {
            return Ok(());
        }
        write!(f, "; {}", remedies.join(" or "))
    }
}

#[cfg(test)]
mod tests {
    use brunt_record::{ArrivalProcess, LoadStage, OpenModel};

    use super::*;

    /// Ten users with a wait of two seconds, for some seconds.
    fn users(seconds: f64) -> Load {
        Load {
            stages: vec![LoadStage {
                seconds,
                from: 10.0,
                to: 10.0,
            }],
            tasks_per_user_second: Some(0.5),
            requests_per_task: 1.0,
            ..Load::default()
        }
    }

    fn arrivals(rate: f64, seconds: f64) -> Load {
        Load {
            open: Some(OpenModel {
                arrival_process: ArrivalProcess::Poisson,
                users: 10,
            }),
            stages: vec![LoadStage {
                seconds,
                from: rate,
                to: rate,
            }],
            requests_per_task: 1.0,
            ..Load::default()
        }
    }

    fn target(metric: Metric, target: f64) -> Target {
        Target {
            metric,
            scope: None,
            target: Some(target),
            acceptable: None,
            critical: None,
            stop_at: None,
        }
    }

    fn planned(load: &Load) -> PlannedLoad<'_> {
        PlannedLoad {
            load,
            min_duration_s: None,
            is_watched: false,
        }
    }

    fn said(load: &Load, target: &Target, portion: Portion) -> Option<String> {
        let found = planned(load).undecidable(target, portion)?;
        Some(found.to_string())
    }

    const ALL: Portion = Portion::Share(1.0);
    const P99: Metric = Metric::Percentile(0.99);

    #[test]
    fn undecidable_target_names_the_obstacle_and_the_remedy() {
        let mut mine = users(900.0);
        mine.iterations = Some(500);
        let table = [
            (
                users(300.0),
                target(Metric::ErrorRate, 0.1),
                ALL,
                "an error rate under 0.1 % needs about 3,000 requests, but this load sends about 1,500; \
                 run for 10m (-t 10m, now 5m) or use 20 users (-u 20, now 10)",
            ),
            (
                mine,
                target(Metric::ErrorRate, 0.1),
                ALL,
                "an error rate under 0.1 % needs about 3,000 requests, but this load sends about 500; \
                 set iterations = 3000 (now 500)",
            ),
            (
                users(30.0),
                target(Metric::Percentile(0.9999), 500.0),
                ALL,
                "a p99.99 needs about 30,000 requests, but this load sends about 160; use the p95 instead",
            ),
            (
                users(60.0),
                target(P99, 500.0),
                Portion::Share(0.1),
                "a p99 needs about 300 requests, but this load sends about 31; run for 10m (-t 10m, now 1m) or use 97 users (-u 97, now 10)",
            ),
            (
                users(10.0),
                target(P99, 500.0),
                ALL,
                "a p99 needs a run of 20s, but this load lasts 10s; run for 1m (-t 1m, now 10s)",
            ),
            (
                users(300.0),
                target(Metric::Throughput, 100.0),
                ALL,
                "over 100 req/s needs an offered load of 110 req/s (10 % headroom), but this load offers 5.03; use 220 users (-u 220, now 10)",
            ),
            (
                arrivals(20.0, 300.0),
                target(Metric::Throughput, 100.0),
                ALL,
                "over 100 req/s needs an offered load of 110 req/s (10 % headroom), but this load offers 20; start 110 tasks/s (--rate 110, now 20)",
            ),
            (
                users(300.0),
                target(P99, 100.0),
                Portion::Nothing,
                "no user of this load sends such a request; include the users and tasks that do",
            ),
            (
                users(300.0),
                target(Metric::Cpu, 70.0),
                ALL,
                "no process is monitored; name a process with --pid or --port",
            ),
        ];
        for (load, target, portion, expected) in table {
            assert_eq!(said(&load, &target, portion).as_deref(), Some(expected));
        }
    }

    #[test]
    fn decidable_target_has_no_warning() {
        for (load, target) in [
            (users(600.0), target(Metric::ErrorRate, 0.1)),
            (users(60.0), target(Metric::ErrorRate, 1.0)),
            (users(20.0), target(Metric::Percentile(0.95), 200.0)),
            (users(300.0), target(Metric::Throughput, 4.5)),
            (users(3.0), target(Metric::Max, 4.5)),
            (users(3.0), target(Metric::ErrorRate, 0.0)),
        ] {
            assert_eq!(said(&load, &target, ALL), None, "{target:?}");
        }
        let unbounded = Load {
            tasks_per_user_second: None,
            ..users(300.0)
        };
        assert_eq!(
            said(&unbounded, &target(Metric::Throughput, 1e6), ALL),
            None
        );
        let unknown = said(&users(60.0), &target(P99, 1.0), Portion::Unknown);
        assert_eq!(unknown, None);
        let search = Load {
            search: Some(brunt_record::Search {
                from: 10.0,
                to: None,
                breaks_at: brunt_record::ThresholdKind::Critical,
                precision: 0.05,
            }),
            ..users(600.0)
        };
        assert_eq!(said(&search, &target(Metric::Throughput, 1e6), ALL), None);
    }

    #[test]
    fn shortest_run_is_set_by_the_scenario() {
        let p50 = target(Metric::Percentile(0.5), 200.0);
        assert_eq!(
            said(&users(10.0), &p50, ALL).as_deref(),
            Some(
                "a p50 needs a run of 20s, but this load lasts 10s; run for 20s (-t 20s, now 10s) or set [verdict] \
                 min_duration = \"10s\""
            )
        );
        let load = users(10.0);
        let with = |min_duration_s| PlannedLoad {
            min_duration_s,
            ..planned(&load)
        };
        let is_undecidable = |min_s| with(min_s).undecidable(&p50, ALL).is_some();
        assert!(is_undecidable(None));
        assert!(!is_undecidable(Some(5.0)));
        assert!(!is_undecidable(Some(10.0)));
        assert!(is_undecidable(Some(11.0)));
        assert!(is_undecidable(Some(60.0)));
        let blocks = [
            (None, 1.0, 20),
            (Some(5.0), 1.0, 5),
            (Some(5.0), 4.0, 2),
            (Some(60.0), 1.0, 60),
            (Some(60.0), 8.0, 20),
        ];
        for (min_s, width_s, expected) in blocks {
            assert_eq!(blocks_min(min_s, width_s), expected, "{min_s:?} {width_s}");
        }
    }

    #[test]
    fn throughput_that_the_load_does_not_offer_is_not_applicable() {
        let ladder = |levels: [f64; 3]| Target {
            acceptable: Some(levels[1]),
            critical: Some(levels[2]),
            ..target(Metric::Throughput, levels[0])
        };
        for (offered, levels, can_be_missed) in [
            (18.3, [100.0, 50.0, 20.0], false),
            (20.0, [100.0, 50.0, 20.0], false),
            (20.1, [100.0, 50.0, 20.0], true),
            (61.0, [100.0, 50.0, 20.0], true),
        ] {
            let load = arrivals(offered, 300.0);
            let found = planned(&load).undecidable(&ladder(levels), ALL).unwrap();
            assert_eq!(found.can_be_missed, can_be_missed, "{offered}");
        }
    }

    #[test]
    fn load_with_its_remedy_can_decide() {
        for (seconds, metric, level) in [
            (300.0, Metric::ErrorRate, 0.1),
            (45.0, P99, 500.0),
            (60.0, Metric::ErrorRate, 0.5),
            (10.0, Metric::Percentile(0.5), 500.0),
            (300.0, Metric::Throughput, 30.0),
        ] {
            let target = target(metric, level);
            for load in [users(seconds), arrivals(5.0, seconds)] {
                let found = planned(&load).undecidable(&target, ALL).unwrap();
                assert!(!found.remedies.is_empty(), "{found}");
                for remedy in &found.remedies {
                    let Some(mended) = remedy.applied_to(&load) else {
                        continue;
                    };
                    let left = planned(&mended).undecidable(&target, ALL);
                    assert_eq!(left, None, "{found}");
                }
            }
        }
    }
}
