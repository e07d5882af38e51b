//! Steps on the wire: failures, interruptions, and how they are reported.

use std::time::Duration;

use brunt_record::{FailureKind, Outcome, RunRecord, Scope};
use brunt_testbed::{Response, Routes, Server};

use crate::{TestRun, failures, total};

fn examples(record: &RunRecord) -> Vec<String> {
    let failures = record.timeline.failures().iter();
    failures
        .filter_map(|failure| failure.example.clone())
        .collect()
}

fn ok_of(record: &RunRecord, wanted: &str) -> u64 {
    let names = (0u32..).zip(record.timeline.names());
    let own = names.filter(|(_, name)| name.name == wanted);
    own.map(|(id, _)| {
        let scope = Scope::Name(brunt_record::NameId(id));
        record
            .timeline
            .histogram(scope, brunt_record::Measure::Response, Outcome::Ok)
            .count()
    })
    .sum()
}

/// One user runs these steps once.
fn once(server: &Server, steps: &str) -> RunRecord {
    let task = format!("[[users.u.tasks]]\nsteps = [{steps}]");
    TestRun::new(&server.url(), 1, "100ms", "1h", &task).run()
}

#[test]
fn failed_check_reports_expected_and_actual_value_without_secrets() {
    let routes = Routes::new().rule("/echo", |request| {
        let token = request.header("authorization").unwrap_or_default();
        Response::ok(format!("{{\"errors\": [\"no {token}\"], \"count\": 3}}"))
    });
    let server = Server::start(routes).unwrap();
    let checks = [
        (
            "json = { \"$.errors[*]\" = { exists = false } }",
            "json $.errors[*] does not exist",
        ),
        (
            "json = { \"$.count\" = { above = 3 } }",
            "is above 3` failed, but the value is 3",
        ),
        (
            "json = { \"$.count\" = \"3\" }",
            "is \"3\"` failed, but the value is 3",
        ),
        ("json = { \"$.nothing\" = 1 }", "but nothing was found"),
        (
            "matches = '^\\[', not = { contains = \"never\" }",
            "matches",
        ),
        (
            "not = { contains = \"errors\" }",
            "the check `not contains \"errors\"` failed",
        ),
        (
            "header = { Server = { exists = true } }",
            "header Server exists",
        ),
        ("size = \"..10\"", "size at most 10"),
    ];
    for (check, part) in checks {
        let record = once(
            &server,
            &format!(
                "{{ get = \"/echo\", auth = {{ bearer = \"s3cr3t-t0ken\" }}, check = {{ {check} }} }}"
            ),
        );
        assert_eq!(failures(&record, FailureKind::Check), 1, "{check}");
        let example = &examples(&record)[0];
        assert!(example.contains(part), "{check}: {example}");
        assert!(!example.contains("s3cr3t"), "{example}");
    }
    let held = "json = { \"$.count\" = { at_least = 3, at_most = 3.0 }, \"$.errors[*]\" = { count = 1, matches = \"^no\" } }, \
                contains = [\"errors\", \"count\"], size = \"1..1KiB\", time = \"1m\", status = \"200..204\"";
    let record = once(
        &server,
        &format!("{{ get = \"/echo\", check = {{ {held} }} }}"),
    );
    assert_eq!(examples(&record), Vec::<String>::new());
}

#[test]
fn missing_value_fails_its_request_and_ends_the_task() {
    let server = Server::start(Routes::new().at("/", Response::ok("{}"))).unwrap();
    let record = once(
        &server,
        "{ get = \"/\", extract = { a = \"$.a\" } }, { get = \"/status/200\", headers = { A = \"{{ a }}\" } }",
    );
    assert_eq!(failures(&record, FailureKind::Check), 1);
    assert!(
        examples(&record)[0].contains("nothing found at $.a: {}"),
        "{:?}",
        examples(&record)
    );
    assert_eq!(total(&record, brunt_record::Second::requests), 1);
}

#[test]
fn evaluation_error_fails_its_request() {
    let server = Server::start(Routes::new().at("/", Response::ok("{\"a\": \"x\"}"))).unwrap();
    let record = once(
        &server,
        "{ get = \"/\", extract = { a = \"$.a\" } }, { if = \"a + 1 > 2\", steps = [{ get = \"/status/200\" }] }, \
         { get = \"/status/201\" }",
    );
    assert_eq!(failures(&record, FailureKind::Check), 1);
    assert_eq!(ok_of(&record, "/"), 1);
    assert_eq!(ok_of(&record, "/status/201"), 0, "the task was ended");
    let record = once(
        &server,
        "{ get = \"/status/200?{{ late }}\" }, { set = { late = 1 } }",
    );
    assert!(
        examples(&record)[0].contains("variable `late` is not set"),
        "{:?}",
        examples(&record)
    );
    assert_eq!(total(&record, |second| second.wire_requests), 0);
}

#[test]
fn conditions_and_loops_run_their_branches() {
    let server = Server::start(Routes::new()).unwrap();
    let get = |name: &str| format!("{{ name = \"{name}\", get = \"/status/200\" }}");
    let steps = format!(
        "{{ set = {{ n = 3, items = [1, 2, 3] }} }}, {{ repeat = 2, steps = [{}, {{ repeat = \"{{{{ n }}}}\", steps = [{}] }}] }}, \
         {{ if = \"n == 3\", steps = [{}], else = [{}] }}, {{ if = \"n < 3\", steps = [{}], else = [{}] }}, \
         {{ while = \"n\", steps = [{}, {{ set = {{ n = \"{{{{ n - 1 }}}}\" }} }}] }}, {{ while = \"true\", at_most = 4, steps = [{}] }}, \
         {{ for_each = \"a\", in = \"items\", steps = [{{ for_each = \"b\", in = \"items\", steps = [{}] }}] }}, {{ steps = [{}] }}",
        get("twice"),
        get("six"),
        get("then"),
        get("not then"),
        get("not else"),
        get("else"),
        get("three"),
        get("four"),
        get("nine"),
        get("last")
    );
    let record = once(&server, &steps);
    let expected = [
        ("twice", 2),
        ("six", 6),
        ("then", 1),
        ("not then", 0),
        ("not else", 0),
        ("else", 1),
        ("three", 3),
        ("four", 4),
        ("nine", 9),
        ("last", 1),
    ];
    for (name, count) in expected {
        assert_eq!(ok_of(&record, name), count, "{name}");
    }
}

#[test]
fn start_that_fails_for_all_users_is_reported_and_one_of_two_continues() {
    let routes = Routes::new().sequence(
        "/login",
        vec![Response::ok("{}"), Response::new(503).body("closed")],
    );
    let server = Server::start(routes).unwrap();
    let class = |status: &str| {
        format!(
            "on_start = [{{ get = \"/login\", check = {{ status = {status} }} }}]\n\
             [[users.u.tasks]]\nget = \"/status/200\""
        )
    };
    let mut started = None;
    let record =
        TestRun::new(&server.url(), 2, "300ms", "1h", &class("200")).run_with(|engine, _| {
            started = Some(engine.start_stats().clone());
        });
    assert_eq!(
        started
            .as_ref()
            .and_then(brunt_engine::StartStats::all_failed),
        None
    );
    assert_eq!(ok_of(&record, "/status/200"), 1);
    assert_eq!(
        [
            total(&record, |second| second.ok),
            total(&record, |second| second.failed)
        ],
        [1, 1],
        "a login that went well is left out, and one that failed is not"
    );
    assert_eq!(users_of(&record), [2, 1, 0, 0]);
    let mut reason = None;
    let begun = std::time::Instant::now();
    TestRun::new(&server.url(), 2, "1m", "1h", &class("200")).run_with(|engine, _| {
        reason = engine.start_stats().all_failed().map(str::to_owned);
    });
    let reason = reason.expect("all failed");
    assert!(
        reason.contains("[on_start] /login: status 503") && reason.contains("closed"),
        "{reason}"
    );
    assert!(
        begun.elapsed() < Duration::from_secs(30),
        "it does not wait for the end"
    );
    let mut open = TestRun::new(&server.url(), 2, "1m", "1h", &class("200"));
    open.scenario = open.scenario.replace("users = 2", "rate = 5\nusers = 2");
    let mut all_failed = false;
    open.run_with(|engine, _| all_failed = engine.start_stats().all_failed().is_some());
    assert!(all_failed, "no user is left for the arrivals");
}

/// Numbers of users that started, never started, ran out of data, and were stopped by the scenario.
fn users_of(record: &RunRecord) -> [u64; 4] {
    [
        total(record, |second| second.users_started),
        total(record, |second| second.users_not_started),
        total(record, |second| second.users_out_of_data),
        total(record, |second| second.users_stopped),
    ]
}

#[test]
fn class_without_on_start_runs_although_another_cannot_start() {
    let server = Server::start(Routes::new().at("/login", Response::new(503))).unwrap();
    let classes = "on_start = [{ get = \"/login\" }]\n[[users.u.tasks]]\nget = \"/status/200\"\n\
                   [users.free]\nwait = \"1h\"\n[[users.free.tasks]]\nget = \"/status/204\"";
    let mut all_failed = true;
    let record = TestRun::new(&server.url(), 4, "300ms", "1h", classes)
        .run_with(|engine, _| all_failed = engine.start_stats().all_failed().is_some());
    assert!(!all_failed);
    assert_eq!(users_of(&record), [4, 2, 0, 0]);
    assert_eq!(ok_of(&record, "/status/204"), 2);
}

#[test]
fn stopped_users_are_counted_by_reason() {
    let server = Server::start(Routes::new()).unwrap();
    let test_run = |task: &str| TestRun::new(&server.url(), 3, "400ms", "10ms", task).run();
    let of_data = test_run(
        "[[users.u.tasks]]\nname = \"/status/200\"\nget = \"/status/200?{{ next(rows) }}\"\n\
         [data.rows]\nrows = [\"a\", \"b\", \"c\", \"d\"]\non_exhausted = \"stop_user\"",
    );
    assert_eq!(users_of(&of_data), [3, 0, 3, 0]);
    assert_eq!(ok_of(&of_data, "/status/200"), 4);
    let on_start = test_run(
        "on_start = [{ set = { row = \"{{ next(rows) }}\" } }]\n[[users.u.tasks]]\nget = \"/status/200\"\n\
         [data.rows]\nrows = [\"a\"]\non_exhausted = \"stop_user\"",
    );
    assert_eq!(users_of(&on_start), [3, 0, 2, 0]);
    let told =
        test_run("[[users.u.tasks]]\nsteps = [{ get = \"/status/200\" }, { stop_user = true }]");
    assert_eq!(users_of(&told), [3, 0, 0, 3]);
    let to_the_end = test_run("[[users.u.tasks]]\nget = \"/status/200\"");
    assert_eq!(users_of(&to_the_end), [3, 0, 0, 0]);
    // Evaluation errors keep users from starting, with or without a request.
    let broken = test_run(
        "on_start = [{ repeat = \"{{ 'x' }}\", steps = [{ wait = \"1s\" }] }]\n[[users.u.tasks]]\nget = \"/status/200\"",
    );
    assert_eq!(users_of(&broken), [3, 3, 0, 0]);
}

#[test]
fn pace_is_kept_and_lateness_counts_as_response_time() {
    let slow = Response::ok("x").delayed(Duration::from_millis(150));
    let server = Server::start(Routes::new().at("/", slow)).unwrap();
    let record = TestRun::new(
        &server.url(),
        1,
        "1s",
        "pace(100ms)",
        "[[users.u.tasks]]\nget = \"/\"",
    )
    .run();
    let response = record
        .timeline
        .distribution(Scope::All, brunt_record::Measure::Response)
        .ok;
    let lag = record
        .timeline
        .distribution(Scope::All, brunt_record::Measure::Lag)
        .ok;
    // The seventh task was intended for 600 ms and could start at 900 ms.
    assert!(
        response.max_ns().unwrap() >= 400_000_000,
        "{:?}",
        response.max_ns()
    );
    assert!(lag.max_ns().unwrap() < 100_000_000, "{:?}", lag.max_ns());
}

#[test]
fn number_of_iterations_is_exact() {
    let server = Server::start(Routes::new()).unwrap();
    let mut test_run = TestRun::new(
        &server.url(),
        3,
        "1m",
        "1ms",
        "[[users.u.tasks]]\nget = \"/status/200\"",
    );
    test_run.scenario += "iterations = 11\n";
    test_run.settings.threads = 2;
    let record = test_run.run();
    assert_eq!(total(&record, |second| second.ok), 11);
    assert_eq!(server.stop().requests, 11);
}

#[test]
fn step_can_stop_the_test() {
    let server = Server::start(Routes::new()).unwrap();
    let task = "[[users.u.tasks]]\nsteps = [{ get = \"/status/200\" }, { stop_test = true }]";
    let mut test_run = TestRun::new(&server.url(), 4, "1m", "1ms", task);
    test_run.settings.threads = 2;
    let begun = std::time::Instant::now();
    let record = test_run.run();
    assert!((1..=4).contains(&total(&record, |second| second.ok)));
    assert!(begun.elapsed() < Duration::from_secs(30));
}
