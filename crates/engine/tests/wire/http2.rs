//! HTTP/2: version negotiation, concurrent requests per connection, and the end of streams and connections.

mod limited;
pub(crate) mod server;

use std::sync::atomic::Ordering;
use std::time::Duration;

use brunt_record::{FailureKind, Measure, Outcome, RunRecord, Scope, Second};
use brunt_testbed::{Response, Routes, Server, TestCa, TlsFront, TlsRules, wait_until};
use tempfile::TempDir;

use crate::{TestRun, failures, total};
use limited::{Limit, LimitedServer};
use server::{Reply, ServerConfig, at_once, response};

const TASK: &str = "[[users.u.tasks]]\nget = \"/\"";
const PRIOR: &str = "http = \"2\"";

fn examples(record: &RunRecord) -> String {
    let failures = record.timeline.failures().iter();
    let examples = failures.filter_map(|failure| failure.example.clone());
    examples.collect::<Vec<_>>().join("\n")
}

/// A run in which users share a number of tasks, without waits.
fn test_run(url: &str, users: u32, tasks: u64, steps: &str) -> TestRun {
    let mut test_run = TestRun::new(url, users, "60s", "0s", steps);
    test_run
        .scenario
        .push_str(&format!("iterations = {tasks}\n"));
    test_run
}

fn hello() -> ServerConfig {
    ServerConfig::new(|_| at_once(response(200, "hello")))
}

#[test]
fn prior_knowledge_uses_http2_without_tls() {
    let server = hello().start();
    let record = test_run(&server.url(), 3, 12, TASK).with(PRIOR).run();
    let requests = total(&record, Second::requests);
    assert_eq!(record.timeline.failures(), []);
    assert_eq!(requests, 12);
    assert_eq!(server.requests(), requests);
    assert_eq!(total(&record, |second| second.wire_requests), requests);
    assert_eq!(server.connections(), 3);
    assert_eq!(total(&record, |second| second.connections), 3);
    // A response is HEADERS (9 bytes and its fields) and DATA (9 and 5 bytes).
    let received = total(&record, |second| second.bytes_received);
    assert!(received >= requests * (9 + 1 + 9 + 5), "{received}");
    assert!(received <= requests * 100, "{received}");
    let sent = total(&record, |second| second.bytes_sent);
    assert!(
        sent >= requests * (9 + 1) && sent <= requests * 100,
        "{sent}"
    );
}

#[test]
fn alpn_selects_the_version() {
    let folder = TempDir::new().unwrap();
    let authority = TestCa::new();
    std::fs::write(folder.path().join("ca.pem"), authority.pem()).unwrap();
    let old = Server::start(Routes::new().otherwise(Response::ok("hello"))).unwrap();
    let new = hello().start();
    let front = |behind, alpn: &[&str]| {
        let rules = TlsRules {
            alpn: alpn.iter().map(|name| (*name).to_owned()).collect(),
            ..authority.issue(&["localhost"]).into()
        };
        TlsFront::start(behind, rules).unwrap()
    };
    let both = front(new.address, &["h2", "http/1.1"]);
    let only_old = front(old.address(), &["http/1.1"]);
    let mute = front(old.address(), &[]);
    let speak = |front: &TlsFront, http: &str| {
        let ca = folder.path().join("ca.pem").display().to_string();
        test_run(&front.url("localhost"), 2, 6, TASK)
            .with(&format!("http = \"{http}\"\n[tls]\nca = \"{ca}\""))
            .run()
    };
    for http in ["2", "auto"] {
        let before = new.requests();
        let record = speak(&both, http);
        assert_eq!(record.timeline.failures(), [], "{http}");
        let requests = total(&record, Second::requests);
        assert_eq!(new.requests() - before, requests);
        let handshakes = record
            .timeline
            .histogram(Scope::All, Measure::Tls, Outcome::Ok);
        assert_eq!(handshakes.count(), 2);
    }
    for front in [&only_old, &mute] {
        let before = old.counts().requests;
        let record = speak(front, "auto");
        assert_eq!(record.timeline.failures(), []);
        assert_eq!(
            old.counts().requests - before,
            total(&record, Second::requests)
        );
        let record = speak(front, "2");
        let requests = total(&record, Second::requests);
        assert_eq!(requests, 6);
        assert_eq!(failures(&record, FailureKind::Tls), requests);
        assert!(examples(&record).contains("set http = \"auto\""));
    }
}

#[test]
fn auto_uses_http_1_1_without_tls() {
    let old = Server::start(Routes::new().otherwise(Response::ok("hello"))).unwrap();
    let record = test_run(&old.url(), 1, 3, TASK)
        .with("http = \"auto\"")
        .run();
    assert_eq!(record.timeline.failures(), []);
    assert_eq!(old.stop().requests, total(&record, Second::requests));
}

#[test]
fn server_without_http2_is_reported() {
    let old = Server::start(Routes::new().otherwise(Response::ok("hello"))).unwrap();
    let record = test_run(&old.url(), 1, 3, TASK).with(PRIOR).run();
    let requests = total(&record, Second::requests);
    let found = failures(&record, FailureKind::ProtocolError)
        + failures(&record, FailureKind::ConnectionClosed);
    assert_eq!(found, requests, "{}", examples(&record));
    // The text depends on the server.
    let words = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        while let Ok((mut stream, _)) = listener.accept() {
            std::io::Read::read(&mut stream, &mut [0; 24]).unwrap();
            std::io::Write::write_all(&mut stream, words).unwrap();
        }
    });
    let record = test_run(&url, 1, 1, TASK).with(PRIOR).run();
    assert_eq!(failures(&record, FailureKind::ProtocolError), 1);
    assert!(examples(&record).contains("set http = \"1.1\""));
}

#[test]
fn shared_pool_limits_connections_and_concurrent_requests() {
    let server =
        ServerConfig::new(|_| Reply::Response(response(200, "x"), Duration::from_millis(5)))
            .start();
    let record = test_run(&server.url(), 12, 240, TASK)
        .with("http = \"2\"\nconnections = { shared = 2, streams = 3 }")
        .run();
    assert_eq!(record.timeline.failures(), []);
    assert_eq!(server.connections(), 2);
    assert_eq!(server.counters.in_flight_max.load(Ordering::Acquire), 6);
    assert_eq!(server.requests(), total(&record, Second::requests));
    let p50 = |measure| {
        let all = record.timeline.distribution(Scope::All, measure);
        all.percentile(0.5).unwrap().ms().unwrap()
    };
    // Twelve users and six places: each waits for another user before its own response, not for the service.
    assert!(p50(Measure::Response) > p50(Measure::Service));
}

#[test]
fn stream_limit_of_the_server_is_respected() {
    let server =
        ServerConfig::new(|_| Reply::Response(response(200, "x"), Duration::from_millis(2)))
            .streams_max(2)
            .start();
    let record = test_run(&server.url(), 8, 80, TASK)
        .with("http = \"2\"\nconnections = { shared = 1, streams = 8 }")
        .run();
    assert_eq!(record.timeline.failures(), []);
    assert_eq!(server.connections(), 1);
    assert_eq!(server.counters.in_flight_max.load(Ordering::Acquire), 2);
    assert_eq!(
        total(&record, |second| second.wire_requests),
        server.requests()
    );
}

#[test]
fn goaway_costs_no_request() {
    for connections in ["\"per-user\"", "{ shared = 2, streams = 4 }"] {
        let server = hello().goaway_after(20).start();
        let record = test_run(&server.url(), 6, 240, TASK)
            .with(&format!("http = \"2\"\nconnections = {connections}"))
            .run();
        assert_eq!(record.timeline.failures(), [], "{connections}");
        let requests = total(&record, Second::requests);
        assert_eq!(requests, 240, "{connections}");
        assert_eq!(server.requests(), requests, "{connections}");
        assert_eq!(total(&record, |second| second.wire_requests), requests);
        assert!(server.connections() >= 12, "{connections}");
    }
}

/// RFC 9113, section 6.8: the client can send requests above the last stream ID again. A request may be too late for
/// any number of connections in a row, such as with 30 users and `keepalive_requests 20` of nginx; curl gives up after
/// five (curl#12054).
#[test]
fn request_that_is_too_late_for_several_connections_is_sent_again() {
    let users = 8_u32;
    let limits = (1..=users).rev().map(|received| Limit {
        accepted: 1,
        received,
    });
    let server = LimitedServer::start(limits.collect());
    let record = test_run(&server.url(), users, users.into(), TASK)
        .with("http = \"2\"\nconnections = { shared = 1, streams = 100 }")
        .run();
    assert_eq!(record.timeline.failures(), []);
    assert_eq!(total(&record, |second| second.ok), u64::from(users));
    assert_eq!(
        total(&record, |second| second.wire_requests),
        u64::from(users)
    );
    // Each connection but the last refuses all requests that are left.
    let refused: u32 = (1..users).sum();
    assert_eq!(total(&record, |second| second.retries), u64::from(refused));
    assert_eq!(server.stop(), u64::from(users));
}

#[test]
fn server_that_accepts_no_request_on_any_connection_ends_the_retries() {
    let limit = Limit {
        accepted: 0,
        received: 1,
    };
    let server = LimitedServer::start(vec![limit; 4]);
    let record = test_run(&server.url(), 1, 1, TASK).with(PRIOR).run();
    assert_eq!(failures(&record, FailureKind::ConnectionClosed), 1);
    assert_eq!(total(&record, |second| second.retries), 3);
    assert_eq!(total(&record, |second| second.wire_requests), 0);
    assert_eq!(server.stop(), 0);
}

#[test]
fn broken_connection_fails_its_requests() {
    let server = ServerConfig::new(|request| match request.number {
        4 => Reply::Hang,
        _ => Reply::Response(response(200, "x"), Duration::from_millis(1)),
    })
    .start();
    let record = test_run(&server.url(), 1, 30, TASK).with(PRIOR).run();
    // Every fifth fails, and none is retried: the server may have processed it.
    assert_eq!(total(&record, Second::requests), 30);
    assert_eq!(
        failures(&record, FailureKind::ConnectionClosed),
        6,
        "{}",
        examples(&record)
    );
    assert_eq!(total(&record, |second| second.unanswered), 6);
    assert_eq!(total(&record, |second| second.retries), 0);
    assert_eq!(server.requests(), 30);
    assert_eq!(total(&record, |second| second.wire_requests), 30);
}

#[test]
fn idle_connection_closed_by_the_server_is_replaced() {
    for connections in ["\"per-user\"", "{ shared = 2, streams = 2 }"] {
        let server = ServerConfig::new(|_| Reply::Last(response(200, "x"))).start();
        let steps = "[[users.u.tasks]]\nsteps = [{ get = \"/\" }, { wait = \"30ms\" }]";
        let record = test_run(&server.url(), 2, 10, steps)
            .with(&format!("http = \"2\"\nconnections = {connections}"))
            .run();
        assert_eq!(record.timeline.failures(), [], "{connections}");
        assert_eq!(total(&record, Second::requests), 10);
        // Requests that arrived while the server closed the connection count as sent, although it never read them.
        let sent = total(&record, |second| second.wire_requests);
        assert!((10..=sent).contains(&server.requests()), "{connections}");
        assert!(
            total(&record, |second| second.reconnects) > 0,
            "{connections}"
        );
    }
}

#[test]
fn reset_stream_fails_alone_and_refused_stream_is_retried() {
    let server = ServerConfig::new(|request| match request.number % 4 {
        1 => Reply::Reset(h2::Reason::INTERNAL_ERROR),
        2 => Reply::Reset(h2::Reason::REFUSED_STREAM),
        _ => at_once(response(200, "x")),
    })
    .start();
    let record = test_run(&server.url(), 1, 60, TASK).with(PRIOR).run();
    assert_eq!(server.connections(), 1);
    assert_eq!(total(&record, Second::requests), 60);
    // Of four streams one fails, and two belong to one request.
    assert_eq!(failures(&record, FailureKind::ConnectionReset), 20);
    assert_eq!(record.timeline.failures().len(), 1);
    assert!(examples(&record).contains("reset the stream: INTERNAL_ERROR"));
    assert_eq!(server.requests(), 80);
    assert_eq!(total(&record, |second| second.wire_requests), 80);
    assert_eq!(total(&record, |second| second.retries), 20);
    assert_eq!(record.timeline.name_totals()[0].retries, 20);
}

#[test]
fn refused_request_is_sent_four_times() {
    let server = ServerConfig::new(|_| Reply::Reset(h2::Reason::REFUSED_STREAM)).start();
    let record = test_run(&server.url(), 1, 1, TASK).with(PRIOR).run();
    assert_eq!(failures(&record, FailureKind::ConnectionReset), 1);
    assert_eq!(server.requests(), 4);
    assert_eq!(total(&record, |second| second.wire_requests), 4);
    assert_eq!(total(&record, |second| second.retries), 3);
}

#[test]
fn timeout_resets_its_stream_only() {
    let server = ServerConfig::new(|request| match request.head.uri().path() {
        "/slow" => Reply::Silence,
        _ => at_once(response(200, "x")),
    })
    .start();
    let steps =
        "[[users.u.tasks]]\nsteps = [{ get = \"/slow\", timeout = \"50ms\" }, { get = \"/\" }]";
    let record = test_run(&server.url(), 4, 12, steps)
        .with("http = \"2\"\nconnections = { shared = 1, streams = 8 }")
        .run();
    let slow = failures(&record, FailureKind::Timeout);
    assert_eq!(slow, 12);
    assert_eq!(total(&record, Second::requests), 2 * slow);
    assert_eq!(record.timeline.failures().len(), 1);
    assert_eq!(server.connections(), 1);
    wait_until(Duration::from_secs(10), "all streams to be reset", || {
        let resets = server.counters.resets.lock().unwrap();
        (resets.len() as u64 == slow).then_some(())
    });
    let resets = server.counters.resets.lock().unwrap();
    assert!(resets.iter().all(|reason| *reason == h2::Reason::CANCEL));
}

#[test]
fn first_byte_has_its_own_timeout() {
    let server = ServerConfig::new(|_| Reply::Silence).start();
    let record = test_run(&server.url(), 1, 1, TASK)
        .with("http = \"2\"\ntimeouts = { first_byte = \"100ms\" }")
        .run();
    assert_eq!(failures(&record, FailureKind::FirstByteTimeout), 1);
}

#[test]
fn bodies_larger_than_the_windows_are_transferred_both_ways() {
    let body =
        |bytes: usize| -> Vec<u8> { (0u32..).flat_map(u32::to_le_bytes).take(bytes).collect() };
    let down = 40 << 20;
    let server = ServerConfig::new(move |request| match request.head.method().as_str() {
        "GET" => at_once(response(200, body(down))),
        _ if request.body == body(3 << 20) => at_once(response(201, "as it was")),
        _ => at_once(response(400, format!("{} bytes", request.body.len()))),
    })
    .window(10_000)
    .start();
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("body");
    std::fs::write(&file, body(3 << 20)).unwrap();
    let steps = format!(
        "[[users.u.tasks]]\nsteps = [{{ get = \"/\" }}, {{ post = \"/\", file = \"{}\" }}]",
        file.display()
    );
    let record = test_run(&server.url(), 2, 2, &steps).with(PRIOR).run();
    assert_eq!(record.timeline.failures(), [], "{}", examples(&record));
    assert_eq!(server.requests(), 4);
    let received = total(&record, |second| second.bytes_received);
    assert!(received > 2 * down as u64 && received < 2 * down as u64 + (1 << 20));
    let sent = total(&record, |second| second.bytes_sent);
    assert!(sent > 6 << 20 && sent < 7 << 20, "{sent}");
}

#[test]
fn response_before_the_complete_body_is_accepted() {
    let server = ServerConfig::new(|_| Reply::Early(response(413, "too much")))
        .window(10_000)
        .start();
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("body");
    std::fs::write(&file, vec![7; 3 << 20]).unwrap();
    let task = format!(
        "[[users.u.tasks]]\npost = \"/\"\nfile = \"{}\"\ncheck = {{ status = 413, contains = \"much\" }}",
        file.display()
    );
    let record = test_run(&server.url(), 1, 5, &task).with(PRIOR).run();
    assert_eq!(record.timeline.failures(), [], "{}", examples(&record));
    let requests = total(&record, Second::requests);
    assert_eq!(requests, 5);
    assert_eq!(server.connections(), 1);
    assert!(total(&record, |second| second.bytes_sent) < requests << 20);
}

#[test]
fn steps_behave_as_with_http_1_1() {
    let server = ServerConfig::new(|request| {
        let field = |name: &str| {
            let value = request.head.headers().get(name);
            value
                .and_then(|value| value.to_str().ok())
                .unwrap_or_default()
        };
        let of = |status: u16| http::Response::builder().status(status);
        at_once(match request.head.uri().path() {
            "/login" => {
                let response = of(303).header("location", "/welcome");
                let response = response.header("set-cookie", "id=s3; Path=/");
                response.body(Vec::new()).unwrap()
            }
            "/welcome" => response(
                200,
                format!("{{\"cookie\": \"{}\", \"key\": 7}}", field("cookie")),
            ),
            "/echo" if request.head.headers().contains_key("host") => response(400, "host"),
            "/echo" if request.head.headers().contains_key("connection") => {
                response(400, "connection")
            }
            "/echo" => {
                let response = of(200).header("x-key", field("x-key"));
                response.body(request.body.clone()).unwrap()
            }
            _ => response(404, "not found"),
        })
    })
    .start();
    let steps = r#"
[[users.u.tasks]]
steps = [
  { post = "/login", text = "ann", check = { json = { "$.cookie" = "id=s3" } }, extract = { key = "$.key" } },
  {
    post  = "/echo?q={{ key }}", json = { key = "{{ key }}" }, headers = { X-Key = "k{{ key }}" },
    check = { equals = '{"key":7}', header = { x-key = "k7" } },
  },
  { get = "/nothing" },
  { method = "HEAD", path = "/welcome" },
]"#;
    let record = test_run(&server.url(), 2, 2, steps).with(PRIOR).run();
    let found: Vec<_> = record
        .timeline
        .failures()
        .iter()
        .map(|failure| (failure.kind, failure.count))
        .collect();
    assert_eq!(found, [(FailureKind::Status, 2)], "{}", examples(&record));
    assert!(examples(&record).contains("not found"));
    assert_eq!(total(&record, Second::requests), 8);
    assert_eq!(server.requests(), 10);
    assert_eq!(server.connections(), 2);
}

#[test]
fn oversized_responses_are_rejected() {
    let server = ServerConfig::new(|request| {
        at_once(match request.head.uri().path() {
            "/fields" => {
                let response = http::Response::builder().header("x", "y".repeat(70_000));
                response.body(Vec::new()).unwrap()
            }
            _ => response(200, vec![0; 5_000]),
        })
    })
    .start();
    let steps = "[[users.u.tasks]]\nsteps = [{ get = \"/fields\" }, { get = \"/body\" }, { get = \"/body\" }]";
    let record = test_run(&server.url(), 1, 1, steps)
        .with("http = \"2\"\nlimits = { body = \"4KiB\" }")
        .run();
    assert_eq!(
        failures(&record, FailureKind::ResponseTooLarge),
        3,
        "{}",
        examples(&record)
    );
    assert_eq!(server.connections(), 1);
}

#[test]
fn each_connection_mode_opens_its_number_of_connections() {
    for (connections, expected) in [
        ("\"per-user\"", 2),
        ("\"per-iteration\"", 6),
        ("\"per-request\"", 12),
        ("{ shared = 1 }", 1),
    ] {
        let server = hello().start();
        let tasks = "[[users.u.tasks]]\nsteps = [{ get = \"/a\" }, { get = \"/b\" }]";
        let record = test_run(&server.url(), 2, 6, tasks)
            .with(&format!("http = \"2\"\nconnections = {connections}"))
            .run();
        assert_eq!(record.timeline.failures(), [], "{connections}");
        assert_eq!(server.requests(), 12, "{connections}");
        assert_eq!(server.connections(), expected, "{connections}");
    }
}
