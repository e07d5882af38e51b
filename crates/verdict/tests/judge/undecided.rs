//! Undecided targets: the reason, partial knowledge, and the remedy; and intervals that agree with grades.

use brunt_record::{FailureKind, Metric, Sample};
use brunt_verdict::{FindingKind, Grade, Judgment, Value, judge};
use proptest::prelude::*;

use crate::run::{B, Run};

const P95: Metric = Metric::Percentile(0.95);

fn row(run: Run) -> Judgment {
    judge(&run.record()).judgments.remove(0)
}

fn reason(run: Run) -> String {
    let row = row(run);
    assert_eq!(row.grade, Grade::Inconclusive, "{row:?}");
    row.reason.unwrap()
}

/// Keeps only the first seconds of a run and of its load.
fn cut_at(mut run: Run, seconds: u64) -> Run {
    let end_ns = seconds * 1_000_000_000;
    run.samples.retain(|sample| sample.intended_ns < end_ns);
    run.header.load.stages[0].seconds = seconds as f64;
    run.stopped(brunt_record::StoppedBy::Finished, seconds * 1_000, None)
}

#[test]
fn short_run_without_a_failure_has_partial_knowledge() {
    let run = || {
        let run = Run::new().target(Metric::ErrorRate, [Some(0.1), None, None]);
        cut_at(run.answers(100_080, 1.0), 3)
    };
    assert_eq!(
        reason(run()),
        "under 0.1 % needs a run of about 20 s; 0 of 15,012 requests failed: at most 0.02 % with \
         95 % confidence if the service has no fluctuations longer than 3 s; run for about 20 s instead of 3 s at this load; set \
         [verdict] min_duration = \"3s\""
    );
    let mut lowered = run();
    lowered.header.min_duration_s = Some(3.0);
    let verdict = judge(&lowered.clone().record());
    assert_eq!(verdict.judgments[0].grade, Grade::Good);
    let found = verdict
        .findings
        .iter()
        .find(|found| found.kind == FindingKind::ShortRun);
    let sentence = &found.unwrap().headline;
    assert!(
        sentence.contains("runs of 3 s pass (min_duration)"),
        "{sentence}"
    );
    lowered.header.min_duration_s = Some(4.0);
    assert_eq!(row(lowered).grade, Grade::Inconclusive);
    let usual = judge(
        &Run::new()
            .answers(1_000, 1.0)
            .ladder(P95, [1.0, 2.0, 3.0])
            .record(),
    );
    assert!(
        usual
            .findings
            .iter()
            .all(|found| found.kind != FindingKind::ShortRun)
    );
}

#[test]
fn short_run_with_failures_misses_at_any_length() {
    let run = Run::new().target(Metric::ErrorRate, [Some(0.1), None, None]);
    let run = run.answers(2_000, 1.0).failures(400, FailureKind::Status);
    assert_eq!(row(cut_at(run, 3)).grade, Grade::Poor);
}

#[test]
fn lowered_minimum_still_accounts_for_variation_between_seconds() {
    let mut run = Run::new().target(Metric::ErrorRate, [Some(2.0), None, None]);
    run.header.min_duration_s = Some(6.0);
    // One failure of a hundred, all of them in one of six seconds.
    let mut run = cut_at(run.answers(20_000, 1.0), 6);
    for sample in &mut run.samples[2_000..2_060] {
        sample.failure = Some(FailureKind::Status);
    }
    assert_eq!(row(run).grade, Grade::Inconclusive);
}

#[test]
fn name_that_the_load_does_not_request_is_not_applicable() {
    let mut run = Run::new().answers(2_000, 1.0);
    run = run.target(P95, [Some(100.0), None, None]).of(B);
    assert_eq!(row(run.clone()).grade, Grade::Inconclusive);
    run.header.not_requested = vec![B];
    let row = row(run);
    assert_eq!(
        (row.grade, row.value),
        (Grade::NotApplicable, Value::Unknown)
    );
    assert_eq!(
        row.reason.as_deref(),
        Some("no user of this load sends such a request; include the users and tasks that do")
    );
}

#[test]
fn throughput_of_more_than_the_plan_knew_of_is_applicable() {
    let run = |made: u64| {
        let run = Run::new().target(Metric::Throughput, [Some(100.0), None, None]);
        run.offering(50.0).answers(made, 1.0)
    };
    assert_eq!(row(run(900)).grade, Grade::NotApplicable);
    // A loop had more than one iteration.
    assert_eq!(row(run(1_800)).grade, Grade::Inconclusive);
}

#[test]
fn throughput_of_a_second_is_undecided() {
    let run = Run::new().target(Metric::Throughput, [Some(10.0), None, None]);
    let run = cut_at(run.answers(2_000, 1.0), 2);
    let reason = reason(run);
    assert!(
        reason.starts_with("a throughput needs a run of about 20 s; "),
        "{reason}"
    );
    let none = Run::new().target(Metric::Throughput, [Some(10.0), None, None]);
    let none = cut_at(none.failures(2_000, FailureKind::Status), 6);
    assert_eq!(row(none).grade, Grade::Poor);
}

#[test]
fn mean_of_one_request_is_undecided() {
    let run = |count| {
        let run = Run::new().target(Metric::Mean, [Some(100.0), None, None]);
        run.answers(count, 1.0)
    };
    assert_eq!(
        reason(run(1)),
        "a mean needs requests in 20 seconds, but there were requests in 1; increase the load"
    );
    assert_eq!(row(run(20)).grade, Grade::Good);
}

/// Makes the requests of some seconds slower than the rest.
fn with_slow(mut run: Run, seconds: std::ops::Range<u64>, more_ms: u64) -> Run {
    let is_slow = |sample: &Sample| seconds.contains(&(sample.intended_ns / 1_000_000_000));
    for sample in run.samples.iter_mut().filter(|sample| is_slow(sample)) {
        sample.done_ns += more_ms * 1_000_000;
    }
    run
}

#[test]
fn threshold_far_below_every_request_is_missed_despite_fluctuations() {
    let run = |critical_ms| {
        let mut run = Run::new().target(Metric::Percentile(0.5), [None, None, Some(critical_ms)]);
        run.header.min_duration_s = Some(2.0);
        cut_at(with_slow(run.answers(4_000, 80.0), 0..2, 3), 5)
    };
    assert_eq!(row(run(10.0)).grade, Grade::Critical);
    assert_eq!(row(run(81.0)).grade, Grade::Inconclusive);
}

#[test]
fn fluctuation_is_described_with_its_time_and_values() {
    let run = Run::new()
        .target(P95, [Some(200.0), None, None])
        .answers(4_000, 80.0);
    // Every other request of seven seconds.
    let mut run = with_slow(run, 12..19, 0);
    let slow = run.samples.iter_mut().step_by(8);
    for sample in slow.filter(|sample| (12..19).contains(&(sample.intended_ns / 1_000_000_000))) {
        sample.done_ns += 260_000_000;
    }
    let reason = reason(run);
    assert!(
        reason.starts_with(
            "too variable for a run this short; from 12 s to 19 s: p95 340 ms instead of 80 ms; "
        ),
        "{reason}"
    );
}

#[test]
fn advice_of_more_than_an_hour_is_another_threshold() {
    // 4.9 % of the requests fail, and 5 % may.
    let mut run = Run::new()
        .target(Metric::ErrorRate, [Some(5.0), None, None])
        .answers(4_000, 1.0);
    for sample in run.samples.iter_mut().step_by(20) {
        sample.failure = Some(FailureKind::Status);
    }
    let reason = reason(run);
    assert!(reason.contains(", which this run would meet"), "{reason}");
    assert!(!reason.contains(" h longer"), "{reason}");
}

/// Runs whose seconds differ: exponentially distributed durations with a mean (ms) times a factor for each second.
fn any_simulated() -> impl Strategy<Value = Run> {
    let factors = prop::collection::vec(prop_oneof![4 => 0.8..1.2f64, 1 => 1.0..8.0f64], 20);
    (
        factors,
        3u64..150,
        1.0..60.0f64,
        0.2..6.0f64,
        0u64..80,
        any::<u64>(),
        5u64..21,
    )
        .prop_map(
            |(factors, a_second, level_ms, near, failing, seed, seconds)| {
                let mut state = seed;
                let mut even = move || {
                    state = state
                        .wrapping_mul(6_364_136_223_846_793_005)
                        .wrapping_add(1);
                    ((state >> 11) as f64 + 0.5) / (1u64 << 53) as f64
                };
                let mut run = Run::new().answers(a_second * 20, 0.0);
                for sample in &mut run.samples {
                    let second = usize::try_from(sample.intended_ns / 1_000_000_000).unwrap();
                    let ms = -even().ln() * level_ms * factors[second];
                    #[expect(
                        clippy::cast_possible_truncation,
                        clippy::cast_sign_loss,
                        reason = "above 0"
                    )]
                    let ns = (ms * 1e6) as u64;
                    sample.done_ns += ns;
                    if even() * 1_000.0 < failing as f64 {
                        sample.failure = Some(FailureKind::Status);
                    }
                }
                run.header.min_duration_s = (seconds < 20).then_some(5.0);
                let worse = |level: f64| [level, level * 1.5, level * 3.0];
                let rate = a_second as f64 / near;
                let run = run
                    .ladder(Metric::Percentile(0.5), worse(0.7 * level_ms * near))
                    .ladder(P95, worse(3.0 * level_ms * near))
                    .ladder(Metric::Percentile(0.99), worse(4.6 * level_ms * near))
                    .ladder(Metric::Mean, worse(level_ms * near))
                    .ladder(Metric::ErrorRate, worse(near))
                    .ladder(Metric::Throughput, [rate, rate * 0.8, rate * 0.5]);
                cut_at(run, seconds)
            },
        )
}

/// Returns whether an end of an interval meets a threshold; a critical threshold is met if the value equals it.
fn is_met(row: &Judgment, end: f64, level: f64, is_critical: bool) -> bool {
    let higher = row.target.metric.is_better_when_higher();
    let better = if higher { end > level } else { end < level };
    better || is_critical && (end - level).abs() <= 0.0
}

/// A threshold, and whether it is the critical one.
type Level = (f64, bool);

/// The thresholds that are met according to a grade, and those that are missed.
fn met_and_missed(row: &Judgment) -> [Option<Level>; 2] {
    let target = &row.target;
    let limit = |level: Option<f64>| level.map(|level| (level, false));
    let critical = target.critical.map(|level| (level, true));
    match row.grade {
        Grade::Good => [limit(target.target), None],
        Grade::Acceptable => [limit(target.acceptable), limit(target.target)],
        Grade::Poor => [None, limit(target.acceptable)],
        Grade::Critical => [None, critical],
        Grade::Inconclusive | Grade::NotApplicable => [None, None],
    }
}

fn agrees(row: &Judgment, longest_ms: f64) -> Result<(), TestCaseError> {
    let Some(interval) = row.interval else {
        return Ok(());
    };
    let high = interval.high.unwrap_or(f64::INFINITY);
    if let Value::Known(value) = row.value {
        prop_assert!(
            interval.low <= value * 1.001 && value <= high * 1.001,
            "{row:?}"
        );
    }
    let (worse, better) = if row.target.metric.is_better_when_higher() {
        (interval.low, high)
    } else {
        (high, interval.low)
    };
    let [met, missed] = met_and_missed(row);
    if let Some((level, is_critical)) = met {
        prop_assert!(is_met(row, worse, level, is_critical), "{row:?}");
    }
    if let Some((level, is_critical)) = missed {
        prop_assert!(!is_met(row, better, level, is_critical), "{row:?}");
    }
    if matches!(row.target.metric, Metric::Percentile(_)) && interval.high.is_some() {
        prop_assert!(
            high <= longest_ms * 1.001 || row.interval_note.is_some(),
            "{row:?} {longest_ms}"
        );
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn interval_agrees_with_its_grade_and_with_what_was_seen(run in any_simulated()) {
        let durations = run.samples.iter().map(|sample| sample.done_ns - sample.intended_ns);
        let longest_ms = durations.max().unwrap_or(0) as f64 / 1e6;
        for row in judge(&run.record()).judgments {
            agrees(&row, longest_ms)?;
        }
    }
}

#[test]
fn interval_beyond_the_longest_response_has_a_note() {
    // Few responses with fluctuations, the longest of which is far below the threshold.
    let mut run = Run::new()
        .target(P95, [Some(1_000.0), None, None])
        .answers(300, 1.0);
    for (at, sample) in run.samples.iter_mut().enumerate() {
        sample.done_ns += if at < 60 {
            300_000_000
        } else {
            at as u64 % 50 * 10_000
        };
    }
    let row = row(run);
    let high = row.interval.and_then(|interval| interval.high);
    match row.grade {
        Grade::Good => assert!(high.is_some_and(|high| high < 1_000.0), "{row:?}"),
        _ => assert_eq!(high, None, "{row:?}"),
    }
    let is_beyond = high.is_some_and(|high| high > 301.5);
    assert_eq!(row.interval_note.is_some(), is_beyond, "{row:?}");
}
