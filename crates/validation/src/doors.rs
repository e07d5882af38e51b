//! Was it us? The same trouble twice, once in the generator and once in the server: the run is invalid in
//! the first case, and the service is blamed in the second.

use brunt_record::{
    Failure, FailureKind, Interference, LoadStage, Metric, MetricsSnapshot, NameId, Reading,
    RunRecord, Sample, Second, seconds_to_ns,
};
use brunt_testbed::queue_simulation::{Arrivals, Gaps, SimulatedRequest};
use brunt_testbed::synthetic_series::noise;
use brunt_verdict::{Grade, RunResult, Value, Verdict, judge};

use crate::reckoned::{record_of_samples, sample, target};
use crate::{Effort, Row};

const SECONDS: f64 = 60.0;
const PER_S: f64 = 200.0;
/// The mean time of service of a server that is well.
const WELL_S: f64 = 0.005;
/// What the p90 has to stay under, in milliseconds: it is 11.5 where all is well.
const P90_MS: f64 = 25.0;
/// Each stall, and from the begin of one to that of the next.
const STALL: Lumps = Lumps {
    each_s: 2.0,
    every_s: 8.0,
};
/// A quota that is used up at the middle of each of its periods, and a core that is taken away now and then.
const QUOTA: Lumps = Lumps {
    each_s: 0.05,
    every_s: 0.1,
};
const TAKEN: Lumps = Lumps {
    each_s: 0.08,
    every_s: 0.2,
};
/// The mean wait for a CPU beside a spinner, each time.
const WAIT_S: f64 = 0.02;
/// One turn of a generator that has no time to spare.
const TURN_S: f64 = 0.04;
/// The share of requests that fail where something is used up.
const FAIL: f64 = 0.4;

/// Users that play arrivals, of which so many a second are played where arrivals wait for users.
const USERS: u32 = 20;
const PLAYED_PER_S: f64 = PER_S / 3.0;
/// When what waits is cut off.
const CUT_OFF_S: f64 = SECONDS + 2.0;

/// What goes wrong, and where.
#[derive(Clone, Copy, PartialEq)]
enum Trouble {
    /// The generator is stopped for a while.
    GeneratorStopped,
    /// It is late with what it sends for a while.
    GeneratorLate,
    /// Something else runs on its core.
    Spinner,
    /// Its control group's quota is used up.
    GeneratorThrottled,
    /// The hypervisor takes its core away.
    GeneratorStolen,
    /// Its thread has no time to spare.
    GeneratorSaturated,
    /// It plays a third of the arrivals that are planned, since its thread runs all the time. The rest waits for users.
    GeneratorOverloaded,
    /// The same, since its thread waits for a CPU for most of the time; what is left over when the run ends is cut off.
    GeneratorOverloadedCutOff,
    /// Its ports, or its descriptors, are used up.
    GeneratorOutOf(FailureKind),
    /// The server stands still for a while.
    ServerStalls,
    /// The server is slow.
    ServerSlow,
    /// The server is slow, and the generator's machine is under some pressure.
    ServerSlowUnderPressure,
    /// The server is so slow that it holds all users, and arrivals wait for one.
    ServerHoldsUsers,
    /// The server is slow, and the generator plays a third of the arrivals.
    ServerSlowGeneratorOverloaded,
    /// The server's quota is used up.
    ServerThrottled,
    /// The server's core is taken away, while the generator's machine has idle neighbours that lose theirs.
    ServerStolen,
    /// The server refuses connections.
    ServerRefuses,
}

/// Times in which somebody does not run: each so long, one after the other.
#[derive(Clone, Copy)]
struct Lumps {
    each_s: f64,
    every_s: f64,
}

impl Lumps {
    /// When somebody who is wanted at a moment comes to run.
    fn runs_at(self, moment_s: f64, first_s: f64) -> f64 {
        let begins_s = ((moment_s - first_s) / self.every_s).floor() * self.every_s + first_s;
        moment_s.max(begins_s + self.each_s * f64::from(u8::from(moment_s >= begins_s)))
    }
}

/// When a request that came at a moment is dispatched, and when it is done.
fn moments(
    trouble: Trouble,
    arrival_s: f64,
    first_s: f64,
    mut draw: impl FnMut(f64) -> f64,
) -> (f64, f64) {
    let slow = match trouble {
        Trouble::ServerSlow
        | Trouble::ServerSlowUnderPressure
        | Trouble::ServerSlowGeneratorOverloaded => 5.0,
        _ => 1.0,
    };
    let serve_s = draw(slow * WELL_S);
    let done_s = arrival_s + serve_s;
    // Who is late with requests is late with answers.
    let generator = |lumps: Lumps| {
        let dispatched_s = lumps.runs_at(arrival_s, first_s);
        (dispatched_s, lumps.runs_at(dispatched_s + serve_s, first_s))
    };
    let server = |lumps: Lumps| (arrival_s, lumps.runs_at(arrival_s, first_s) + serve_s);
    match trouble {
        Trouble::GeneratorStopped | Trouble::GeneratorLate => {
            let dispatched_s = STALL.runs_at(arrival_s, first_s);
            (dispatched_s, dispatched_s + serve_s)
        }
        Trouble::GeneratorThrottled => generator(QUOTA),
        Trouble::GeneratorStolen => generator(TAKEN),
        Trouble::GeneratorSaturated => generator(Lumps {
            each_s: TURN_S,
            every_s: TURN_S,
        }),
        Trouble::ServerStalls => server(STALL),
        Trouble::ServerThrottled => server(QUOTA),
        Trouble::ServerStolen => server(TAKEN),
        Trouble::Spinner => (arrival_s, done_s + draw(WAIT_S)),
        _ => (arrival_s, done_s),
    }
}

/// The request of an arrival that is dispatched when it is due, and then waits for a user.
fn waits_for_user(
    trouble: Trouble,
    number: usize,
    arrival_s: f64,
    draw: &mut impl FnMut(f64) -> f64,
) -> Option<Sample> {
    let serve_s = match trouble {
        Trouble::GeneratorOverloaded | Trouble::GeneratorOverloadedCutOff => draw(WELL_S),
        Trouble::ServerSlowGeneratorOverloaded => draw(5.0 * WELL_S),
        Trouble::ServerHoldsUsers => f64::from(USERS) / PLAYED_PER_S,
        _ => return None,
    };
    let sent_s = arrival_s.max(number as f64 / PLAYED_PER_S);
    let is_cut_off = trouble == Trouble::GeneratorOverloadedCutOff && sent_s > CUT_OFF_S;
    let done_s = if is_cut_off {
        CUT_OFF_S
    } else {
        sent_s + serve_s
    };
    Some(Sample {
        sent_ns: (!is_cut_off).then(|| seconds_to_ns(sent_s)),
        failure: is_cut_off.then_some(FailureKind::Aborted),
        ..sample(&SimulatedRequest {
            arrival_s,
            done_s,
            failed: false,
        })
    })
}

fn fails_with(trouble: Trouble) -> Option<FailureKind> {
    match trouble {
        Trouble::GeneratorOutOf(kind) => Some(kind),
        Trouble::GeneratorOverloadedCutOff => Some(FailureKind::Aborted),
        Trouble::ServerRefuses => Some(FailureKind::ConnectRefused),
        _ => None,
    }
}

fn run(trouble: Trouble, seed: u64) -> RunRecord {
    let first_s = (seed % 6) as f64;
    let mut random = noise(seed);
    let mut draw = |mean_s: f64| mean_s * random.next().unwrap_or(1.0);
    let arrivals = Arrivals::steady(PER_S, SECONDS, Gaps::Poisson, seed).enumerate();
    let samples = arrivals.map(|(number, arrival_s)| {
        if let Some(sample) = waits_for_user(trouble, number, arrival_s, &mut draw) {
            return sample;
        }
        let (dispatched_s, done_s) = moments(trouble, arrival_s, first_s, &mut draw);
        let is_hit = (arrival_s * 1e6).rem_euclid(1.0) < FAIL;
        Sample {
            dispatched_ns: seconds_to_ns(dispatched_s),
            sent_ns: Some(seconds_to_ns(dispatched_s)),
            failure: fails_with(trouble).filter(|_| is_hit),
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
        .merge(&signals(trouble, first_s, seed))
        .expect("seconds of the run");
    record.readings = readings(trouble).into_iter().collect();
    record
}

/// What the generator knows of itself.
fn signals(trouble: Trouble, first_s: f64, seed: u64) -> MetricsSnapshot {
    let seconds = match trouble {
        Trouble::GeneratorStopped => (0..(SECONDS / STALL.every_s) as u32)
            .map(|stall| {
                let stopped = Second {
                    generator_stall_ms: (STALL.each_s * 1e3) as u64,
                    ..Second::default()
                };
                let ends_s = first_s + STALL.each_s + f64::from(stall) * STALL.every_s;
                (ends_s.min(SECONDS - 1.0) as u32, stopped)
            })
            .collect(),
        _ => (0..SECONDS as u32)
            .map(|second| {
                (
                    second,
                    with_users(own_second(trouble, seed), trouble, second),
                )
            })
            .collect(),
    };
    let failures = fails_with(trouble).map(|kind| Failure {
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

/// The same with who plays arrivals, and how many of these wait, where any do.
fn with_users(own: Second, trouble: Trouble, second: u32) -> Second {
    let waits = [
        Trouble::GeneratorOverloaded,
        Trouble::GeneratorOverloadedCutOff,
        Trouble::ServerHoldsUsers,
        Trouble::ServerSlowGeneratorOverloaded,
    ];
    if !waits.contains(&trouble) {
        return own;
    }
    let waiting = f64::from(second + 1) * (PER_S - PLAYED_PER_S);
    Second {
        users: Some(USERS),
        in_flight: Some(USERS + waiting as u32),
        tasks: PLAYED_PER_S as u64,
        ..own
    }
}

/// Of each second: a thread that is well uses a tenth of its core, and comes on it twice a request.
fn own_second(trouble: Trouble, seed: u64) -> Second {
    let well = Second {
        cpu_ms: 100,
        busiest_thread_cpu_ms: 100,
        timeslices: 2 * PER_S as u64,
        max_wakeup_delay_us: 200,
        ..Second::default()
    };
    let kept_waiting = |lumps: Lumps| (lumps.each_s * 1e6) as u64;
    match trouble {
        Trouble::Spinner => Second {
            cpu_wait_ms: 800,
            cpu_wait_mean_us: (WAIT_S * 1e6) as u64,
            max_wakeup_delay_us: 60_000,
            ..well
        },
        Trouble::GeneratorThrottled => Second {
            // Some kernels count this as a wait for a CPU, too.
            cpu_wait_ms: if seed.is_multiple_of(2) { 500 } else { 0 },
            max_wakeup_delay_us: kept_waiting(QUOTA),
            ..well
        },
        Trouble::GeneratorStolen => Second {
            max_wakeup_delay_us: kept_waiting(TAKEN),
            ..well
        },
        Trouble::GeneratorSaturated => Second {
            cpu_ms: 980,
            busiest_thread_cpu_ms: 980,
            timeslices: 25,
            max_wakeup_delay_us: (TURN_S * 1e6) as u64,
            ..well
        },
        Trouble::GeneratorOverloaded | Trouble::ServerSlowGeneratorOverloaded => Second {
            cpu_ms: 950,
            busiest_thread_cpu_ms: 950,
            cpu_wait_ms: 30,
            cpu_wait_mean_us: 75,
            max_wakeup_delay_us: 2_000,
            ..well
        },
        Trouble::GeneratorOverloadedCutOff => Second {
            cpu_ms: 270,
            busiest_thread_cpu_ms: 270,
            cpu_wait_ms: 710,
            cpu_wait_mean_us: 300,
            max_wakeup_delay_us: 4_000,
            ..well
        },
        Trouble::ServerSlowUnderPressure => Second {
            cpu_wait_ms: 30,
            cpu_wait_mean_us: 75,
            max_wakeup_delay_us: 8_000,
            ..well
        },
        _ => well,
    }
}

/// What the monitor saw of the generator's machine.
fn readings(trouble: Trouble) -> Vec<Reading> {
    let calm = Interference {
        stolen_ms: Some(0),
        used_ms: Some(100),
        throttled_periods: Some(0),
        throttled_ms: Some(0),
        pressure_percent: Some(1.0),
        clock_step_ms: Some(0),
        suspended_ms: Some(0),
        ..Interference::default()
    };
    let share = |lumps: Lumps| Some((lumps.each_s / lumps.every_s * 1e3) as u64);
    let seen = match trouble {
        Trouble::GeneratorThrottled => Interference {
            throttled_periods: Some(10),
            throttled_ms: share(QUOTA),
            ..calm
        },
        Trouble::GeneratorStolen => Interference {
            stolen_ms: share(TAKEN),
            ..calm
        },
        Trouble::ServerSlowUnderPressure => Interference {
            stolen_ms: Some(20),
            throttled_periods: Some(1),
            throttled_ms: Some(8),
            pressure_percent: Some(40.0),
            ..calm
        },
        Trouble::ServerStolen => Interference {
            stolen_ms: Some(350),
            used_ms: Some(1_900),
            ..calm
        },
        _ => calm,
    };
    (0..=SECONDS as u64)
        .map(|second| Reading {
            at_ms: second * 1_000 + 20,
            interference: Some(if second == 0 {
                Interference::default()
            } else {
                seen
            }),
            ..Reading::default()
        })
        .collect()
}

/// What goes wrong in the generator, in words.
const OURS: [(&str, Trouble); 10] = [
    (
        "the generator is stopped for 2 s of 8",
        Trouble::GeneratorStopped,
    ),
    (
        "the generator sends late for 2 s of 8",
        Trouble::GeneratorLate,
    ),
    ("a spinner on the generator's core", Trouble::Spinner),
    (
        "the generator's quota is used up, half of the time",
        Trouble::GeneratorThrottled,
    ),
    (
        "the generator's core is stolen, 80 ms of 200",
        Trouble::GeneratorStolen,
    ),
    (
        "the generator has no time to spare",
        Trouble::GeneratorSaturated,
    ),
    (
        "the generator plays a third of the planned arrivals",
        Trouble::GeneratorOverloaded,
    ),
    (
        "the generator plays a third, and the rest is cut off",
        Trouble::GeneratorOverloadedCutOff,
    ),
    (
        "the generator's ports are used up",
        Trouble::GeneratorOutOf(FailureKind::NoPorts),
    ),
    (
        "the generator's descriptors are used up",
        Trouble::GeneratorOutOf(FailureKind::NoDescriptors),
    ),
];

/// What goes wrong in the server, in words.
const THEIRS: [(&str, Trouble); 8] = [
    (
        "the server stands still for 2 s of 8",
        Trouble::ServerStalls,
    ),
    ("the server is five times as slow", Trouble::ServerSlow),
    (
        "a slow server, and the generator's machine under some pressure",
        Trouble::ServerSlowUnderPressure,
    ),
    (
        "a slow server holds all users, and arrivals wait",
        Trouble::ServerHoldsUsers,
    ),
    (
        "a slow server, and the generator plays a third of the arrivals",
        Trouble::ServerSlowGeneratorOverloaded,
    ),
    (
        "the server's quota is used up, half of the time",
        Trouble::ServerThrottled,
    ),
    (
        "the server's core is stolen, and others' beside the generator",
        Trouble::ServerStolen,
    ),
    ("the server refuses connections", Trouble::ServerRefuses),
];

/// The proofs of this page.
pub fn rows(effort: Effort) -> Vec<Row> {
    let runs: u64 = effort.choose(20, 100);
    let ours = OURS.map(|(name, trouble)| door(name, trouble, true, runs));
    let theirs = THEIRS.map(|(name, trouble)| door(name, trouble, false, runs));
    ours.into_iter().chain(theirs).collect()
}

fn door(name: &str, trouble: Trouble, is_ours: bool, runs: u64) -> Row {
    let verdicts: Vec<Verdict> = (0..runs).map(|seed| judge(&run(trouble, seed))).collect();
    let count = |is_so: fn(&Verdict) -> bool| verdicts.iter().filter(|one| is_so(one)).count();
    let invalid = count(|one| one.result == RunResult::Invalid);
    let blamed = count(|one| one.result == RunResult::Graded(Grade::Poor));
    let missed = count(|one| match one.judgements[0].value {
        Value::Known(ms) => ms > P90_MS,
        Value::Unanswered => true,
        Value::Unknown => false,
    });
    let right = if is_ours { invalid } else { blamed };
    let truth = if is_ours {
        "the run is invalid"
    } else {
        "the service is poor"
    };
    Row {
        method: format!("was it us: {name}"),
        truth: truth.into(),
        reached: format!("{right} of {runs}"),
        goal: "99 of 100".into(),
        broken: if is_ours {
            format!("as measured: the service is blamed in {missed}")
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
