//! Generator signals: if they changed a result, the run is invalid, and names the signal, the time,
//! and the remedy.

use brunt_record::{ArrivalProcess, FailureKind, Interference, Metric, OpenModel, Second};
use brunt_verdict::{FindingKind, Grade, RunResult, Verdict, judge};

use crate::run::{A, Run};

/// A healthy thread, which uses a tenth of its core in 400 time slices.
fn well() -> (Second, Interference) {
    let counts = Second {
        cpu_ms: 100,
        busiest_thread_cpu_ms: 100,
        timeslices: 400,
        max_wakeup_delay_us: 200,
        ..Second::default()
    };
    let seen = Interference {
        stolen_ms: Some(0),
        used_ms: Some(100),
        throttled_periods: Some(0),
        throttled_ms: Some(0),
        pressure_percent: Some(35.0),
        clock_step_ms: Some(0),
        suspended_ms: Some(0),
        ..Interference::default()
    };
    (counts, seen)
}

/// A run in which a tenth of the requests take 80 ms, with a limit of 50 ms for the p95.
fn judged(change: impl Fn(&mut Second, &mut Interference)) -> Verdict {
    let (mut counts, mut seen) = well();
    change(&mut counts, &mut seen);
    let run = Run::new().target(Metric::Percentile(0.95), [Some(50.0), None, None]);
    let run = run.answers(1_800, 1.0).requests(A, 200, 80.0, 0.0, None);
    judge(&run.own(counts, seen).record())
}

#[test]
fn invalid_run_names_the_signal_its_time_and_the_remedy() {
    assert_eq!(
        judged(|_, _| {}).result,
        RunResult::Graded(Grade::Poor),
        "the service's own"
    );
    let throttled = judged(|counts, seen| {
        counts.max_wakeup_delay_us = 90_000;
        (seen.throttled_periods, seen.throttled_ms) = (Some(4), Some(300));
    });
    let stolen = judged(|counts, seen| {
        counts.max_wakeup_delay_us = 90_000;
        seen.stolen_ms = Some(300);
    });
    let waited = judged(|counts, _| {
        counts.max_wakeup_delay_us = 90_000;
        (counts.cpu_wait_ms, counts.cpu_wait_mean_us) = (300, 750);
    });
    let saturated = judged(|counts, _| {
        counts.max_wakeup_delay_us = 90_000;
        (counts.cpu_ms, counts.busiest_thread_cpu_ms) = (970, 970);
    });
    for (verdict, expected) in [
        (
            throttled,
            "brunt itself was throttled for up to 300 ms per second, in 20 s between seconds 0 and 19 (the CPU quota \
             of its control group was used up), which made p95 poor instead of good; raise that quota \
             (cpu.max), or reduce the load",
        ),
        (
            stolen,
            "brunt itself lost its CPU to the hypervisor for up to 300 ms per second, in 20 s between seconds 0 and 19 \
             (steal), which made p95 poor instead of good; run brunt on dedicated cores, or reduce the load",
        ),
        (
            waited,
            "brunt itself waited for a CPU for up to 300 ms per second, in 21 s between seconds 0 and 20 (other \
             processes ran on its cores; CPU pressure 35 %), which made p95 poor instead of good; give brunt a dedicated core",
        ),
        (
            saturated,
            "brunt itself was saturated: its busiest thread used 97 % of a core in 21 s between seconds 0 and \
             20, which made p95 poor instead of good; give brunt more cores or threads, or reduce the load",
        ),
    ] {
        assert_eq!(verdict.result, RunResult::Invalid);
        assert_eq!(verdict.invalid_reasons, [expected]);
    }
}

#[test]
fn signal_without_consequences_is_a_note() {
    // It took a fifth of the time, and no event waited for more than 20 ms.
    let harmless = judged(|counts, seen| {
        counts.max_wakeup_delay_us = 20_000;
        seen.throttled_ms = Some(200);
    });
    assert_eq!(harmless.result, RunResult::Graded(Grade::Poor));
    let [note] = harmless.findings.as_slice() else {
        panic!("{:?}", harmless.findings)
    };
    assert_eq!(note.kind, FindingKind::GeneratorNote);
    assert_eq!(
        note.headline,
        "brunt itself was throttled for up to 200 ms per second, in 20 s between seconds 0 and 19 (the CPU quota of its \
         control group was used up); this changed no grade."
    );
    // Starvation affected only a few requests, but a tenth of them is slow.
    let few = judged(|counts, seen| {
        counts.max_wakeup_delay_us = 90_000;
        seen.throttled_ms = Some(20);
    });
    assert_eq!(few.result, RunResult::Graded(Grade::Poor));
    assert_eq!(few.findings, []);
    // Other processes on these cores lost their CPU time.
    let others = judged(|counts, seen| {
        counts.max_wakeup_delay_us = 90_000;
        (seen.stolen_ms, seen.used_ms) = (Some(300), Some(1_900));
    });
    assert_eq!(others.result, RunResult::Graded(Grade::Poor));
}

/// A run in which a tenth of the requests fail, throughout or in every fourth second, in which the machine
/// may be suspended.
fn with_resets(are_together: bool, suspended_ms: u64) -> Verdict {
    let (counts, seen) = well();
    let run = Run::new().target(Metric::ErrorRate, [Some(1.0), None, None]);
    let mut run = run
        .answers(1_800, 1.0)
        .failures(200, FailureKind::ConnectionReset);
    for sample in run.samples.iter_mut().filter(|one| one.failure.is_some()) {
        if are_together {
            let second = sample.intended_ns / 4_000_000_000 * 4 + 2;
            sample.intended_ns = second * 1_000_000_000;
            sample.done_ns = sample.intended_ns + 1_000_000;
        }
    }
    let mut record = run.own(counts, seen).record();
    let readings = record.readings.iter().enumerate();
    let readings = readings.map(|(at, mut reading)| {
        if at % 4 == 3 {
            reading.interference.as_mut().unwrap().suspended_ms = Some(suspended_ms);
        }
        reading
    });
    record.readings = readings.collect();
    judge(&record)
}

#[test]
fn failures_during_suspension_are_not_attributed_to_the_service() {
    let poor = RunResult::Graded(Grade::Poor);
    assert_eq!(with_resets(false, 0).result, poor);
    assert_eq!(with_resets(true, 0).result, poor);
    let mattered = with_resets(true, 60_000);
    assert_eq!(mattered.result, RunResult::Invalid);
    let because = &mattered.invalid_reasons[0];
    assert!(
        because.starts_with(
            "the machine was suspended for 300 s between seconds 2 and 18, which made error rate poor "
        ),
        "{because}"
    );
}

#[test]
fn clock_change_and_unavailable_sources_are_notes() {
    let set = judged(|_, seen| seen.clock_step_ms = Some(-2_500));
    assert_eq!(set.result, RunResult::Graded(Grade::Poor));
    assert_eq!(
        set.findings[0].headline,
        "the system clock was set back by 2.5 s at second 20; brunt measures with a monotonic clock, so only \
         its wall-clock times are wrong."
    );
    let blind = judged(|counts, seen| {
        counts.timeslices = 0;
        *seen = Interference::default();
    });
    assert_eq!(
        blind.findings[0].headline,
        "brunt could not read its threads' wait for a CPU (schedstat), steal (/proc/stat), throttling (cpu.stat \
         of its control group), CPU pressure (/proc/pressure) on this machine."
    );
}

#[test]
fn load_above_the_generator_limit_is_a_finding() {
    // 2,000 requests in 20 s, planned as 100 arrivals per second, or sent by users.
    let found = |is_open: bool, capacity_rps| {
        let mut run = Run::new().answers(2_000, 1.0);
        run.header.generator.capacity_rps = capacity_rps;
        if is_open {
            run.header.load.open = Some(OpenModel {
                arrival_process: ArrivalProcess::Poisson,
                users: 10,
            });
            let stage = &mut run.header.load.stages[0];
            (stage.from, stage.to) = (100.0, 100.0);
        }
        judge(&run.record()).findings
    };
    for is_open in [false, true] {
        assert_eq!(found(is_open, None), []);
        assert_eq!(found(is_open, Some(150.0)), []);
        let [limit] = found(is_open, Some(140.0)).try_into().unwrap();
        assert_eq!(limit.kind, FindingKind::GeneratorLimit);
        assert_eq!(
            limit.headline,
            "The load reaches 100 req/s, but brunt itself is reliable up to 98 req/s, 70 % of the 140 req/s that it \
             reaches against an empty server (without TLS); give brunt more cores or threads."
        );
        let names: Vec<&str> = limit.figures.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["capacity_rps", "usable_rps", "max_offered_rps"]);
    }
}

/// A run of 600 arrivals per second, of which 200 are started; the rest waits for users, and the busiest thread runs for
/// this part of each second.
fn overloaded(busiest_ms: u64) -> Run {
    let (counts, seen) = well();
    let counts = Second {
        cpu_ms: busiest_ms,
        busiest_thread_cpu_ms: busiest_ms,
        max_wakeup_delay_us: 2_000,
        in_flight: Some(4_000),
        tasks: 200,
        ..counts
    };
    let mut run = Run::new().own(counts, seen);
    run.header.load.open = Some(OpenModel {
        arrival_process: ArrivalProcess::Constant,
        users: 10,
    });
    (run.header.load.stages[0].from, run.header.load.stages[0].to) = (600.0, 600.0);
    run
}

#[test]
fn arrivals_that_were_not_started_make_the_run_invalid() {
    let verdict = judge(&overloaded(970).answers(4_000, 1.0).record());
    assert_eq!(verdict.result, RunResult::Invalid);
    assert_eq!(
        verdict.invalid_reasons,
        [
            "the load was not generated: brunt itself was saturated and started 4,000 of 12,000 planned arrivals; \
          give brunt more cores or threads, or reduce the load"
        ]
    );
    let throughput = overloaded(970).target(Metric::Throughput, [None, None, Some(500.0)]);
    let verdict = judge(&throughput.answers(4_000, 1.0).record());
    assert_eq!(verdict.result, RunResult::Invalid, "{}", verdict.headline);
}

#[test]
fn arrivals_that_wait_for_the_service_are_attributed_to_it() {
    // The generator is not saturated.
    let verdict = judge(&overloaded(300).answers(4_000, 1.0).record());
    assert_eq!(
        verdict.result,
        RunResult::NoTargets,
        "{:?}",
        verdict.invalid_reasons
    );
    let throughput = overloaded(300).target(Metric::Throughput, [None, None, Some(500.0)]);
    let verdict = judge(&throughput.answers(4_000, 1.0).record());
    assert_eq!(verdict.result, RunResult::Graded(Grade::Critical));
    // It is saturated, but the service is slow by itself.
    let slow = overloaded(970).target(Metric::Percentile(0.95), [Some(50.0), None, None]);
    let verdict = judge(&slow.answers(4_000, 80.0).record());
    assert_eq!(
        verdict.result,
        RunResult::Graded(Grade::Poor),
        "{:?}",
        verdict.invalid_reasons
    );
}
