//! Baselines: stored runs, rejected runs, and older and newer formats.

use brunt_record::{FailureKind, Metric, NameId, RequestName, Search, StoppedBy};
use brunt_verdict::baseline::{Allow, Baseline, BaselineError, FORMAT_VERSION};
use brunt_verdict::comparison::{ChangeInterval, ComparedMetric, Outcome};
use brunt_verdict::{Conclusion, FailOn, Grade, RunResult, judge_with_baseline};

use crate::run::Run;

/// A baseline in the first version of the format.
const FORMAT_1: &str = include_str!("baselines/format-1.json");

const INVALID: Allow = Allow {
    invalid: true,
    mismatch: false,
};
const MISMATCH: Allow = Allow {
    invalid: false,
    mismatch: true,
};
const ALL: Allow = Allow {
    invalid: true,
    mismatch: true,
};

#[test]
fn first_format_is_still_read() {
    let kept = Baseline::read(FORMAT_1).unwrap();
    assert_eq!((kept.name.as_str(), kept.runs.len()), ("first", 1));
    assert_eq!(kept.conditions.scenario_hash, "bae73f63bd2e9051");
    assert_eq!(kept.conditions.machine.cores, Some(2));
    let all = kept.runs[0].figures.row(None).unwrap();
    let p50 = all.series(ComparedMetric::P50).unwrap();
    assert_eq!(p50.blocks, [Some(5.0176), Some(4.8333), Some(4.5548)]);
    assert_eq!(kept.to_text(), FORMAT_1, "and written without changes");
}

#[test]
fn unknown_field_is_ignored_and_newer_format_rejected() {
    let more = FORMAT_1.replacen("\"name\"", "\"color\": \"red\", \"name\"", 1);
    assert_eq!(
        Baseline::read(&more).unwrap(),
        Baseline::read(FORMAT_1).unwrap()
    );
    let newer = FORMAT_VERSION + 1;
    let newer = FORMAT_1.replacen("\"format\": 1", &format!("\"format\": {newer}"), 1);
    let error = Baseline::read(&newer).unwrap_err().to_string();
    assert!(error.contains("use a newer version"), "{error}");
}

/// A run of ten names and twelve thousand requests, none of which takes a round time.
fn of_ten_names() -> Run {
    let mut run = Run::new();
    run.header.names = (0..10)
        .map(|at| RequestName {
            name: format!("/shop/products/category-{at}/items/*"),
            method: "GET".into(),
            setup: false,
            kind: brunt_record::NameKind::Request,
        })
        .collect();
    for at in 0..10u32 {
        for part in 0..12 {
            let took_ms = 3.0 + f64::from(at * 7_919 % 101 + part * 31) * 0.137;
            run = run.requests(NameId(at), 97 + u64::from(part), took_ms, 0.0, None);
        }
    }
    run
}

#[test]
fn three_runs_of_ten_names_are_a_small_file_that_round_trips() {
    let record = of_ten_names().record();
    let kept = Baseline::of(
        "main",
        &[record.clone(), record.clone(), record],
        Allow {
            invalid: true,
            mismatch: true,
        },
    )
    .unwrap();
    let all = kept.runs[0].figures.row(None).unwrap();
    assert!(all.series(ComparedMetric::P95).unwrap().blocks.len() >= 20);
    let text = kept.to_text();
    assert!(
        (20_000..100_000).contains(&text.len()),
        "{} bytes",
        text.len()
    );
    assert_eq!(Baseline::read(&text).unwrap(), kept);
}

#[test]
fn baseline_with_impossible_values_is_rejected() {
    let record = of_ten_names().record();
    let kept = Baseline::of("main", &vec![record.clone(); 3], ALL).unwrap();
    let first = |value: f64| {
        let mut kept = kept.clone();
        kept.runs[1].figures.rows[0].series[0].blocks[0] = Some(value);
        kept
    };
    for value in [1e308, 1.1e15, -1.0] {
        let refused = Baseline::read(&first(value).to_text()).unwrap_err();
        let refused = refused.to_string();
        assert!(refused.contains("has a block whose"), "{refused}");
    }
    let mut long = kept.clone();
    long.runs[0].figures.rows[0].series[0].blocks = vec![Some(1.0); 1_001];
    let refused = Baseline::read(&long.to_text()).unwrap_err().to_string();
    assert!(refused.contains("1001 blocks"), "{refused}");
    // The largest value is read and compared.
    for value in [1e15, 0.0] {
        let read = Baseline::read(&first(value).to_text()).unwrap();
        let compared = read.compare(&record, None);
        assert!(!compared.rows.is_empty());
    }
}

#[test]
fn run_that_cannot_be_a_baseline_is_rejected_with_the_reason() {
    let whole = || Run::new().answers(2_000, 5.0);
    let mut search = whole();
    search.header.load.search = Some(Search {
        from: 10.0,
        to: None,
        breaks_at: brunt_record::ThresholdKind::Critical,
        precision: 0.05,
    });
    let mut other = whole();
    other.header.scenario_hash = "1".into();
    let broken_off = whole().stopped(StoppedBy::Interrupted, 9_000, None);
    let ours = whole().failures(1_000, FailureKind::NoPorts);
    let of = |runs: Vec<Run>, allow| {
        let records: Vec<_> = runs.into_iter().map(Run::record).collect();
        Baseline::of("main", &records, allow)
    };
    assert_eq!(of(Vec::new(), ALL), Err(BaselineError::NoRuns));
    assert!(matches!(
        of(vec![search], ALL),
        Err(BaselineError::Search { .. })
    ));
    assert!(matches!(
        of(vec![broken_off.clone()], MISMATCH),
        Err(BaselineError::NotWhole { .. })
    ));
    assert!(matches!(
        of(vec![ours.clone()], MISMATCH),
        Err(BaselineError::NotValid { .. })
    ));
    let differ = of(vec![whole(), other.clone()], INVALID)
        .unwrap_err()
        .to_string();
    assert!(
        differ.contains("scenario hash: `0` in the one, `1` in the other"),
        "{differ}"
    );
    for (runs, allow) in [
        (vec![broken_off], INVALID),
        (vec![ours], INVALID),
        (vec![whole(), other], MISMATCH),
    ] {
        assert!(of(runs, allow).is_ok());
    }
}

#[test]
fn comparison_with_a_baseline_decides_the_result_of_a_run_that_misses_nothing() {
    // Twenty thousand requests of this duration in 20 s; the limit of the p95 is 10 ms.
    let run = |ms: f64| {
        let run = Run::new().ladder(Metric::Percentile(0.95), [10.0, 20.0, 30.0]);
        run.answers(20_000, ms).record()
    };
    let poor = Grade::Poor;
    for (runs, ms, result, conclusion, part) in [
        (3, 5.05, Grade::Good, Conclusion::Passed, "Good"),
        (
            3,
            6.0,
            poor,
            Conclusion::Missed,
            "Worse than baseline `main`: p50 +20 %",
        ),
        (
            1,
            6.0,
            Grade::Inconclusive,
            Conclusion::Inconclusive,
            "not enough data to compare",
        ),
        (
            1,
            5.0,
            Grade::Inconclusive,
            Conclusion::Inconclusive,
            "not enough data to compare",
        ),
        (2, 25.0, poor, Conclusion::Missed, "p95"),
    ] {
        let kept = Baseline::of("main", &vec![run(5.0); runs], ALL).unwrap();
        let verdict = judge_with_baseline(&run(ms), &kept, Vec::new(), None);
        let case = format!("{runs} runs, {ms} ms: {}", verdict.headline);
        assert_eq!(verdict.result, RunResult::Graded(result), "{case}");
        assert_eq!(verdict.conclusion(FailOn::Poor), conclusion, "{case}");
        assert_eq!(verdict.conclusion(FailOn::Never), Conclusion::Passed);
        assert!(verdict.headline.contains(part), "{case}");
        let comparison = &verdict.baseline.as_ref().unwrap().comparison;
        if runs < 3 {
            assert!(kept.weakness().unwrap().contains("--runs 3"));
            assert_eq!(comparison.outcome(), Outcome::NotEnoughData, "{case}");
            for row in &comparison.rows {
                let interval = row.change.map(brunt_verdict::comparison::Change::interval);
                assert!(interval.is_none_or(|interval| interval == ChangeInterval::UNKNOWN));
            }
        }
    }
}
