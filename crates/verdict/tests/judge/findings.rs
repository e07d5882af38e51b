//! Findings beyond the targets, as sentences.

use brunt_record::{FailureKind, Metric, SecondRecorder};
use brunt_verdict::{FindingKind, judge};

use crate::run::{A, B, Run};

/// A run of five minutes at one level, with a reading per second.
fn five_minutes(rss_bytes: impl Fn(u64) -> u64) -> Run {
    let mut run = Run::new().ladder(Metric::Memory, [500.0, 800.0, 1_000.0]);
    run.header.load.stages[0].seconds = 300.0;
    run = run.stopped(brunt_record::StoppedBy::Finished, 300_000, None);
    for second in 0..300 {
        run = run.reading(second * 1_000, None, Some(rss_bytes(second)));
    }
    run
}

fn sentences(run: Run) -> Vec<(FindingKind, String)> {
    let findings = judge(&run.record()).findings.into_iter();
    findings
        .map(|finding| (finding.kind, finding.headline))
        .collect()
}

#[test]
fn leak_has_its_rate_and_the_time_to_the_limit() {
    // 2 MB per minute, with a page of noise.
    let leaking = five_minutes(|second| 100_000_000 + second * 33_333 + second * 7 % 5 * 4_096);
    let found = sentences(leaking);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].0, FindingKind::Leak);
    let sentence = &found[0].1;
    assert!(
        sentence.starts_with("The service leaks memory: 120 MB per hour ("),
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

/// The finding on a slow request.
fn slow_request(run: Run) -> Option<String> {
    let run = run.ladder(Metric::Percentile(0.95), [20.0, 40.0, 60.0]);
    let mut all = sentences(run).into_iter();
    all.find(|(kind, _)| *kind == FindingKind::SlowRequest)
        .map(|(_, sentence)| sentence)
}

#[test]
fn request_is_not_slow_if_most_others_fail() {
    // 742 of 2,141 requests succeed slowly; nearly all others are rejected at once, or get no response.
    let (refused, never) = (Some(FailureKind::Status), Some(FailureKind::Timeout));
    let run = |failure, took_ms| {
        Run::new()
            .requests(A, 742, 70.0, 0.0, None)
            .requests(B, 95, 0.5, 0.0, None)
            .requests(B, 1_304, took_ms, 0.0, failure)
    };
    assert_eq!(slow_request(run(refused, 0.5)), None, "most others failed");
    // The reverse: requests without a response take the time.
    assert_eq!(
        slow_request(run(never, 2_000.0)).as_deref(),
        Some(
            "/b is slow: at least half of its requests got no response, the median of the other requests is 70 ms; \
         it is 65.3 % of the requests and takes 98 % of their time."
        )
    );
}

#[test]
fn proportions_are_of_all_requests_of_any_outcome() {
    let run = Run::new()
        .requests(A, 900, 1.0, 0.0, None)
        .requests(A, 300, 1.0, 0.0, Some(FailureKind::Status))
        .requests(B, 500, 100.0, 0.0, None)
        .requests(B, 200, 100.0, 0.0, Some(FailureKind::Status))
        .requests(B, 100, 300.0, 0.0, Some(FailureKind::Timeout));
    // 800 of 2,000 requests, and 100 s of 101.2 s.
    assert_eq!(
        slow_request(run).as_deref(),
        Some(
            "/b is slow: its median is 100 ms, the median of the other requests is 1 ms; it is 40 % of \
             the requests and takes 98.8 % of their time."
        )
    );
}

#[test]
fn slow_request_is_named_with_its_method() {
    let mut run = Run::new()
        .requests(A, 1_000, 1.0, 0.0, None)
        .requests(B, 500, 100.0, 0.0, None);
    run.header.names[1].name = "/a".into();
    run.header.names[1].method = "POST".into();
    let sentence = slow_request(run).expect("a slow request");
    assert!(sentence.starts_with("POST /a is slow"), "{sentence}");
}

#[test]
fn load_without_a_level_has_no_leak_finding() {
    let mut run = five_minutes(|second| 100_000_000 + second * 33_333);
    run.header.load.stages[0].from = 1.0;
    assert_eq!(sentences(run), []);
}

/// A request that blocks the whole service for 100 ms: others wait for it, and are fast otherwise.
#[test]
fn request_that_takes_the_time_is_named() {
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
            "/b is slow: its median is 101 ms, the median of the other requests is 0.5 ms; it is \
             2.5 % of the requests and takes 17.8 % of their time."
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

#[test]
fn retries_and_dropped_cookies_are_reported() {
    let found = |retries: u64, cookies: u64| {
        let mut record = Run::new().answers(400, 10.0).record();
        let mut delta = SecondRecorder::new(record.timeline.names());
        (0..retries).for_each(|_| delta.count_retry(A));
        delta.counts_mut().cookies_dropped = cookies;
        record.timeline.merge(&delta.to_snapshot()).unwrap();
        let findings = judge(&record).findings.into_iter();
        let kinds = [FindingKind::Retries, FindingKind::CookiesDropped];
        let found = findings.filter(|finding| kinds.contains(&finding.kind));
        found.map(|finding| finding.headline).collect::<Vec<_>>()
    };
    assert_eq!(found(0, 0), Vec::<String>::new());
    let few = found(1, 1);
    assert!(few[0].starts_with("1 request was retried: "), "{few:?}");
    assert!(
        few[0].contains("included in the 400 requests on the wire"),
        "{few:?}"
    );
    assert!(
        few[1].starts_with("1 cookie was dropped: it was"),
        "{few:?}"
    );
    let many = found(12, 4_310);
    assert!(
        many[0].starts_with("12 requests were retried: "),
        "{many:?}"
    );
    assert!(
        many[1].starts_with("4,310 cookies were dropped: "),
        "{many:?}"
    );
}
