//! Services whose runs are stopped, or are not.

use brunt_record::{Header, LoadStage, Metric, Target, ThresholdKind};
use brunt_testbed::queue_simulation::{
    Arrivals, Gaps, Queue, ServiceDistribution, SimulatedRequest,
};
use brunt_testbed::synthetic_series::{self, noise};

use crate::coverage::Mm1;
use crate::{Effort, reckoned};

/// A service under a load, with a target.
pub(super) struct Case {
    pub(super) name: String,
    pub(super) stages: Vec<LoadStage>,
    pub(super) target: Target,
    pub(super) visits: Box<dyn Fn(u64) -> Vec<SimulatedRequest> + Send + Sync>,
}

impl Case {
    pub(super) fn seconds(&self) -> f64 {
        self.stages.iter().map(|stage| stage.seconds).sum()
    }

    pub(super) fn header(&self) -> Header {
        reckoned::header(self.stages.clone(), vec![self.target.clone()])
    }

    /// Whether its load changes.
    pub(super) fn is_spike(&self) -> bool {
        self.stages.len() > 1
    }
}

fn target(metric: Metric, critical: f64) -> Target {
    Target {
        stop_at: Some(ThresholdKind::Critical),
        ..reckoned::critical(metric, critical)
    }
}

/// How far a p95 is over its threshold, which is this many times as much, in words.
fn over(factor: f64) -> String {
    if factor < 1.0 {
        format!(", its p95 {:.1} times the threshold", 1.0 / factor)
    } else {
        String::new()
    }
}

pub(super) fn flat(seconds: f64) -> Vec<LoadStage> {
    vec![LoadStage {
        seconds,
        from: 1.0,
        to: 1.0,
    }]
}

/// An M/M/1 that takes so many of its relaxation times for a run, with a p95 whose critical threshold is this many
/// times the true one.
pub(super) fn queue(load: f64, seconds: f64, relaxations: f64, factor: f64) -> Case {
    let queue = Mm1::lasting(load, relaxations, seconds);
    let p95_ms = queue.exceeded_by(0.05) * 1e3;
    Case {
        name: format!(
            "M/M/1, load {load}, {seconds:.0} s of {relaxations:.0} relaxation times{}",
            over(factor)
        ),
        stages: flat(seconds),
        target: target(Metric::Percentile(0.95), p95_ms * factor),
        visits: Box::new(move |seed| queue.visits(seed).collect()),
    }
}

/// Requests a second of the services below.
const PER_S: f64 = 100.0;

/// A service whose latency goes by a shape, in multiples of 20 ms; its p95 is 59.9 ms where the shape is 1.
fn shaped(
    name: &str,
    seconds: f64,
    critical_ms: f64,
    shape: impl Fn(f64) -> f64 + Send + Sync + 'static,
) -> Case {
    Case {
        name: name.into(),
        stages: flat(seconds),
        target: target(Metric::Percentile(0.95), critical_ms),
        visits: Box::new(move |seed| {
            let arrivals = Arrivals::steady(PER_S, seconds, Gaps::Poisson, seed);
            let visit = |(arrival_s, wait): (f64, f64)| SimulatedRequest {
                arrival_s,
                done_s: arrival_s + 0.02 * shape(arrival_s) * wait,
                failed: false,
            };
            arrivals.zip(noise(seed)).map(visit).collect()
        }),
    }
}

/// The spread of the logarithm of the level of a service that wanders.
const WANDERS: f64 = 0.4;

/// The p95 of a service that wanders, in multiples of its usual mean: the share of exponential numbers over it is
/// 5 %, mean over the normal levels.
fn wandering_p95() -> f64 {
    let share_over = |level: f64| {
        let steps = (-400..=400).map(|step| f64::from(step) / 100.0);
        let (mut share, mut all) = (0.0, 0.0);
        for z in steps {
            let weight = (-z * z / 2.0).exp();
            share += weight * (-level / (WANDERS * z).exp()).exp();
            all += weight;
        }
        share / all
    };
    let (mut low, mut high) = (1.0, 20.0);
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if share_over(middle) > 0.05 {
            low = middle;
        } else {
            high = middle;
        }
    }
    low
}

/// A service whose latency wanders, by a first-order autoregression of its logarithm; a stretch of slow seconds is
/// some `1 / (1 − memory)` long. The critical threshold is this many times its p95 over many runs.
fn wandering(seconds: u32, memory: f64, factor: f64) -> Case {
    let critical_ms = 20.0 * wandering_p95() * factor;
    Case {
        name: format!(
            "latency that wanders (memory {memory} a second), {seconds} s{}",
            over(factor)
        ),
        stages: flat(seconds.into()),
        target: target(Metric::Percentile(0.95), critical_ms),
        visits: Box::new(move |seed| {
            let level = synthetic_series::readings(
                0.0,
                synthetic_series::Shape::Level,
                WANDERS,
                memory,
                seconds,
                seed,
            );
            let arrivals = Arrivals::steady(PER_S, seconds.into(), Gaps::Poisson, seed);
            let visit = |(arrival_s, wait): (f64, f64)| SimulatedRequest {
                arrival_s,
                done_s: arrival_s + 0.02 * level[arrival_s as usize].1.exp() * wait,
                failed: false,
            };
            arrivals.zip(noise(seed)).map(visit).collect()
        }),
    }
}

/// A service that stands still now and then.
fn stalls(seconds: f64, every_s: f64, stall_s: f64, critical_ms: f64) -> Case {
    let law = ServiceDistribution::Stalls {
        mean_s: 0.001,
        every_s,
        stall_s,
    };
    Case {
        name: format!("stalls of {stall_s} s every {every_s} s, {seconds:.0} s"),
        stages: flat(seconds),
        target: target(Metric::Percentile(0.95), critical_ms),
        visits: Box::new(move |seed| {
            // The first stall is at a random moment.
            let late_s = (-noise(seed ^ 7).next().unwrap_or(1.0)).exp() * every_s;
            let mut queue = Queue::new(law, seed);
            let arrivals = Arrivals::steady(PER_S, seconds + late_s, Gaps::Poisson, seed);
            let visits = arrivals.map(|at_s| queue.serve(at_s));
            let moved = |visit: SimulatedRequest| SimulatedRequest {
                arrival_s: visit.arrival_s - late_s,
                done_s: visit.done_s - late_s,
                ..visit
            };
            visits
                .map(moved)
                .filter(|visit| visit.arrival_s >= 0.0)
                .collect()
        }),
    }
}

/// Errors that come in bursts: second by second a share of the requests fails, with a memory.
fn errors(seconds: u32, memory: f64, percent: f64, critical: f64) -> Case {
    Case {
        name: format!("errors in bursts, {percent} %, {seconds} s"),
        stages: flat(seconds.into()),
        target: target(Metric::ErrorRate, critical),
        visits: Box::new(move |seed| {
            let level = synthetic_series::readings(
                0.0,
                synthetic_series::Shape::Level,
                0.5,
                memory,
                seconds,
                seed,
            );
            let arrivals = Arrivals::steady(PER_S, seconds.into(), Gaps::Poisson, seed);
            let visit = |(arrival_s, drawn): (f64, f64)| {
                // The mean of the exponential of a normal number is e^(σ²/2).
                let chance = percent / 100.0 * (level[arrival_s as usize].1 - 0.125).exp();
                SimulatedRequest {
                    arrival_s,
                    done_s: arrival_s + 0.02,
                    failed: (-drawn).exp() < chance,
                }
            };
            arrivals.zip(noise(seed)).map(visit).collect()
        }),
    }
}

/// A spike that misses, in a load that passes.
fn spike(critical_ms: f64) -> Case {
    let levels = [(60.0, 100.0), (20.0, 300.0), (120.0, 100.0)];
    let stage = |(seconds, level): (f64, f64)| LoadStage {
        seconds,
        from: level,
        to: level,
    };
    Case {
        name: "a spike of 20 s in 200 s".into(),
        stages: levels.map(stage).into(),
        target: target(Metric::Percentile(0.6), critical_ms),
        visits: Box::new(move |seed| {
            let steps = vec![(0.0, 100.0), (60.0, 300.0), (80.0, 100.0)];
            let law = ServiceDistribution::Exponential {
                servers: 1,
                mean_s: 1.0 / 250.0,
            };
            let mut queue = Queue::new(law, seed);
            let arrivals = Arrivals::stepped(steps, 200.0, Gaps::Poisson, seed);
            arrivals.map(|at_s| queue.serve(at_s)).collect()
        }),
    }
}

/// Services that just meet the threshold, and such that meet it although they do not at first, or not all along.
pub(super) fn passing(effort: Effort) -> Vec<Case> {
    let few = vec![
        queue(0.8, 60.0, 300.0, 1.0),
        stalls(60.0, 30.0, 2.0, 500.0),
        spike(60.0),
    ];
    effort.choose(few, {
        let settles = |more: f64, tau_s: f64| move |at_s: f64| 1.0 + more * (-at_s / tau_s).exp();
        let steps = |until_s: f64| move |at_s: f64| if at_s < until_s { 3.0 } else { 1.0 };
        vec![
            queue(0.5, 60.0, 1_000.0, 1.0),
            queue(0.8, 60.0, 300.0, 1.0),
            queue(0.9, 60.0, 100.0, 1.0),
            queue(0.8, 300.0, 300.0, 1.0),
            queue(0.9, 300.0, 1_000.0, 1.0),
            wandering(60, 0.5, 1.0),
            wandering(300, 0.9, 1.0),
            stalls(60.0, 30.0, 2.0, 500.0),
            stalls(300.0, 30.0, 2.0, 500.0),
            errors(60, 0.5, 5.0, 5.0),
            errors(300, 0.9, 5.0, 5.0),
            shaped(
                "settles within 15 s from five times as much, 300 s",
                300.0,
                90.0,
                settles(4.0, 15.0),
            ),
            shaped(
                "settles within 30 s from three times as much, 300 s",
                300.0,
                90.0,
                settles(2.0, 30.0),
            ),
            shaped(
                "three times as much for 30 s of 300",
                300.0,
                90.0,
                steps(30.0),
            ),
            spike(60.0),
        ]
    })
}

/// Services that miss it by far, each with the same service at its threshold. A quarter of each run holds so many of the
/// ups and downs that a test of that length finds it.
pub(super) fn failing(effort: Effort) -> Vec<[Case; 2]> {
    let both = |case: fn(f64) -> Case| [case(0.5), case(1.0)];
    let few = vec![both(|factor| queue(0.8, 60.0, 1_000.0, factor))];
    effort.choose(few, {
        let slow = |at_s: f64| 1.0 + 2.0 * (-at_s / 10.0).exp();
        vec![
            [
                queue(0.5, 60.0, 1_000.0, 0.4),
                queue(0.5, 60.0, 1_000.0, 1.0),
            ],
            [
                queue(0.8, 60.0, 1_000.0, 0.4),
                queue(0.8, 60.0, 1_000.0, 1.0),
            ],
            both(|factor| queue(0.8, 300.0, 1_000.0, factor)),
            both(|factor| queue(0.9, 300.0, 3_000.0, factor)),
            both(|factor| wandering(600, 0.5, factor)),
            both(|factor| wandering(1_200, 0.8, factor)),
            [errors(120, 0.0, 20.0, 5.0), errors(120, 0.0, 5.0, 5.0)],
            [errors(300, 0.5, 20.0, 5.0), errors(300, 0.5, 5.0, 5.0)],
            [errors(1_200, 0.8, 20.0, 5.0), errors(1_200, 0.8, 5.0, 5.0)],
            [
                shaped(
                    "steady, its p95 1.5 times the threshold, 300 s",
                    300.0,
                    40.0,
                    |_| 1.0,
                ),
                shaped("steady, 300 s", 300.0, 60.0, |_| 1.0),
            ],
            [
                shaped(
                    "three times as slow at first, then its p95 1.5 times the threshold, 1200 s",
                    1_200.0,
                    40.0,
                    slow,
                ),
                shaped("three times as slow at first, 1200 s", 1_200.0, 60.0, slow),
            ],
        ]
    })
}
