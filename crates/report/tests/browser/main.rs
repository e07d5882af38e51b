//! The HTML report in chromium: mouse, keyboard, without scripts, on a phone, in print.

#[path = "../forms/ab_test.rs"]
#[allow(dead_code, reason = "the tests of forms use more of it")]
mod ab_test;
mod controls;
mod large;
mod looks;
mod opened;
#[path = "../forms/run.rs"]
#[allow(dead_code, reason = "the tests of forms use more of it")]
mod run;
mod touch;
mod use_of;

use std::path::{Path, PathBuf};

use brunt_record::{FailureKind, NameId, NameKind, RequestName, RunRecord, Sample, SecondRecorder};
use brunt_report::{Judged, html};
use brunt_testbed::Browser;
use brunt_verdict::{Finding, FindingKind, Mark};
use tempfile::TempDir;

/// A page in a browser.
struct Opened {
    browser: Browser,
    file: PathBuf,
    _folder: TempDir,
}

/// Opens the report of some runs; without a browser the test is skipped.
fn opened(test: &str, runs: &[Judged], scripts: bool) -> Option<Opened> {
    opened_page(test, &html(runs), scripts)
}

/// Opens a page; without a browser the test is skipped.
fn opened_page(test: &str, page: &str, scripts: bool) -> Option<Opened> {
    let Some(mut browser) = Browser::start() else {
        brunt_testbed::skip(&format!("browser::{test}"), "chromium is not installed");
        return None;
    };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("report.html");
    std::fs::write(&file, page).expect("a file");
    browser.run_scripts(scripts);
    browser.open(&file);
    Some(Opened {
        browser,
        file,
        _folder: folder,
    })
}

/// Directory of screenshots for inspection.
fn pictures() -> &'static Path {
    Path::new(concat!(env!("CARGO_TARGET_TMPDIR"), "/pictures"))
}

/// The known run, in which requests of seconds 4 and 5 waited for a response.
fn stalled() -> run::Run {
    let mut run = run::known();
    for (second, oldest_in_flight_ms) in [(4, 1_000), (5, 2_000)] {
        let mut delta = brunt_record::SecondRecorder::new(&run.record.header.names);
        delta.start(second);
        delta.counts_mut().oldest_in_flight_ms = Some(oldest_in_flight_ms);
        let increment = delta.to_snapshot();
        run.record.timeline.merge(&increment).expect("known names");
    }
    run.verdict = brunt_verdict::judge(&run.record);
    run
}

/// The known run with a group of 200 ms and more, twice per second, and a metric with small values.
fn grouped() -> run::Run {
    let run::Run { record, .. } = run::known();
    let mut header = record.header;
    for (name, kind) in [
        ("buy <b>it</b>", NameKind::Group),
        ("basket, in pieces", NameKind::Metric),
    ] {
        let (name, method) = (name.to_owned(), String::new());
        header.names.push(RequestName {
            name,
            method,
            setup: false,
            kind,
        });
    }
    let (group, metric) = (NameId(3), NameId(4));
    let mut delta = SecondRecorder::new(&header.names);
    let mut record = RunRecord::new(header);
    for increment in run::increments() {
        record.timeline.merge(&increment).expect("known names");
    }
    for second in 0..22 {
        let begun_ms = u64::from(second) * 1000;
        let failure = (second == 8).then_some(FailureKind::Check);
        let buy = |begun_ms, failure| Sample {
            sent_ns: None,
            first_byte_ns: None,
            ..run::sample(group.0, begun_ms, 200 + begun_ms / 1000, failure)
        };
        delta.start(second);
        delta.record(&buy(begun_ms, None));
        delta.record(&buy(begun_ms + 500, failure));
        delta.record(&Sample {
            name: metric,
            ..buy(begun_ms, None)
        });
        record
            .timeline
            .merge(&delta.to_snapshot())
            .expect("known names");
    }
    record.ending = run::known().record.ending;
    let verdict = brunt_verdict::judge(&record);
    run::Run { record, verdict }
}

/// The known run with every finding that charts show.
fn marked() -> run::Run {
    let mut run = stalled();
    let span = |label, from_s, to_s| Mark::Span {
        label,
        from_s,
        to_s,
    };
    let points = vec![(1.0, 30.0), (2.0, 52.0), (4.0, 70.0), (8.0, 60.0)];
    let law = (0..=32).map(|at| {
        let under_way = f64::from(at) / 4.0;
        (
            under_way,
            40.0 * under_way / (1.0 + 0.1 * under_way * under_way),
        )
    });
    let marks = vec![
        span("warm-up", 0.0, 2.0),
        span("spike", 8.0, 12.0),
        span("recovery", 12.0, 15.0),
        Mark::Bracket {
            holds: Some(35.0),
            breaks: Some(60.0),
        },
        Mark::Line {
            metric: "memory",
            from: (1.0, 300.0),
            to: (21.0, 322.0),
        },
        Mark::Scaling {
            points,
            law: law.collect(),
        },
    ];
    run.verdict.findings.push(Finding {
        kind: FindingKind::Leak,
        headline: "Everything was found.".into(),
        figures: Vec::new(),
        marks,
    });
    run
}
