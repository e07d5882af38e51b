//! What was compared, in every form.

use record::RunRecord;
use report::{
    Checks, Conduct, Contest, Judged, contest_json, contest_line, github, html, html_of_contest,
    junit, markdown, markdown_of_contest, summary_json, terminal, terminal_beside,
    terminal_of_baseline, terminal_of_baselines, terminal_of_contest,
};
use serde_json::Value;
use verdict::baseline::Baseline;
use verdict::comparison::{Answer, Change, Measured, Outcome, Played, Row};
use verdict::{Beside, Contested, FailOn, Finding, FindingKind, Interval};

use crate::run::{HOSTILE, Run, known};

/// A baseline of three runs that are just as the known one.
fn baseline() -> Baseline {
    let records: Vec<RunRecord> = (0..3).map(|_| known().record).collect();
    Baseline::of("main", &records, true).expect("runs that may be kept")
}

/// The known run beside it, with a row each that is worse, better, and not known.
fn compared() -> Run {
    let mut run = known();
    let mut verdict = verdict::judge_beside(&run.record, &baseline(), Vec::new(), None);
    let beside = verdict.beside.as_mut().expect("it was compared");
    for (at, row) in beside.comparison.rows.iter_mut().enumerate() {
        *row = changed(at, row.name.clone(), row.measured, row.is_tested);
    }
    run.verdict = verdict;
    run
}

fn changed(at: usize, name: Option<String>, measured: Measured, is_tested: bool) -> Row {
    let (ratio, outcome) = match at % 4 {
        0 => (1.0, Outcome::Same),
        1 => (0.8, Outcome::Better),
        2 => (1.234, Outcome::Worse),
        _ => (1.04, Outcome::NotEnoughData),
    };
    let interval = |low: f64, high: f64| Interval {
        low,
        high: Some(high),
    };
    let change = match measured {
        Measured::ErrorRate => Change::Points {
            by: ratio - 1.0,
            interval: interval(ratio - 1.1, ratio - 0.9),
        },
        _ => Change::Ratio {
            ratio,
            interval: interval(ratio - 0.05, ratio + 0.05),
        },
    };
    Row {
        name,
        measured,
        baseline: Some(10.0),
        run: Some(10.0 * ratio),
        change: Some(change),
        theta: 0.05,
        outcome,
        is_tested,
    }
}

fn contested() -> Contested {
    let mut rows: Vec<Row> = Measured::ALL
        .into_iter()
        .enumerate()
        .map(|(at, measured)| changed(at, None, measured, measured != Measured::P99))
        .collect();
    rows.push(changed(
        2,
        Some(format!("GET {HOSTILE}")),
        Measured::P95,
        false,
    ));
    Contested {
        hosts: ["http://a/".into(), "http://b/".into()],
        played: Played {
            rows,
            pairs: 12,
            left_out: 1,
            seconds: 130.2,
            answer: Answer::Worse,
            values: vec![(Measured::P95, vec![[10.0, 12.3], [9.9, 12.2]])],
        },
        is_stopped: false,
        requests_per_block: 40.0,
    }
}

fn conduct() -> Conduct {
    Conduct {
        run_id: "20261123T110000Z-ab".into(),
        brunt_version: "0.1.0".into(),
        scenario_file: "brunt.toml".into(),
        scenario_hash: "0123456789abcdef".into(),
        profile: "load".into(),
        level: "10 users".into(),
        seed: 7,
        started_at: "2026-11-23T11:00:00Z".into(),
        block_s: 5.0,
        uncounted_s: 1.0,
        limit_s: 600.0,
        machine: "A processor, 2 cores".into(),
    }
}

#[test]
fn the_terminal_is_as_it_was_reviewed_at_80_and_200_columns() {
    let run = compared();
    let beside = run.verdict.beside.as_ref().unwrap();
    insta::assert_snapshot!("run_beside_80", terminal(&run.judged(), 80, false));
    for width in [80, 200] {
        insta::assert_snapshot!(
            format!("beside_{width}"),
            terminal_beside(beside, width, false)
        );
        insta::assert_snapshot!(
            format!("contest_{width}"),
            terminal_of_contest(&contested(), width, false)
        );
        insta::assert_snapshot!(
            format!("baseline_{width}"),
            terminal_of_baseline(&baseline(), width, false)
        );
    }
    let all = [baseline()];
    insta::assert_snapshot!("baselines_80", terminal_of_baselines(&all, 80, false));
}

#[test]
fn no_line_is_wider_than_the_terminal() {
    let run = compared();
    let beside: &Beside = run.verdict.beside.as_ref().unwrap();
    let (baseline, contested) = (baseline(), contested());
    for width in 80..=200 {
        let forms = [
            terminal_beside(beside, width, false),
            terminal_of_contest(&contested, width, false),
            terminal_of_baseline(&baseline, width, false),
            contest_line(12, 130.2, 600.0, &contested.played.rows, width),
        ];
        for line in forms.iter().flat_map(|form| form.lines()) {
            assert!(line.chars().count() <= width, "{width}: {line}");
        }
    }
}

#[test]
fn pipelines_hear_it_in_their_own_forms() {
    let run = compared();
    let contested = contested();
    let all = [
        Checks::of_run(&run.judged(), FailOn::Poor),
        Checks::of_contest(&contested, FailOn::Poor),
    ];
    insta::assert_snapshot!("junit", junit(&all));
    insta::assert_snapshot!("github", github(&all));
    insta::assert_snapshot!("markdown", markdown(&run.judged(), Some("out/report.html")));
    insta::assert_snapshot!("markdown_of_contest", markdown_of_contest(&contested));
}

#[test]
fn a_finding_is_text_beside_the_cases() {
    let mut run = known();
    run.verdict.findings = vec![Finding {
        kind: FindingKind::Leak,
        sentence: "Memory <grows>.".into(),
        figures: Vec::new(),
        marks: Vec::new(),
    }];
    let checks = [Checks::of_run(&run.judged(), FailOn::Poor)];
    let text = junit(&checks);
    assert!(
        text.contains("\nleak: Memory &lt;grows&gt;.</system-out>\n  </testsuite>"),
        "{text}"
    );
    assert!(!text.contains("name=\"finding"), "{text}");
    assert!(!github(&checks).contains("grows"), "{}", github(&checks));
}

#[test]
fn fail_on_never_fails_nothing() {
    let run = compared();
    let failures = |fail_on| {
        let text = junit(&[Checks::of_run(&run.judged(), fail_on)]);
        text.matches("<failure").count()
    };
    assert_eq!(
        [FailOn::Never, FailOn::Critical, FailOn::Poor].map(failures),
        [0, 2, 2]
    );
}

#[test]
fn pages_have_the_tables_and_nothing_hostile_runs() {
    let run = compared();
    let page = html(&[run.judged()]);
    let (contested, conduct) = (contested(), conduct());
    let contest = html_of_contest(&Contest {
        contested: &contested,
        conduct: &conduct,
    });
    for (page, part) in [
        (&page, "Compared with the baseline <code>main</code>"),
        (&page, "+23.4 %"),
        (&contest, "B is worse than A"),
        (&contest, "<h2>Settings</h2>"),
    ] {
        assert!(page.contains(part), "{part}");
    }
    assert!(!contest.contains("<script>alert(1)"));
    assert!(contest.contains("Content-Security-Policy"));
}

fn collect(value: &Value, fields: &mut Vec<String>) {
    match value {
        Value::Object(table) => table.iter().for_each(|(field, value)| {
            fields.push(field.clone());
            collect(value, fields);
        }),
        Value::Array(list) => list.iter().for_each(|value| collect(value, fields)),
        _ => {}
    }
}

#[test]
fn every_field_is_documented() {
    let run = compared();
    let judged: Judged = run.judged();
    let summary: Value = serde_json::from_str(&summary_json(&judged)).unwrap();
    let (contested, conduct) = (contested(), conduct());
    let text = contest_json(&Contest {
        contested: &contested,
        conduct: &conduct,
    });
    let contest: Value = serde_json::from_str(&text).unwrap();
    let text = baseline().to_text();
    let kept: Value = serde_json::from_str(&text).unwrap();
    let of_summary = include_str!("../../../../docs/summary.md");
    let of_baselines = include_str!("../../../../docs/baselines.md");
    for (value, page) in [
        (&summary["comparison"], of_summary),
        (&contest, of_baselines),
        (&kept, of_baselines),
    ] {
        let mut fields = Vec::new();
        collect(value, &mut fields);
        assert!(fields.len() > 10);
        for field in fields {
            let named = [format!("`{field}`"), format!("`{field}[]`")];
            assert!(named.iter().any(|name| page.contains(name)), "{field}");
        }
    }
}
