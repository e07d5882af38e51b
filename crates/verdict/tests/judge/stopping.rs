//! Targets that stop a run, and runs that continue until all targets are decided.

use brunt_record::{FailureKind, Metric, MissedTarget, StoppedBy, ThresholdKind};
use brunt_verdict::stopping::EarlyStopping;
use brunt_verdict::stopping::UntilDecided;
use brunt_verdict::{Grade, judge};

use crate::run::{A, Run};

/// A run of 20 s with a target that stops it.
fn run(metric: Metric, critical: f64) -> Run {
    let mut run = Run::new().target(metric, [None, None, Some(critical)]);
    run.header.targets[0].stop_at = Some(ThresholdKind::Critical);
    run.ending = None;
    run
}

/// The time at which a run would be stopped, and the reason.
fn stopped(run: Run) -> Option<(u32, String)> {
    let record = run.record();
    let mut stopping = EarlyStopping::new(&record.header).unwrap();
    (1..20).find_map(|recorded_s| Some((recorded_s, stopping.look(&record, recorded_s)?.reason)))
}

/// 20 requests per second of 50 ms, half of which fail.
fn half_fail(run: Run) -> Run {
    run.requests(A, 200, 50.0, 0.0, None)
        .requests(A, 200, 50.0, 0.0, Some(FailureKind::Status))
}

/// With 90 % of the CPU and 700 MB in use throughout.
fn watched(run: Run) -> Run {
    (0..20).fold(run, |run, at| {
        run.reading(at * 1_000 + 900, Some(90.0), Some(700_000_000))
    })
}

#[test]
fn every_metric_that_is_certain_to_be_missed_stops_the_run() {
    for (metric, critical, at_s, reason) in [
        (
            Metric::Percentile(0.95),
            20.0,
            12,
            "p95 is certain to be over its critical threshold of 20 ms",
        ),
        (
            Metric::ErrorRate,
            5.0,
            12,
            "error rate is certain to be over its critical threshold of 5 %",
        ),
        (
            Metric::ErrorRate,
            0.0,
            1,
            "error rate is certain to be over its critical threshold of 0 %",
        ),
        (
            Metric::Mean,
            20.0,
            12,
            "mean is certain to be over its critical threshold of 20 ms",
        ),
        (
            Metric::Max,
            20.0,
            1,
            "max is certain to be over its critical threshold of 20 ms",
        ),
        (
            Metric::Throughput,
            100.0,
            12,
            "throughput is certain to be under its critical threshold of 100 req/s",
        ),
        (
            Metric::Cpu,
            80.0,
            12,
            "CPU is certain to be over its critical threshold of 80 %",
        ),
        (
            Metric::Memory,
            512.0,
            1,
            "memory is certain to be over its critical threshold of 512 MB",
        ),
    ] {
        let found = stopped(watched(half_fail(run(metric, critical))));
        assert_eq!(
            found,
            Some((at_s, reason.to_owned())),
            "{metric:?} {critical}"
        );
    }
}

#[test]
fn no_metric_that_holds_stops_the_run() {
    for (metric, critical) in [
        (Metric::Percentile(0.95), 1_500.0),
        (Metric::ErrorRate, 60.0),
        (Metric::Mean, 60.0),
        (Metric::Max, 60.0),
        (Metric::Throughput, 9.0),
        (Metric::Cpu, 95.0),
        (Metric::Memory, 1_024.0),
    ] {
        let found = stopped(watched(half_fail(run(metric, critical))));
        assert_eq!(found, None, "{metric:?} {critical}");
    }
}

#[test]
fn lateness_of_the_generator_stops_nothing() {
    let late = run(Metric::Percentile(0.95), 20.0).requests(A, 400, 5.0, 45.0, None);
    assert_eq!(stopped(late), None);
}

#[test]
fn warm_up_of_the_profile_does_not_stop_the_run() {
    let mut slow = half_fail(run(Metric::Percentile(0.95), 20.0));
    slow.header.load.warm_up_s = 5.0;
    assert_eq!(stopped(slow).map(|(at_s, _)| at_s), Some(17));
}

#[test]
fn search_is_not_stopped() {
    let mut search = run(Metric::Percentile(0.95), 20.0);
    search.header.load.search = Some(brunt_record::Search {
        from: 1.0,
        to: None,
        breaks_at: ThresholdKind::Critical,
        precision: 0.05,
    });
    assert!(EarlyStopping::new(&search.header).is_none());
}

#[test]
fn decision_that_stopped_the_run_is_final() {
    // Nine of ten are fast, which by itself decides nothing.
    let run = run(Metric::Percentile(0.95), 20.0)
        .requests(A, 18, 5.0, 0.0, None)
        .requests(A, 1, 50.0, 0.0, None);
    let mut record = run
        .stopped(
            StoppedBy::TargetMissed,
            14_000,
            Some("p95 is certain to be over"),
        )
        .record();
    assert_eq!(judge(&record).judgments[0].grade, Grade::Inconclusive);
    record.ending.as_mut().unwrap().missed_targets = vec![MissedTarget {
        target: 0,
        threshold: ThresholdKind::Critical,
    }];
    let verdict = judge(&record);
    assert_eq!(verdict.judgments[0].grade, Grade::Critical);
    assert_eq!(
        verdict.headline,
        "Critical: stopped by brunt at 14 of 20 s (stop_at): p95 is certain to be over; 1 of 1 targets missed."
    );
}

#[test]
fn milder_threshold_is_as_measured_once_the_target_was_missed() {
    let metric = Metric::Percentile(0.95);
    for (slow_ms, grade) in [(50.0, Grade::Acceptable), (500.0, Grade::Poor)] {
        let run = Run::new()
            .ladder(metric, [20.0, 100.0, 1_000.0])
            .requests(A, 18, 5.0, 0.0, None)
            .requests(A, 2, slow_ms, 0.0, None)
            .stopped(StoppedBy::TargetMissed, 14_000, None);
        let mut record = run.record();
        record.ending.as_mut().unwrap().missed_targets = vec![MissedTarget {
            target: 0,
            threshold: ThresholdKind::Target,
        }];
        assert_eq!(judge(&record).judgments[0].grade, grade);
    }
}

#[test]
fn run_continues_until_time_decides_nothing_more() {
    let open = |count: u64, metric: Metric, level: f64| {
        let mut run = Run::new().target(metric, [Some(level), None, None]);
        run.header.load.until_decided_s = Some(80.0);
        run.ending = None;
        let record = run.requests(A, count, 5.0, 0.0, None).record();
        let mut watch = UntilDecided::new(&record.header).unwrap();
        assert_eq!(watch.look(&record, 19), None, "not before its planned end");
        let open = watch.look(&record, 20);
        assert_eq!(watch.look(&record, 24), None, "not before a quarter more");
        open
    };
    assert_eq!(open(4_000, Metric::ErrorRate, 1.0), Some(Vec::new()));
    assert_eq!(
        open(40, Metric::ErrorRate, 1.0),
        Some(vec!["error rate".to_owned()])
    );
    // No process was monitored, which a longer run would not change.
    assert_eq!(open(40, Metric::Cpu, 80.0), Some(Vec::new()));
}

#[test]
fn repeated_looks_require_more_evidence_to_pass() {
    // No failure of 300 requests decides an error rate under 1 % if it is judged once.
    let graded = |until_decided_s: Option<f64>| {
        let mut run = Run::new().target(Metric::ErrorRate, [Some(1.0), None, None]);
        run.header.load.until_decided_s = until_decided_s;
        let record = run.requests(A, 300, 5.0, 0.0, None).record();
        judge(&record).judgments[0].grade
    };
    assert_eq!(graded(None), Grade::Good);
    assert_eq!(graded(Some(80.0)), Grade::Inconclusive);
    assert_eq!(graded(Some(20.0)), Grade::Good);
}
