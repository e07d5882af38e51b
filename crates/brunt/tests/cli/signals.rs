//! Signals and limits: the measured data is available however a run ends.

use std::time::Duration;

use brunt_testbed::interruptions::{State, cases};
use brunt_testbed::{Fault, Response, Routes, Server, wait_until};
use rustix::process::Signal;

use crate::brunt::{BOUND, Brunt, Running, children, runs};
use crate::interrupt_scenes::{SLACK, play};

/// Starts a run with the embedded agent, and waits for two recorded seconds.
fn start_run(brunt: &Brunt) -> (Running, u32) {
    let running = brunt.start();
    brunt.until_recorded(2);
    let agents = children(running.id());
    assert_eq!(agents.len(), 1, "one embedded agent");
    (running, agents[0])
}

fn assert_agent_ends(agent: u32) {
    wait_until(Duration::from_secs(10), "the agent to end", || {
        (!runs(agent)).then_some(())
    });
}

#[test]
fn first_signal_stops_the_run_and_writes_a_report() {
    for (signal, stopped_by) in [
        (Signal::INT, "interrupted"),
        (Signal::TERM, "terminated"),
        (Signal::HUP, "terminated"),
        (Signal::XFSZ, "terminated"),
    ] {
        let brunt = Brunt::new(&["run", "load", "-u", "20", "--out", "out"]).shipped();
        let (running, agent) = start_run(&brunt);
        running.signal(signal);
        let ended = running.end();
        assert!(matches!(ended.code, Some(1 | 3 | 5)), "{ended:?}");
        let summary = brunt.summary();
        assert_eq!(summary["stopped_by"], stopped_by);
        assert!(
            summary["duration_s"]
                .as_f64()
                .is_some_and(|s| (1.0..60.0).contains(&s)),
            "{summary}"
        );
        assert!(brunt.path("out/report.html").exists());
        assert_agent_ends(agent);
    }
}

#[test]
fn second_signal_aborts_the_run_and_writes_a_report() {
    let server = Server::start(Fault::Silent).unwrap();
    let scenario = format!(
        "host = \"{}\"\n[users.u]\n[[users.u.tasks]]\nget = \"/\"\n\
         [profiles.p]\nusers = 3\nduration = \"1h\"\n",
        server.url()
    );
    let brunt =
        Brunt::new(&["run", "p", "--out", "out", "--stop-timeout", "1h"]).scenario(&scenario);
    let running = brunt.start();
    wait_until(BOUND, "three requests", || {
        (server.counts().requests == 3).then_some(())
    });
    running.signal(Signal::INT);
    wait_until(BOUND, "the stop to be recorded", || {
        (!brunt.record()?.events.is_empty()).then_some(())
    });
    running.signal(Signal::INT);
    let ended = running.end();
    assert_eq!(ended.code, Some(130), "{ended:?}");
    let summary = brunt.summary();
    assert_eq!(summary["total"]["failures_by_kind"]["aborted"], 3);
}

#[test]
fn killed_run_leaves_a_readable_record_and_no_agent() {
    let brunt = Brunt::new(&["run", "load", "-u", "20", "--out", "out"]).shipped();
    let (running, agent) = start_run(&brunt);
    running.signal(Signal::KILL);
    running.end();
    let record = brunt.record().expect("a readable record");
    assert_eq!(record.ending, None);
    assert!(
        record
            .timeline
            .seconds()
            .iter()
            .map(|second| second.requests())
            .sum::<u64>()
            > 5
    );
    assert_agent_ends(agent);
}

#[test]
fn signal_before_the_load_ends_brunt_at_once() {
    let server = Server::start(Fault::Silent).unwrap();
    let scenario = format!(
        "host = \"{}\"\n[users.u]\n[[users.u.tasks]]\nget = \"/\"\n[[setup]]\nget = \"/\"\n\
         [profiles.p]\nusers = 1\nduration = \"1h\"\n",
        server.url()
    );
    let brunt = Brunt::new(&["run", "p", "--out", "out"]).scenario(&scenario);
    let running = brunt.start();
    wait_until(BOUND, "the setup", || {
        (server.counts().requests == 1).then_some(())
    });
    running.signal(Signal::INT);
    let ended = running.end();
    assert_eq!(ended.code, Some(130), "{ended:?}");
}

/// Starts a run of an hour from a shell, after another shell command, and waits for requests.
fn start_from_shell(server: &Server, first: &str) -> (Brunt, Running) {
    let scenario = "[users.u]\nwait = \"20ms\"\n[[users.u.tasks]]\nget = \"/\"\n\
                    [profiles.p]\nusers = 3\nduration = \"1h\"\n";
    let url = server.url();
    let brunt = Brunt::new(&["run", "p", "--out", "out", "--host", &url]).scenario(scenario);
    let running = brunt.start_by_shell(first);
    wait_until(BOUND, "requests", || {
        (server.counts().requests > 10).then_some(())
    });
    (brunt, running)
}

#[test]
fn file_size_limit_stops_the_run_and_prints_the_result() {
    let server = Server::start(Routes::new().otherwise(Response::ok("x"))).unwrap();
    // The unit is 512 or 1,024 bytes, depending on the shell.
    let (_brunt, running) = start_from_shell(&server, "ulimit -f 8");
    let ended = running.end();
    assert_eq!(ended.code, Some(70), "{ended:?}");
    assert!(
        ended.stderr.contains("cannot write out/record.brunt"),
        "{ended:?}"
    );
    assert!(ended.stdout.contains("p95"), "{ended:?}");
    assert!(!ended.stderr.contains("report was complete"), "{ended:?}");
}

#[test]
fn run_with_an_ignored_hangup_continues() {
    let server = Server::start(Routes::new().otherwise(Response::ok("x"))).unwrap();
    let (brunt, running) = start_from_shell(&server, "trap '' HUP");
    running.signal(Signal::HUP);
    let seen = server.counts().requests;
    wait_until(BOUND, "more requests", || {
        (server.counts().requests > seen + 100).then_some(())
    });
    running.signal(Signal::INT);
    running.end();
    assert_eq!(brunt.summary()["stopped_by"], "interrupted");
}

/// Two cases of each state; the tests of `system/interrupts.rs` run a thousand on the model of brunt's reaction.
#[test]
fn second_signal_ends_brunt_and_its_children_within_a_second_in_every_state() {
    let cases = cases(20, 1_000);
    let mut late = Vec::new();
    for state in State::ALL {
        let of_state = cases.iter().filter(|case| case.state == state);
        let ending = of_state.filter(|case| case.ends_by().is_some());
        for case in ending.take(2) {
            let took = play(case);
            let by = case.ends_by().expect("it has to end");
            if took > by + SLACK {
                late.push(format!("{took:?} instead of {by:?}: {case:?}"));
            }
        }
    }
    assert!(late.is_empty(), "{late:#?}");
}
