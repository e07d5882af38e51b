//! Every final state of a run in docs/exit-codes.md: headline, exit code, JUnit and GitHub agree. (A run that is worse than
//! its baseline is in `baselines`.)

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use brunt_testbed::{Fault, Response, Routes, Server};
use rustix::process::Signal;

use crate::brunt::{BOUND, Brunt, Ended, read_json};

/// Outputs of a state.
struct Expected {
    verdict: &'static str,
    headline: &'static str,
    code: i32,
    /// Element in JUnit: failure, error, or neither.
    junit: Option<&'static str>,
    github: &'static str,
}

fn scenario(host: &str, load: &str, targets: &str) -> String {
    format!(
        "host = \"{host}\"\n[users.u]\nwait = \"5ms..10ms\"\n[[users.u.tasks]]\nget = \"/\"\n\
         [profiles.p]\n{load}\n[verdict]\nmin_duration = \"2s\"\n[targets]\n{targets}\n"
    )
}

fn brunt(scenario: &str) -> Brunt {
    let arguments = [
        "run",
        "p",
        "--out",
        "out",
        "--junit",
        "junit.xml",
        "--github",
    ];
    Brunt::new(&arguments).scenario(scenario)
}

fn assert_state(brunt: &Brunt, ended: &Ended, expected: &Expected) {
    let name = expected.headline;
    assert_eq!(ended.code, Some(expected.code), "{name}: {ended:?}");
    let summary = brunt.summary();
    assert_eq!(summary["verdict"], expected.verdict, "{name}: {summary}");
    let headline = summary["headline"].as_str().expect("a headline");
    assert!(headline.starts_with(name), "{name}: {headline}");
    let first = ended.stdout.lines().next().unwrap_or_default();
    let (state, explained) = name.split_once(": ").expect("a state and its cause");
    let code = format!("exit code {}", expected.code);
    assert!(first.starts_with(state), "{name}: {first}");
    assert!(first.contains(&code), "{name}: {first}");
    let headline = ended.stdout.lines().take(2).collect::<Vec<_>>().join(" ");
    assert!(
        headline.contains(explained.trim_end()),
        "{name}: {headline}"
    );
    let last = format!("{code})");
    let mut lines = ended.stdout.lines();
    assert!(
        lines.next_back().is_some_and(|line| line.ends_with(&last)),
        "{name}: {ended:?}"
    );
    let junit = std::fs::read_to_string(brunt.path("junit.xml")).expect("a file");
    for tag in ["failure", "error"] {
        let has = junit.contains(&format!("<{tag} "));
        assert_eq!(has, expected.junit == Some(tag), "{name}: {junit}");
    }
    let command = format!("::{} title=brunt p", expected.github);
    assert!(ended.stdout.contains(&command), "{name}: {ended:?}");
}

const FIVE: &str = "users = 5\nduration = \"3s\"";
const TWENTY: &str = "users = 20\nduration = \"5s\"";
const ONE: &str = "users = 1\nduration = \"3s\"";

#[derive(Clone, Copy, PartialEq)]
enum Service {
    Quick,
    Slow,
}

/// Services, loads, targets and expected outputs.
fn decided_and_undecided() -> Vec<(Service, &'static str, &'static str, Expected)> {
    vec![
        (
            Service::Quick,
            FIVE,
            "p50 = { critical = \"10s\" }",
            Expected {
                verdict: "good",
                headline: "Good: 1 of 1 targets met at ",
                code: 0,
                junit: None,
                github: "notice",
            },
        ),
        (
            Service::Slow,
            TWENTY,
            "p50 = { critical = \"10ms\" }",
            Expected {
                verdict: "critical",
                headline: "Critical: p50 ",
                code: 1,
                junit: Some("failure"),
                github: "error",
            },
        ),
        (
            Service::Quick,
            FIVE,
            "p50 = { critical = \"10s\" }\nerror_rate = { critical = \"0.1%\" }",
            Expected {
                verdict: "inconclusive",
                headline: "Inconclusive: error rate ",
                code: 5,
                junit: Some("error"),
                github: "warning",
            },
        ),
        (
            Service::Slow,
            ONE,
            "throughput = { target = \"1000/s\" }",
            Expected {
                verdict: "not_applicable",
                headline: "Not applicable: ",
                code: 5,
                junit: Some("error"),
                github: "warning",
            },
        ),
        (
            Service::Quick,
            FIVE,
            "",
            Expected {
                verdict: "no_targets",
                headline: "No targets: ",
                code: 0,
                junit: None,
                github: "notice",
            },
        ),
    ]
}

#[test]
fn decided_and_undecided_runs_end_as_documented() {
    let ok = Server::start(Routes::new().otherwise(Response::ok("x"))).unwrap();
    let slow = Response::ok("x").delayed(Duration::from_millis(80));
    let slow = Server::start(Routes::new().otherwise(slow)).unwrap();
    for (service, load, targets, expected) in decided_and_undecided() {
        let server = match service {
            Service::Quick => &ok,
            Service::Slow => &slow,
        };
        let brunt = brunt(&scenario(&server.url(), load, targets));
        let ended = brunt.run();
        assert_state(&brunt, &ended, &expected);
    }
}

#[test]
fn failing_and_silent_services_end_as_documented() {
    let failing = Server::start(Routes::new().otherwise(Response::new(503))).unwrap();
    let hours = "users = 2\nduration = \"1h\"";
    let brunt_ = brunt(&scenario(
        &failing.url(),
        hours,
        "throughput = { target = \"1/s\" }",
    ));
    let expected = Expected {
        verdict: "critical",
        headline: "Critical: all ",
        code: 1,
        junit: Some("failure"),
        github: "error",
    };
    let ended = brunt_.run();
    assert_state(&brunt_, &ended, &expected);
    assert_eq!(brunt_.summary()["stopped_by"], "everything_failed");

    // Too short to be stopped.
    let short = "users = 2\nduration = \"1s\"";
    for targets in ["", "throughput = { target = \"1/s\" }"] {
        let brunt = brunt(&scenario(&failing.url(), short, targets));
        let ended = brunt.run();
        assert_state(&brunt, &ended, &expected);
        assert_eq!(brunt.summary()["stopped_by"], "finished");
    }

    let silent = Server::start(Fault::Silent).unwrap();
    let targets = "p95 = { critical = \"1s\" }\nerror_rate = { critical = \"5%\" }";
    let brunt_ = brunt(&scenario(&silent.url(), short, targets)).and(&["--stop-timeout", "100ms"]);
    let expected = Expected {
        verdict: "no_response",
        headline: "No response: all ",
        code: 4,
        junit: Some("error"),
        github: "error",
    };
    let ended = brunt_.run();
    assert_state(&brunt_, &ended, &expected);
    let without = brunt(&scenario(&silent.url(), short, "")).and(&["--stop-timeout", "100ms"]);
    let ended = without.run();
    assert_state(&without, &ended, &expected);
    let never = brunt_.and(&["--fail-on", "never", "--force"]).run();
    assert_eq!(never.code, Some(0), "{never:?}");
}

#[test]
fn interrupted_or_killed_run_is_incomplete() {
    let server = Server::start(Routes::new().otherwise(Response::ok("x"))).unwrap();
    let hours = "users = 5\nduration = \"1h\"";
    let scenario = scenario(&server.url(), hours, "p50 = { critical = \"10s\" }");
    for signal in [Signal::INT, Signal::KILL] {
        let brunt = brunt(&scenario);
        let running = brunt.start();
        brunt.until_recorded(2);
        running.signal(signal);
        let ended = running.end();
        if signal == Signal::INT {
            let expected = Expected {
                verdict: "inconclusive",
                headline: "Incomplete: stopped by Ctrl-C after ",
                code: 5,
                junit: Some("error"),
                github: "warning",
            };
            assert_state(&brunt, &ended, &expected);
            continue;
        }
        let ended = brunt.also(&["report", "out", "--json", "-o", "again.json"]);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        let summary = read_json(&brunt.path("again.json"));
        assert_eq!(summary["verdict"], "inconclusive", "{summary}");
        let headline = summary["headline"].as_str().expect("a headline");
        assert!(
            headline.starts_with("Incomplete: the record ends after "),
            "{headline}"
        );
    }
}

/// Server that stops responding after a number of requests.
fn hanging_after(requests: u64) -> Server {
    let seen = AtomicU64::new(0);
    let routes = Routes::new().rule("/", move |_| {
        let hangs = seen.fetch_add(1, Ordering::AcqRel) >= requests;
        let delay = if hangs { BOUND * 10 } else { Duration::ZERO };
        Response::ok("x").delayed(delay)
    });
    Server::start(routes).expect("a server")
}

#[test]
fn service_that_stops_responding_is_critical_with_any_targets() {
    let expected = Expected {
        verdict: "critical",
        headline: "Critical: the service stopped responding at ",
        code: 1,
        junit: Some("failure"),
        github: "error",
    };
    // In parallel, since each run takes 14 s.
    std::thread::scope(|scope| {
        for targets in [
            "",
            "throughput = { critical = \"1/s\" }",
            "p50 = { critical = \"10s\" }\nerror_rate = { critical = \"50%\" }",
        ] {
            let expected = &expected;
            scope.spawn(move || {
                let server = hanging_after(200);
                let load = "users = 5\nduration = \"14s\"";
                let brunt = brunt(&scenario(&server.url(), load, targets));
                let brunt = brunt.and(&["--stop-timeout", "1s"]);
                let ended = brunt.run();
                assert_state(&brunt, &ended, expected);
                assert_eq!(brunt.summary()["stopped_by"], "finished");
            });
        }
    });
}
