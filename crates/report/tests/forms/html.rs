//! The HTML report.

use brunt_record::RunRecord;
use brunt_report::{Judged, html};
use serde_json::Value;

use crate::run::known;

fn page() -> String {
    html(&[known().judged()])
}

#[test]
fn verdict_is_first_and_every_section_exists() {
    let page = page();
    let run = known();
    let mut from = 0;
    for part in [
        run.verdict
            .headline
            .replace('<', "&lt;")
            .replace('>', "&gt;")
            .as_str(),
        ">Targets</h2>",
        ">Over time</h2>",
        ">Requests</h2>",
        "<h3>Phases</h3>",
        "<h3>Setup</h3>",
        ">Failures</h2>",
        ">Distribution</h2>",
        ">Resources</h2>",
        ">Load generator</h2>",
        ">Settings</h2>",
        ">Glossary</h2>",
    ] {
        let at = page[from..]
            .find(part)
            .unwrap_or_else(|| panic!("{part} is missing or out of order"));
        from += at;
    }
}

#[test]
fn page_fetches_nothing_and_escapes_external_text() {
    let page = page();
    assert!(page.contains("Content-Security-Policy") && page.contains("default-src 'none'"));
    for fetch in [
        "src=\"http",
        "href=\"http",
        "@import",
        "url(http",
        "<link",
        "<img",
        "<iframe",
    ] {
        assert!(!page.contains(fetch), "{fetch}");
    }
    assert!(
        !page.contains("<script>alert(1)"),
        "a name of a request runs as a script"
    );
    assert!(page.contains("&lt;script&gt;alert(1)"));
    assert!(!page.contains("status <b>"));
}

#[test]
fn second_without_responses_is_a_zero_and_a_gap() {
    let data = data(&page());
    let line = |chart: &str, label: &str| {
        let charts = data["charts"].as_array().unwrap();
        let chart = charts.iter().find(|known| known["id"] == chart).unwrap();
        let lines = chart["lines"].as_array().unwrap();
        let line = lines.iter().find(|known| known["label"] == label).unwrap();
        line["values"].clone()
    };
    assert_eq!(line("throughput", "succeeded")[5], 0);
    assert_eq!(line("throughput", "offered")[5], 0);
    let p99 = line("response", "p99");
    assert_eq!(p99[5], Value::Null);
    assert!(
        p99[4].as_f64() > Some(5_000.0),
        "the stall stands where users met it"
    );
    assert_eq!(line("users", "in flight")[4], 40);
}

/// Data of the script.
fn data(page: &str) -> Value {
    let data = page.split("type=\"application/json\">").nth(1);
    let data = data.and_then(|data| data.split("</script>").next());
    serde_json::from_str(data.expect("the data")).expect("JSON")
}

#[test]
fn page_without_data_is_small() {
    let known = known();
    let record = RunRecord::new(known.record.header.clone());
    let verdict = brunt_verdict::judge(&record);
    let page = html(&[Judged {
        record: &record,
        verdict: &verdict,
        exit_code: 0,
    }]);
    assert!(page.len() < 150_000, "{} bytes", page.len());
}

#[test]
fn additional_processes_have_charts_with_their_names() {
    let mut run = known();
    let additional = &mut run.record.header.generator.additional_targets;
    additional[0].name = "db <b>".into();
    let said = format!("db &lt;b&gt;: {}", additional[0].description);
    let page = html(&[run.judged()]);
    for part in [
        "CPU of additional processes",
        "Memory of additional processes",
        &said,
    ] {
        assert!(page.contains(part), "{part}");
    }
    assert!(!page.contains("db <b>"));
    run.record.header.generator.additional_targets.clear();
    assert!(!html(&[run.judged()]).contains("of additional processes"));
}

#[test]
fn percentile_without_a_response_is_drawn_and_listed() {
    let mut run = known();
    let mut delta = brunt_record::SecondRecorder::new(&run.record.header.names);
    delta.start(12);
    for _ in 0..10 {
        let timeout = Some(brunt_record::FailureKind::Timeout);
        delta.record(&crate::run::sample(0, 12_000, 500, timeout));
    }
    let increment = delta.to_snapshot();
    run.record.timeline.merge(&increment).expect("known names");
    let page = html(&[run.judged()]);
    // 10 of the 50 requests of second 12 and a little more: p95 and p99, and not the p50.
    assert!(page.contains("bar at the top: no response"));
    let bars = |ink: &str| {
        page.matches(&format!("<path class=\"never {ink}\""))
            .count()
    };
    assert_eq!([bars("a"), bars("b"), bars("c")], [0, 1, 1]);
    let row = page
        .split("<th scope=\"row\">12 s</th>")
        .nth(2)
        .expect("response times, after requests a second");
    let row = row.split("</tr>").next().expect("a row");
    assert_eq!(row.matches("<td>no response</td>").count(), 2, "{row}");
    assert!(
        page.contains("\"never\":[12]"),
        "what the script draws of p95"
    );
    // Otherwise the p99 is the one request of second 3 without a response.
    let page = html(&[known().judged()]);
    assert_eq!(page.matches("<path class=\"never").count(), 1);
    assert!(page.contains("\"never\":[3]"));
}
