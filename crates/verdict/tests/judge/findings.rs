//! What the data say beyond the targets, in sentences.

use record::Metric;
use verdict::{FindingKind, judge};

use crate::run::{A, B, Run};

/// A run of five minutes at one level, with a reading a second.
fn five_minutes(rss_bytes: impl Fn(u64) -> u64) -> Run {
    let mut run = Run::new().ladder(Metric::Memory, [500.0, 800.0, 1_000.0]);
    run.header.load.stages[0].seconds = 300.0;
    run = run.stopped(record::StoppedBy::Finished, 300_000, None);
    for second in 0..300 {
        run = run.reading(second * 1_000, None, Some(rss_bytes(second)));
    }
    run
}

fn sentences(run: Run) -> Vec<(FindingKind, String)> {
    let findings = judge(&run.record()).findings.into_iter();
    findings
        .map(|finding| (finding.kind, finding.sentence))
        .collect()
}

#[test]
fn a_leak_says_how_fast_and_when_it_ends() {
    // 2 MB a minute, with a page of noise.
    let leaking = five_minutes(|second| 100_000_000 + second * 33_333 + second * 7 % 5 * 4_096);
    let found = sentences(leaking);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].0, FindingKind::Leak);
    let sentence = &found[0].1;
    assert!(
        sentence.starts_with("The service leaks memory: 120 MB an hour ("),
        "{sentence}"
    );
    assert!(
        sentence.ends_with("; the critical threshold is reached in 7.42 h."),
        "{sentence}"
    );
}

#[test]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "bytes, from 0 to 50 million"
)]
fn a_cache_that_fills_is_no_leak_and_a_level_is_nothing() {
    let filling = five_minutes(|second| {
        let share = 1.0 - (-(second as f64) / 60.0).exp();
        100_000_000 + (share * 50e6) as u64 + second * 7 % 5 * 4_096
    });
    let found = sentences(filling);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].0, FindingKind::CacheFilling);
    let level = five_minutes(|second| 100_000_000 + second * 7 % 5 * 4_096);
    assert_eq!(sentences(level), []);
}

#[test]
fn a_load_that_never_holds_a_level_tells_no_leak() {
    let mut run = five_minutes(|second| 100_000_000 + second * 33_333);
    run.header.load.stages[0].from = 1.0;
    assert_eq!(sentences(run), []);
}

/// A call that holds the whole service for 100 ms: others wait behind it, and are fast otherwise.
#[test]
fn the_request_that_takes_the_time_is_named() {
    let run = |p95_ms: f64| {
        Run::new()
            .ladder(
                Metric::Percentile(0.95),
                [p95_ms, p95_ms * 2.0, p95_ms * 3.0],
            )
            .requests(A, 1_500, 0.5, 0.0, None)
            .requests(A, 450, 50.0, 0.0, None)
            .requests(B, 50, 101.0, 0.0, None)
    };
    let found = sentences(run(20.0));
    let of_kind = |found: &[(FindingKind, String)]| {
        let mut all = found.iter();
        all.find(|(kind, _)| *kind == FindingKind::SlowRequest)
            .map(|(_, sentence)| sentence.clone())
    };
    assert_eq!(
        of_kind(&found).as_deref(),
        Some(
            "/b takes the time: half of its answers take 101 ms or more, half of the others 0.5 ms; it is \
             2.5 % of the requests and 17.8 % of their time."
        ),
        "{found:?}"
    );
    assert_eq!(of_kind(&sentences(run(200.0))), None, "no target is missed");
    let alike = Run::new()
        .ladder(Metric::Percentile(0.95), [20.0, 40.0, 60.0])
        .requests(A, 1_000, 50.0, 0.0, None)
        .requests(B, 1_000, 101.0, 0.0, None);
    assert_eq!(of_kind(&sentences(alike)), None, "all are slow");
}
