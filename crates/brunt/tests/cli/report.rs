//! `brunt report`: every format from the record, and the HTML report in a browser.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::path::Path;

use brunt_testbed::{Browser, Response, Routes, Server};

use crate::brunt::Brunt;

/// Completes a run in the directory `out`.
fn run() -> Brunt {
    let server = Server::start(Routes::new().otherwise(Response::ok("x"))).unwrap();
    let scenario = format!(
        "host = \"{}\"\n[users.u]\nwait = \"5ms..10ms\"\n[[users.u.tasks]]\nget = \"/a\"\n\
         [profiles.load]\nusers = 2\nduration = \"1s\"\n[targets]\np95 = {{ target = \"5s\" }}\n",
        server.url()
    );
    let brunt = Brunt::new(&["run", "--out", "out", "--headless", "--fail-on", "never"])
        .scenario(&scenario);
    let ended = brunt.run();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    brunt
}

fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn report_from_the_record_equals_the_files_of_the_run() {
    let brunt = run();
    let report_of = |run: &str, arguments: &[&str]| {
        let ended = brunt.also(&[&["report", run], arguments].concat());
        assert_eq!(ended.code, Some(0), "{arguments:?} {ended:?}");
        ended.stdout
    };
    let report = |arguments: &[&str]| report_of("out", arguments);
    assert!(
        report(&["--html", "--fail-on", "never"]) == text(&brunt.path("out/report.html")),
        "the HTML report"
    );
    assert!(report(&["--html"]).contains("no verdict, exit code 5"));
    assert_eq!(report(&["--json"]), text(&brunt.path("out/summary.json")));
    assert_eq!(report(&["--json", "-o", "new/s.json"]), "");
    assert_eq!(
        text(&brunt.path("new/s.json")),
        text(&brunt.path("out/summary.json"))
    );
    report(&["--csv", "tables"]);
    for name in [
        "requests.csv",
        "timeline.csv",
        "failures.csv",
        "resources.csv",
    ] {
        let (new, old) = (
            brunt.path("tables").join(name),
            brunt.path("out").join(name),
        );
        assert_eq!(text(&new), text(&old));
    }
    report(&["--locust-csv", "locust/x"]);
    assert!(text(&brunt.path("locust/x_stats.csv")).contains("GET,/a,"));
    let markdown = report(&["--markdown"]);
    assert!(markdown.contains("| p95 |"), "{markdown}");
    assert!(
        markdown.contains("[HTML report](<out/report.html>)"),
        "{markdown}"
    );
    let of_record = report_of("out/record.brunt", &["--markdown"]);
    assert!(of_record == markdown, "{of_record}");
    let named = report(&["--markdown", "--report-url", "https://ci/7/report.html"]);
    assert!(
        named.contains("[HTML report](<https://ci/7/report.html>)"),
        "{named}"
    );
    std::fs::remove_file(brunt.path("out/report.html")).unwrap();
    let without = report(&["--markdown"]);
    assert!(!without.contains("HTML report"), "{without}");
    let junit = report(&["--junit"]);
    assert!(junit.contains("name=\"verdict\"><error"), "{junit}");
    assert!(junit.contains("name=\"p95\"><skipped"), "{junit}");
    // Text is the default format.
    let text = report(&[]);
    assert!(text.contains("p95") && !text.contains('\u{1b}'), "{text}");
    assert_eq!(report(&["--text"]), text);
}

#[test]
fn report_accepts_an_incomplete_record_and_refuses_other_files() {
    let brunt = run();
    let bytes = std::fs::read(brunt.path("out/record.brunt")).unwrap();
    std::fs::write(brunt.path("torn"), &bytes[..bytes.len() - 20]).unwrap();
    let ended = brunt.also(&["report", "torn", "--json"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(
        ended.stdout.contains("\"stopped_by\": \"incomplete\""),
        "{ended:?}"
    );
    for (arguments, part) in [
        (vec!["report", "nothing"], "unknown run `nothing`"),
        (vec!["report", "brunt.toml"], "not a brunt record"),
        (
            vec!["report", "out", "--html", "--json"],
            "cannot be used with",
        ),
        (
            vec!["report", "out", "--csv", "x", "-o", "y"],
            "cannot be used with",
        ),
    ] {
        let ended = brunt.also(&arguments);
        assert_eq!(ended.code, Some(2), "{arguments:?} {ended:?}");
        assert!(ended.stderr.contains(part), "{arguments:?} {ended:?}");
    }
}

#[test]
fn html_report_of_a_run_draws_its_charts_in_a_browser() {
    let Some(mut browser) = Browser::start() else {
        brunt_testbed::skip(
            "report::html_report_of_a_run_draws_its_charts_in_a_browser",
            "chromium is not installed",
        );
        return;
    };
    let brunt = Brunt::new(&["run", "load", "-u", "20", "-t", "3s", "--out", "out"]).shipped();
    brunt.run();
    browser.open(&brunt.path("out/report.html"));
    let summary = brunt.summary();
    let headline = browser.ask("document.querySelector('h1').textContent");
    assert_eq!(headline, summary["headline"]);
    let canvases = browser.ask("document.querySelectorAll('figure canvas').length");
    assert!(
        canvases.as_u64() >= Some(12),
        "{canvases} charts were drawn"
    );
    let rows = browser.ask("document.querySelectorAll('tr[data-name]').length");
    assert_eq!(rows, 10);
    assert_eq!(browser.complaints, Vec::<String>::new());
}
