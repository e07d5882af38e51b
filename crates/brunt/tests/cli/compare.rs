//! `brunt compare`: A/B tests of two servers and of two commands.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::time::Duration;

use brunt_testbed::{Port, Response, Routes, Server, wait_until};
use rustix::process::Signal;
use serde_json::Value;

use crate::brunt::{BOUND, Brunt, Ended, read_json, runs};

fn scenario() -> String {
    "[users.u]\nwait = \"5ms..10ms\"\n[[users.u.tasks]]\nget = \"/\"\n\
     [profiles.load]\nusers = 4\nspawn_rate = 1\nduration = \"1m\"\n\
     [profiles.stress]\nsearch = {}\nduration = \"1m\"\n"
        .to_owned()
}

fn server_with_delay(delay_ms: u64) -> Server {
    let response = Response::ok("x").delayed(Duration::from_millis(delay_ms));
    Server::start(Routes::new().otherwise(response)).unwrap()
}

/// Comparison of two servers by their p50, in blocks of a second.
fn compare(a: &Server, b: &Server, limit: &str) -> Brunt {
    Brunt::new(&[
        "compare",
        "--ab",
        "--host",
        &a.url(),
        "--host-b",
        &b.url(),
        "--block",
        "1s",
        "--max-duration",
        limit,
        "--metric",
        "p50",
        "--out",
        "out",
        "--headless",
        "--seed",
        "3",
        "--junit",
        "out/junit.xml",
        "--markdown",
        "-",
    ])
    .scenario(&scenario())
}

fn comparison(brunt: &Brunt) -> Value {
    read_json(&brunt.path("out/comparison.json"))
}

#[test]
fn slower_build_is_worse_and_faster_build_is_not() {
    // A larger difference than a busy machine could cause.
    let (fast, slow) = (server_with_delay(0), server_with_delay(400));
    let brunt = compare(&fast, &slow, "3m");
    let ended = brunt.run();
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(
        ended.stdout.contains("B is worse than A: p50 +"),
        "{ended:?}"
    );
    let found = comparison(&brunt);
    assert_eq!(found["outcome"], "worse");
    assert!(found["pairs"].as_u64() >= Some(10), "{found}");
    assert_eq!(found["seed"], 3);
    let p50 = &found["rows"]
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["metric"] == "p50")
        .unwrap();
    assert!(
        p50["ratio"].as_f64().is_some_and(|ratio| ratio > 1.5),
        "{p50}"
    );
    let junit = std::fs::read_to_string(brunt.path("out/junit.xml")).unwrap();
    assert!(junit.contains("failures=\"1\""), "{junit}");
    assert!(
        ended.stdout.contains("### brunt: A vs. B: worse"),
        "{ended:?}"
    );
    assert!(brunt.path("out/report.html").exists());

    let ended = compare(&slow, &fast, "3m").run();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(
        ended.stdout.contains("B is not worse than A; better: p50"),
        "{ended:?}"
    );
}

#[test]
fn comparison_without_a_decision_is_inconclusive() {
    let (a, b) = (server_with_delay(1), server_with_delay(1));
    let brunt = compare(&a, &b, "7s");
    let ended = brunt.run();
    assert_eq!(ended.code, Some(5), "{ended:?}");
    assert!(
        ended
            .stderr
            .contains("no result is possible before 10 pairs"),
        "{ended:?}"
    );
    let found = comparison(&brunt);
    assert_eq!(found["outcome"], "not_enough_data");
    assert!(
        found["duration_s"]
            .as_f64()
            .is_some_and(|seconds| seconds < 60.0),
        "{found}"
    );
}

#[test]
fn interrupted_comparison_reports_complete_pairs() {
    let (a, b) = (server_with_delay(1), server_with_delay(1));
    let brunt = compare(&a, &b, "5m").and(&["--tolerance", "0%"]);
    let running = brunt.start();
    // Both trial blocks and a first pair are complete.
    let enough = |server: &Server| server.counts().requests > 1_000;
    wait_until(BOUND, "a pair of blocks", || {
        (enough(&a) && enough(&b)).then_some(())
    });
    running.signal(Signal::INT);
    let ended = running.end();
    assert_eq!(ended.code, Some(5), "{ended:?}");
    let found = comparison(&brunt);
    assert_eq!(
        (&found["stopped"], &found["valid"]),
        (&true.into(), &true.into())
    );
    assert!(
        found["pairs"].as_u64().is_some_and(|pairs| pairs >= 1),
        "{found}"
    );
    assert!(ended.stdout.contains("stopped after"), "{ended:?}");
}

#[test]
fn commands_of_builds_are_started_and_ended() {
    let own = env!("CARGO_BIN_EXE_brunt");
    let agent = format!("{own} agent --memory --port $PORT & echo pid $!; wait");
    let text = scenario().replace("get = \"/\"", "get = \"/health\"");
    let brunt = Brunt::new(&[
        "compare",
        "--ab",
        "--command",
        &agent,
        "--command-b",
        &agent,
        "--block",
        "1s",
        "--max-duration",
        "7s",
        "--out",
        "out",
        "--headless",
    ])
    .scenario(&text);
    let ended = brunt.run();
    assert_eq!(ended.code, Some(5), "{ended:?}");
    let found = comparison(&brunt);
    assert!(found["pairs"].as_u64() >= Some(1), "{found}");
    assert_ne!(found["host_a"], found["host_b"]);
    for side in ["a", "b"] {
        let log = std::fs::read_to_string(brunt.path("out").join(format!("{side}.log"))).unwrap();
        let pid = log.lines().find_map(|line| line.strip_prefix("pid "));
        let pid: u32 = pid.unwrap().parse().unwrap();
        wait_until(BOUND, "the command to end", || (!runs(pid)).then_some(()));
    }
}

#[test]
fn command_that_does_not_listen_is_reported() {
    let run = |a: &str, b: &str| -> Ended {
        let arguments = [
            "compare",
            "--ab",
            "--command",
            a,
            "--command-b",
            b,
            "--wait-ready",
            "1s",
            "--out",
            "out",
        ];
        Brunt::new(&arguments).scenario(&scenario()).run()
    };
    let gone = run("exit 3", "sleep 60");
    assert_eq!(gone.code, Some(4), "{gone:?}");
    assert!(
        gone.stderr
            .contains("command of build A exited (exit status: 3)"),
        "{gone:?}"
    );
    let silent = run("sleep 60", "sleep 60");
    assert_eq!(silent.code, Some(4), "{silent:?}");
    assert!(silent.stderr.contains("$PORT"), "{silent:?}");
}

#[test]
fn build_that_only_fails_cannot_be_compared() {
    let broken = Server::start(Routes::new().otherwise(Response::new(503))).unwrap();
    let ended = compare(&server_with_delay(0), &broken, "1m").run();
    assert_eq!(ended.code, Some(4), "{ended:?}");
    assert!(
        ended
            .stderr
            .contains("no successful response from build B at http"),
        "{ended:?}"
    );
    let dead = Port::refusing().unwrap();
    let brunt = Brunt::new(&[
        "compare",
        "--ab",
        "--host",
        &dead.url(),
        "--host-b",
        &broken.url(),
    ]);
    let ended = brunt.scenario(&scenario()).run();
    assert_eq!(ended.code, Some(4), "{ended:?}");
}

#[test]
fn invalid_input_names_the_remedy() {
    let ab = ["compare", "--ab"];
    let hosts = [
        "--host",
        "http://localhost:1",
        "--host-b",
        "http://localhost:2",
    ];
    let commands = ["--command", "x", "--command-b", "y"];
    let same = [
        "--host",
        "http://localhost:1",
        "--host-b",
        "http://localhost:1",
    ];
    let cases: [(&[&[&str]], &str); 10] = [
        (&[&["compare"], &hosts], "missing --ab"),
        (&[&ab, &hosts[..2]], "use --host-b"),
        (&[&ab, &hosts[2..]], "no host; set"),
        (&[&ab, &commands[..2]], "--command-b"),
        (&[&ab, &hosts, &["-t", "5s"]], "unexpected argument '-t'"),
        (&[&ab, &hosts, &["--block", "1500ms"]], "whole seconds"),
        (
            &[&ab, &hosts, &["--metric", "p42"]],
            "available: throughput",
        ),
        (&[&ab, &hosts, &["stress"]], "is a search"),
        (
            &[&ab, &commands, &same],
            "both builds have the same address",
        ),
        (
            &[&ab, &commands, &["--host", "embedded"]],
            "cannot start the embedded agent",
        ),
    ];
    for (arguments, part) in cases {
        let arguments = arguments.concat();
        let ended = Brunt::new(&arguments).scenario(&scenario()).run();
        assert_eq!(ended.code, Some(2), "{arguments:?} {ended:?}");
        assert!(ended.stderr.contains(part), "{arguments:?} {ended:?}");
    }
}
