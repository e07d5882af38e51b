//! The headline, the findings, and the validity of a run.

use crate::run::{A, Run, SEED};
use brunt_record::{FailureKind, Metric, StoppedBy};
use brunt_verdict::{FindingKind, Grade, RunResult, Value, Verdict, judge};

const P50: Metric = Metric::Percentile(0.5);
const P99: Metric = Metric::Percentile(0.99);
const WAITS: [f64; 3] = [500.0, 1_000.0, 2_000.0];
const RATES: [f64; 3] = [100.0, 50.0, 20.0];

fn judged(run: Run) -> Verdict {
    judge(&run.record())
}

fn sentence(run: Run) -> String {
    judged(run).headline
}

fn two_targets() -> Run {
    Run::new()
        .ladder(P50, [100.0, 200.0, 500.0])
        .ladder(P99, WAITS)
}

#[test]
fn headline_names_the_target_that_decides_the_grade() {
    let at = |ms| sentence(two_targets().answers(3_660, ms));
    assert_eq!(
        at(12.04),
        "Good: 2 of 2 targets met at 183 req/s; p50 12 ms (limit 100 ms), p99 12 ms (limit 500 ms)."
    );
    assert_eq!(
        at(150.0),
        "Acceptable: p50 150 ms is over the target of 100 ms; 1 of 2 targets met at 182 req/s; \
         p99 150 ms (limit 500 ms)."
    );
    assert_eq!(
        at(499.0),
        "Poor: p50 499 ms is over the acceptable limit of 200 ms; 1 of 2 targets missed."
    );
    assert_eq!(
        at(600.0),
        "Critical: p50 600 ms is over the critical limit of 500 ms; 2 of 2 targets missed."
    );
    assert_eq!(
        at(200.0),
        "Poor: p50 200 ms is not under the acceptable limit of 200 ms; 1 of 2 targets missed."
    );
    let served = Run::new()
        .ladder(Metric::Throughput, RATES)
        .answers(240, 1.0);
    assert_eq!(
        sentence(served),
        "Critical: throughput 12 req/s is under the critical limit of 20 req/s; 1 of 1 targets missed."
    );
    let timeouts = Run::new()
        .ladder(P99, WAITS)
        .failures(20, FailureKind::Timeout);
    assert_eq!(
        sentence(timeouts),
        "No response: all 20 requests failed, most with timeout."
    );
    let named = Run::new().ladder(P50, WAITS).of(A).answers(20, 1_500.0);
    assert_eq!(
        sentence(named),
        "Poor: p50 of /a 1.5 s is over the acceptable limit of 1 s; 1 of 1 targets missed."
    );
    let fair = Run::new()
        .target(P50, [None, Some(500.0), None])
        .answers(20, 1.0);
    assert_eq!(
        sentence(fair),
        "Acceptable: 1 of 1 targets met at 1 req/s; p50 1 ms (limit 500 ms)."
    );
}

#[test]
fn failures_come_before_percentiles_without_a_response() {
    let run = || {
        two_targets()
            .answers(391, 1.0)
            .failures(609, FailureKind::Timeout)
    };
    assert_eq!(
        sentence(run()),
        "Critical: 60.9 % of requests failed; p50 is among the requests without a response (critical limit \
         500 ms); 2 of 2 targets missed."
    );
    assert_eq!(
        sentence(run().ladder(Metric::ErrorRate, [0.1, 1.0, 5.0])),
        "Critical: 60.9 % of requests failed (critical limit 5 %); 3 of 3 targets missed."
    );
}

#[test]
fn headline_names_the_undecided_target() {
    let few = || Run::new().ladder(Metric::Throughput, RATES).offering(18.3);
    assert_eq!(
        sentence(few().answers(360, 1.0)),
        "Not applicable: this load cannot decide throughput: over 100 req/s needs an \
             offered load of 110 req/s (10 % headroom), but this load offers 18.3."
    );
    let decides = "a p99 needs 299 requests, but there were 50";
    assert_eq!(
        sentence(few().ladder(P99, WAITS).answers(50, 1.0)),
        format!("Inconclusive: p99 is undecided ({decides}).")
    );
    let partly = few().ladder(P50, WAITS).ladder(P99, WAITS).answers(50, 1.0);
    assert_eq!(
        sentence(partly),
        format!("Inconclusive: p99 is undecided ({decides}); targets: 1 good, 1 undecided.")
    );
    let poor = few().ladder(P50, WAITS).answers(50, 1_500.0);
    assert_eq!(
        sentence(poor),
        "Poor: p50 1.5 s is over the acceptable limit of 1 s; \
         1 of 2 targets missed."
    );
    let bare = judged(Run::new().answers(50, 1.0));
    assert_eq!(bare.result, RunResult::NoTargets);
    assert_eq!(
        bare.headline,
        "No targets: 2.5 req/s; p99 1 ms; errors 0 %."
    );
    let dead = two_targets().stopped(StoppedBy::Unreachable, 0, Some("connection refused"));
    let dead = judged(dead);
    assert_eq!(dead.result, RunResult::NoResponse);
    assert_eq!(
        dead.headline,
        "No response: no request was sent; stopped by brunt after 0 s of 20 s, because the host could not be reached: \
         connection refused."
    );
}

/// 94 of 1,208 requests failed, and 5 % is critical: whatever else is good, the error rate is undecided.
#[test]
fn run_with_one_good_target_is_not_good() {
    let run = Run::new()
        .ladder(P50, WAITS)
        .ladder(Metric::ErrorRate, [0.1, 1.0, 5.0]);
    let mut run = run.answers(1_114, 1.0).failures(94, FailureKind::Status);
    // They come in two clusters, so the run is short compared with its own fluctuations.
    for (at, sample) in run.samples[1_114..].iter_mut().enumerate() {
        let at_ns = if at % 2 == 0 {
            4_000_000_000
        } else {
            15_000_000_000
        };
        let shift = at_ns + at as u64 * 10_000_000 - sample.intended_ns.min(at_ns);
        let length = sample.done_ns - sample.intended_ns;
        sample.intended_ns = shift.min(19_000_000_000);
        sample.dispatched_ns = sample.intended_ns;
        sample.sent_ns = Some(sample.intended_ns);
        sample.done_ns = sample.intended_ns + length;
        sample.first_byte_ns = Some(sample.done_ns);
    }
    let verdict = judged(run);
    let grades: Vec<Grade> = verdict.judgments.iter().map(|row| row.grade).collect();
    assert_ne!(verdict.result, RunResult::Graded(Grade::Good), "{grades:?}");
    assert_eq!(grades[0], Grade::Good);
    assert!(verdict.headline.contains("7.78 %"), "{}", verdict.headline);
}

#[test]
fn run_that_was_cut_short_is_not_good() {
    let cut = |run: Run| judged(run.stopped(StoppedBy::Interrupted, 14_000, None));
    let mut good = two_targets().answers(3_660, 12.0);
    good.header.load.stages[0].seconds = 60.0;
    // The measurements decide the targets, but the rest of the load was never offered.
    let verdict = cut(good);
    assert!(
        verdict
            .headline
            .starts_with("Incomplete: stopped by Ctrl-C after 14 s of 60 s"),
        "{}",
        verdict.headline
    );
    assert_eq!(verdict.result, RunResult::Graded(Grade::Inconclusive));
    let missed = cut(two_targets().answers(3_660, 9_000.0));
    assert_eq!(missed.result, RunResult::Graded(Grade::Critical));
    let mut broken_off = two_targets().answers(3_660, 12.0);
    broken_off.ending = None;
    let verdict = judged(broken_off);
    assert_eq!(verdict.result, RunResult::Graded(Grade::Inconclusive));
    assert_eq!(
        verdict.headline,
        "Incomplete: the record ends after 21 s of 20 s (brunt was killed or could not write it); targets so far: \
         2 good."
    );
}

#[test]
fn service_that_stopped_is_critical_whatever_its_targets_are() {
    for run in [
        two_targets(),
        Run::new(),
        Run::new().ladder(Metric::Throughput, RATES).offering(18.3),
    ] {
        let run = run
            .answers(300, 1.0)
            .failures(20, FailureKind::ConnectionClosed);
        let reason = "all 20 requests in the last 10 s failed, most with refused";
        let verdict = judged(run.stopped(StoppedBy::EverythingFailed, 19_000, Some(reason)));
        assert_eq!(verdict.result, RunResult::Graded(Grade::Critical));
        assert!(
            verdict.headline.starts_with(
                "Critical: all 20 requests in the last 10 s failed, most with refused; stopped by brunt after 19 s of 20 s; "
            ),
            "{}",
            verdict.headline
        );
    }
}

#[test]
fn run_with_an_internal_error_is_invalid() {
    let run = two_targets().answers(3_660, 1.0);
    let verdict = judged(run.stopped(StoppedBy::InternalError, 14_000, Some("a thread panicked")));
    assert_eq!(verdict.result, RunResult::Invalid);
    assert_eq!(
        verdict.headline,
        "Invalid: brunt itself failed: a thread panicked, so the run does not describe the service."
    );
}

#[test]
fn run_that_lost_a_worker_is_invalid_and_names_it() {
    let run = two_targets().answers(3_660, 1.0);
    let reason = "process 2 of 3 of the load was lost (signal: 9 (SIGKILL))";
    let verdict = judged(run.stopped(StoppedBy::WorkerLost, 14_000, Some(reason)));
    assert_eq!(verdict.result, RunResult::Invalid);
    assert_eq!(
        verdict.headline,
        format!("Invalid: {reason}, so the run does not describe the service.")
    );
}

#[test]
fn run_that_did_not_end_as_planned_has_a_finding() {
    let findings = |run: Run| judged(run).findings;
    assert_eq!(findings(two_targets().answers(20, 1.0)), []);
    for (by, expected) in [
        (
            StoppedBy::Interrupted,
            "Stopped by Ctrl-C after 5 s of 20 s.",
        ),
        (
            StoppedBy::Terminated,
            "Stopped by SIGTERM after 5 s of 20 s.",
        ),
        (
            StoppedBy::EverythingFailed,
            "Stopped by brunt after 5 s of 20 s, because every request failed.",
        ),
        (
            StoppedBy::TargetEnded,
            "Stopped by brunt after 5 s of 20 s, because the process under test ended.",
        ),
    ] {
        let found = findings(two_targets().answers(20, 1.0).stopped(by, 5_000, None));
        assert_eq!(found.len(), 1);
        assert_eq!(
            (found[0].kind, found[0].headline.as_str()),
            (FindingKind::Unfinished, expected)
        );
    }
    let mut broken_off = two_targets().answers(20, 1.0);
    broken_off.ending = None;
    let found = findings(broken_off);
    assert_eq!(
        found[0].headline,
        "The record ends after 20 s of 20 s (brunt was killed or could not write it)."
    );
}

#[test]
fn faults_of_the_generator_make_the_run_invalid() {
    for (kind, remedy) in [
        (FailureKind::NoPorts, "--local-address"),
        (FailureKind::NoDescriptors, "ulimit -n"),
        (FailureKind::Client, "(example)"),
        (
            FailureKind::UnreadableFile,
            "changed during the run (example)",
        ),
    ] {
        let verdict = judged(two_targets().answers(999, 1.0).failures(1, kind));
        assert_eq!(verdict.result, RunResult::Invalid);
        let [because] = verdict.invalid_reasons.as_slice() else {
            panic!("{:?}", verdict.invalid_reasons);
        };
        assert!(because.starts_with("1 of 1,000 requests "), "{because}");
        assert!(because.contains(remedy), "{because}");
        let (cause, remedy) = because.split_once("; ").expect("a cause and a remedy");
        assert_eq!(
            verdict.headline,
            format!("Invalid: {cause}, so the run does not describe the service.")
        );
        assert_eq!(verdict.next_step, format!("Next: {remedy}; run again."));
        for row in verdict.judgments {
            assert_eq!(row.grade, Grade::Inconclusive);
            assert_eq!(row.reason.as_deref(), Some("the run is invalid"));
            assert!(matches!(row.value, Value::Known(ms) if ms < 1.01));
        }
    }
    let of_set_up = two_targets().answers(999, 1.0);
    let of_set_up = of_set_up.requests(SEED, 9, 1.0, 0.0, Some(FailureKind::NoPorts));
    assert_eq!(judged(of_set_up).result, RunResult::Graded(Grade::Good));
}

#[test]
fn stall_is_attributed_to_generator_or_service() {
    let stall = |unlagged_ms, lag_ms| {
        let run = two_targets().answers(950, 1.0);
        judged(run.requests(A, 50, unlagged_ms, lag_ms, None))
    };
    let in_server = stall(2_500.0, 0.0);
    assert_eq!(in_server.result, RunResult::Graded(Grade::Critical));
    let in_brunt = stall(1.0, 2_500.0);
    assert_eq!(in_brunt.result, RunResult::Invalid);
    assert_eq!(
        in_brunt.headline,
        "Invalid: brunt itself was late (p99 lag 2,500 ms), which made p99 critical instead of good, so the run does \
         not describe the service."
    );
    assert_eq!(in_brunt.findings, []);
    let no_matter = stall(1.0, 300.0);
    assert_eq!(no_matter.result, RunResult::Graded(Grade::Good));
    assert_eq!(no_matter.findings.len(), 1);
    assert_eq!(no_matter.findings[0].kind, FindingKind::GeneratorNote);
    let both = stall(2_500.0, 300.0);
    assert_eq!(both.result, RunResult::Graded(Grade::Critical));
}

/// Lateness only makes a service look worse: a target that was met with it would be met without it, whatever
/// the shorter responses show about the clustering of slow ones.
#[test]
fn lateness_never_improves_a_grade() {
    let mut run = Run::new().target(Metric::Percentile(0.99), [Some(8.0), None, None]);
    run = run.answers(2_000, 6.0);
    let begins_last_ns = 19_000_000_000;
    let before = run.samples.iter_mut();
    for sample in before.filter(|sample| sample.intended_ns < begins_last_ns) {
        sample.dispatched_ns += 5_000_000;
    }
    let verdict = judged(run);
    assert_eq!(verdict.result, RunResult::Graded(Grade::Good));
}

#[test]
fn unverified_certificates_are_a_finding() {
    let mut run = two_targets().answers(1_000, 1.0);
    assert_eq!(judged(run.clone()).findings, []);
    run.header.generator.insecure = true;
    let [finding] = judged(run).findings.try_into().unwrap();
    assert_eq!(finding.kind.name(), "insecure");
    assert!(
        finding
            .headline
            .starts_with("TLS certificates were not verified")
    );
}

#[test]
fn generator_stall_is_not_attributed_to_the_service() {
    let waited = |ms| {
        two_targets()
            .answers(950, 1.0)
            .requests(A, 50, ms, 0.0, None)
    };
    let stopped = judged(waited(8_001.0).stood_still(12, 8_000));
    assert_eq!(stopped.result, RunResult::Invalid);
    assert_eq!(
        stopped.headline,
        "Invalid: brunt itself stalled for 8 s from second 12 on (stopped, or without a CPU), which made p99 critical \
         instead of good, so the run does not describe the service."
    );
    let no_matter = judged(waited(301.0).stood_still(12, 300));
    assert_eq!(no_matter.result, RunResult::Graded(Grade::Good));
    assert_eq!(
        no_matter.findings[0].headline,
        "brunt itself stalled for 0.3 s from second 12 on (stopped, or without a CPU); this \
         changed no grade."
    );
    // The same waits, caused by a server.
    let server = judged(waited(8_001.0));
    assert_eq!(server.result, RunResult::Graded(Grade::Critical));
}

#[test]
fn throughput_lost_to_lag_is_not_attributed_to_the_service() {
    // Ten users for 20 s; 1,600 lags of 50 ms take 80 of their 200 s: 80/s would have been 133/s.
    let served = |unlagged_ms, lag_ms| {
        let run = Run::new().ladder(Metric::Throughput, RATES);
        judged(run.requests(A, 1_600, unlagged_ms, lag_ms, None)).result
    };
    assert_eq!(served(51.0, 0.0), RunResult::Graded(Grade::Acceptable));
    assert_eq!(served(1.0, 50.0), RunResult::Invalid);
    assert_eq!(served(46.0, 5.0), RunResult::Graded(Grade::Acceptable));
    let never_offered = Run::new().ladder(Metric::Throughput, RATES).offering(101.0);
    let never_offered = never_offered.requests(A, 1_600, 1.0, 50.0, None);
    assert_eq!(
        judged(never_offered).result,
        RunResult::Graded(Grade::Inconclusive)
    );
}

#[test]
fn missing_users_make_the_run_invalid() {
    let with = |users: Vec<Option<u32>>| {
        let mut run = two_targets().answers(1_000, 1.0);
        run.users = users;
        judged(run)
    };
    let short = with(vec![Some(8); 20]);
    assert_eq!(short.result, RunResult::Invalid);
    assert_eq!(
        short.invalid_reasons,
        [
            "the load was not generated: for 18 of 19 s fewer than 90 % of the planned users were active, \
          at worst 8 of 10; give brunt more cores or threads"
        ]
    );
    let fine = RunResult::Graded(Grade::Good);
    assert_eq!(with(vec![Some(9); 20]).result, fine);
    assert_eq!(with(vec![None; 20]).result, fine);
    let mut for_a_while = vec![Some(10); 20];
    for_a_while[5..14].fill(Some(0));
    assert_eq!(with(for_a_while).result, fine);
}

#[test]
fn users_of_a_ramp_are_not_missing() {
    let mut run = two_targets().answers(1_000, 1.0);
    run.header.load.stages[0].from = 0.0;
    run.header.load.stages[0].to = 200.0;
    let behind_by_s = |late: u32| {
        let mut run = run.clone();
        run.users = (1..=20u32)
            .map(|end| Some(end.saturating_sub(late) * 10))
            .collect();
        judged(run).result
    };
    assert_eq!(behind_by_s(2), RunResult::Graded(Grade::Good));
    assert_eq!(behind_by_s(6), RunResult::Invalid);
}

#[test]
fn run_whose_requests_all_fail_is_critical_with_and_without_targets() {
    let met = [Some(0.5), None, None];
    for run in [Run::new(), Run::new().target(Metric::Throughput, met)] {
        let verdict = judged(run.failures(20, FailureKind::Status));
        assert_eq!(verdict.result, RunResult::Graded(Grade::Critical));
        assert_eq!(
            verdict.headline,
            "Critical: all 20 requests failed, most with status."
        );
        assert!(verdict.next_step.contains("see Failures below"));
    }
    let one = judged(Run::new().answers(1, 1.0).failures(19, FailureKind::Status));
    assert_eq!(one.result, RunResult::NoTargets);
}
