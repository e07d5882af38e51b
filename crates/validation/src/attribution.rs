//! Attribution of poor results: the same fault occurs once in the generator and once in the server. In the first case the run
//! must be invalid, in the second the service must be poor.

use brunt_record::{
    Failure, FailureKind, Interference, LoadStage, Metric, MetricsSnapshot, NameId, Reading,
    RunRecord, Sample, Second, seconds_to_ns,
};
use brunt_testbed::queue_simulation::{Arrivals, Gaps, SimulatedRequest};
use brunt_testbed::synthetic_series::noise;
use brunt_verdict::{Grade, RunResult, Value, Verdict, judge};

use crate::row::{Effort, Row};
use crate::simulated_run::{record_of_samples, sample, target};

const SECONDS: f64 = 60.0;
const PER_S: f64 = 200.0;
/// Mean service time of a server without a fault.
const SERVICE_S: f64 = 0.005;
/// Target of the p90 in milliseconds; without a fault it is 11.5 ms.
const P90_MS: f64 = 25.0;
/// Stalls.
const STALL: Pauses = Pauses {
    pause_s: 2.0,
    every_s: 8.0,
};
/// Throttling: the quota is exhausted in the middle of each period.
const QUOTA: Pauses = Pauses {
    pause_s: 0.05,
    every_s: 0.1,
};
/// Steal.
const STEAL: Pauses = Pauses {
    pause_s: 0.08,
    every_s: 0.2,
};
/// Mean of each wait for a CPU that a busy loop shares.
const CPU_WAIT_S: f64 = 0.02;
/// Duration of one cycle of a saturated generator.
const CYCLE_S: f64 = 0.04;
/// Share of the requests that fail if a resource is exhausted.
const FAIL: f64 = 0.4;

/// Number of users for arrivals.
const USERS: u32 = 20;
/// Arrivals per second that are started if arrivals wait for users.
const STARTED_PER_S: f64 = PER_S / 3.0;
/// Time at which waiting arrivals are aborted.
const ABORTED_AT_S: f64 = SECONDS + 2.0;

/// A fault of the generator or of the server.
#[derive(Clone, Copy, PartialEq)]
enum Fault {
    /// The generator is stopped for some time.
    GeneratorStopped,
    /// The generator sends late for some time.
    GeneratorLate,
    /// A busy loop runs on the generator's core.
    BusyLoop,
    /// The CPU quota of the generator's control group is exhausted.
    GeneratorThrottled,
    /// The hypervisor takes the generator's core away.
    GeneratorStolen,
    /// The generator's thread is saturated.
    GeneratorSaturated,
    /// The generator starts a third of the planned arrivals, since its thread runs all the time. The rest waits for users.
    GeneratorOverloaded,
    /// The generator starts a third of the planned arrivals, since its thread waits for a CPU most of the time. The rest is
    /// aborted when the run ends.
    GeneratorOverloadedAborted,
    /// The generator's ports or file descriptors are exhausted.
    GeneratorOutOf(FailureKind),
    /// The server stalls for some time.
    ServerStalls,
    /// The server is slow.
    ServerSlow,
    /// The server is slow, and the generator's machine is under some pressure.
    ServerSlowUnderPressure,
    /// The server is so slow that it occupies all users, and arrivals wait for one.
    ServerOccupiesUsers,
    /// The server is slow, and the generator starts a third of the arrivals.
    ServerSlowGeneratorOverloaded,
    /// The server's CPU quota is exhausted.
    ServerThrottled,
    /// The server's core is taken away, and so are idle cores of the generator's machine.
    ServerStolen,
    /// The server refuses connections.
    ServerRefuses,
}

/// Regular pauses in which a process does not run.
#[derive(Clone, Copy)]
struct Pauses {
    pause_s: f64,
    every_s: f64,
}

impl Pauses {
    /// Time at which a process runs that is ready at a moment. The first pause begins at `first_s`.
    fn runs_at(self, ready_s: f64, first_s: f64) -> f64 {
        let begins_s = ((ready_s - first_s) / self.every_s).floor() * self.every_s + first_s;
        ready_s.max(begins_s + self.pause_s * f64::from(u8::from(ready_s >= begins_s)))
    }
}

/// Times at which a request is dispatched and done.
fn times(
    fault: Fault,
    arrival_s: f64,
    first_s: f64,
    mut draw: impl FnMut(f64) -> f64,
) -> (f64, f64) {
    let slow = match fault {
        Fault::ServerSlow
        | Fault::ServerSlowUnderPressure
        | Fault::ServerSlowGeneratorOverloaded => 5.0,
        _ => 1.0,
    };
    let service_s = draw(slow * SERVICE_S);
    let done_s = arrival_s + service_s;
    // A generator that sends late also reads responses late.
    let generator = |pauses: Pauses| {
        let dispatched_s = pauses.runs_at(arrival_s, first_s);
        let done_s = pauses.runs_at(dispatched_s + service_s, first_s);
        (dispatched_s, done_s)
    };
    let server = |pauses: Pauses| (arrival_s, pauses.runs_at(arrival_s, first_s) + service_s);
    match fault {
        Fault::GeneratorStopped | Fault::GeneratorLate => {
            let dispatched_s = STALL.runs_at(arrival_s, first_s);
            (dispatched_s, dispatched_s + service_s)
        }
        Fault::GeneratorThrottled => generator(QUOTA),
        Fault::GeneratorStolen => generator(STEAL),
        Fault::GeneratorSaturated => generator(Pauses {
            pause_s: CYCLE_S,
            every_s: CYCLE_S,
        }),
        Fault::ServerStalls => server(STALL),
        Fault::ServerThrottled => server(QUOTA),
        Fault::ServerStolen => server(STEAL),
        Fault::BusyLoop => (arrival_s, done_s + draw(CPU_WAIT_S)),
        _ => (arrival_s, done_s),
    }
}

/// The sample of an arrival that is dispatched in time and then waits for a user; `None` if arrivals do not wait.
fn wait_for_user(
    fault: Fault,
    number: usize,
    arrival_s: f64,
    draw: &mut impl FnMut(f64) -> f64,
) -> Option<Sample> {
    let service_s = match fault {
        Fault::GeneratorOverloaded | Fault::GeneratorOverloadedAborted => draw(SERVICE_S),
        Fault::ServerSlowGeneratorOverloaded => draw(5.0 * SERVICE_S),
        Fault::ServerOccupiesUsers => f64::from(USERS) / STARTED_PER_S,
        _ => return None,
    };
    let sent_s = arrival_s.max(number as f64 / STARTED_PER_S);
    let is_aborted = fault == Fault::GeneratorOverloadedAborted && sent_s > ABORTED_AT_S;
    let done_s = if is_aborted {
        ABORTED_AT_S
    } else {
        sent_s + service_s
    };
    Some(Sample {
        sent_ns: (!is_aborted).then(|| seconds_to_ns(sent_s)),
        failure: is_aborted.then_some(FailureKind::Aborted),
        ..sample(&SimulatedRequest {
            arrival_s,
            done_s,
            failed: false,
        })
    })
}

fn failure_kind(fault: Fault) -> Option<FailureKind> {
    match fault {
        Fault::GeneratorOutOf(kind) => Some(kind),
        Fault::GeneratorOverloadedAborted => Some(FailureKind::Aborted),
        Fault::ServerRefuses => Some(FailureKind::ConnectRefused),
        _ => None,
    }
}

fn run(fault: Fault, seed: u64) -> RunRecord {
    let first_s = (seed % 6) as f64;
    let mut random = noise(seed);
    let mut draw = |mean_s: f64| mean_s * random.next().unwrap_or(1.0);
    let arrivals = Arrivals::steady(PER_S, SECONDS, Gaps::Poisson, seed).enumerate();
    let samples = arrivals.map(|(number, arrival_s)| {
        if let Some(sample) = wait_for_user(fault, number, arrival_s, &mut draw) {
            return sample;
        }
        let (dispatched_s, done_s) = times(fault, arrival_s, first_s, &mut draw);
        let is_failed = (arrival_s * 1e6).rem_euclid(1.0) < FAIL;
        Sample {
            dispatched_ns: seconds_to_ns(dispatched_s),
            sent_ns: Some(seconds_to_ns(dispatched_s)),
            failure: failure_kind(fault).filter(|_| is_failed),
            ..sample(&SimulatedRequest {
                arrival_s,
                done_s,
                failed: false,
            })
        }
    });
    let level = LoadStage {
        seconds: SECONDS,
        from: PER_S,
        to: PER_S,
    };
    let target = target(Metric::Percentile(0.9), P90_MS);
    let mut record = record_of_samples(samples.collect(), vec![level], vec![target]);
    record.header.generator.threads = 1;
    record
        .timeline
        .merge(&own_measurements(fault, first_s, seed))
        .expect("seconds of the run");
    record.readings = readings(fault).into_iter().collect();
    record
}

/// The generator's measurements of itself.
fn own_measurements(fault: Fault, first_s: f64, seed: u64) -> MetricsSnapshot {
    let seconds = match fault {
        Fault::GeneratorStopped => (0..(SECONDS / STALL.every_s) as u32)
            .map(|stall| {
                let stopped = Second {
                    generator_stall_ms: (STALL.pause_s * 1e3) as u64,
                    ..Second::default()
                };
                let ends_s = first_s + STALL.pause_s + f64::from(stall) * STALL.every_s;
                (ends_s.min(SECONDS - 1.0) as u32, stopped)
            })
            .collect(),
        _ => (0..SECONDS as u32)
            .map(|second| (second, with_users(own_second(fault, seed), fault, second)))
            .collect(),
    };
    let failures = failure_kind(fault).map(|kind| Failure {
        name: NameId(0),
        kind,
        code: 0,
        count: (PER_S * SECONDS * FAIL) as u64,
        first_ms: 0,
        last_ms: (SECONDS * 1e3) as u64,
        example: None,
    });
    MetricsSnapshot {
        width_s: 1,
        seconds,
        histograms: Vec::new(),
        totals: Vec::new(),
        failures: failures.into_iter().collect(),
        last_ok_ns: 0,
    }
}

/// Adds the users and the waiting arrivals to a second, if arrivals wait.
fn with_users(own: Second, fault: Fault, second: u32) -> Second {
    let faults_with_waits = [
        Fault::GeneratorOverloaded,
        Fault::GeneratorOverloadedAborted,
        Fault::ServerOccupiesUsers,
        Fault::ServerSlowGeneratorOverloaded,
    ];
    if !faults_with_waits.contains(&fault) {
        return own;
    }
    let waiting = f64::from(second + 1) * (PER_S - STARTED_PER_S);
    Second {
        users: Some(USERS),
        in_flight: Some(USERS + waiting as u32),
        tasks: STARTED_PER_S as u64,
        ..own
    }
}

/// CPU measurements of a second. Without a fault, a thread uses a tenth of its core, in two time slices per request.
fn own_second(fault: Fault, seed: u64) -> Second {
    let usual = Second {
        cpu_ms: 100,
        busiest_thread_cpu_ms: 100,
        timeslices: 2 * PER_S as u64,
        max_wakeup_delay_us: 200,
        ..Second::default()
    };
    let pause_us = |pauses: Pauses| (pauses.pause_s * 1e6) as u64;
    match fault {
        Fault::BusyLoop => Second {
            cpu_wait_ms: 800,
            cpu_wait_mean_us: (CPU_WAIT_S * 1e6) as u64,
            max_wakeup_delay_us: 60_000,
            ..usual
        },
        Fault::GeneratorThrottled => Second {
            // Some kernels count throttling as a wait for a CPU as well.
            cpu_wait_ms: if seed.is_multiple_of(2) { 500 } else { 0 },
            max_wakeup_delay_us: pause_us(QUOTA),
            ..usual
        },
        Fault::GeneratorStolen => Second {
            max_wakeup_delay_us: pause_us(STEAL),
            ..usual
        },
        Fault::GeneratorSaturated => Second {
            cpu_ms: 980,
            busiest_thread_cpu_ms: 980,
            timeslices: 25,
            max_wakeup_delay_us: (CYCLE_S * 1e6) as u64,
            ..usual
        },
        Fault::GeneratorOverloaded | Fault::ServerSlowGeneratorOverloaded => Second {
            cpu_ms: 950,
            busiest_thread_cpu_ms: 950,
            cpu_wait_ms: 30,
            cpu_wait_mean_us: 75,
            max_wakeup_delay_us: 2_000,
            ..usual
        },
        Fault::GeneratorOverloadedAborted => Second {
            cpu_ms: 270,
            busiest_thread_cpu_ms: 270,
            cpu_wait_ms: 710,
            cpu_wait_mean_us: 300,
            max_wakeup_delay_us: 4_000,
            ..usual
        },
        Fault::ServerSlowUnderPressure => Second {
            cpu_wait_ms: 30,
            cpu_wait_mean_us: 75,
            max_wakeup_delay_us: 8_000,
            ..usual
        },
        _ => usual,
    }
}

/// The monitor's readings of the generator's machine.
fn readings(fault: Fault) -> Vec<Reading> {
    let usual = Interference {
        stolen_ms: Some(0),
        used_ms: Some(100),
        throttled_periods: Some(0),
        throttled_ms: Some(0),
        pressure_percent: Some(1.0),
        clock_step_ms: Some(0),
        suspended_ms: Some(0),
        ..Interference::default()
    };
    let share_ms = |pauses: Pauses| Some((pauses.pause_s / pauses.every_s * 1e3) as u64);
    let measured = match fault {
        Fault::GeneratorThrottled => Interference {
            throttled_periods: Some(10),
            throttled_ms: share_ms(QUOTA),
            ..usual
        },
        Fault::GeneratorStolen => Interference {
            stolen_ms: share_ms(STEAL),
            ..usual
        },
        Fault::ServerSlowUnderPressure => Interference {
            stolen_ms: Some(20),
            throttled_periods: Some(1),
            throttled_ms: Some(8),
            pressure_percent: Some(40.0),
            ..usual
        },
        Fault::ServerStolen => Interference {
            stolen_ms: Some(350),
            used_ms: Some(1_900),
            ..usual
        },
        _ => usual,
    };
    (0..=SECONDS as u64)
        .map(|second| Reading {
            at_ms: second * 1_000 + 20,
            interference: Some(if second == 0 {
                Interference::default()
            } else {
                measured
            }),
            ..Reading::default()
        })
        .collect()
}

/// Faults of the generator.
const OF_GENERATOR: [(&str, Fault); 10] = [
    ("generator stopped for 2 s of 8 s", Fault::GeneratorStopped),
    ("generator sends late for 2 s of 8 s", Fault::GeneratorLate),
    ("busy loop on the generator's core", Fault::BusyLoop),
    (
        "generator's CPU quota exhausted half of the time",
        Fault::GeneratorThrottled,
    ),
    (
        "generator's core stolen for 80 ms of 200 ms",
        Fault::GeneratorStolen,
    ),
    ("generator thread saturated", Fault::GeneratorSaturated),
    (
        "generator starts a third of the planned arrivals",
        Fault::GeneratorOverloaded,
    ),
    (
        "generator starts a third of the planned arrivals, the rest is aborted",
        Fault::GeneratorOverloadedAborted,
    ),
    (
        "generator's ports exhausted",
        Fault::GeneratorOutOf(FailureKind::NoPorts),
    ),
    (
        "generator's file descriptors exhausted",
        Fault::GeneratorOutOf(FailureKind::NoDescriptors),
    ),
];

/// Faults of the server.
const OF_SERVER: [(&str, Fault); 8] = [
    ("server stalls for 2 s of 8 s", Fault::ServerStalls),
    ("server five times as slow", Fault::ServerSlow),
    (
        "slow server, some pressure on the generator's machine",
        Fault::ServerSlowUnderPressure,
    ),
    (
        "slow server occupies all users, arrivals wait",
        Fault::ServerOccupiesUsers,
    ),
    (
        "slow server, generator starts a third of the arrivals",
        Fault::ServerSlowGeneratorOverloaded,
    ),
    (
        "server's CPU quota exhausted half of the time",
        Fault::ServerThrottled,
    ),
    (
        "server's core stolen, as well as idle cores of the generator's machine",
        Fault::ServerStolen,
    ),
    ("server refuses connections", Fault::ServerRefuses),
];

/// The rows of this validation.
pub fn rows(effort: Effort) -> Vec<Row> {
    let runs: u64 = effort.choose(20, 100);
    let of_generator = OF_GENERATOR.map(|(name, fault)| row(name, fault, true, runs));
    let of_server = OF_SERVER.map(|(name, fault)| row(name, fault, false, runs));
    of_generator.into_iter().chain(of_server).collect()
}

fn row(name: &str, fault: Fault, is_generator: bool, runs: u64) -> Row {
    let verdicts: Vec<Verdict> = (0..runs).map(|seed| judge(&run(fault, seed))).collect();
    let count = |is_met: fn(&Verdict) -> bool| verdicts.iter().filter(|one| is_met(one)).count();
    let invalid = count(|one| one.result == RunResult::Invalid);
    let blamed = count(|one| one.result == RunResult::Graded(Grade::Poor));
    let missed = count(|one| match one.judgments[0].value {
        Value::Known(ms) => ms > P90_MS,
        Value::Unanswered => true,
        Value::Unknown => false,
    });
    let right = if is_generator { invalid } else { blamed };
    let truth = if is_generator {
        "the run is invalid"
    } else {
        "the service is poor"
    };
    Row {
        method: format!("attribution: {name}"),
        truth: truth.into(),
        result: format!("{right} of {runs}"),
        goal: "99 of 100".into(),
        negative_control: if is_generator {
            format!("from the measured times alone: {missed} blame the service")
        } else {
            format!("called invalid: {invalid}")
        },
        holds: right as f64 >= 0.99 * runs as f64 && missed as f64 >= 0.99 * runs as f64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_holds() {
        for row in rows(Effort::Reduced) {
            assert!(row.holds, "{row:#?}");
        }
    }
}
