//! User pools: the users of an open load start as arrivals need them.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use brunt_record::{Command, LoadLevel, Measure, Outcome, RunRecord, Scope, SearchPhase};
use brunt_testbed::{Counts, Response, Routes, Server};

use crate::{TestRun, total};

const USERS: &str = "on_start = [{ post = \"/login\" }]\non_stop = [{ post = \"/logout\" }]\n\
                     [[users.u.tasks]]\nget = \"/a\"";

fn routes(login_ms: u64, response_ms: u64) -> Routes {
    let after = |ms| Response::ok("x").delayed(Duration::from_millis(ms));
    Routes::new()
        .at("/login", after(login_ms))
        .at("/logout", after(0))
        .at("/a", after(response_ms))
}

fn test_run(server: &Server, profile: &str) -> TestRun {
    let mut test_run = TestRun::new(&server.url(), 1, "1s", "0s", USERS);
    test_run.scenario = test_run
        .scenario
        .replace("users = 1\nduration = \"1s\"", profile);
    test_run
}

fn of(counts: &Counts, path: &str) -> u64 {
    counts.by_path.get(path).copied().unwrap_or(0)
}

fn longest_ms(record: &RunRecord, measure: Measure) -> u64 {
    let histogram = record.timeline.histogram(Scope::All, measure, Outcome::Ok);
    histogram.max_ns().unwrap_or(0) / 1_000_000
}

#[test]
fn search_logs_in_few_users_at_its_first_level() {
    for threads in [1, 2] {
        let server = Server::start(routes(20, 5)).unwrap();
        let mut test_run = test_run(&server, "search = {}\nduration = \"3s\"");
        test_run.settings.threads = threads;
        let record = test_run.run();
        let counts = server.stop();
        let logins = of(&counts, "/login");
        assert!((2..=20).contains(&logins), "{logins} of 4,000");
        assert_eq!(of(&counts, "/logout"), logins);
        let arrivals = test_run.plan().class_mixes[0]
            .arrivals(&test_run.plan().load, 0)
            .count();
        assert_eq!(of(&counts, "/a"), arrivals as u64);
        assert_eq!(total(&record, |second| second.users_started), logins);
        assert_eq!(record.timeline.failures(), []);
    }
}

#[test]
fn users_are_ready_before_a_higher_level_needs_them() {
    let logins: Arc<Mutex<Vec<Instant>>> = Arc::default();
    let seen = logins.clone();
    let routes = routes(0, 40).rule("/login", move |_| {
        seen.lock().unwrap().push(Instant::now());
        Response::ok("x").delayed(Duration::from_millis(100))
    });
    let server = Server::start(routes).unwrap();
    let test_run = test_run(
        &server,
        "arrivals = \"constant\"\nsearch = {}\nduration = \"4s\"",
    );
    let level = LoadLevel {
        from_ms: 2_500,
        ramp_ms: 0,
        level: 200.0,
        phase: SearchPhase::Trial,
    };
    let mut told = false;
    let record = test_run.run_with(|engine, _| {
        if !told && engine.clock().elapsed() > Duration::from_millis(1_500) {
            told = true;
            engine.command(Command::Level(level));
        }
    });
    let counts = server.stop();
    assert_eq!(of(&counts, "/a"), 25 + 300);
    assert_eq!(record.timeline.failures(), []);
    let logins = logins.lock().unwrap();
    // 200/s × 40 ms are 8 at once; 64 leave room for responses eight times as slow.
    assert!((60..=120).contains(&logins.len()), "{}", logins.len());
    // The level starts at 2.5 s. A look-ahead during it may find slightly slower responses than before.
    let is_before = |login: &&Instant| **login - logins[0] < Duration::from_millis(2_450);
    let before = logins.iter().filter(is_before).count();
    assert!(before >= 60, "{before} of {}", logins.len());
}

#[test]
fn wait_for_the_first_login_counts_as_lag() {
    let server = Server::start(routes(300, 1)).unwrap();
    let test_run = test_run(
        &server,
        "arrivals = \"constant\"\nrate = 100\nusers = 100\nduration = \"2s\"",
    );
    let record = test_run.run();
    let counts = server.stop();
    assert_eq!(of(&counts, "/a"), 200);
    let (lag_ms, response_ms) = (
        longest_ms(&record, Measure::Lag),
        longest_ms(&record, Measure::Response),
    );
    assert!(lag_ms >= 300, "{lag_ms} ms");
    assert!(
        response_ms >= lag_ms,
        "the intended start stays: {response_ms} ms"
    );
    assert!(
        response_ms < lag_ms + 150,
        "{response_ms} ms, {lag_ms} ms of it lag"
    );
    // Each arrival before the first login starts a user; none after it has to.
    let logins = of(&counts, "/login");
    assert!((30..=60).contains(&logins), "{logins}");
}

#[test]
fn pool_grows_to_its_size_when_responses_get_slow() {
    let server = Server::start(routes(5, 1_500)).unwrap();
    let test_run = test_run(
        &server,
        "arrivals = \"constant\"\nrate = 100\nusers = 60\nduration = \"1s\"",
    );
    let record = test_run.run();
    let counts = server.stop();
    assert_eq!(of(&counts, "/login"), 60, "no more than the pool has");
    assert_eq!(of(&counts, "/a"), 100, "every arrival runs");
    // The last 40 waited for a user, which counts as response time.
    assert!(longest_ms(&record, Measure::Response) > 2_000);
    assert!(longest_ms(&record, Measure::Lag) < 500);
}

#[test]
fn users_that_fail_to_log_in_are_replaced_slowly() {
    let fails = Response::new(503);
    let responses = vec![fails.clone(), fails, Response::ok("x")];
    let server = Server::start(routes(0, 1).sequence("/login", responses)).unwrap();
    let playing = test_run(&server, "rate = 50\nduration = \"1s\"");
    let record = playing.run();
    let counts = server.stop();
    assert_eq!(total(&record, |second| second.users_not_started), 2);
    assert!(of(&counts, "/a") > 20);
    let server = Server::start(routes(0, 1).at("/login", Response::new(503))).unwrap();
    let playing = test_run(&server, "search = {}\nduration = \"3s\"");
    let mut all_failed = false;
    playing.run_with(|engine, _| all_failed = engine.start_stats().all_failed().is_some());
    let tried = of(&server.stop(), "/login");
    assert!(all_failed);
    assert!((10..=100).contains(&tried), "{tried} of 4,000");
}
