//! Faults of a server: each is recorded as its own kind of failure, and no run hangs.

use std::net::SocketAddr;
use std::time::Duration;

use brunt_record::{FailureKind, Measure, Outcome, RunRecord, Scope, Second};
use brunt_testbed::{Fault, Port, Response, Routes, Server};

use crate::{TestRun, failures, stop, total};

const TASK: &str = "[[users.u.tasks]]\nget = \"/status/200\"\ntimeout = \"200ms\"";

/// Checks that all requests failed with this kind.
fn assert_all(record: &RunRecord, kind: FailureKind) {
    let requests = total(record, Second::requests);
    assert!(requests > 0);
    assert_eq!(
        failures(record, kind),
        requests,
        "{kind:?}: {:?}",
        record.timeline.failures()
    );
    let example = record.timeline.failures()[0]
        .example
        .as_deref()
        .unwrap_or_default();
    assert!(example.starts_with("GET /status/200: "), "{example}");
}

/// One user sends two requests, however long they take.
fn twice(server: &Server) -> RunRecord {
    let mut test_run = TestRun::new(&server.url(), 1, "1m", "5ms", TASK);
    test_run.scenario += "iterations = 2\n";
    test_run.run()
}

#[test]
fn closed_port_refuses_connections() {
    let port = Port::refusing().unwrap();
    let record = TestRun::new(&port.url(), 2, "300ms", "50ms", TASK).run();
    assert_all(&record, FailureKind::ConnectRefused);
    assert_eq!(total(&record, |second| second.wire_requests), 0);
}

#[test]
fn each_fault_has_its_kind_of_failure() {
    let cases = [
        (Fault::CloseOnAccept, FailureKind::ConnectionClosed),
        (Fault::ResetOnAccept, FailureKind::ConnectionReset),
        (Fault::Silent, FailureKind::Timeout),
        (
            Fault::ResetAfter { bytes: 20 },
            FailureKind::ConnectionReset,
        ),
        (
            Fault::CloseAfter { bytes: 20 },
            FailureKind::ConnectionClosed,
        ),
        (
            Fault::HalfCloseAfter { bytes: 20 },
            FailureKind::ConnectionClosed,
        ),
        (
            Fault::Garbage(b"220 mail.example ESMTP\r\n".to_vec()),
            FailureKind::ProtocolError,
        ),
        (
            Fault::Drip {
                interval: Duration::from_millis(20),
            },
            FailureKind::Timeout,
        ),
    ];
    for (fault, kind) in cases {
        let is_counted = !matches!(fault, Fault::CloseOnAccept | Fault::ResetOnAccept);
        let server = Server::start(fault).unwrap();
        let record = TestRun::new(&server.url(), 2, "500ms", "10ms", TASK).run();
        assert_all(&record, kind);
        if is_counted {
            let wire_requests = total(&record, |second| second.wire_requests);
            assert_eq!(wire_requests, server.stop().requests, "{kind:?}");
        }
    }
}

/// If a load generator retried them, it would report fewer failures than the service has, and would order twice.
#[test]
fn requests_without_a_response_fail_and_are_not_retried() {
    let task = "[[users.u.tasks]]\npost = \"/orders\"\njson = { product = \"apple\" }";
    for (resets, kind) in [
        (false, FailureKind::ConnectionClosed),
        (true, FailureKind::ConnectionReset),
    ] {
        for after in [Duration::ZERO, Duration::from_millis(10)] {
            let every = 5;
            let flaky = Fault::Flaky {
                every,
                resets,
                after,
            };
            let server = Server::start(flaky).unwrap();
            let record = TestRun::new(&server.url(), 8, "500ms", "2ms..6ms", task).run();
            let read = server.stop().requests;
            assert_eq!(total(&record, Second::requests), read);
            assert_eq!(total(&record, |second| second.wire_requests), read);
            assert_eq!(total(&record, |second| second.retries), 0);
            assert!(read >= 100, "{read}");
            assert_eq!(failures(&record, kind), read / every, "after {after:?}");
            assert_eq!(total(&record, |second| second.unanswered), read / every);
        }
    }
}

#[test]
fn service_that_is_down_can_restart_on_its_port() {
    // The port is in the range that brunt connects from. The address is used by this test alone.
    let address = SocketAddr::from(([127, 0, 0, 79], 0));
    let server = Server::start_at(address, Routes::new().at("/status/200", Response::ok("x")));
    let server = server.unwrap();
    let (url, address) = (server.url(), server.address());
    let mut test_run =
        TestRun::new(&url, 20, "1500ms", "0s", TASK).with("connections = \"per-request\"");
    test_run.reach.sources = vec![address.ip()];
    let mut server = Some(server);
    let record = test_run.run_with(|engine, record| {
        if engine.clock().elapsed() > Duration::from_millis(300) && total(record, |s| s.ok) > 0 {
            drop(server.take());
        }
        if server.is_none() && total(record, |second| second.unanswered) > 0 {
            // No connection of brunt's holds the port, not even for a moment.
            std::net::TcpListener::bind(address).expect("the port is free");
        }
    });
    assert!(failures(&record, FailureKind::ConnectRefused) > 20);
    assert_eq!(failures(&record, FailureKind::ProtocolError), 0);
}

#[test]
fn reset_after_any_byte_of_a_response_is_recorded_as_reset() {
    let whole = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc".len();
    for bytes in 0..whole {
        let routes = Routes::new().at("/status/200", Response::ok("abc"));
        let behaviour = brunt_testbed::Behavior::from(routes).fault(Fault::ResetAfter { bytes });
        let server = Server::start(behaviour).unwrap();
        let record = twice(&server);
        assert_all(&record, FailureKind::ConnectionReset);
        let wire_requests = total(&record, |second| second.wire_requests);
        assert_eq!(wire_requests, server.stop().requests, "{bytes}");
    }
}

#[test]
fn load_continues_after_a_server_restart() {
    let routes = || {
        Routes::new().at(
            "/slow",
            Response::ok("x").delayed(Duration::from_millis(50)),
        )
    };
    let server = Server::start(routes()).unwrap();
    let (url, address) = (server.url(), server.address());
    let task = "[[users.u.tasks]]\nget = \"/slow\"\ntimeout = \"1s\"";
    let mut first = Some(server);
    let mut second = None;
    let mut requests = 0;
    let record = TestRun::new(&url, 8, "2s", "5ms", task).run_with(|engine, record| {
        let failed = total(record, |second| second.unanswered);
        if engine.clock().elapsed() > Duration::from_millis(500)
            && let Some(server) = first.take()
        {
            requests = server.stop().requests;
        } else if first.is_none() && second.is_none() && failed > 0 {
            second = Some(Server::start_at(address, routes()).unwrap());
        }
    });
    let again = second.expect("it restarted").stop().requests;
    assert!(again > 8, "{again}");
    // Whether the server had read the requests in flight when it died is unknown: one request per user.
    let wire_requests = total(&record, |second| second.wire_requests);
    assert!(wire_requests.abs_diff(requests + again) <= 8);
    let refused = failures(&record, FailureKind::ConnectRefused);
    assert!(refused > 0);
    // Connections that it had not accepted are reset.
    let broken = failures(&record, FailureKind::ConnectionReset)
        + failures(&record, FailureKind::ConnectionClosed);
    assert_eq!(refused + broken, total(&record, |second| second.unanswered));
    assert!(broken <= 8, "{broken}");
}

#[test]
fn response_sent_twice_is_counted_once() {
    let server = Server::start(Fault::Twice).unwrap();
    let record = TestRun::new(&server.url(), 2, "300ms", "10ms", TASK).run();
    assert_eq!(record.timeline.failures(), []);
    assert_eq!(
        total(&record, |second| second.wire_requests),
        server.stop().requests
    );
}

#[test]
fn body_truncated_at_any_byte_is_a_closed_connection() {
    let whole = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc".len();
    for bytes in 0..whole {
        let routes = Routes::new().at("/status/200", Response::ok("abc"));
        let behaviour = brunt_testbed::Behavior::from(routes).fault(Fault::CloseAfter { bytes });
        let server = Server::start(behaviour).unwrap();
        let record = twice(&server);
        assert_all(&record, FailureKind::ConnectionClosed);
    }
}

#[test]
fn failure_in_the_middle_does_not_hide_other_responses() {
    let responses = [200, 503, 200, 200, 404].map(Response::new);
    let server = Server::start(Routes::new().sequence("/a", responses.to_vec())).unwrap();
    let task = "[[users.u.tasks]]\nget = \"/a\"";
    let record = TestRun::new(&server.url(), 1, "1h", "10ms", task).run_with(|engine, _| {
        if server.counts().requests > 5 {
            stop(engine);
        }
    });
    let counts = server.stop();
    let codes: Vec<_> = record
        .timeline
        .failures()
        .iter()
        .map(|f| (f.code, f.count))
        .collect();
    assert_eq!(codes, [(503, 1), (404, counts.requests - 4)]);
}

/// A core that is idle between the first request and its timeout is not stalled, so the timeout is not extended.
#[test]
fn first_timeout_is_not_extended() {
    let server = Server::start(Fault::Silent).unwrap();
    let task = TASK.replace("200ms", "700ms");
    // On a loaded machine, a core may lack its CPU long enough that its requests get the time back.
    let ends_in_time = (0..5).any(|_| {
        let record = TestRun::new(&server.url(), 3, "200ms", "1h", &task).run();
        assert_eq!(failures(&record, FailureKind::Timeout), 3);
        let responses =
            record
                .timeline
                .histogram(Scope::All, Measure::Response, Outcome::Unanswered);
        let generator_stall_ms = total(&record, |second| second.generator_stall_ms);
        responses.max_ns() < Some(1_000_000_000) && generator_stall_ms == 0
    });
    assert!(ends_in_time);
}
