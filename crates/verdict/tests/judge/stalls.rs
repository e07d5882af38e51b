//! Stalls of the service at known times, and behavior that only looks like a stall.

use brunt_record::{FailureKind, Metric, StoppedBy};
use brunt_verdict::{Figure, FindingKind, Grade, Mark, RunResult, Stall, judge, stalls};

use crate::run::{A, Run};

/// Fifty requests per second, and a freeze of 4 s.
fn frozen() -> Run {
    Run::new().freezing(20, &[(7_300, 11_300)], None)
}

fn is_near(found: f64, expected: f64, by: f64) -> bool {
    (found - expected).abs() <= by
}

fn only(run: Run) -> Stall {
    let found = stalls(&run.record());
    assert_eq!(found.len(), 1, "{found:?}");
    found[0]
}

#[test]
fn freeze_is_a_stall_with_its_true_times() {
    let stall = only(frozen());
    assert!(is_near(stall.from_s, 7.3, 0.02), "{stall:?}");
    assert!(is_near(stall.to_s, 11.3, 0.02), "{stall:?}");
    // The requests of 7.30 to 10.98 s, at the end of the last silent second.
    assert_eq!(stall.waiting, 185, "{stall:?}");
    assert!(
        is_near(stall.longest_ms.unwrap(), 4_000.0, 10.0),
        "{stall:?}"
    );
    assert_eq!((stall.unanswered, stall.is_last), (0, false));
}

#[test]
fn stall_is_a_finding_with_figures_and_a_mark() {
    let verdict = judge(&frozen().record());
    let finding = verdict
        .findings
        .iter()
        .find(|found| found.kind == FindingKind::Stall);
    let finding = finding.expect("a stall");
    assert_eq!(
        finding.headline,
        "The service sent no response from 7.3 s to 11.3 s (4 s): 185 requests waited, the longest response took 4 s."
    );
    let names: Vec<&str> = finding.figures.iter().map(|(name, _)| *name).collect();
    let expected = [
        "from_s",
        "to_s",
        "max_waiting",
        "max_response_ms",
        "unanswered",
        "count",
        "total_s",
    ];
    assert_eq!(names, expected);
    assert!(
        matches!(
            finding.marks[..],
            [Mark::Span {
                label: "no response",
                ..
            }]
        ),
        "{finding:?}"
    );
}

#[test]
fn several_stalls_are_counted_and_the_longest_is_described() {
    let run = Run::new().freezing(
        20,
        &[(2_500, 5_000), (7_300, 11_300), (14_000, 16_600)],
        None,
    );
    let record = run.record();
    assert_eq!(stalls(&record).len(), 3);
    let verdict = judge(&record);
    let finding = verdict
        .findings
        .iter()
        .find(|found| found.kind == FindingKind::Stall);
    let finding = finding.expect("stalls");
    let sentence = &finding.headline;
    assert!(
        sentence.starts_with(
            "The service stalled 3 times and sent no response for 9.1 s in all, at the longest from 7.3 s to 11.3 s"
        ),
        "{sentence}"
    );
    assert_eq!(finding.marks.len(), 3);
    assert!(finding.figures.contains(&("count", Figure::Count(3))));
}

#[test]
fn requests_that_time_out_during_a_stall_are_not_responses() {
    let run = Run::new().freezing(20, &[(7_300, 11_300)], Some(FailureKind::Timeout));
    let stall = only(run);
    assert_eq!((stall.unanswered, stall.is_last), (200, false), "{stall:?}");
    // The requests of the same second with a response before it.
    assert!(is_near(stall.longest_ms.unwrap(), 5.0, 0.1), "{stall:?}");
    assert!(
        is_near(stall.from_s, 7.3, 0.02) && is_near(stall.to_s, 11.0, 0.02),
        "{stall:?}"
    );
}

#[test]
fn service_that_is_gone_is_silent_until_the_end() {
    let refused = |from_s: u64| {
        let mut run = Run::new().freezing(20, &[], None);
        for sample in &mut run.samples {
            if sample.intended_ns >= from_s * 1_000_000_000 {
                (sample.sent_ns, sample.first_byte_ns) = (None, None);
                sample.failure = Some(FailureKind::ConnectRefused);
            }
        }
        run
    };
    let stall = only(refused(12));
    assert!(
        stall.is_last && is_near(stall.from_s, 12.0, 0.1),
        "{stall:?}"
    );
    assert_eq!(stall.unanswered, 400);
    let sentence = judge(&refused(12).record()).findings;
    let sentence = sentence
        .iter()
        .find(|found| found.kind == FindingKind::Stall)
        .unwrap();
    assert!(
        sentence
            .headline
            .contains("from 12 s to the end of the run (8 s): 400 requests got no response"),
        "{sentence:?}"
    );
    // Without any response there is no usual rate, and the headline says more.
    assert_eq!(stalls(&refused(0).record()), []);
}

#[test]
fn silence_that_only_looks_like_a_stall_is_ignored() {
    let steady = Run::new().freezing(20, &[], None);
    assert_eq!(stalls(&steady.record()), [], "nothing freezes");
    assert_eq!(
        stalls(&frozen().stood_still(11, 4_000).record()),
        [],
        "the generator stalled"
    );
    assert_eq!(
        stalls(&frozen().stood_still(11, 500).record()).len(),
        1,
        "that was not it"
    );
    let mut idle = Run::new().freezing(20, &[], None);
    idle.samples
        .retain(|sample| !(5..15).contains(&(sample.intended_ns / 1_000_000_000)));
    assert_eq!(stalls(&idle.record()), [], "no load");
    // Ten synchronized users: each response takes three seconds, and all arrive at once.
    let mut in_step = Run::new().freezing(2_000, &[], None);
    let one = in_step.samples[0];
    in_step.samples.clear();
    for number in 0..60u64 {
        let intended_ns = number / 10 * 3_000_000_000;
        in_step.samples.push(brunt_record::Sample {
            intended_ns,
            dispatched_ns: intended_ns,
            sent_ns: Some(intended_ns),
            done_ns: intended_ns + 3_000_000_000,
            ..one
        });
    }
    assert_eq!(stalls(&in_step.record()), [], "slow all along");
    // One request of 4 s during the waits of the other users.
    let mut rare = Run::new().freezing(2_000, &[(8_000, 12_000)], None);
    rare.samples
        .retain(|sample| sample.intended_ns != 10_000_000_000);
    assert_eq!(stalls(&rare.record()), [], "one slow request");
}

#[test]
fn end_of_the_load_is_not_a_stall() {
    // One of ten users has no response yet when the load ends, and is waited for.
    let mut run = Run::new()
        .freezing(20, &[], None)
        .stopped(StoppedBy::Finished, 20_000, None);
    let mut hangs = run.samples[0];
    hangs.name = A;
    hangs.intended_ns = 19_900_000_000;
    hangs.done_ns = 50_000_000_000;
    hangs.failure = Some(FailureKind::Aborted);
    run.samples.push(hangs);
    run.ending.as_mut().unwrap().ended_ms = 50_000;
    assert_eq!(stalls(&run.record()), []);
}

/// Fifty requests per second, without a response from a time on until the run has ended.
fn silent_from(from_ms: u64) -> Run {
    let mut run = Run::new().freezing(20, &[(from_ms, 25_000)], Some(FailureKind::Aborted));
    run.ending.as_mut().expect("an ending").ended_ms = 25_000;
    run
}

#[test]
fn silence_until_the_end_is_critical_whatever_the_targets_are() {
    let lenient = silent_from(7_300).target(Metric::Percentile(0.1), [None, None, Some(1e6)]);
    let throughput = silent_from(7_300).target(Metric::Throughput, [None, None, Some(1.0)]);
    for run in [silent_from(7_300), lenient, throughput] {
        let verdict = judge(&run.record());
        assert_eq!(verdict.result, RunResult::Graded(Grade::Critical));
        let sentence = &verdict.headline;
        let expected =
            "Critical: the service stopped responding at 7.3 s, for the rest of the run (17.7 s); ";
        assert!(sentence.starts_with(expected), "{sentence}");
        let next_step = &verdict.next_step;
        assert!(next_step.contains("before 7.3 s of the run"), "{next_step}");
    }
}

#[test]
fn silence_that_ends_is_short_or_is_the_generators_is_not_final() {
    let comes_back = Run::new().freezing(20, &[(5_000, 19_500)], Some(FailureKind::Timeout));
    let short = Run::new().freezing(20, &[(14_000, 20_000)], Some(FailureKind::Aborted));
    let mut killed = silent_from(7_300);
    killed.ending = None;
    let own = silent_from(7_300).stood_still(20, 15_000);
    for (name, run) in [
        ("comes back", comes_back),
        ("short", short),
        ("no ending", killed),
        ("brunt's own", own),
    ] {
        let result = judge(&run.record()).result;
        assert_ne!(result, RunResult::Graded(Grade::Critical), "{name}");
    }
}
