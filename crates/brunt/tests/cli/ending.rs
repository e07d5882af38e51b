//! However a run ends, what was measured is there.

use std::time::Duration;

use brunt_testbed::{Answer, Fault, Routes, Server, wait_until};
use rustix::process::Signal;

use crate::brunt::{BOUND, Brunt, Running, children, runs};

/// A run of the embedded agent that has begun to make load.
fn begun(brunt: &Brunt) -> (Running, u32) {
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
fn an_interrupt_leaves_a_report_of_what_was_seen() {
    for (signal, stopped_by) in [
        (Signal::INT, "interrupted"),
        (Signal::TERM, "terminated"),
        (Signal::HUP, "terminated"),
        (Signal::XFSZ, "terminated"),
    ] {
        let brunt = Brunt::new(&["run", "load", "-u", "20", "--out", "out"]).shipped();
        let (running, agent) = begun(&brunt);
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
fn a_second_interrupt_ends_at_once_and_still_reports() {
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
    wait_until(BOUND, "the stop to be kept", || {
        (!brunt.record()?.events.is_empty()).then_some(())
    });
    running.signal(Signal::INT);
    let ended = running.end();
    assert_eq!(ended.code, Some(130), "{ended:?}");
    let summary = brunt.summary();
    assert_eq!(summary["total"]["failures_by_kind"]["aborted"], 3);
}

#[test]
fn a_killed_run_leaves_a_readable_record_and_no_agent() {
    let brunt = Brunt::new(&["run", "load", "-u", "20", "--out", "out"]).shipped();
    let (running, agent) = begun(&brunt);
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
fn an_interrupt_before_the_load_ends_at_once() {
    let server = Server::start(Fault::Silent).unwrap();
    let scenario = format!(
        "host = \"{}\"\n[users.u]\n[[users.u.tasks]]\nget = \"/\"\n[[setup]]\nget = \"/\"\n\
         [profiles.p]\nusers = 1\nduration = \"1h\"\n",
        server.url()
    );
    let brunt = Brunt::new(&["run", "p", "--out", "out"]).scenario(&scenario);
    let running = brunt.start();
    wait_until(BOUND, "the set-up", || {
        (server.counts().requests == 1).then_some(())
    });
    running.signal(Signal::INT);
    let ended = running.end();
    assert_eq!(ended.code, Some(130), "{ended:?}");
}

/// A run of an hour by a shell that says something before it becomes brunt, when load is made.
fn by_shell(server: &Server, first: &str) -> (Brunt, Running) {
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
fn file_that_may_not_grow_stops_the_run_and_the_result_is_shown() {
    let server = Server::start(Routes::new().otherwise(Answer::ok("x"))).unwrap();
    // In blocks of 512 or 1,024 bytes, as the shell has it.
    let (_brunt, running) = by_shell(&server, "ulimit -f 8");
    let ended = running.end();
    assert_eq!(ended.code, Some(70), "{ended:?}");
    assert!(
        ended.stderr.contains("cannot write out/record.brunt"),
        "{ended:?}"
    );
    assert!(ended.stdout.contains("p95"), "{ended:?}");
    assert!(!ended.stderr.contains("whole"), "{ended:?}");
}

#[test]
fn run_that_ignores_a_hangup_goes_on() {
    let server = Server::start(Routes::new().otherwise(Answer::ok("x"))).unwrap();
    let (brunt, running) = by_shell(&server, "trap '' HUP");
    running.signal(Signal::HUP);
    let seen = server.counts().requests;
    wait_until(BOUND, "the run to go on", || {
        (server.counts().requests > seen + 100).then_some(())
    });
    running.signal(Signal::INT);
    running.end();
    assert_eq!(brunt.summary()["stopped_by"], "interrupted");
}
