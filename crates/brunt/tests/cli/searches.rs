//! Searches: the rate that holds, and the level of the values of targets.

use brunt_testbed::{Response, Routes, Server};

use crate::brunt::Brunt;

/// Tasks of three requests each, in a loop whose number of iterations is not known beforehand.
fn scenario(url: &str) -> String {
    format!(
        "host = \"{url}\"\n[[users.u.tasks]]\nsteps = [\n\
         {{ set = {{ n = 0 }} }},\n\
         {{ while = \"n < 3\", at_most = 50, steps = [{{ get = \"/\" }}, {{ set = {{ n = \"{{{{ n + 1 }}}}\" }} }}] }},\n\
         ]\n\
         [profiles.p]\nsearch = {{ from = \"10/s\", to = \"20/s\" }}\nduration = \"50s\"\n\
         [targets]\np99 = {{ critical = \"1s\" }}\np50 = {{ critical = \"1s\" }}\n"
    )
}

fn reason(brunt: &Brunt) -> String {
    let summary = brunt.summary();
    let reason = summary["targets"][0]["reason"].as_str();
    reason.expect("a reason").to_owned()
}

#[test]
fn rate_that_holds_counts_every_request_of_a_loop() {
    let server = Server::start(Routes::new().otherwise(Response::ok("x"))).expect("a server");
    let brunt = Brunt::new(&["run", "p", "--out", "out"]).scenario(&scenario(&server.url()));
    let ended = brunt.run();
    let summary = brunt.summary();
    let findings = summary["findings"].as_array().expect("findings");
    let found = findings.iter().find(|it| it["kind"] == "breaking_point");
    let holds = found.and_then(|it| it["holds_rps"].as_f64());
    let holds = holds.unwrap_or_else(|| panic!("{ended:?}"));
    // Other tests may have disturbed the trial at the highest level.
    let record = brunt.record().expect("a record");
    let levels = record
        .events
        .iter()
        .filter_map(|event| match event.command {
            brunt_record::Command::Level(level) => Some(level.level),
            _ => None,
        });
    let levels: Vec<f64> = levels.collect();
    assert!(
        levels
            .iter()
            .any(|level| (holds / 3.0 / level - 1.0).abs() < 0.02),
        "{holds} req/s at one of {levels:?} tasks/s"
    );
    let shown = format!("holds {holds:.0} req/s");
    let headline = ended.stdout.lines().take(3).collect::<Vec<_>>().join(" ");
    assert!(headline.contains(&shown), "{shown}: {headline}");
    assert!(reason(&brunt).contains("at the highest level that holds"));
    let notes = ended.stdout.matches("not graded in a search").count();
    assert_eq!(notes, 1, "one note for both targets: {ended:?}");
    assert!(!ended.stdout.contains("not applicable"), "{ended:?}");
    // A search cannot be a baseline.
    assert!(!ended.stdout.contains("baseline save"), "{ended:?}");
}

#[test]
fn search_without_a_level_that_holds_shows_values_of_the_complete_run() {
    let server = Server::start(Routes::new().otherwise(Response::ok("x"))).expect("a server");
    let brunt =
        Brunt::new(&["run", "p", "-t", "1s", "--out", "out"]).scenario(&scenario(&server.url()));
    brunt.run();
    let reason = reason(&brunt);
    assert!(
        reason.contains("no level was found to hold, so the values are those of the whole run"),
        "{reason}"
    );
}
