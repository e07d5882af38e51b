//! The open model: every arrival runs, on time or late, and none is dropped.

use std::time::Duration;

use brunt_record::{
    ArrivalProcess, FailureKind, LoadStage, Measure, OpenModel, Outcome, PercentileValue,
    RunRecord, Scope,
};
use brunt_testbed::{Behavior, Fault, Response, Routes, Server, Stall};

use crate::{TestRun, failures, total};

const TASK: &str = "[[users.u.tasks]]\nget = \"/a\"";

fn test_run(url: &str, rate: &str, seconds: f64, arrivals: &str, users: u32) -> TestRun {
    let mut test_run = TestRun::new(url, 1, "1s", "0s", TASK);
    let profile = format!(
        "rate = \"{rate}\"\narrivals = \"{arrivals}\"\nusers = {users}\nduration = \"{}ms\"",
        (seconds * 1000.0).round()
    );
    test_run.scenario = test_run
        .scenario
        .replace("users = 1\nduration = \"1s\"", &profile);
    test_run
}

impl TestRun {
    /// Number of arrivals for a seed.
    fn arrivals(&self, seed: u64) -> u64 {
        let plan = self.plan();
        plan.class_mixes[0].arrivals(&plan.load, seed).count() as u64
    }
}

fn requests(record: &RunRecord) -> u64 {
    total(record, brunt_record::Second::requests)
}

#[test]
fn profile_with_a_rate_uses_the_open_model() {
    let plan = test_run("http://127.0.0.1:9", "3k/min", 2.0, "constant", 7).plan();
    assert_eq!(
        plan.load.open,
        Some(OpenModel {
            arrival_process: ArrivalProcess::Constant,
            users: 7
        })
    );
    assert_eq!(
        plan.load.stages,
        [LoadStage {
            seconds: 2.0,
            from: 50.0,
            to: 50.0
        }]
    );
    assert_eq!(plan.load.offered_rps(2.0), Some(50.0));
}

#[test]
fn precise_worker_loses_nothing_and_keeps_its_timeouts() {
    let server = Server::start(Routes::new().otherwise(Response::ok("x"))).unwrap();
    let mut test_run = test_run(&server.url(), "700/s", 1.0, "constant", 8);
    test_run.settings.is_precise = true;
    let record = test_run.run();
    assert_eq!(record.timeline.failures(), []);
    assert_eq!(requests(&record), 700);
    assert_eq!(server.stop().requests, 700);
    let silent = Server::start(Fault::Silent).unwrap();
    let mut test_run =
        TestRun::new(&silent.url(), 4, "10s", "5ms", TASK).with("timeouts = { total = \"60ms\" }");
    test_run.scenario.push_str("iterations = 12\n");
    test_run.settings.is_precise = true;
    let record = test_run.run();
    assert_eq!(failures(&record, FailureKind::Timeout), 12);
    let response = record
        .timeline
        .histogram(Scope::All, Measure::Response, Outcome::Unanswered);
    assert!(
        response.min_ns() >= Some(60_000_000),
        "{:?}",
        response.min_ns()
    );
}

#[test]
fn constant_arrivals_have_an_exact_number_on_any_number_of_cores() {
    for threads in [1, 2, 3] {
        let server = Server::start(Routes::new().otherwise(Response::ok("x"))).unwrap();
        let mut test_run = test_run(&server.url(), "500/s", 1.0, "constant", 50);
        test_run.settings.threads = threads;
        let record = test_run.run();
        assert_eq!(
            (requests(&record), server.stop().requests),
            (500, 500),
            "{threads} threads"
        );
        assert_eq!(record.timeline.failures(), []);
    }
}

#[test]
fn users_and_arrivals_run_in_parallel() {
    for threads in [1, 2, 3] {
        let server = Server::start(Routes::new().otherwise(Response::ok("x"))).unwrap();
        let mut test_run = TestRun::new(&server.url(), 4, "1s", "pace(100ms)", TASK);
        test_run.scenario = format!(
            "[users.caller]\n[[users.caller.tasks]]\nget = \"/b\"\n{}classes = [\"u\"]\n\
             [[profiles.p.concurrent]]\nclasses = [\"caller\"]\nrate = \"300/s\"\narrivals = \"constant\"\nusers = 20\n",
            test_run.scenario
        );
        test_run.settings.threads = threads;
        let plan = test_run.plan();
        assert_eq!(plan.load.offered_rps(1.0), Some(4.0 + 4.0 * 10.0 + 300.0));
        let record = test_run.run();
        let counts = server.stop();
        assert_eq!(record.timeline.failures(), []);
        assert_eq!(
            (counts.by_path["/a"], counts.by_path["/b"]),
            (40, 300),
            "{threads} threads"
        );
        assert_eq!(requests(&record), 340);
    }
}

#[test]
fn stopped_pool_does_not_affect_parallel_loads() {
    let server = Server::start(Routes::new().otherwise(Response::ok("x"))).unwrap();
    let mut test_run = TestRun::new(&server.url(), 2, "1s", "pace(100ms)", TASK);
    test_run.scenario = format!(
        "[users.caller]\n[[users.caller.tasks]]\nsteps = [{{ get = \"/b\" }}, {{ stop_user = true }}]\n{}\
         classes = [\"u\"]\n[[profiles.p.concurrent]]\nclasses = [\"caller\"]\nrate = \"100/s\"\nusers = 3\n",
        test_run.scenario
    );
    let record = test_run.run();
    let counts = server.stop();
    assert_eq!((counts.by_path["/a"], counts.by_path["/b"]), (20, 3));
    assert_eq!(record.timeline.failures(), []);
}

#[test]
fn poisson_arrivals_depend_on_the_seed_and_not_on_the_number_of_cores() {
    let mut counts = Vec::new();
    for threads in [1, 3] {
        let server = Server::start(Routes::new().otherwise(Response::ok("x"))).unwrap();
        let mut test_run = test_run(&server.url(), "400/s", 1.0, "poisson", 50);
        test_run.settings.threads = threads;
        test_run.settings.seed = 3;
        let expected = test_run.arrivals(3);
        let record = test_run.run();
        assert_eq!(
            (requests(&record), server.stop().requests),
            (expected, expected)
        );
        counts.push(expected);
    }
    assert_eq!(counts[0], counts[1]);
    assert_ne!(counts[0], 400, "a Poisson count is hardly ever the mean");
}

#[test]
fn wait_for_an_idle_user_counts_as_response_time() {
    let slow = Response::ok("x").delayed(Duration::from_millis(20));
    let server = Server::start(Routes::new().at("/a", slow)).unwrap();
    // Two users handle 100 of the 200 arrivals per second: the last one waits about a second.
    let record = test_run(&server.url(), "200/s", 1.0, "constant", 2).run();
    assert_eq!((requests(&record), server.stop().requests), (200, 200));
    assert_eq!(record.timeline.failures(), []);
    let longest = |measure| {
        let histogram = record.timeline.histogram(Scope::All, measure, Outcome::Ok);
        histogram.max_ns().expect("requests") as f64 / 1e9
    };
    assert!(
        longest(Measure::Response) > 0.9,
        "{}",
        longest(Measure::Response)
    );
    assert!(
        longest(Measure::Lag) < longest(Measure::Response) / 2.0,
        "{}",
        longest(Measure::Lag)
    );
    assert!(
        longest(Measure::Service) < 0.5,
        "{}",
        longest(Measure::Service)
    );
}

#[test]
fn arrivals_without_a_user_are_counted_at_the_end() {
    let server = Server::start(Fault::Silent).unwrap();
    let mut test_run = test_run(&server.url(), "100/s", 0.5, "constant", 3);
    test_run.settings.stop_timeout = Duration::from_millis(100);
    let record = test_run.run();
    assert_eq!(failures(&record, FailureKind::Aborted), 50);
    assert_eq!(total(&record, |second| second.wire_requests), 3);
    assert_eq!(server.stop().requests, 3);
}

#[test]
fn stall_shows_in_response_times_from_intended_start_only() {
    // A freeze of 200 ms in every second: a fifth of the arrivals waits for 0 to 200 ms, uniformly distributed.
    let stall = Stall::new(Duration::from_secs(1), Duration::from_millis(200));
    let routes = Routes::new().otherwise(Response::ok("x"));
    let server = Server::start(Behavior::from(routes).stall(stall)).unwrap();
    let record = test_run(&server.url(), "500/s", 5.0, "constant", 20).run();
    assert_eq!((requests(&record), server.stop().requests), (2500, 2500));
    let percentile = |measure, q| match record
        .timeline
        .distribution(Scope::All, measure)
        .percentile(q)
    {
        Some(PercentileValue::Measured(ns)) => ns as f64 / 1e6,
        other => panic!("{other:?}"),
    };
    for (q, expected_ms) in [(0.9, 100.0), (0.95, 150.0), (0.99, 190.0)] {
        let found = percentile(Measure::Response, q);
        assert!(
            (found - expected_ms).abs() < 25.0,
            "p{}: {found} ms, not {expected_ms}",
            q * 100.0
        );
    }
    // Twenty users are in each freeze: the other eighty of its arrivals are sent after it.
    let stamped_at_send = percentile(Measure::Service, 0.95);
    assert!(stamped_at_send < 75.0, "{stamped_at_send} ms");
}
