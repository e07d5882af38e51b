//! `brunt report`: any form again from the record.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::path::Path;

use brunt_testbed::{Answer, Routes, Server};

use crate::brunt::Brunt;

/// A run in the folder `out`.
fn run() -> Brunt {
    let server = Server::start(Routes::new().otherwise(Answer::ok("x"))).unwrap();
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
fn every_form_comes_out_of_the_record_as_it_was() {
    let brunt = run();
    let made_of = |run: &str, arguments: &[&str]| {
        let ended = brunt.also(&[&["report", run], arguments].concat());
        assert_eq!(ended.code, Some(0), "{arguments:?} {ended:?}");
        ended.stdout
    };
    let made = |arguments: &[&str]| made_of("out", arguments);
    assert!(
        made(&["--html", "--fail-on", "never"]) == text(&brunt.path("out/report.html")),
        "the page"
    );
    assert!(made(&["--html"]).contains("no verdict, exit code 5"));
    assert_eq!(made(&["--json"]), text(&brunt.path("out/summary.json")));
    assert_eq!(made(&["--json", "-o", "new/s.json"]), "");
    assert_eq!(
        text(&brunt.path("new/s.json")),
        text(&brunt.path("out/summary.json"))
    );
    made(&["--csv", "tables"]);
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
    made(&["--locust-csv", "locust/x"]);
    assert!(text(&brunt.path("locust/x_stats.csv")).contains("GET,/a,"));
    let markdown = made(&["--markdown"]);
    assert!(markdown.contains("| p95 |"), "{markdown}");
    assert!(
        markdown.contains("[HTML report](<out/report.html>)"),
        "{markdown}"
    );
    let of_record = made_of("out/record.brunt", &["--markdown"]);
    assert!(of_record == markdown, "{of_record}");
    let named = made(&["--markdown", "--report-url", "https://ci/7/report.html"]);
    assert!(
        named.contains("[HTML report](<https://ci/7/report.html>)"),
        "{named}"
    );
    std::fs::remove_file(brunt.path("out/report.html")).unwrap();
    let without = made(&["--markdown"]);
    assert!(!without.contains("HTML report"), "{without}");
    let junit = made(&["--junit"]);
    assert!(junit.contains("name=\"verdict\"><error"), "{junit}");
    assert!(junit.contains("name=\"p95\"><skipped"), "{junit}");
    // The text is the form where none is named.
    let text = made(&[]);
    assert!(text.contains("p95") && !text.contains('\u{1b}'), "{text}");
    assert_eq!(made(&["--text"]), text);
}

#[test]
fn a_record_that_breaks_off_will_do_and_what_is_none_is_said() {
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
        (vec!["report", "nothing"], "there is no run `nothing`"),
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
