//! Connection modes, addresses, and the timeouts of connection phases.

use std::time::Duration;

use brunt_record::{FailureKind, Measure, Outcome, Scope, Second};
use brunt_testbed::queue_simulation::ServiceDistribution;
use brunt_testbed::{Fault, Port, Response, Routes, Server, Service, wait_until};

use crate::{TestRun, failures, total};

const TASK: &str = "[[users.u.tasks]]\nget = \"/status/200\"";
const TWO_STEPS: &str =
    "[[users.u.tasks]]\nsteps = [{ get = \"/status/200\" }, { get = \"/status/201\" }]";

#[test]
fn each_connection_mode_opens_its_number_of_connections() {
    for (connections, tasks) in [
        ("\"per-user\"", TASK),
        ("\"per-request\"", TASK),
        ("\"per-iteration\"", TWO_STEPS),
        ("{ shared = 1 }", TASK),
    ] {
        let server = Server::start(Routes::new()).unwrap();
        let record = TestRun::new(&server.url(), 3, "300ms", "10ms", tasks)
            .with(&format!("connections = {connections}"))
            .run();
        let counts = server.stop();
        let requests = total(&record, Second::requests);
        assert_eq!(record.timeline.failures(), [], "{connections}");
        assert_eq!(counts.requests, requests, "{connections}");
        assert_eq!(
            counts.connections,
            total(&record, |second| second.connections)
        );
        let expected = match connections {
            "\"per-user\"" => 3,
            "\"per-request\"" => requests,
            "\"per-iteration\"" => requests.div_ceil(2),
            _ => 1,
        };
        assert_eq!(counts.connections, expected, "{connections}");
    }
}

#[test]
fn wait_for_a_shared_connection_counts_as_response_time() {
    let service = Service {
        distribution: ServiceDistribution::Fixed {
            servers: 4,
            time_s: 0.02,
        },
        seed: 0,
    };
    let server = Server::start(service).unwrap();
    let record = TestRun::new(&server.url(), 4, "500ms", "0s", TASK)
        .with("connections = { shared = 2 }")
        .run();
    assert_eq!(record.timeline.failures(), []);
    assert_eq!(server.stop().connections, 2);
    let p50_ms = |measure| {
        let all = record.timeline.distribution(Scope::All, measure);
        all.percentile(0.5).unwrap().ms().unwrap()
    };
    // Four users on two connections: each waits 20 ms for another's response before its own.
    assert!(p50_ms(Measure::Response) >= 35.0);
    assert!(p50_ms(Measure::Service) < 35.0);
    assert!(p50_ms(Measure::Lag) < 10.0);
}

#[test]
fn exhausted_pool_times_out_and_recovers() {
    let server = Server::start(Fault::Silent).unwrap();
    let task = format!("{TASK}\ntimeout = \"100ms\"");
    let record = TestRun::new(&server.url(), 4, "500ms", "0s", &task)
        .with("connections = { shared = 1 }")
        .run();
    let requests = total(&record, Second::requests);
    assert!(requests >= 8);
    assert_eq!(failures(&record, FailureKind::Timeout), requests);
    let sent = total(&record, |second| second.wire_requests);
    // The server may not have read the abandoned requests yet.
    wait_until(
        Duration::from_secs(10),
        "the server to read the requests",
        || (server.counts().requests >= sent).then_some(()),
    );
    assert_eq!(server.stop().requests, sent);
}

#[test]
fn pool_is_split_across_cores() {
    let server = Server::start(Routes::new()).unwrap();
    let mut test_run =
        TestRun::new(&server.url(), 12, "300ms", "1ms", TASK).with("connections = { shared = 5 }");
    test_run.settings.threads = 2;
    let record = test_run.run();
    assert_eq!(record.timeline.failures(), []);
    assert_eq!(server.stop().connections, 5);
}

#[test]
fn first_byte_has_its_own_timeout() {
    let late = Response::ok("x").delayed(Duration::from_millis(300));
    let server = Server::start(Routes::new().at("/status/200", late)).unwrap();
    let test_run = |first_byte: &str| {
        TestRun::new(&server.url(), 1, "100ms", "10ms", TASK)
            .with(&format!("timeouts = {{ first_byte = \"{first_byte}\" }}"))
            .run()
    };
    let early = test_run("100ms");
    assert_eq!(
        failures(&early, FailureKind::FirstByteTimeout),
        total(&early, Second::requests)
    );
    assert_eq!(test_run("10s").timeline.failures(), []);
    // The rest of a response may take longer than its first byte.
    let drip = Server::start(
        brunt_testbed::Behavior::from(Routes::new().at("/status/200", Response::ok("x"))).fault(
            Fault::Drip {
                interval: Duration::from_millis(10),
            },
        ),
    )
    .unwrap();
    let record = TestRun::new(&drip.url(), 1, "100ms", "10ms", TASK)
        .with("timeouts = { first_byte = \"200ms\" }")
        .run();
    assert_eq!(record.timeline.failures(), []);
}

#[test]
fn full_backlog_is_a_connect_timeout() {
    let full = Port::full().unwrap();
    let record = TestRun::new(&full.url(), 2, "100ms", "10ms", TASK)
        .with("timeouts = { connect = \"150ms\" }")
        .run();
    assert_eq!(
        failures(&record, FailureKind::ConnectTimeout),
        total(&record, Second::requests)
    );
    assert_eq!(total(&record, |second| second.wire_requests), 0);
}

#[test]
fn resolve_override_changes_the_address_and_not_the_host_header() {
    let rule =
        |request: &brunt_testbed::Request| Response::ok(request.header("host").unwrap_or_default());
    let server = Server::start(Routes::new().rule("/", rule)).unwrap();
    let port = server.address().port();
    let task = format!(
        "[[users.u.tasks]]\nget = \"/\"\ncheck = {{ contains = \"api.example.com:{port}\" }}"
    );
    let mut test_run = TestRun::new(
        &format!("http://api.example.com:{port}"),
        1,
        "100ms",
        "10ms",
        &task,
    );
    let pin = format!("api.example.com:{port}:127.0.0.1");
    test_run.reach.overrides = vec![pin.parse().unwrap()];
    let record = test_run.run();
    assert_eq!(record.timeline.failures(), []);
    assert_eq!(total(&record, |second| second.ok), server.stop().requests);
}

#[test]
fn local_addresses_rotate() {
    let rule =
        |request: &brunt_testbed::Request| Response::ok(request.client.unwrap().ip().to_string());
    let server = Server::start(Routes::new().rule("/", rule)).unwrap();
    let task = "[[users.u.tasks]]\nget = \"/\"\ncheck = { contains = \"127.0.0.2\" }";
    let mut test_run = TestRun::new(&server.url(), 6, "100ms", "1h", task);
    test_run.reach.sources = vec!["127.0.0.2".parse().unwrap(), "127.0.0.3".parse().unwrap()];
    let record = test_run.run();
    assert_eq!(total(&record, |second| second.ok), 3);
    assert_eq!(failures(&record, FailureKind::Check), 3);
}

#[test]
fn refusing_address_is_skipped() {
    // localhost is often both ::1 and 127.0.0.1, while the server listens on one of them.
    let server = Server::start(Routes::new()).unwrap();
    let port = server.address().port();
    let pins = [
        format!("two.example:{port}:127.0.0.9"),
        format!("two.example:{port}:127.0.0.1"),
    ];
    let mut test_run = TestRun::new(
        &format!("http://two.example:{port}"),
        4,
        "200ms",
        "20ms",
        TASK,
    )
    .with("connections = \"per-request\"");
    test_run.reach.overrides = pins.iter().map(|pin| pin.parse().unwrap()).collect();
    let record = test_run.run();
    assert_eq!(record.timeline.failures(), []);
    let connects = Outcome::ALL.map(|outcome| {
        let timeline = &record.timeline;
        timeline
            .histogram(Scope::All, Measure::Connect, outcome)
            .count()
    });
    assert_eq!(connects[0], server.stop().requests);
}
