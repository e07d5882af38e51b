//! brunt against servers whose truth is known.

use std::time::Duration;

use testbed::{Answer, Authority, Fault, Port, Routes, Server, TlsFront};

use crate::brunt::Brunt;

fn scenario(host: &str, users: u32, duration: &str, task: &str) -> String {
    format!(
        "host = \"{host}\"\n[users.u]\nwait = \"5ms..10ms\"\n{task}\n\
         [profiles.p]\nusers = {users}\nduration = \"{duration}\"\n\
         [targets]\nerror_rate = {{ acceptable = \"1%\" }}\np50 = {{ target = \"5s\" }}\n"
    )
}

#[test]
fn the_wire_requests_are_the_servers_own_count() {
    let server = Server::start(Routes::new()).unwrap();
    let tasks = "[[users.u.tasks]]\nget = \"/health\"\n\
                 [[users.u.tasks]]\nname = \"/status\"\nget = \"/status/{{ pick(codes) }}\"\n\
                 [data]\ncodes = [200, 204, 304, 404, 500, 503, 299, 599]";
    let brunt = Brunt::new(&["run", "p", "--out", "out"]).scenario(&scenario(
        &server.url(),
        10,
        "2s",
        tasks,
    ));
    let ended = brunt.run();
    let counts = server.stop();
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let summary = brunt.summary();
    assert_eq!(summary["total"]["wire_requests"], counts.requests);
    let health = &summary["requests"][0];
    assert_eq!(health["name"], "/health");
    assert_eq!(health["requests"], counts.by_path["/health/"]);
    assert_eq!(
        health["wire_requests"],
        counts.by_path["/health"] + counts.by_path["/health/"]
    );
    let failed: u64 = [304, 404, 500, 503, 599]
        .iter()
        .map(|status| counts.answers[status])
        .sum();
    assert_eq!(summary["total"]["failures"], failed);
    assert_eq!(summary["total"]["failures_by_kind"]["status"], failed);
}

#[test]
fn a_dead_host_is_nothing_to_measure() {
    let port = Port::refusing().unwrap();
    let brunt = Brunt::new(&["run", "p", "--out", "out"]).scenario(&scenario(
        &port.url(),
        1,
        "1h",
        "[[users.u.tasks]]\nget = \"/\"",
    ));
    let ended = brunt.run();
    assert_eq!(ended.code, Some(4), "{ended:?}");
    assert!(ended.stderr.contains(&port.url()), "{ended:?}");
}

#[test]
fn a_host_that_comes_late_is_waited_for() {
    let port = Port::refusing().unwrap();
    let address = port.address();
    let task = "[[users.u.tasks]]\nget = \"/\"";
    let brunt = Brunt::new(&["run", "p", "--out", "out", "--wait-ready", "30s"])
        .and(&["--fail-on", "never"])
        .scenario(&scenario(&port.url(), 1, "300ms", task));
    let running = brunt.start();
    drop(port);
    let server = Server::start_at(address, Routes::new().otherwise(Answer::ok("x"))).unwrap();
    let ended = running.end();
    assert!(matches!(ended.code, Some(0)), "{ended:?}");
    assert!(server.stop().requests > 0);
}

#[test]
fn a_set_up_that_fails_ends_the_run() {
    let server =
        Server::start(Routes::new().at("/seed", Answer::new(500).body("no seed today"))).unwrap();
    let task = "[[users.u.tasks]]\nget = \"/\"\n[[setup]]\npost = \"/seed\"";
    let brunt =
        Brunt::new(&["run", "p", "--out", "out"]).scenario(&scenario(&server.url(), 1, "1h", task));
    let ended = brunt.run();
    assert_eq!(ended.code, Some(4), "{ended:?}");
    assert!(ended.stdout.contains("no seed today"), "{ended:?}");
    assert_eq!(brunt.summary()["stopped_by"], "setup_failed");
    assert_eq!(server.stop().requests, 1);
}

#[test]
fn a_start_that_fails_for_all_users_ends_the_run() {
    let server =
        Server::start(Routes::new().at("/login", Answer::new(403).body("closed today"))).unwrap();
    let task = "on_start = [{ post = \"/login\" }]\n[[users.u.tasks]]\nget = \"/\"";
    let brunt =
        Brunt::new(&["run", "p", "--out", "out"]).scenario(&scenario(&server.url(), 3, "1h", task));
    let ended = brunt.run();
    assert_eq!(ended.code, Some(4), "{ended:?}");
    assert!(ended.stdout.contains("closed today"), "{ended:?}");
    assert_eq!(brunt.summary()["stopped_by"], "setup_failed");
    assert_eq!(server.stop().requests, 3);
}

#[test]
fn a_run_in_which_everything_fails_is_stopped() {
    let server = Server::start(Routes::new().otherwise(Answer::new(503))).unwrap();
    let task = "[[users.u.tasks]]\nget = \"/\"";
    let brunt =
        Brunt::new(&["run", "p", "--out", "out"]).scenario(&scenario(&server.url(), 2, "1h", task));
    let ended = brunt.run();
    let summary = brunt.summary();
    assert_eq!(summary["stopped_by"], "everything_failed", "{ended:?}");
    assert_eq!(summary["total"]["wire_requests"], server.stop().requests);
    assert_eq!(ended.code, Some(1), "{ended:?}");
}

#[test]
fn slow_answers_are_told_from_fast_ones() {
    let slow = Answer::ok("x").delayed(Duration::from_millis(80));
    let routes = Routes::new().at("/slow", slow).at("/fast", Answer::ok("x"));
    let server = Server::start(routes).unwrap();
    let task = "[[users.u.tasks]]\nget = \"/slow\"\n[[users.u.tasks]]\nget = \"/fast\"\n\
                [request_targets.\"/slow\"]\np50 = { critical = \"70ms\" }";
    let text = scenario(&server.url(), 10, "1s", "TASKS").replace("TASKS", "");
    let brunt = Brunt::new(&["run", "p", "--out", "out"]).scenario(&format!("{text}\n{task}"));
    let ended = brunt.run();
    let summary = brunt.summary();
    let rows = summary["targets"].as_array().expect("targets");
    let slow = rows
        .iter()
        .find(|row| row["scope"] == "/slow")
        .expect("a row");
    assert_eq!(
        (slow["grade"].as_str(), ended.code),
        (Some("critical"), Some(1)),
        "{ended:?}"
    );
}

/// What the record of a run with `--out out` says.
fn record_of(brunt: &Brunt) -> record::RunRecord {
    let bytes = std::fs::read(brunt.path("out/record.brunt")).expect("a record");
    record::file::read(bytes.as_slice()).expect("readable")
}

#[test]
fn a_host_that_does_not_speak_as_the_scenario_does_never_answers() {
    let task = "[[users.u.tasks]]\nget = \"/\"";
    let plain = Server::start(Routes::new().otherwise(Answer::ok("x"))).unwrap();
    let identity = Authority::new().issue(&["localhost"]);
    let unknown = TlsFront::start(plain.address(), identity).unwrap();
    let silent = Server::start(Fault::Silent).unwrap();
    for host in [
        format!("https://localhost:{}", unknown.address().port()),
        format!("http://localhost:{}", unknown.address().port()),
        format!("https://localhost:{}", plain.address().port()),
        silent.url(),
    ] {
        let brunt = Brunt::new(&["run", "p", "--out", "out", "--stop-timeout", "100ms"])
            .scenario(&scenario(&host, 2, "1s", task));
        let ended = brunt.run();
        let record = record_of(&brunt);
        assert_eq!(record.answered(), 0, "{host}: {ended:?}");
        let unanswered = brunt.summary()["total"]["unanswered"].as_u64();
        assert!(unanswered > Some(0), "{host}: {ended:?}");
    }
    let brunt =
        Brunt::new(&["run", "p", "--out", "out"]).scenario(&scenario(&plain.url(), 2, "1s", task));
    let ended = brunt.run();
    let all = brunt.summary()["total"]["requests"].as_u64();
    assert_eq!(Some(record_of(&brunt).answered()), all, "{ended:?}");
}
