//! Early stop and extension of runs: at a missed target, and until all targets are decided.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::time::Duration;

use brunt_testbed::{Response, Routes, Server};
use rustix::process::Signal;

use crate::brunt::{Brunt, Ended};

/// Server with a response time of 20 ms.
fn slow() -> Server {
    let response = Response::ok("x").delayed(Duration::from_millis(20));
    Server::start(Routes::new().otherwise(response)).unwrap()
}

/// Ten users with a target.
fn scenario(server: &Server, duration: &str, target: &str) -> String {
    format!(
        "host = \"{}\"\n[users.u]\nwait = \"50ms\"\n[[users.u.tasks]]\nget = \"/\"\n\
         [profiles.p]\nusers = 10\nduration = \"{duration}\"\n[targets]\n{target}\n",
        server.url()
    )
}

/// Run of the profile in two processes.
fn in_two_processes(scenario: &str, option: &str) -> Brunt {
    let arguments = ["run", "p", option, "--processes", "2", "--out", "out"];
    Brunt::new(&arguments).scenario(scenario)
}

fn assert_stopped(brunt: &Brunt, ended: &Ended, reason: &str) {
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let summary = brunt.summary();
    assert_eq!(summary["stopped_by"], "target_missed", "{summary}");
    assert_eq!(summary["stop_reason"], reason);
    assert_eq!(summary["targets"][0]["grade"], "critical", "{summary}");
    assert_eq!(summary["targets"][0]["stop_at"], "critical", "{summary}");
    assert_eq!(summary["verdict"], "critical", "{summary}");
    let seconds = summary["duration_s"].as_f64().unwrap();
    assert!(seconds < 59.0, "{summary}");
    assert!(
        ended.stderr.contains("stopping after ") && ended.stderr.contains(reason),
        "{ended:?}"
    );
    let result = ended.stdout.replace("Stopped", "stopped");
    assert!(
        result.contains("stopped by brunt at ") && result.contains(reason),
        "{ended:?}"
    );
    let page = std::fs::read_to_string(brunt.path("out/report.html")).unwrap();
    assert!(page.contains(reason));
    let missed = brunt.record().unwrap().ending.unwrap().missed_targets;
    assert_eq!(missed.len(), 1);
    assert_eq!(missed[0].threshold, brunt_record::ThresholdKind::Critical);
}

#[test]
fn target_that_cannot_be_met_any_more_stops_the_run() {
    let server = slow();
    let target = "max = { critical = \"5ms\", stop_at = \"critical\" }";
    let text = scenario(&server, "1h", target);
    let brunt = Brunt::new(&["run", "p", "--out", "out"]).scenario(&text);
    let ended = brunt.run();
    assert_stopped(
        &brunt,
        &ended,
        "max is certain to be over its critical threshold of 5 ms",
    );
}

#[test]
fn certainly_missed_target_stops_all_processes() {
    let server = slow();
    let text = scenario(&server, "60s", "p95 = { critical = \"10ms\" }");
    let brunt = in_two_processes(&text, "--stop-at=critical");
    let ended = brunt.run();
    assert_stopped(
        &brunt,
        &ended,
        "p95 is certain to be over its critical threshold of 10 ms",
    );
}

#[test]
fn run_continues_until_its_targets_are_decided() {
    let server = slow();
    // A percentile cannot be met in a run of 5 s.
    let text = scenario(&server, "5s", "p95 = { target = \"10s\" }");
    let brunt = in_two_processes(&text, "--until-decided=50s");
    let ended = brunt.run();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let summary = brunt.summary();
    assert_eq!(summary["stopped_by"], "finished", "{summary}");
    assert_eq!(summary["verdict"], "good", "{summary}");
    let seconds = summary["duration_s"].as_f64().unwrap();
    assert!((5.0..49.0).contains(&seconds), "{summary}");
    assert!(
        ended.stderr.contains("s: every target is decided"),
        "{ended:?}"
    );
    // The load continued at its level.
    let requests = summary["total"]["requests"].as_f64().unwrap();
    assert!(requests > 10.0 * seconds, "{summary}");
}

#[test]
fn interrupt_stops_a_run_that_waits_for_a_decision() {
    let server = slow();
    // So few requests cannot decide such a low error rate.
    let text = scenario(&server, "2s", "error_rate = { target = \"0.0001%\" }");
    let brunt = Brunt::new(&["run", "p", "--until-decided=1h", "--out", "out"]).scenario(&text);
    let running = brunt.start();
    brunt.until_recorded(4);
    running.signal(Signal::INT);
    let ended = running.end();
    assert!(
        ended.stderr.contains("undecided") || ended.code != Some(0),
        "{ended:?}"
    );
    let summary = brunt.summary();
    assert_eq!(summary["stopped_by"], "interrupted", "{summary}");
    assert_eq!(summary["targets"][0]["grade"], "inconclusive", "{summary}");
}

#[test]
fn stop_and_extension_options_are_refused_if_they_do_not_apply() {
    let server = slow();
    let target = "p95 = { target = \"1s\" }";
    let with = |profile: &str, targets: &str| {
        format!(
            "host = \"{}\"\n[users.u]\n[[users.u.tasks]]\nget = \"/\"\n[profiles.p]\n{profile}\n[targets]\n{targets}\n",
            server.url()
        )
    };
    let flat = "users = 1\nduration = \"5s\"";
    let search = "search = {}\nduration = \"5s\"";
    let falls = "stages = [{ users = 2, duration = \"2s\" }, { users = 0, ramp = \"2s\", duration = \"2s\" }]";
    let counted = "users = 1\nduration = \"5s\"\niterations = 3";
    for (profile, targets, flag, message) in [
        (search, target, "--stop-at=target", "it is a search"),
        (
            flat,
            target,
            "--stop-at=critical",
            "has a threshold `critical`",
        ),
        (flat, "", "--stop-at=critical", "has a threshold `critical`"),
        (search, target, "--until-decided", "it is a search"),
        (flat, "", "--until-decided", "it has no targets"),
        (flat, target, "--until-decided=2s", "longer than MAX"),
        (
            falls,
            target,
            "--until-decided",
            "its last level, which would continue, is 0",
        ),
        (counted, target, "--until-decided", "a number of iterations"),
    ] {
        let brunt =
            Brunt::new(&["run", "p", flag, "--out", "out"]).scenario(&with(profile, targets));
        let ended = brunt.run();
        assert_eq!(ended.code, Some(2), "{flag}: {ended:?}");
        assert!(ended.stderr.contains(message), "{flag}: {ended:?}");
    }
    assert_eq!(server.counts().requests, 0);
}
