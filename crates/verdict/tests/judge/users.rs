//! Users that never started, or stopped early: they are counted, reported, and never blamed on the generator.

use brunt_record::{FailureKind, Metric, NameId, NameKind, RequestName, Second, StoppedBy};
use brunt_verdict::{Figure, Finding, FindingKind, Grade, Value, judge};

use crate::run::Run;

const LOGIN: NameId = NameId(3);

/// A run of 30 users, 50 s long, with 10,000 fast responses; some users are active, and some could not log in.
fn logging_in(there: u32, refused: u64) -> Run {
    let mut run = Run::new().ladder(Metric::Percentile(0.95), [20.0, 40.0, 60.0]);
    run.header.load.stages[0] = brunt_record::LoadStage {
        seconds: 20.0,
        from: 30.0,
        to: 30.0,
    };
    run.header.names.push(RequestName {
        name: "/login".into(),
        method: "POST".into(),
        setup: true,
        kind: NameKind::Start,
    });
    run.users = vec![Some(there); 20];
    let begun = Second {
        users_started: 30,
        users_not_started: refused,
        ..Second::default()
    };
    let mut run = run.answers(10_000, 5.0).counting(0, begun);
    let well = u64::from(there);
    run = run.requests(LOGIN, well, 3.0, 0.0, None);
    let failed = run.samples.len();
    run = run.requests(LOGIN, refused, 3.0, 0.0, Some(FailureKind::Status));
    for sample in &mut run.samples[failed..] {
        (sample.intended_ns, sample.dispatched_ns, sample.done_ns) = (0, 0, 3_000_000);
    }
    run
}

fn found(findings: &[Finding], kind: FindingKind) -> Option<&Finding> {
    findings.iter().find(|finding| finding.kind == kind)
}

#[test]
fn users_that_cannot_log_in_do_not_make_the_run_invalid() {
    let verdict = judge(&logging_in(15, 15).record());
    assert_eq!(verdict.invalid_reasons, [] as [String; 0]);
    let finding = found(&verdict.findings, FindingKind::UsersNotStarted).expect("a finding");
    assert_eq!(
        finding.headline,
        "15 of 30 users never started: POST /login of on_start failed (status)."
    );
    assert_eq!(
        finding.figures,
        [
            ("users", Figure::Count(15)),
            ("users_started", Figure::Count(30))
        ]
    );
    // Half of the load was missing, so no target is good.
    let row = &verdict.judgments[0];
    assert_eq!(row.grade, Grade::Inconclusive, "{row:?}");
    let reason = row.reason.as_deref().unwrap();
    assert!(
        reason.starts_with(
            "15 of 30 users never started, so that 50 % of the planned load was not offered"
        ),
        "{reason}"
    );
    // The same users missing without a reason are the generator's fault.
    let mut unexplained = logging_in(15, 0);
    unexplained.header.targets.clear();
    let verdict = judge(&unexplained.record());
    assert!(
        verdict.invalid_reasons[0].starts_with("the load was not generated"),
        "{verdict:?}"
    );
}

#[test]
fn failed_login_is_an_error_of_the_service() {
    let run = logging_in(28, 2).ladder(Metric::ErrorRate, [0.000_01, 0.000_02, 0.000_03]);
    let verdict = judge(&run.record());
    let rate = &verdict.judgments[1];
    let Value::Known(percent) = rate.value else {
        panic!("{rate:?}");
    };
    // Of 10,000 requests and the two that kept users out; successful logins are set-up.
    assert!((percent - 100.0 * 2.0 / 10_002.0).abs() < 1e-9, "{percent}");
    assert_eq!(rate.grade, Grade::Critical, "{rate:?}");
    let finding = found(&verdict.findings, FindingKind::UsersNotStarted).expect("a finding");
    assert!(
        finding.headline.starts_with("2 of 30 users never started"),
        "{finding:?}"
    );
    // Less than a tenth of the load is missing, so the measured load still counts as the planned one.
    assert_eq!(verdict.judgments[0].grade, Grade::Good);
}

#[test]
fn target_that_is_missed_with_less_load_is_missed() {
    let mut run = logging_in(15, 15);
    let ladder = &mut run.header.targets[0];
    (ladder.target, ladder.acceptable, ladder.critical) = (Some(1.0), Some(2.0), Some(3.0));
    assert_eq!(judge(&run.record()).judgments[0].grade, Grade::Critical);
}

#[test]
fn users_without_data_make_targets_undecided() {
    // Six of ten users stop after a second.
    let gone = Second {
        users_out_of_data: 6,
        ..Second::default()
    };
    let begun = Second {
        users_started: 10,
        ..Second::default()
    };
    let run = || {
        let mut run = Run::new()
            .ladder(Metric::Percentile(0.95), [20.0, 40.0, 60.0])
            .ladder(Metric::Throughput, [30.0, 20.0, 10.0])
            .offering(50.0)
            .answers(440, 5.0)
            .counting(0, begun.clone())
            .counting(0, gone.clone());
        run.users = vec![Some(4); 20];
        run.users[0] = Some(10);
        run
    };
    let verdict = judge(&run().record());
    assert_eq!(verdict.invalid_reasons, [] as [String; 0]);
    let finding = found(&verdict.findings, FindingKind::DataExhausted).expect("a finding");
    assert!(
        finding
            .headline
            .starts_with("6 of 10 users stopped early because their data was exhausted"),
        "{finding:?}"
    );
    let grades: Vec<Grade> = verdict.judgments.iter().map(|row| row.grade).collect();
    assert_eq!(grades, [Grade::Inconclusive; 2], "{:?}", verdict.judgments);
    let reasons: Vec<&str> = verdict
        .judgments
        .iter()
        .filter_map(|row| row.reason.as_deref())
        .collect();
    assert!(
        reasons[0].contains("6 of 10 users ran out of data"),
        "{reasons:?}"
    );
    assert!(
        reasons[1].starts_with("the load offered 21.5 req/s at most"),
        "{reasons:?}"
    );
}

#[test]
fn users_that_the_scenario_stops_have_no_finding() {
    let stopped = Second {
        users_started: 10,
        users_stopped: 6,
        ..Second::default()
    };
    let mut run = Run::new()
        .ladder(Metric::Percentile(0.95), [20.0, 40.0, 60.0])
        .answers(2_000, 5.0)
        .counting(0, stopped)
        .stopped(StoppedBy::Finished, 20_000, None);
    run.users = vec![Some(4); 20];
    let verdict = judge(&run.record());
    assert_eq!(verdict.invalid_reasons, [] as [String; 0]);
    assert_eq!(
        verdict.judgments[0].grade,
        Grade::Good,
        "the scenario stops them"
    );
}
