//! Was it us? The same trouble twice, once in the generator and once in the server: the run is invalid in
//! the first case, and the service is blamed in the second.

use record::{Increment, Metric, RunRecord, Sample, Second, Stage, Target};
use testbed::series::noise;
use testbed::virtual_time::{Arrivals, Gaps, Visit};
use verdict::{Grade, RunResult, Verdict, judge};

use crate::reckoned::{nanoseconds, record_of_samples, sample};
use crate::{Effort, Row};

const SECONDS: f64 = 60.0;
const PER_S: f64 = 200.0;
/// The mean time of service of a server that is well.
const WELL_S: f64 = 0.005;
/// What the p90 has to stay under, in milliseconds: it is 11.5 where all is well.
const P90_MS: f64 = 25.0;
/// Each stall, and from the begin of one to that of the next.
const STALL_S: f64 = 2.0;
const EVERY_S: f64 = 8.0;
/// The mean wait for a CPU beside a spinner, each time.
const WAIT_S: f64 = 0.02;

/// What goes wrong, and where.
#[derive(Clone, Copy, PartialEq)]
enum Trouble {
    /// The generator is stopped for a while.
    GeneratorStopped,
    /// It is late with what it sends for a while.
    GeneratorLate,
    /// Something else runs on its core.
    Spinner,
    /// The server stands still for a while.
    ServerStalls,
    /// The server is slow.
    ServerSlow,
}

fn run(trouble: Trouble, seed: u64) -> RunRecord {
    let first_s = (seed % 6) as f64;
    let mut random = noise(seed);
    let mut draw = |mean_s: f64| mean_s * random.next().unwrap_or(1.0);
    let samples = Arrivals::steady(PER_S, SECONDS, Gaps::Poisson, seed).map(|arrival_s| {
        let mean_s = if trouble == Trouble::ServerSlow {
            5.0 * WELL_S
        } else {
            WELL_S
        };
        let serve_s = draw(mean_s);
        let stall_begins_s = ((arrival_s - first_s) / EVERY_S).floor() * EVERY_S + first_s;
        let is_within = arrival_s - stall_begins_s < STALL_S;
        let stall_ends_s = stall_begins_s + STALL_S;
        let (dispatched_s, done_s) = match trouble {
            Trouble::GeneratorStopped | Trouble::GeneratorLate if is_within => {
                (stall_ends_s, stall_ends_s + serve_s)
            }
            Trouble::ServerStalls if is_within => (arrival_s, stall_ends_s + serve_s),
            Trouble::Spinner => (arrival_s, arrival_s + serve_s + draw(WAIT_S)),
            _ => (arrival_s, arrival_s + serve_s),
        };
        Sample {
            dispatched_ns: nanoseconds(dispatched_s),
            sent_ns: Some(nanoseconds(dispatched_s)),
            ..sample(&Visit {
                arrival_s,
                done_s,
                failed: false,
            })
        }
    });
    let level = Stage {
        seconds: SECONDS,
        from: PER_S,
        to: PER_S,
    };
    let target = Target {
        metric: Metric::Percentile(0.9),
        scope: None,
        target: Some(P90_MS),
        acceptable: None,
        critical: None,
    };
    let mut record = record_of_samples(samples.collect(), vec![level], vec![target]);
    record
        .timeline
        .absorb(&signals(trouble, first_s))
        .expect("seconds of the run");
    record
}

/// What the generator knows of itself.
fn signals(trouble: Trouble, first_s: f64) -> Increment {
    let seconds = match trouble {
        Trouble::GeneratorStopped => (0..(SECONDS / EVERY_S) as u32)
            .map(|stall| {
                let stopped = Second {
                    stood_still_ms: (STALL_S * 1e3) as u64,
                    ..Second::default()
                };
                let ends_s = first_s + STALL_S + f64::from(stall) * EVERY_S;
                (ends_s.min(SECONDS - 1.0) as u32, stopped)
            })
            .collect(),
        Trouble::Spinner => (0..SECONDS as u32)
            .map(|second| {
                let waited = Second {
                    cpu_wait_ms: 800,
                    cpu_wait_each_us: (WAIT_S * 1e6) as u64,
                    ..Second::default()
                };
                (second, waited)
            })
            .collect(),
        _ => Vec::new(),
    };
    Increment {
        width_s: 1,
        seconds,
        histograms: Vec::new(),
        totals: Vec::new(),
        failures: Vec::new(),
        last_ok_ns: 0,
    }
}

/// The proofs of this page.
pub fn rows(effort: Effort) -> Vec<Row> {
    let runs: u64 = effort.choose(20, 100);
    [
        (
            "the generator is stopped for 2 s of 8",
            Trouble::GeneratorStopped,
            true,
        ),
        (
            "the generator sends late for 2 s of 8",
            Trouble::GeneratorLate,
            true,
        ),
        ("a spinner on the generator's core", Trouble::Spinner, true),
        (
            "the server stands still for 2 s of 8",
            Trouble::ServerStalls,
            false,
        ),
        (
            "the server is five times as slow",
            Trouble::ServerSlow,
            false,
        ),
    ]
    .map(|(name, trouble, is_ours)| door(name, trouble, is_ours, runs))
    .into()
}

fn door(name: &str, trouble: Trouble, is_ours: bool, runs: u64) -> Row {
    let verdicts: Vec<Verdict> = (0..runs).map(|seed| judge(&run(trouble, seed))).collect();
    let count = |is_so: fn(&Verdict) -> bool| verdicts.iter().filter(|one| is_so(one)).count();
    let invalid = count(|one| one.result == RunResult::Invalid);
    let blamed = count(|one| one.result == RunResult::Graded(Grade::Poor));
    let missed = count(|one| {
        one.judgements[0]
            .value
            .known()
            .is_some_and(|ms| ms > P90_MS)
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
