//! Value, grade and reason of every metric, for records that are built from samples.

use crate::run::{A, B, Run, SEED};
use brunt_record::{FailureKind, LoadStage, Metric, NameId, StoppedBy};
use brunt_verdict::{Grade, Judgment, RunResult, Value, judge};
use proptest::prelude::*;

const P50: Metric = Metric::Percentile(0.5);
const P95: Metric = Metric::Percentile(0.95);
const P99: Metric = Metric::Percentile(0.99);
const WAITS: [f64; 3] = [500.0, 1_000.0, 2_000.0];
const ERRORS: [f64; 3] = [0.1, 1.0, 5.0];
const RATES: [f64; 3] = [100.0, 50.0, 20.0];

fn row(run: Run) -> Judgment {
    let mut judgments = judge(&run.record()).judgments;
    assert_eq!(judgments.len(), 1);
    judgments.remove(0)
}

fn grade(run: Run) -> Grade {
    row(run).grade
}

fn reason(run: Run) -> String {
    let row = row(run);
    assert_eq!(row.grade, Grade::Inconclusive, "{:?}", row.value);
    row.reason.unwrap()
}

fn known(value: Value) -> f64 {
    value.known().unwrap()
}

#[test]
fn response_time_has_the_grade_of_its_threshold() {
    for metric in [P50, P99, Metric::Mean, Metric::Max] {
        for (ms, expected) in [
            (499.0, Grade::Good),
            (500.0, Grade::Acceptable),
            (999.0, Grade::Acceptable),
            (1_000.0, Grade::Poor),
            (2_000.0, Grade::Poor),
            (2_001.0, Grade::Critical),
        ] {
            let row = row(Run::new().ladder(metric, WAITS).answers(300, ms));
            assert_eq!(row.grade, expected, "{metric:?} of {ms} ms");
            assert_eq!(row.reason, None);
            let value = known(row.value);
            assert!((value - ms).abs() <= ms / 1_000.0, "{value} for {ms}");
        }
    }
}

#[test]
fn warm_up_of_the_profile_is_not_judged() {
    let slow_for_5_s = || {
        let mut run = Run::new()
            .requests(A, 2_000, 10.0, 0.0, None)
            .ladder(Metric::Percentile(0.95), [200.0, 500.0, 800.0]);
        for sample in &mut run.samples {
            if sample.intended_ns < 5_000_000_000 {
                sample.done_ns += 900_000_000;
            }
        }
        // A load without a constant level, so that no warm-up is found.
        run.header.load.stages = [10.0, 11.0]
            .map(|users| LoadStage {
                seconds: 10.0,
                from: users,
                to: users,
            })
            .to_vec();
        run
    };
    let p95 = |warm_up_s: f64| {
        let mut run = slow_for_5_s();
        run.header.load.warm_up_s = warm_up_s;
        known(row(run).value)
    };
    assert!(p95(0.0) > 800.0, "{}", p95(0.0));
    assert!(p95(6.0) < 20.0, "{}", p95(6.0));
}

#[test]
fn fifty_responses_of_thirty_seconds_fail() {
    let run = Run::new().ladder(P99, WAITS).answers(50, 30_000.0);
    assert_eq!(grade(run), Grade::Critical);
}

#[test]
fn p99_of_fifty_fast_responses_is_inconclusive() {
    let fast = || Run::new().ladder(P99, WAITS);
    assert_eq!(
        reason(fast().answers(50, 1.0)),
        "a p99 needs 299 requests, but there were 50; run for about 123 s instead of 20 s at this load"
    );
    assert_eq!(grade(fast().answers(298, 1.0)), Grade::Inconclusive);
    assert_eq!(grade(fast().answers(299, 1.0)), Grade::Good);
    let one_slow = fast().answers(49, 1.0).answers(1, 9_000.0);
    assert_eq!(grade(one_slow), Grade::Inconclusive);
    let three_slow = fast().answers(47, 1.0).answers(3, 9_000.0);
    assert_eq!(grade(three_slow), Grade::Critical);
}

#[test]
fn few_requests_that_miss_the_target_may_still_be_acceptable() {
    let run = Run::new().ladder(P99, WAITS).answers(50, 700.0);
    assert_eq!(
        reason(run),
        "a p99 needs 299 requests, but there were 50; run for about 123 s instead of 20 s at this load; \
         the grade is acceptable at best"
    );
    let poor = Run::new().ladder(P99, WAITS).answers(50, 1_500.0);
    assert_eq!(grade(poor), Grade::Poor);
}

#[test]
fn requests_without_a_response_rank_above_all_others() {
    let run = |metric| {
        let run = Run::new().ladder(metric, WAITS).answers(980, 1.0);
        run.failures(20, FailureKind::Timeout)
    };
    let p99 = row(run(P99));
    assert_eq!((p99.value, p99.grade), (Value::Unanswered, Grade::Critical));
    assert_eq!(grade(run(P95)), Grade::Good);
    let max = row(run(Metric::Max));
    assert_eq!((max.value, max.grade), (Value::Unanswered, Grade::Critical));
    assert_eq!(grade(run(Metric::Mean)), Grade::Good);
    let only = Run::new().ladder(Metric::Mean, WAITS);
    let only = row(only.failures(20, FailureKind::Timeout));
    assert_eq!(
        (only.value, only.grade),
        (Value::Unanswered, Grade::Critical)
    );
}

#[test]
fn failed_responses_do_not_improve_percentiles() {
    let run = Run::new().ladder(P50, WAITS).answers(300, 1_500.0);
    let run = run.failures(3_000, FailureKind::Status);
    assert_eq!(grade(run), Grade::Poor);
    let none = Run::new()
        .ladder(P50, WAITS)
        .failures(300, FailureKind::Status);
    assert_eq!(
        reason(none),
        "no request succeeded; see Failures for the cause"
    );
}

#[test]
fn error_rate_has_the_grade_of_its_threshold() {
    let errors = |ok, bad| {
        let run = Run::new()
            .ladder(Metric::ErrorRate, ERRORS)
            .answers(ok, 1.0);
        run.failures(bad, FailureKind::Status)
    };
    for (ok, bad, expected) in [
        (2_995, 0, Grade::Good),
        (2_998, 2, Grade::Inconclusive),
        (2_985, 15, Grade::Acceptable),
        (2_940, 60, Grade::Poor),
        (2_850, 150, Grade::Poor),
        (2_700, 300, Grade::Critical),
        (0, 10, Grade::Critical),
    ] {
        assert_eq!(grade(errors(ok, bad)), expected, "{bad} of {}", ok + bad);
    }
    let timeouts = Run::new().ladder(Metric::ErrorRate, ERRORS);
    let timeouts = row(timeouts.answers(50, 1.0).failures(50, FailureKind::Timeout));
    assert_eq!(
        (timeouts.value, timeouts.grade),
        (Value::Known(50.0), Grade::Critical)
    );
}

#[test]
fn few_requests_without_a_failure_do_not_show_a_low_error_rate() {
    let errors = |ok| {
        Run::new()
            .ladder(Metric::ErrorRate, ERRORS)
            .answers(ok, 1.0)
    };
    assert_eq!(
        reason(errors(200)),
        "under 0.1 % needs 2,995 requests, but there were 200; \
         run for about 6 min instead of 20 s at this load; \
         the grade is poor or better"
    );
    assert!(reason(errors(500)).ends_with("; the grade is at least acceptable"));
    let none = Run::new().target(Metric::ErrorRate, [Some(0.0), None, None]);
    assert_eq!(grade(none.answers(5, 1.0)), Grade::Good);
}

#[test]
fn throughput_counts_successful_responses() {
    let served = |rps: u64| {
        let run = Run::new().ladder(Metric::Throughput, RATES);
        run.answers(rps * 20, 1.0)
            .failures(3_000, FailureKind::Status)
    };
    let value = known(row(served(60)).value);
    assert!((value - 60.0).abs() < 1e-6, "{value}");
    for (rps, expected) in [
        (101, Grade::Good),
        (100, Grade::Acceptable),
        (50, Grade::Poor),
        (19, Grade::Critical),
    ] {
        assert_eq!(grade(served(rps)), expected, "{rps}/s");
    }
    let nothing = row(Run::new()
        .ladder(Metric::Throughput, RATES)
        .failures(9, FailureKind::Status));
    assert_eq!(
        (nothing.value, nothing.grade),
        (Value::Known(0.0), Grade::Critical)
    );
}

#[test]
fn shortfall_that_was_not_offered_is_undecided() {
    let served = |rps: u64, offered: f64| {
        let run = Run::new().ladder(Metric::Throughput, RATES);
        run.offering(offered).answers(rps * 20, 1.0)
    };
    let none = row(served(18, 18.3));
    assert_eq!(
        (none.grade, none.reason.as_deref()),
        (
            Grade::NotApplicable,
            Some(
                "over 100 req/s needs an offered load of 110 req/s (10 % headroom), but this load offers 18.3; use 61 users (-u 61, now 10)"
            )
        )
    );
    assert_eq!(
        reason(served(60, 61.0)),
        "the load offered 61 req/s at most; offer at least 110 req/s \
         (more users, or shorter waits); the grade is at least acceptable"
    );
    for (rps, offered, expected) in [
        (10, 22.0, Grade::Critical),
        (10, 21.9, Grade::Inconclusive),
        (30, 54.9, Grade::Inconclusive),
        (30, 55.0, Grade::Poor),
        (60, 110.0, Grade::Acceptable),
        (60, 109.9, Grade::Inconclusive),
        (101, 102.0, Grade::Good),
    ] {
        let found = grade(served(rps, offered));
        assert_eq!(found, expected, "{rps}/s of {offered}/s");
    }
}

#[test]
fn name_is_offered_its_proportion() {
    let run = Run::new()
        .offering(200.0)
        .target(Metric::Throughput, [Some(100.0), None, None]);
    let run = run
        .of(A)
        .answers(600, 1.0)
        .requests(B, 1_800, 1.0, 0.0, None);
    let row = row(run);
    assert_eq!(row.grade, Grade::NotApplicable);
    let offered = "needs an offered load of 110 req/s (10 % headroom), but this load offers 50;";
    assert!(row.reason.as_ref().unwrap().contains(offered), "{row:?}");
}

#[test]
fn cpu_is_the_mean_during_the_load() {
    let levels = [70.0, 85.0, 95.0];
    let run = Run::new().ladder(Metric::Cpu, levels).answers(20, 1.0);
    let run = run
        .reading(0, Some(0.0), None)
        .reading(1_000, Some(75.0), None);
    let run = run
        .reading(2_000, None, None)
        .reading(20_100, Some(85.0), None);
    let row = row(run.reading(21_000, Some(0.0), None));
    assert_eq!(
        (row.value, row.grade),
        (Value::Known(80.0), Grade::Acceptable)
    );
}

#[test]
fn memory_is_the_maximum() {
    let run = Run::new().ladder(Metric::Memory, [512.0, 1_000.0, 2_000.0]);
    let run = run
        .reading(500, None, Some(100_000_000))
        .reading(1_500, None, Some(600_000_000));
    let row = row(run.reading(21_000, None, Some(300_000_000)));
    assert_eq!(
        (row.value, row.grade),
        (Value::Known(600.0), Grade::Acceptable)
    );
}

#[test]
fn unmeasured_value_is_unknown_and_never_zero() {
    for metric in [
        P99,
        Metric::Mean,
        Metric::Max,
        Metric::Throughput,
        Metric::ErrorRate,
    ] {
        let row = row(Run::new().ladder(metric, WAITS));
        assert_eq!(
            (row.value, row.grade),
            (Value::Unknown, Grade::Inconclusive)
        );
        let reason = "no request was sent; run longer, or with more users";
        assert_eq!(row.reason.as_deref(), Some(reason), "{metric:?}");
    }
    for metric in [Metric::Cpu, Metric::Memory] {
        let mut run = Run::new()
            .ladder(metric, WAITS)
            .answers(20, 1.0)
            .reading(1_000, None, None);
        let reason_of = |run: &Run| reason(run.clone());
        assert_eq!(
            reason_of(&run),
            "no process was monitored; name a process with --pid or --port"
        );
        run.header.generator.watched = Some("process 7".into());
        assert!(reason_of(&run).contains(" of process 7 was never read; "));
    }
    let none = Run::new().target(P50, [None; 3]).answers(20, 1.0);
    assert!(reason(none).starts_with("no threshold is set; "));
    let setup = Run::new().ladder(P50, WAITS).of(SEED).answers(20, 1.0);
    let setup = setup.requests(SEED, 20, 1.0, 0.0, None);
    assert_eq!(reason(setup), "set-up requests are not judged");
}

#[test]
fn scope_judges_its_own_name() {
    let both = |name| {
        let run = Run::new().ladder(P50, WAITS).of(name);
        run.answers(20, 1.0).requests(B, 20, 1_500.0, 0.0, None)
    };
    assert_eq!(grade(both(A)), Grade::Good);
    assert_eq!(grade(both(B)), Grade::Poor);
    assert_eq!(grade(both(NameId(9))), Grade::Inconclusive);
}

fn any_run() -> impl Strategy<Value = Run> {
    let part = (0u32..2, 0u64..400, 1.0..4_000.0f64, 0.0..40.0f64, 0usize..5);
    let parts = prop::collection::vec(part, 0..5);
    let kinds = [
        None,
        None,
        None,
        Some(FailureKind::Status),
        Some(FailureKind::Timeout),
    ];
    (parts, 5.0..300.0f64).prop_map(move |(parts, offered)| {
        let run = Run::new()
            .offering(offered)
            .ladder(P50, [100.0, 200.0, 500.0]);
        let run = run
            .ladder(P99, WAITS)
            .ladder(P95, [200.0, 500.0, 1_000.0])
            .of(B);
        let run = run
            .ladder(Metric::Throughput, RATES)
            .ladder(Metric::ErrorRate, ERRORS);
        parts
            .into_iter()
            .fold(run, |run, (name, count, ms, lag_ms, kind)| {
                run.requests(NameId(name), count, ms, lag_ms, kinds[kind])
            })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_result_is_good_only_if_every_applicable_target_is(run in any_run()) {
        let record = run.record();
        let verdict = judge(&record);
        let applicable = verdict.judgments.iter().filter(|row| row.grade != Grade::NotApplicable);
        let grades: Vec<Grade> = applicable.map(|row| row.grade).collect();
        let worst = grades.iter().filter(|grade| grade.is_decided()).max().copied();
        let is_open = grades.contains(&Grade::Inconclusive);
        match verdict.result {
            RunResult::Invalid => {
                prop_assert!(!verdict.invalid_reasons.is_empty());
                prop_assert!(grades.iter().all(|grade| !grade.is_decided()));
            }
            RunResult::Graded(Grade::Good | Grade::Acceptable) => {
                prop_assert!(!is_open);
                prop_assert_eq!(verdict.result, RunResult::Graded(worst.unwrap()));
            }
            RunResult::Graded(Grade::Inconclusive) => {
                prop_assert!(is_open && worst < Some(Grade::Poor));
            }
            RunResult::Graded(Grade::NotApplicable) => prop_assert!(grades.is_empty()),
            RunResult::Graded(missed) => prop_assert_eq!(Some(missed), worst),
            RunResult::NoTargets => prop_assert!(verdict.judgments.is_empty()),
            RunResult::NoResponse => {
                let mut seconds = record.timeline.seconds().iter();
                prop_assert!(seconds.all(|second| second.ok + second.failed == 0));
            }
        }
        for row in &verdict.judgments {
            prop_assert_eq!(row.grade.is_decided(), row.reason.is_none());
            if let Some(possible) = row.possible {
                prop_assert_eq!(possible.decided(), row.grade.is_decided().then_some(row.grade));
            }
        }
        prop_assert!(verdict.headline.ends_with('.'), "{}", verdict.headline);
    }

    #[test]
    fn the_set_up_changes_no_grade(
        run in any_run(),
        count in 1u64..300,
        ms in 0.0..9_000.0f64,
        lag_ms in 0.0..9_000.0f64,
        failure in prop::option::of(0usize..FailureKind::ALL.len()),
    ) {
        let without = judge(&run.clone().record());
        let failure = failure.map(|kind| FailureKind::ALL[kind]);
        let with = judge(&run.requests(SEED, count, ms, lag_ms, failure).record());
        prop_assert_eq!(without, with);
    }

    #[test]
    fn longer_waits_are_never_graded_better(run in any_run(), longer_ms in 1u64..5_000) {
        let mut slower = run.clone();
        slower.samples.iter_mut().for_each(|sample| sample.done_ns += longer_ms * 1_000_000);
        let rank = |run: Run| {
            let verdict = judge(&run.record());
            let waits = verdict.judgments.into_iter().take(3);
            (verdict.result == RunResult::Invalid, waits.map(|row| row.grade).collect::<Vec<_>>())
        };
        let ((invalid, before), (slower_invalid, after)) = (rank(run), rank(slower));
        prop_assume!(!invalid && !slower_invalid);
        for (before, after) in before.into_iter().zip(after) {
            let decided = before != Grade::Inconclusive && after != Grade::Inconclusive;
            prop_assert!(!decided || before <= after, "{:?} became {:?}", before, after);
        }
    }
}

#[test]
fn stopped_run_is_judged_by_its_measurements() {
    let run = Run::new().ladder(P50, WAITS).answers(20, 1.0);
    let run = run.stopped(StoppedBy::Interrupted, 5_000, None);
    assert_eq!(
        reason(run),
        "a p50 needs a run of about 20 s; 0 of 20 requests took 500 ms or longer: at most 45.1 % with 95 % \
         confidence if the service has no fluctuations longer than 5 s; run for about 20 s instead of 5 s at this load; set \
         [verdict] min_duration = \"5s\""
    );
    let broken = Run::new().ladder(P50, WAITS).answers(20, 9_000.0);
    let broken = broken.stopped(StoppedBy::Interrupted, 5_000, None);
    assert_eq!(grade(broken), Grade::Critical);
}

/// All slow responses are in one part of the run, which is short compared with its own fluctuations.
fn up_and_down(target_ms: f64) -> Run {
    let mut run = Run::new()
        .target(P95, [Some(target_ms), None, None])
        .answers(4_000, 1.0);
    for (at, sample) in run.samples[..1_200].iter_mut().enumerate() {
        sample.done_ns += 5_000_000 + at as u64 % 100 * 100_000;
    }
    run.samples[600].done_ns += 80_000_000;
    run
}

#[test]
fn fluctuations_far_from_the_threshold_do_not_matter() {
    assert_eq!(grade(up_and_down(100.0)), Grade::Good);
    let near = reason(up_and_down(40.0));
    assert!(near.contains("too variable"), "{near}");
}
