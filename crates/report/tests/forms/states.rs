//! Every final state of a run: the table of docs/exit-codes.md, and the first lines of terminal text and page.

use brunt_record::{Ending, FailureKind, Metric, Reading, RunRecord, Sample, StoppedBy};
use brunt_report::{Checks, github, html, junit, terminal};
use brunt_verdict::baseline::{Allow, Baseline};
use brunt_verdict::{FailOn, judge, judge_with_baseline};

use crate::run::{Run, header, increments_of, reading, sample};

const PAGE: &str = include_str!("../../../../docs/exit-codes.md");

/// Forty requests per second; the duration and failure of each follow from its number.
fn steady(seconds: u64, outcome: impl Fn(u64) -> (u64, Option<FailureKind>)) -> RunRecord {
    let mut samples: Vec<Sample> = (0..seconds * 40)
        .map(|number| {
            let (took_ms, failure) = outcome(number);
            sample(u32::from(number % 4 == 0), number * 25, took_ms, failure)
        })
        .collect();
    samples.sort_by_key(|sample| sample.done_ns);
    let mut record = RunRecord::new(header());
    for increment in increments_of(samples) {
        record.timeline.merge(&increment).expect("known names");
    }
    record.header.load.stages[0].seconds = seconds as f64;
    // Constant readings, so that only the requests matter.
    let still = |second: u64| Reading {
        at_ms: second * 1_000,
        ..reading(1)
    };
    record.readings = (0..seconds).map(still).collect();
    record.ending = Some(ending(StoppedBy::Finished, seconds * 1_000, None));
    record
}

fn ending(stopped_by: StoppedBy, load_ended_ms: u64, reason: Option<&str>) -> Ending {
    Ending {
        stopped_by,
        load_ended_ms,
        ended_ms: load_ended_ms,
        stop_reason: reason.map(str::to_owned),
        missed_targets: Vec::new(),
        unavailable: brunt_record::Unavailable::default(),
    }
}

/// States, each with a run that ends in it.
fn states() -> Vec<(&'static str, Run)> {
    let fine = || decidable(steady(22, |_| (5, None)));
    let judged = |record: RunRecord| Run {
        verdict: judge(&record),
        record,
    };
    let mut missed = decidable(steady(22, |number| {
        (5, (number % 2 == 0).then_some(FailureKind::Status))
    }));
    missed.ending = Some(ending(StoppedBy::Finished, 22_000, None));
    let mut inconclusive = fine();
    inconclusive.header.targets[1].target = Some(0.1);
    let mut not_applicable = fine();
    let throughput = brunt_record::Target {
        metric: Metric::Throughput,
        target: Some(100.0),
        acceptable: None,
        critical: None,
        ..not_applicable.header.targets[0].clone()
    };
    not_applicable.header.targets = vec![throughput];
    let mut no_target = fine();
    no_target.header.targets.clear();
    let mut cut_short = fine();
    cut_short.header.load.stages[0].seconds = 60.0;
    cut_short.ending = Some(ending(StoppedBy::Interrupted, 22_000, None));
    let mut incomplete = fine();
    incomplete.header.load.stages[0].seconds = 60.0;
    incomplete.ending = None;
    let invalid = decidable(steady(22, |number| {
        (5, (number % 100 == 0).then_some(FailureKind::NoPorts))
    }));
    let mut all_failed = decidable(steady(22, |number| {
        (5, (number > 440).then_some(FailureKind::Status))
    }));
    all_failed.header.load.stages[0].seconds = 60.0;
    let reason = "all 400 requests in the last 10 s failed, most with status 503";
    all_failed.ending = Some(ending(StoppedBy::EverythingFailed, 22_000, Some(reason)));
    let mut short = steady(5, |_| (5, Some(FailureKind::Status)));
    short.header.targets.clear();
    let silent = decidable(steady(22, |number| {
        (5, (number >= 360).then_some(FailureKind::Timeout))
    }));
    let mut lost = fine();
    lost.header.load.stages[0].seconds = 60.0;
    let reason = "worker process 2 of 3 was lost (signal: 9 (SIGKILL)); 33 % of the load is missing from \
                  second 22 on";
    lost.ending = Some(ending(StoppedBy::WorkerLost, 22_000, Some(reason)));
    let nothing = decidable(steady(22, |_| (5, Some(FailureKind::ConnectRefused))));
    vec![
        ("passed", judged(fine())),
        ("missed", judged(missed)),
        ("inconclusive", judged(inconclusive)),
        ("not applicable", judged(not_applicable)),
        ("no target asked", judged(no_target)),
        ("cut short by Ctrl-C", judged(cut_short)),
        ("incomplete record", judged(incomplete)),
        ("invalid", judged(invalid)),
        ("lost process", judged(lost)),
        ("everything failed", judged(all_failed)),
        ("all requests failed", judged(short)),
        ("silent to the end", judged(silent)),
        ("no response", judged(nothing)),
        ("worse than the baseline", worse()),
    ]
}

/// Sets targets that 22 s of 40 requests per second decide.
fn decidable(mut record: RunRecord) -> RunRecord {
    let [p50, .., errors, _] = record.header.targets.as_slice() else {
        panic!("five targets");
    };
    let (p50, mut errors) = (p50.clone(), errors.clone());
    (errors.target, errors.acceptable) = (Some(1.0), None);
    record.header.targets = vec![p50, errors];
    record
}

fn worse() -> Run {
    let varied = |slower: u64, seed: u64| {
        decidable(steady(120, move |number| {
            (5 + slower + (number * 7 + seed) % 3, None)
        }))
    };
    let before: Vec<RunRecord> = (0..3).map(|seed| varied(0, seed)).collect();
    let baseline = Baseline::of(
        "main",
        &before,
        Allow {
            invalid: true,
            mismatch: true,
        },
    )
    .expect("runs that can be saved");
    let record = varied(5, 3);
    let verdict = judge_with_baseline(&record, &baseline, Vec::new(), None);
    Run { record, verdict }
}

/// Color of a result in docs/exit-codes.md.
fn color(run: &Run) -> &'static str {
    match run.verdict.result.name() {
        "good" => "green",
        "acceptable" => "blue",
        "inconclusive" => "amber",
        "poor" => "orange",
        "critical" | "no_response" => "red",
        "invalid" => "violet",
        _ => "grey",
    }
}

fn junit_in_words(run: &Run) -> String {
    let text = junit(&[Checks::of_run(&run.judged(), FailOn::Poor)]);
    let [failures, errors] = ["<failure", "<error"].map(|tag| text.matches(tag).count());
    match (failures, errors) {
        (0, 0) => "passes".to_owned(),
        (0, _) => "an error: the verdict".to_owned(),
        _ => "a failure each".to_owned(),
    }
}

fn github_in_words(run: &Run) -> &'static str {
    let text = github(&[Checks::of_run(&run.judged(), FailOn::Poor)]);
    match text.split_once(' ').map(|(command, _)| command) {
        Some("::error") => "error",
        Some("::warning") => "warning",
        Some("::notice") => "notice",
        other => panic!("{other:?}"),
    }
}

#[test]
fn exit_codes_page_has_a_row_for_each_state() {
    let mut rows = String::new();
    for (name, run) in states() {
        rows += &format!(
            "| {name} | {} | {} | {} | {} | {} |\n",
            run.verdict.headline,
            color(&run),
            run.judged().exit_code,
            junit_in_words(&run),
            github_in_words(&run)
        );
    }
    assert!(PAGE.contains(&rows), "docs/exit-codes.md lacks:\n{rows}");
}

#[test]
fn first_lines_match_their_snapshot() {
    let mut text = String::new();
    for (name, run) in states() {
        let shown = terminal(&run.judged(), 80, false);
        let shown: Vec<&str> = shown.lines().take(3).collect();
        let page = html(&[run.judged()]);
        let header = page.split("<header").nth(1).expect("a header");
        let header = header
            .split("<ul")
            .next()
            .and_then(|it| it.split("<dl").next());
        let header = words(&format!("<header{}", header.expect("a head")));
        text += &format!("## {name}\n{}\n\n{header}\n\n", shown.join("\n"));
    }
    insta::assert_snapshot!("states", text);
}

/// Text of HTML, with a line for each element with text.
fn words(html: &str) -> String {
    let mut text = String::new();
    for part in html.split('<').skip(1) {
        let (tag, words) = part.split_once('>').unwrap_or((part, ""));
        let begins_line = ["p", "h1", "/p", "/h1"]
            .iter()
            .any(|it| tag.split([' ', '>']).next() == Some(*it));
        if begins_line && !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        text += words;
    }
    text.trim().to_owned()
}
