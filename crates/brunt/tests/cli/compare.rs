//! Two builds in one sitting.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::time::Duration;

use brunt_testbed::{Answer, Port, Routes, Server, wait_until};
use rustix::process::Signal;
use serde_json::Value;

use crate::brunt::{BOUND, Brunt, Ended, read_json, runs};

fn scenario() -> String {
    "[users.u]\nwait = \"5ms..10ms\"\n[[users.u.tasks]]\nget = \"/\"\n\
     [profiles.load]\nusers = 4\nspawn_rate = 1\nduration = \"1m\"\n\
     [profiles.stress]\nsearch = {}\nduration = \"1m\"\n"
        .to_owned()
}

fn served(delay_ms: u64) -> Server {
    let answer = Answer::ok("x").delayed(Duration::from_millis(delay_ms));
    Server::start(Routes::new().otherwise(answer)).unwrap()
}

/// A comparison of two servers by their p50, in blocks of a second.
fn compared(a: &Server, b: &Server, limit: &str) -> Brunt {
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
fn a_build_that_is_slower_is_found_and_its_opposite_is_fine() {
    // Further apart than a busy machine makes them.
    let (fast, slow) = (served(0), served(400));
    let brunt = compared(&fast, &slow, "3m");
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
        ended.stdout.contains("### brunt: A against B: worse"),
        "{ended:?}"
    );
    assert!(brunt.path("out/report.html").exists());

    let ended = compared(&slow, &fast, "3m").run();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(
        ended.stdout.contains("B is not worse than A; better: p50"),
        "{ended:?}"
    );
}

#[test]
fn what_is_not_known_in_time_is_no_pass() {
    let (a, b) = (served(1), served(1));
    let brunt = compared(&a, &b, "7s");
    let ended = brunt.run();
    assert_eq!(ended.code, Some(5), "{ended:?}");
    assert!(
        ended.stderr.contains("nothing is known before 10 pairs"),
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
fn an_interrupt_still_reports_what_was_seen() {
    let (a, b) = (served(1), served(1));
    let brunt = compared(&a, &b, "5m").and(&["--tolerance", "0%"]);
    let running = brunt.start();
    // Both were tried out, and a first pair was played.
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
fn builds_are_started_by_their_commands_and_ended() {
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
fn a_build_that_does_not_serve_says_why() {
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
        gone.stderr.contains("command of A ended (exit status: 3)"),
        "{gone:?}"
    );
    let deaf = run("sleep 60", "sleep 60");
    assert_eq!(deaf.code, Some(4), "{deaf:?}");
    assert!(deaf.stderr.contains("$PORT"), "{deaf:?}");
}

#[test]
fn a_build_that_only_fails_is_nothing_to_compare() {
    let broken = Server::start(Routes::new().otherwise(Answer::new(503))).unwrap();
    let ended = compared(&served(0), &broken, "1m").run();
    assert_eq!(ended.code, Some(4), "{ended:?}");
    assert!(
        ended.stderr.contains("B at http") && ended.stderr.contains("answered nothing well"),
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
fn wrong_input_names_the_remedy() {
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
        (&[&["compare"], &hosts], "--ab plays two builds"),
        (&[&ab, &hosts[..2]], "give --host-b"),
        (&[&ab, &hosts[2..]], "no host: give --host"),
        (&[&ab, &commands[..2]], "--command-b"),
        (&[&ab, &hosts, &["-t", "5s"]], "unexpected argument '-t'"),
        (&[&ab, &hosts, &["--block", "1500ms"]], "whole seconds"),
        (
            &[&ab, &hosts, &["--metric", "p42"]],
            "available: throughput",
        ),
        (&[&ab, &hosts, &["stress"]], "is a search"),
        (&[&ab, &commands, &same], "cannot serve at one address"),
        (
            &[&ab, &commands, &["--host", "embedded"]],
            "no embedded agent",
        ),
    ];
    for (arguments, part) in cases {
        let arguments = arguments.concat();
        let ended = Brunt::new(&arguments).scenario(&scenario()).run();
        assert_eq!(ended.code, Some(2), "{arguments:?} {ended:?}");
        assert!(ended.stderr.contains(part), "{arguments:?} {ended:?}");
    }
}
