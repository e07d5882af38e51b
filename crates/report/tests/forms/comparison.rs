//! Comparisons in every report format.

use brunt_record::RunRecord;
use brunt_report::{
    AbReport, Checks, Judged, ab_progress_line, ab_report_json, github, html, html_of_ab_report,
    junit, markdown, markdown_of_ab_summary, summary_json, terminal, terminal_of_ab_summary,
    terminal_of_baseline, terminal_of_baseline_comparison, terminal_of_baselines,
};
use brunt_verdict::baseline::{Allow, Baseline};
use brunt_verdict::{BaselineVerdict, FailOn, Finding, FindingKind};
use serde_json::Value;

use crate::ab_test::{ab_summary, changed, info};
use crate::run::{Run, known};

/// A baseline of three runs that equal the known one.
fn baseline() -> Baseline {
    let records: Vec<RunRecord> = (0..3).map(|_| known().record).collect();
    Baseline::of(
        "main",
        &records,
        Allow {
            invalid: true,
            mismatch: true,
        },
    )
    .expect("runs that can be saved")
}

/// The known run compared with it, with one row each that is worse, better, and undecided.
fn compared() -> Run {
    let mut run = known();
    let mut verdict =
        brunt_verdict::judge_with_baseline(&run.record, &baseline(), Vec::new(), None);
    let with_baseline = verdict.baseline.as_mut().expect("it was compared");
    for (at, row) in with_baseline.comparison.rows.iter_mut().enumerate() {
        *row = changed(at, row.name.clone(), row.metric, row.is_tested);
    }
    // The verdict on the known run alone, so that it fits to these rows.
    run.verdict.baseline = verdict.baseline;
    run
}

#[test]
fn the_terminal_is_as_it_was_reviewed_at_80_and_200_columns() {
    let run = compared();
    let with_baseline = run.verdict.baseline.as_ref().unwrap();
    insta::assert_snapshot!("run_with_baseline_80", terminal(&run.judged(), 80, false));
    for width in [80, 200] {
        insta::assert_snapshot!(
            format!("baseline_comparison_{width}"),
            terminal_of_baseline_comparison(with_baseline, width, false)
        );
        insta::assert_snapshot!(
            format!("ab_summary_{width}"),
            terminal_of_ab_summary(&ab_summary(), width, false)
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
fn lines_fit_the_terminal() {
    let run = compared();
    let with_baseline: &BaselineVerdict = run.verdict.baseline.as_ref().unwrap();
    let (baseline, ab_summary) = (baseline(), ab_summary());
    for width in 80..=200 {
        let forms = [
            terminal_of_baseline_comparison(with_baseline, width, false),
            terminal_of_ab_summary(&ab_summary, width, false),
            terminal_of_baseline(&baseline, width, false),
            ab_progress_line(12, 130.2, 600.0, &ab_summary.measurement.rows, width),
        ];
        for line in forms.iter().flat_map(|form| form.lines()) {
            assert!(line.chars().count() <= width, "{width}: {line}");
        }
    }
}

#[test]
fn ci_formats_match_their_snapshots() {
    let run = compared();
    let ab_summary = ab_summary();
    let all = [
        Checks::of_run(&run.judged(), FailOn::Poor),
        Checks::of_ab_summary(&ab_summary, FailOn::Poor),
    ];
    insta::assert_snapshot!("junit", junit(&all));
    insta::assert_snapshot!("github", github(&all));
    insta::assert_snapshot!("markdown", markdown(&run.judged(), Some("out/report.html")));
    insta::assert_snapshot!(
        "markdown_of_ab_summary",
        markdown_of_ab_summary(&ab_summary)
    );
}

#[test]
fn finding_is_text_next_to_the_test_cases() {
    let mut run = known();
    run.verdict.findings = vec![Finding {
        kind: FindingKind::Leak,
        headline: "Memory <grows>.".into(),
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
fn fail_on_never_reports_no_failure() {
    let run = compared();
    let failures = |fail_on| {
        let text = junit(&[Checks::of_run(&run.judged(), fail_on)]);
        text.matches("<failure").count()
    };
    assert_eq!(
        [FailOn::Never, FailOn::Critical, FailOn::Poor].map(failures),
        [0, 1, 1]
    );
}

#[test]
fn html_has_the_tables_and_escapes_external_text() {
    let run = compared();
    let page = html(&[run.judged()]);
    let (ab_summary, info) = (ab_summary(), info());
    let contest = html_of_ab_report(&AbReport {
        ab_summary: &ab_summary,
        info: &info,
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

#[test]
fn pairs_of_tested_measures_are_drawn_and_listed_without_a_script() {
    let (ab_summary, info) = (ab_summary(), info());
    let page = html_of_ab_report(&AbReport {
        ab_summary: &ab_summary,
        info: &info,
    });
    let figures: Vec<&str> = page
        .split("<figure class=\"pairs\">")
        .skip(1)
        .map(|rest| rest.split("</figure>").next().unwrap())
        .collect();
    // p99 is not tested, and the others have no pairs.
    let titles = ["throughput", "error rate", "p50"];
    assert_eq!(figures.len(), titles.len());
    for (figure, title) in figures.iter().zip(titles) {
        assert!(figure.contains(&format!("{title}, change from A to B in ")));
        let (before_table, table) = figure.split_once("<details").unwrap();
        for part in [
            "class=\"dots a\"",
            "class=\"dashed critical\"",
            "class=\"with_baseline\"",
        ] {
            assert!(before_table.contains(part), "{title}: {part}");
        }
        let values = &ab_summary.measurement.values;
        let (_, pairs) = values
            .iter()
            .find(|(measured, _)| measured.in_words() == title)
            .unwrap();
        assert_eq!(table.matches("<th scope=\"row\">").count(), pairs.len());
    }
    assert!(figures[0].contains("worse below") && figures[2].contains("worse above"));
    assert!(figures[1].contains("percentage points"));
    // Bands of two interim analyses, and the interval of the last one in the table.
    assert_eq!(figures[2].matches("class=\"area b\"").count(), 2);
    assert!(figures[2].contains("+23.4 % (+18.4 to +28.4)"));
    assert!(figures[2].contains("+23.4 % (≤ +30)"));
}

#[test]
fn columns_are_the_values_of_the_change_in_every_format() {
    let run = compared();
    let (ab_summary, info) = (ab_summary(), info());
    let page = html_of_ab_report(&AbReport {
        ab_summary: &ab_summary,
        info: &info,
    });
    let junit_of = |checks: Checks| junit(&[checks]);
    let of_baseline = "geometric means of their blocks";
    let of_pairs = "A and B are estimates for a typical pair of blocks";
    for (form, part) in [
        (terminal_of_ab_summary(&ab_summary, 200, false), of_pairs),
        (markdown_of_ab_summary(&ab_summary), of_pairs),
        (page, of_pairs),
        (terminal(&run.judged(), 200, false), of_baseline),
        (markdown(&run.judged(), None), of_baseline),
        (html(&[run.judged()]), of_baseline),
        (
            junit_of(Checks::of_ab_summary(&ab_summary, FailOn::Poor)),
            "10.0 ms A, 12.3 ms B, +23.4 %",
        ),
    ] {
        let flat = form.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(flat.contains(part), "{part}: {form}");
    }
    let text = ab_report_json(&AbReport {
        ab_summary: &ab_summary,
        info: &info,
    });
    let value: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(value["figures"], "usual_pair");
    for row in value["rows"].as_array().unwrap() {
        let number = |field: &str| row[field].as_f64();
        let (a, b) = (number("a").unwrap(), number("b").unwrap());
        let by = number("ratio").map_or(b - a, |ratio| b / a - ratio);
        let expected = number("points").unwrap_or(0.0);
        assert!((by - expected).abs() < 1e-9, "{row}");
    }
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
    let (ab_summary, info) = (ab_summary(), info());
    let text = ab_report_json(&AbReport {
        ab_summary: &ab_summary,
        info: &info,
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
