//! The end of runs: they stop on command, and requests in flight are counted.

use std::time::{Duration, Instant};

use brunt_record::{Command, FailureKind};
use brunt_testbed::{Fault, Response, Routes, Server};

use crate::{TestRun, failures, stop, total};

const TASK: &str = "[[users.u.tasks]]\nget = \"/slow\"";

#[test]
fn stop_lets_requests_in_flight_finish() {
    let slow = Response::ok("x").delayed(Duration::from_millis(300));
    let server = Server::start(Routes::new().at("/slow", slow)).unwrap();
    let test_run = TestRun::new(&server.url(), 3, "1h", "0s", TASK);
    let record = test_run.run_with(|engine, _| {
        if server.counts().requests >= 3 {
            stop(engine);
        }
    });
    let counts = server.stop();
    assert_eq!(record.timeline.failures(), []);
    assert_eq!(total(&record, |second| second.ok), counts.requests);
    assert!(counts.requests <= 6, "{counts:?}");
}

#[test]
fn abort_cuts_off_requests_in_flight() {
    let server = Server::start(Fault::Silent).unwrap();
    let test_run = TestRun::new(&server.url(), 3, "1h", "0s", TASK);
    let record = test_run.run_with(|engine, _| {
        if server.counts().requests == 3 {
            engine.command(Command::Abort);
        }
    });
    assert_eq!(failures(&record, FailureKind::Aborted), 3);
    assert_eq!(total(&record, |second| second.wire_requests), 3);
}

#[test]
fn stop_timeout_limits_the_drain() {
    let server = Server::start(Fault::Silent).unwrap();
    let mut test_run = TestRun::new(&server.url(), 3, "200ms", "0s", TASK);
    test_run.settings.stop_timeout = Duration::from_millis(200);
    let record = test_run.run();
    assert_eq!(failures(&record, FailureKind::Aborted), 3);
}

#[test]
fn waiting_users_stop_immediately() {
    let server = Server::start(Routes::new().otherwise(Response::ok("x"))).unwrap();
    let test_run = TestRun::new(&server.url(), 10, "1h", "1h", TASK);
    let record = test_run.run_with(|engine, _| {
        if server.counts().requests == 10 {
            stop(engine);
        }
    });
    assert_eq!(total(&record, |second| second.ok), 10);
}

#[test]
fn number_of_users_follows_the_profile() {
    let server = Server::start(Routes::new().otherwise(Response::ok("x"))).unwrap();
    let mut test_run = TestRun::new(&server.url(), 1, "1s", "1ms", TASK);
    test_run.settings.threads = 2;
    let stages = "stages = [{ users = 2, duration = \"1100ms\" }, { users = 7, duration = \"1s\" }, \
                  { users = 3, duration = \"1s\" }]";
    test_run.scenario = test_run
        .scenario
        .replace("users = 1\nduration = \"1s\"", stages);
    let record = test_run.run();
    let users: Vec<_> = record
        .timeline
        .seconds()
        .iter()
        .map(|second| second.users)
        .collect();
    assert_eq!(users[..4], [Some(2), Some(7), Some(7), Some(3)]);
    assert_eq!(
        total(&record, |second| second.wire_requests),
        server.stop().requests
    );
}

#[test]
fn loops_without_a_request_yield_and_end_with_the_load() {
    let endless = "{ while = \"true\", at_most = 4000000000, steps = [%] }";
    let set = "{ set = { a = 1 } }";
    let nested = (0..4).fold(set.to_owned(), |inner, _| endless.replace('%', &inner));
    let loops = [
        nested,
        format!("{{ repeat = 4000000000, steps = [{set}] }}"),
        endless.replace('%', "{ wait = \"1ns\" }"),
    ];
    for steps in loops {
        let server = Server::start(Routes::new().otherwise(Response::ok("x"))).unwrap();
        let tasks = format!(
            "[[users.u.tasks]]\nsteps = [{{ get = \"/u\" }}, {steps}]\n[users.other]\nwait = \"pace(50ms)\"\n\
             [[users.other.tasks]]\nget = \"/other\""
        );
        let mut test_run = TestRun::new(&server.url(), 2, "1s", "0s", &tasks);
        test_run.settings.stop_timeout = Duration::from_millis(200);
        let begun = Instant::now();
        let record = test_run.run();
        let took = begun.elapsed();
        assert!(took < Duration::from_secs(5), "{took:?}: {steps}");
        let others = server.stop().by_path.get("/other").copied();
        assert!(others >= Some(15), "{others:?} of 20: {steps}");
        assert!(total(&record, |second| second.ok) >= 16);
    }
}

#[test]
fn tasks_without_a_wait_yield_to_other_users() {
    let server = Server::start(Routes::new().otherwise(Response::ok("x"))).unwrap();
    let tasks = "[[users.u.tasks]]\nsteps = [{ set = { a = 1 } }]\n[users.other]\nwait = \"pace(50ms)\"\n\
                 [[users.other.tasks]]\nget = \"/other\"";
    let record = TestRun::new(&server.url(), 2, "1s", "0s", tasks).run();
    assert!(total(&record, |second| second.ok) >= 15);
}

#[test]
fn endless_loop_is_a_failure_with_an_explanation() {
    let server = Server::start(Routes::new().otherwise(Response::ok("x"))).unwrap();
    let tasks = "[[users.u.tasks]]\nsteps = [{ repeat = 4000000000, steps = [{ set = { a = 1 } }] }, { get = \"/u\" }]";
    let record = TestRun::new(&server.url(), 1, "2s", "1h", tasks).run();
    let failure = &record.timeline.failures()[0];
    let example = failure.example.as_deref().unwrap();
    assert!(
        example.contains("a loop ran 1000000 steps without a request or a wait"),
        "{example}"
    );
}
