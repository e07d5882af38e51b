//! Runs that end other than as planned: once a target is surely missed, or once all targets are decided.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::time::Duration;

use brunt_testbed::{Answer, Routes, Server};
use rustix::process::Signal;

use crate::brunt::{Brunt, Ended};

/// A server that takes 20 ms for each answer.
fn slow() -> Server {
    let answer = Answer::ok("x").delayed(Duration::from_millis(20));
    Server::start(Routes::new().otherwise(answer)).unwrap()
}

/// Ten users for so long, judged by a target.
fn scenario(server: &Server, duration: &str, target: &str) -> String {
    format!(
        "host = \"{}\"\n[users.u]\nwait = \"50ms\"\n[[users.u.tasks]]\nget = \"/\"\n\
         [profiles.p]\nusers = 10\nduration = \"{duration}\"\n[targets]\n{target}\n",
        server.url()
    )
}

/// A run of the profile in two processes, with an option.
fn in_two_processes(scenario: &str, option: &str) -> Brunt {
    let arguments = ["run", "p", option, "--processes", "2", "--out", "out"];
    Brunt::new(&arguments).scenario(scenario)
}

fn stopped(brunt: &Brunt, ended: &Ended, reason: &str) {
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let summary = brunt.summary();
    assert_eq!(summary["stopped_by"], "target_missed", "{summary}");
    assert_eq!(summary["stop_reason"], reason);
    assert_eq!(summary["targets"][0]["grade"], "critical", "{summary}");
    assert_eq!(summary["targets"][0]["stop_at"], "critical", "{summary}");
    assert_eq!(summary["verdict"], "critical", "{summary}");
    let seconds = summary["duration_s"].as_f64().unwrap();
    assert!(seconds < 59.0, "{summary}");
    let said = |text: &str| text.contains("stopped by brunt at ") && text.contains(reason);
    assert!(said(&ended.stderr), "{ended:?}");
    assert!(
        said(&ended.stdout.replace("Stopped", "stopped")),
        "{ended:?}"
    );
    let page = std::fs::read_to_string(brunt.path("out/report.html")).unwrap();
    assert!(page.contains(reason));
    let missed = brunt.record().unwrap().ending.unwrap().missed_targets;
    assert_eq!(missed.len(), 1);
    assert_eq!(missed[0].threshold, brunt_record::ThresholdKind::Critical);
}

#[test]
fn target_that_is_missed_for_certain_stops_the_run_at_once() {
    let server = slow();
    let target = "max = { critical = \"5ms\", stop_at = \"critical\" }";
    let text = scenario(&server, "1h", target);
    let brunt = Brunt::new(&["run", "p", "--out", "out"]).scenario(&text);
    let ended = brunt.run();
    stopped(&brunt, &ended, "max is surely over the critical 5 ms");
}

#[test]
fn target_that_is_surely_missed_stops_all_processes() {
    let server = slow();
    let text = scenario(&server, "60s", "p95 = { critical = \"10ms\" }");
    let brunt = in_two_processes(&text, "--stop-at=critical");
    let ended = brunt.run();
    stopped(&brunt, &ended, "p95 is surely over the critical 10 ms");
}

#[test]
fn run_goes_on_until_its_targets_are_decided() {
    let server = slow();
    // No percentile is met in a run of 5 s.
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
        ended.stderr.contains("every target is decided after"),
        "{ended:?}"
    );
    // The load went on at its level.
    let requests = summary["total"]["requests"].as_f64().unwrap();
    assert!(requests > 10.0 * seconds, "{summary}");
}

#[test]
fn interrupt_stops_a_run_that_waits_for_a_decision() {
    let server = slow();
    // An error rate of so little is not decided by so few requests.
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
fn what_cannot_be_stopped_or_go_on_is_refused() {
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
    for (profile, targets, flag, said) in [
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
        (falls, target, "--until-decided", "it ends without load"),
        (counted, target, "--until-decided", "a number of iterations"),
    ] {
        let brunt =
            Brunt::new(&["run", "p", flag, "--out", "out"]).scenario(&with(profile, targets));
        let ended = brunt.run();
        assert_eq!(ended.code, Some(2), "{flag}: {ended:?}");
        assert!(ended.stderr.contains(said), "{flag}: {ended:?}");
    }
    assert_eq!(server.counts().requests, 0);
}
