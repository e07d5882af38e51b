//! Services that pass or fail, for the validation of early stopping.

use brunt_record::{Header, LoadStage, Metric, Target, ThresholdKind};
use brunt_testbed::queue_simulation::{
    Arrivals, Gaps, Queue, ServiceDistribution, SimulatedRequest,
};
use brunt_testbed::synthetic_series::{self, noise};

use crate::coverage::Mm1;
use crate::row::Effort;
use crate::simulated_run;

/// A service under a load, with a target.
pub(super) struct Case {
    pub(super) name: String,
    pub(super) stages: Vec<LoadStage>,
    pub(super) target: Target,
    pub(super) requests: Box<dyn Fn(u64) -> Vec<SimulatedRequest> + Send + Sync>,
}

impl Case {
    pub(super) fn seconds(&self) -> f64 {
        self.stages.iter().map(|stage| stage.seconds).sum()
    }

    pub(super) fn header(&self) -> Header {
        simulated_run::header(self.stages.clone(), vec![self.target.clone()])
    }

    /// Whether its load changes.
    pub(super) fn is_spike(&self) -> bool {
        self.stages.len() > 1
    }
}

fn target(metric: Metric, critical: f64) -> Target {
    Target {
        stop_at: Some(ThresholdKind::Critical),
        ..simulated_run::critical(metric, critical)
    }
}

/// Text for the ratio of a p95 to its threshold, which is `factor` times the p95.
fn over(factor: f64) -> String {
    if factor < 1.0 {
        format!(", p95 {:.1} times the threshold", 1.0 / factor)
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

/// An M/M/1 queue whose run has this number of relaxation times, with a critical threshold that is `factor` times the true
/// p95.
pub(super) fn queue(load: f64, seconds: f64, relaxations: f64, factor: f64) -> Case {
    let queue = Mm1::lasting(load, relaxations, seconds);
    let p95_ms = queue.exceeded_by(0.05) * 1e3;
    Case {
        name: format!(
            "M/M/1, load {load}, {seconds:.0} s with {relaxations:.0} relaxation times{}",
            over(factor)
        ),
        stages: flat(seconds),
        target: target(Metric::Percentile(0.95), p95_ms * factor),
        requests: Box::new(move |seed| queue.requests(seed).collect()),
    }
}

/// Requests per second of the services below.
const PER_S: f64 = 100.0;

/// A service whose mean latency follows a shape, in multiples of 20 ms. Its p95 is 59.9 ms if the shape is 1.
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
        requests: Box::new(move |seed| {
            let arrivals = Arrivals::steady(PER_S, seconds, Gaps::Poisson, seed);
            let request = |(arrival_s, drawn): (f64, f64)| SimulatedRequest {
                arrival_s,
                done_s: arrival_s + 0.02 * shape(arrival_s) * drawn,
                failed: false,
            };
            arrivals.zip(noise(seed)).map(request).collect()
        }),
    }
}

/// Standard deviation of the logarithm of the level of a service whose latency drifts.
const DRIFT: f64 = 0.4;

/// The p95 of a service whose latency drifts, in multiples of its usual mean: the share of exponential numbers above it is
/// 5 %, averaged over the normal levels.
fn drifting_p95() -> f64 {
    let share_over = |level: f64| {
        let steps = (-400..=400).map(|step| f64::from(step) / 100.0);
        let (mut share, mut all) = (0.0, 0.0);
        for z in steps {
            let weight = (-z * z / 2.0).exp();
            share += weight * (-level / (DRIFT * z).exp()).exp();
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

/// A service whose latency drifts: its logarithm is a first-order autoregression, so that slow periods take about
/// `1 / (1 − correlation)` seconds. The critical threshold is `factor` times its p95 over many runs.
fn drifting(seconds: u32, correlation: f64, factor: f64) -> Case {
    let critical_ms = 20.0 * drifting_p95() * factor;
    Case {
        name: format!(
            "drifting latency (correlation {correlation} from second to second), {seconds} s{}",
            over(factor)
        ),
        stages: flat(seconds.into()),
        target: target(Metric::Percentile(0.95), critical_ms),
        requests: Box::new(move |seed| {
            let level = synthetic_series::readings(
                0.0,
                synthetic_series::Shape::Level,
                DRIFT,
                correlation,
                seconds,
                seed,
            );
            let arrivals = Arrivals::steady(PER_S, seconds.into(), Gaps::Poisson, seed);
            let request = |(arrival_s, drawn): (f64, f64)| SimulatedRequest {
                arrival_s,
                done_s: arrival_s + 0.02 * level[arrival_s as usize].1.exp() * drawn,
                failed: false,
            };
            arrivals.zip(noise(seed)).map(request).collect()
        }),
    }
}

/// A service that stalls at regular intervals.
fn stalls(seconds: f64, every_s: f64, stall_s: f64, critical_ms: f64) -> Case {
    let service = ServiceDistribution::Stalls {
        mean_s: 0.001,
        every_s,
        stall_s,
    };
    Case {
        name: format!("stalls of {stall_s} s every {every_s} s, {seconds:.0} s"),
        stages: flat(seconds),
        target: target(Metric::Percentile(0.95), critical_ms),
        requests: Box::new(move |seed| {
            // The first stall is at a random moment.
            let offset_s = (-noise(seed ^ 7).next().unwrap_or(1.0)).exp() * every_s;
            let mut queue = Queue::new(service, seed);
            let arrivals = Arrivals::steady(PER_S, seconds + offset_s, Gaps::Poisson, seed);
            let requests = arrivals.map(|at_s| queue.serve(at_s));
            let shifted = |request: SimulatedRequest| SimulatedRequest {
                arrival_s: request.arrival_s - offset_s,
                done_s: request.done_s - offset_s,
                ..request
            };
            requests
                .map(shifted)
                .filter(|request| request.arrival_s >= 0.0)
                .collect()
        }),
    }
}

/// A service with bursts of errors: the share of failed requests is correlated from second to second.
fn errors(seconds: u32, correlation: f64, percent: f64, critical: f64) -> Case {
    Case {
        name: format!("bursts of errors, {percent} %, {seconds} s"),
        stages: flat(seconds.into()),
        target: target(Metric::ErrorRate, critical),
        requests: Box::new(move |seed| {
            let level = synthetic_series::readings(
                0.0,
                synthetic_series::Shape::Level,
                0.5,
                correlation,
                seconds,
                seed,
            );
            let arrivals = Arrivals::steady(PER_S, seconds.into(), Gaps::Poisson, seed);
            let request = |(arrival_s, drawn): (f64, f64)| {
                // The mean of the exponential of a normal number is e^(σ²/2).
                let chance = percent / 100.0 * (level[arrival_s as usize].1 - 0.125).exp();
                SimulatedRequest {
                    arrival_s,
                    done_s: arrival_s + 0.02,
                    failed: (-drawn).exp() < chance,
                }
            };
            arrivals.zip(noise(seed)).map(request).collect()
        }),
    }
}

/// A run that meets its target, with a spike that misses it.
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
        requests: Box::new(move |seed| {
            let steps = vec![(0.0, 100.0), (60.0, 300.0), (80.0, 100.0)];
            let service = ServiceDistribution::Exponential {
                servers: 1,
                mean_s: 1.0 / 250.0,
            };
            let mut queue = Queue::new(service, seed);
            let arrivals = Arrivals::stepped(steps, 200.0, Gaps::Poisson, seed);
            arrivals.map(|at_s| queue.serve(at_s)).collect()
        }),
    }
}

/// Services that just meet the threshold, including some that miss it at first or for some time.
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
            drifting(60, 0.5, 1.0),
            drifting(300, 0.9, 1.0),
            stalls(60.0, 30.0, 2.0, 500.0),
            stalls(300.0, 30.0, 2.0, 500.0),
            errors(60, 0.5, 5.0, 5.0),
            errors(300, 0.9, 5.0, 5.0),
            shaped(
                "settles from five times the latency, time constant 15 s, 300 s",
                300.0,
                90.0,
                settles(4.0, 15.0),
            ),
            shaped(
                "settles from three times the latency, time constant 30 s, 300 s",
                300.0,
                90.0,
                settles(2.0, 30.0),
            ),
            shaped(
                "three times the latency for 30 s of 300 s",
                300.0,
                90.0,
                steps(30.0),
            ),
            spike(60.0),
        ]
    })
}

/// Services that miss the threshold by far, each with the same service at its threshold. A quarter of each run contains
/// enough fluctuations for a test of that length to find the miss.
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
            both(|factor| drifting(600, 0.5, factor)),
            both(|factor| drifting(1_200, 0.8, factor)),
            [errors(120, 0.0, 20.0, 5.0), errors(120, 0.0, 5.0, 5.0)],
            [errors(300, 0.5, 20.0, 5.0), errors(300, 0.5, 5.0, 5.0)],
            [errors(1_200, 0.8, 20.0, 5.0), errors(1_200, 0.8, 5.0, 5.0)],
            [
                shaped(
                    "steady, p95 1.5 times the threshold, 300 s",
                    300.0,
                    40.0,
                    |_| 1.0,
                ),
                shaped("steady, 300 s", 300.0, 60.0, |_| 1.0),
            ],
            [
                shaped(
                    "three times as slow at first, then p95 1.5 times the threshold, 1200 s",
                    1_200.0,
                    40.0,
                    slow,
                ),
                shaped("three times as slow at first, 1200 s", 1_200.0, 60.0, slow),
            ],
        ]
    })
}
