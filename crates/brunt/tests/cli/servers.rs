//! Runs against servers of known behavior.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use brunt_testbed::{Behavior, Fault, Port, Response, Routes, Server, Stall, TestCa, TlsFront};

use crate::brunt::Brunt;

fn scenario(host: &str, users: u32, duration: &str, task: &str) -> String {
    format!(
        "host = \"{host}\"\n[users.u]\nwait = \"5ms..10ms\"\n{task}\n\
         [profiles.p]\nusers = {users}\nduration = \"{duration}\"\n\
         [targets]\nerror_rate = {{ acceptable = \"1%\" }}\np50 = {{ target = \"5s\" }}\n"
    )
}

#[test]
fn wire_requests_equal_the_count_of_the_server() {
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
        .map(|status| counts.responses[status])
        .sum();
    assert_eq!(summary["total"]["failures"], failed);
    assert_eq!(summary["total"]["failures_by_kind"]["status"], failed);
}

#[test]
fn unreachable_host_exits_with_4() {
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
fn wait_ready_waits_for_a_late_host() {
    let port = Port::refusing().unwrap();
    let address = port.address();
    let task = "[[users.u.tasks]]\nget = \"/\"";
    let brunt = Brunt::new(&["run", "p", "--out", "out", "--wait-ready", "30s"])
        .and(&["--fail-on", "never"])
        .scenario(&scenario(&port.url(), 1, "300ms", task));
    let running = brunt.start();
    drop(port);
    let server = Server::start_at(address, Routes::new().otherwise(Response::ok("x"))).unwrap();
    let ended = running.end();
    assert!(matches!(ended.code, Some(0)), "{ended:?}");
    assert!(server.stop().requests > 0);
}

#[test]
fn failed_setup_ends_the_run() {
    let server =
        Server::start(Routes::new().at("/seed", Response::new(500).body("no seed today"))).unwrap();
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
fn failed_on_start_of_all_users_ends_the_run() {
    let server =
        Server::start(Routes::new().at("/login", Response::new(403).body("closed today"))).unwrap();
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
fn run_in_which_all_requests_fail_is_stopped() {
    let server = Server::start(Routes::new().otherwise(Response::new(503))).unwrap();
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
fn target_of_a_slow_request_is_judged_separately() {
    let slow = Response::ok("x").delayed(Duration::from_millis(80));
    let routes = Routes::new()
        .at("/slow", slow)
        .at("/fast", Response::ok("x"));
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

#[test]
fn host_with_another_protocol_counts_as_unanswered() {
    let task = "[[users.u.tasks]]\nget = \"/\"";
    let plain = Server::start(Routes::new().otherwise(Response::ok("x"))).unwrap();
    let identity = TestCa::new().issue(&["localhost"]);
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
        let record = brunt.record().expect("a record");
        assert_eq!(record.answered(), 0, "{host}: {ended:?}");
        let unanswered = brunt.summary()["total"]["unanswered"].as_u64();
        assert!(unanswered > Some(0), "{host}: {ended:?}");
    }
    let brunt =
        Brunt::new(&["run", "p", "--out", "out"]).scenario(&scenario(&plain.url(), 2, "1s", task));
    let ended = brunt.run();
    let all = brunt.summary()["total"]["requests"].as_u64();
    assert_eq!(
        Some(brunt.record().expect("a record").answered()),
        all,
        "{ended:?}"
    );
}

/// Server that rejects every other login.
fn server_rejecting_every_other_login() -> Server {
    let logins = AtomicUsize::new(0);
    let routes = Routes::new()
        .otherwise(Response::ok("x"))
        .rule("/login", move |_| {
            let number = logins.fetch_add(1, Ordering::Relaxed);
            Response::new(if number.is_multiple_of(2) { 401 } else { 200 })
        });
    Server::start(routes).expect("a server")
}

#[test]
fn users_whose_login_fails_are_counted_and_reported() {
    for processes in ["1", "2"] {
        let server = server_rejecting_every_other_login();
        let task = "on_start = [{ post = \"/login\" }]\n[[users.u.tasks]]\nget = \"/\"";
        let brunt = Brunt::new(&["run", "p", "--out", "out", "--processes", processes])
            .scenario(&scenario(&server.url(), 30, "3s", task));
        let ended = brunt.run();
        let summary = brunt.summary();
        assert_eq!(summary["valid"], true, "{ended:?}");
        let findings = summary["findings"].as_array().expect("findings");
        let finding = findings
            .iter()
            .find(|finding| finding["kind"] == "users_not_started")
            .unwrap_or_else(|| panic!("{ended:?}"));
        assert_eq!(
            (&finding["users"], &finding["users_started"]),
            (&15.into(), &30.into())
        );
        assert_eq!(summary["total"]["failures"], 15);
        assert_eq!(summary["total"]["failures_by_kind"]["status"], 15);
        let requests = summary["total"]["requests"].as_u64().expect("a number");
        let counts = server.stop();
        assert_eq!(counts.by_path["/login"], 30);
        assert_eq!(requests, counts.by_path["/"] + 15, "one per rejected user");
        assert_ne!(summary["verdict"], "good");
        let words = "15 of 30 users never started: POST /login of on_start failed (status 401)";
        let text = ended
            .stdout
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ");
        assert!(text.contains(words), "{ended:?}");
        assert_eq!(
            ended.code,
            Some(5),
            "half of the load was not offered: {ended:?}"
        );
    }
}

#[test]
fn run_ends_when_the_data_of_all_users_is_exhausted() {
    let server = Server::start(Routes::new().otherwise(Response::ok("x"))).unwrap();
    let task = "[[users.u.tasks]]\nname = \"/\"\nget = \"/?{{ next(people) }}\"\n\
                [data.people]\nrows = [\"a\", \"b\", \"c\", \"d\", \"e\", \"f\", \"g\", \"h\", \"i\", \"j\"]\n\
                on_exhausted = \"stop_user\"";
    let brunt =
        Brunt::new(&["run", "p", "--out", "out"]).scenario(&scenario(&server.url(), 4, "1h", task));
    let ended = brunt.run();
    let summary = brunt.summary();
    assert_eq!(summary["stopped_by"], "scenario", "{ended:?}");
    let because = summary["stop_reason"].as_str().expect("a reason");
    assert!(because.contains("data was exhausted"), "{because}");
    assert_eq!(summary["total"]["requests"], 10);
    assert_eq!(summary["valid"], true, "{ended:?}");
    let findings = summary["findings"].as_array().expect("findings");
    let mut findings = findings.iter();
    let finding = findings.find(|finding| finding["kind"] == "data_exhausted");
    let finding = finding.unwrap_or_else(|| panic!("{ended:?}"));
    assert_eq!(
        (&finding["users"], &finding["users_started"]),
        (&4.into(), &4.into())
    );
    assert_eq!(server.stop().requests, 10);
}

#[test]
fn stall_of_the_server_is_a_finding() {
    // It stalls from 1.5 s to 4.5 s of every six seconds: at least one complete stall in twelve seconds.
    let stall = Stall::new(Duration::from_secs(6), Duration::from_secs(3));
    let routes = Routes::new().otherwise(Response::ok("x"));
    let server = Server::start(Behavior::from(routes).stall(stall)).unwrap();
    let task = "[[users.u.tasks]]\nget = \"/\"";
    let brunt = Brunt::new(&["run", "p", "--out", "out"]).scenario(&scenario(
        &server.url(),
        10,
        "12s",
        task,
    ));
    let ended = brunt.run();
    let summary = brunt.summary();
    let findings = summary["findings"].as_array().expect("findings");
    let finding = findings
        .iter()
        .find(|finding| finding["kind"] == "stall")
        .unwrap_or_else(|| panic!("{ended:?}"));
    assert_eq!(finding["max_waiting"], 10, "{finding}");
    let seconds = |name: &str| finding[name].as_f64().expect("a number");
    let length_s = seconds("to_s") - seconds("from_s");
    assert!((2.0..=3.5).contains(&length_s), "{finding}");
    assert!(
        (1..=3).contains(&finding["count"].as_u64().expect("a number")),
        "{finding}"
    );
    assert!(ended.stdout.contains("sent no response"), "{ended:?}");
}

#[test]
fn request_target_applies_to_the_named_methods() {
    let slow = Duration::from_millis(80);
    let routes = Routes::new().rule("/items", move |request| {
        let response = Response::ok("x");
        if request.header("content-length").is_some() {
            response.delayed(slow)
        } else {
            response
        }
    });
    let server = Server::start(routes).unwrap();
    let tasks = "[[users.u.tasks]]\nsteps = [{ get = \"/items\" }, { post = \"/items\" }]";
    let with_target = |name: &str| {
        let text = scenario(&server.url(), 4, "1s", tasks);
        format!(
            "{text}\n[request_targets.\"{name}\"]\np50 = {{ critical = \"60ms\" }}\nmax = {{ critical = \"60s\" }}\n"
        )
    };
    let ambiguous = Brunt::new(&["run", "p", "--out", "out"])
        .scenario(&with_target("/items"))
        .run();
    assert_eq!(ambiguous.code, Some(2), "{ambiguous:?}");
    let candidates = "`GET /items`, `POST /items`; or `* /";
    let text = ambiguous
        .stderr
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    assert!(text.contains(candidates), "{ambiguous:?}");
    let row = |name: &str| {
        let brunt = Brunt::new(&["run", "p", "--out", "out"]).scenario(&with_target(name));
        let ended = brunt.run();
        let summary = brunt.summary();
        let rows = summary["targets"].as_array().expect("targets");
        let rows: Vec<_> = rows.iter().filter(|row| row["scope"] == "/items").collect();
        assert_eq!(rows.len(), 2, "{ended:?}");
        let methods = rows[0]["methods"].clone();
        let values = [0, 1].map(|at| rows[at]["value"].as_f64().expect("a value"));
        (methods, values, ended.stdout)
    };
    let (methods, [p50, _], text) = row("POST /items");
    assert_eq!(methods, serde_json::json!(["POST"]));
    assert!(p50 >= 80.0 && text.contains("p50 of POST /items"), "{text}");
    let (methods, [_, max], text) = row("* /items");
    assert_eq!(methods, serde_json::json!(["GET", "POST"]));
    assert!(
        max >= 80.0 && text.contains("p50 of /items (GET, POST)"),
        "{text}"
    );
}
