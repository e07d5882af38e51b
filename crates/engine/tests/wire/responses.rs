//! Responses: the run record counts what the server counts.

use std::time::Duration;

use brunt_record::{FailureKind, Measure, Outcome, RunRecord, Scope, Second};
use brunt_testbed::{Framing, KeepAlive, Response, Routes, Server};

use crate::{TestRun, failures, total};

#[test]
fn each_status_is_counted_as_by_the_server() {
    let server = Server::start(Routes::new()).unwrap();
    let codes: Vec<String> = (200..600).map(|code| code.to_string()).collect();
    let tasks = format!(
        "[[users.u.tasks]]\nname = \"/status\"\nget = \"/status/{{{{ pick(codes) }}}}\"\n\
         [data]\ncodes = [{}]",
        codes.join(",")
    );
    let record = TestRun::new(&server.url(), 4, "2s", "0s", &tasks).run();
    let counts = server.stop();
    assert!(
        counts.requests > 1_000,
        "too few for every status: {}",
        counts.requests
    );
    assert_eq!(
        total(&record, |second| second.wire_requests),
        counts.requests
    );
    for (status, count) in &counts.responses {
        let found: u64 = record
            .timeline
            .failures()
            .iter()
            .filter(|failure| failure.kind == FailureKind::Status && failure.code == *status)
            .map(|failure| failure.count)
            .sum();
        let expected = if (200..300).contains(status) {
            0
        } else {
            *count
        };
        assert_eq!(found, expected, "status {status}");
    }
    let bytes = total(&record, |second| second.bytes_received);
    assert_eq!(
        (bytes, total(&record, |second| second.bytes_sent)),
        (counts.bytes_written, counts.bytes_read)
    );
}

#[test]
fn every_framing_is_parsed() {
    let chunks = Framing::Chunked {
        sizes: vec![1, 7, 900],
        extension: ";a=b".into(),
        trailers: vec![("T".into(), "u".into())],
    };
    let body = "x".repeat(100_000);
    let routes = Routes::new()
        .at("/length", Response::ok(body.clone()))
        .at("/chunked", Response::ok(body.clone()).framing(chunks))
        .at(
            "/close",
            Response::ok(body.clone()).framing(Framing::UntilClose),
        )
        .at("/closing", Response::ok(body).closing())
        .at("/none", Response::new(204))
        .at("/unmodified", Response::new(304))
        .at(
            "/early",
            Response::ok("x")
                .preceded_by(103, &[("Link", "y")])
                .preceded_by(100, &[]),
        );
    let server = Server::start(routes).unwrap();
    let paths = [
        "length",
        "chunked",
        "close",
        "closing",
        "none",
        "unmodified",
        "early",
    ];
    let gets = paths.map(|path| {
        format!("[[users.u.tasks]]\nget = \"/{path}\"\ncheck = {{ status = [200, 204, 304] }}\n")
    });
    let heads =
        ["length", "chunked"].map(|path| format!("[[users.u.tasks]]\nhead = \"/{path}\"\n"));
    let tasks = gets.concat() + &heads.concat();
    let record = TestRun::new(&server.url(), 3, "1s", "0s", &tasks).run();
    let counts = server.stop();
    assert_eq!(record.timeline.failures(), []);
    assert_eq!(
        total(&record, |second| second.wire_requests),
        counts.requests
    );
    assert_eq!(
        total(&record, |second| second.connections),
        counts.connections
    );
    assert!(
        paths
            .iter()
            .all(|path| counts.by_path[&format!("/{path}")] > 10),
        "{counts:?}"
    );
}

#[test]
fn bodies_and_headers_arrive_as_in_the_scenario() {
    let routes = Routes::new().rule("/in", |request| {
        let body: serde_json::Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let fits = body["n"].as_i64().is_some_and(|n| (3..=5).contains(&n))
            && body["s"].as_str().is_some_and(|s| s == "a \"b\" ü")
            && request.header("x-key") == Some("secret-1")
            && request.header("content-type") == Some("application/json");
        Response::new(if fits { 200 } else { 400 })
    });
    let server = Server::start(routes).unwrap();
    let tasks = "[[users.u.tasks]]\npost = \"/in\"\nheaders = { X-Key = \"secret-{{ randint(1, 1) }}\" }\n\
                 json = { n = \"{{ randint(3, 5) }}\", s = 'a \"{{ pick(b) }}\" ü' }\n[data]\nb = [\"b\"]";
    let record = TestRun::new(&server.url(), 2, "300ms", "0s", tasks).run();
    assert_eq!(record.timeline.failures(), []);
    assert!(server.stop().requests > 10);
}

#[test]
fn redirect_is_one_sample_of_two_requests_and_its_time_covers_both() {
    let hop = Duration::from_millis(40);
    let routes = Routes::new()
        .at("/health", Response::redirect(307, "/health/").delayed(hop))
        .at("/health/", Response::ok("healthy").delayed(hop));
    let server = Server::start(routes).unwrap();
    let record = TestRun::new(
        &server.url(),
        2,
        "500ms",
        "0s",
        "[[users.u.tasks]]\nget = \"/health\"",
    )
    .run();
    let counts = server.stop();
    let requests = total(&record, |second| second.ok);
    assert_eq!(
        total(&record, |second| second.wire_requests),
        counts.requests
    );
    assert_eq!(
        (counts.by_path["/health"], counts.by_path["/health/"]),
        (requests, requests)
    );
    for measure in [Measure::Response, Measure::Service] {
        let histogram = record.timeline.histogram(Scope::All, measure, Outcome::Ok);
        assert!(
            histogram.min_ns() >= Some(80_000_000),
            "{measure:?} {histogram:?}"
        );
    }
    assert_eq!(record.timeline.names().len(), 1);
}

#[test]
fn redirects_are_followed_up_to_the_limit_and_not_to_other_hosts() {
    let elsewhere = Server::start(Routes::new().otherwise(Response::ok("x"))).unwrap();
    let away = Response::redirect(302, &format!("{}/x", elsewhere.url()));
    let server = Server::start(Routes::new().at("/away", away)).unwrap();
    let tasks = "[[users.u.tasks]]\nget = \"/redirect/3\"\nredirects = 3\n\
                 [[users.u.tasks]]\nget = \"/redirect/4\"\nredirects = 3\n\
                 [[users.u.tasks]]\nget = \"/redirect/1\"\nredirects = 0\ncheck = { status = 302 }\n\
                 [[users.u.tasks]]\nget = \"/away\"";
    let record = TestRun::new(&server.url(), 2, "400ms", "0s", tasks).run();
    assert_eq!(elsewhere.stop().connections, 0);
    assert_eq!(
        total(&record, |second| second.wire_requests),
        server.stop().requests
    );
    let kinds: Vec<_> = record
        .timeline
        .failures()
        .iter()
        .map(|failure| failure.kind)
        .collect();
    assert_eq!(kinds, [FailureKind::Redirect; 2]);
    let failed: Vec<_> = record
        .timeline
        .failures()
        .iter()
        .map(|failure| record.timeline.names()[failure.name.index()].name.as_str())
        .collect();
    assert!(
        failed.contains(&"/away") && failed.contains(&"/redirect/4"),
        "{failed:?}"
    );
}

#[test]
fn redirect_to_a_listed_host_is_followed_without_credentials() {
    let rule = |request: &brunt_testbed::Request| {
        let secrets = ["authorization", "cookie"].map(|name| request.header(name));
        let kept = request.header("x-kept") == Some("yes");
        Response::new(if secrets == [None, None] && kept {
            200
        } else {
            500
        })
    };
    let elsewhere = Server::start(Routes::new().rule("/x", rule)).unwrap();
    let away = Response::redirect(307, &format!("{}/x", elsewhere.url()));
    let server = Server::start(Routes::new().at("/away", away)).unwrap();
    let task = "[[users.u.tasks]]\npost = \"/away\"\njson = { a = 1 }\nheaders = { \
                Authorization = \"Bearer t\", Cookie = \"a=b\", X-Kept = \"yes\" }";
    let record = TestRun::new(&server.url(), 2, "200ms", "20ms", task)
        .with(&format!("redirect_hosts = [\"{}\"]", elsewhere.url()))
        .run();
    assert_eq!(record.timeline.failures(), []);
    let ok = total(&record, |second| second.ok);
    let (here, there) = (server.stop(), elsewhere.stop());
    assert_eq!((here.requests, there.requests), (ok, ok));
    assert_eq!((here.connections, there.connections), (2, 2));
    assert_eq!(total(&record, |second| second.wire_requests), 2 * ok);
}

#[test]
fn idle_connection_closed_by_the_server_is_replaced_without_a_failure() {
    let idle = KeepAlive::idle(Duration::from_millis(30));
    let server = Server::start(idle).unwrap();
    let tasks = "[[users.u.tasks]]\nget = \"/status/200\"";
    let record = TestRun::new(&server.url(), 5, "1s", "20ms..60ms", tasks).run();
    let counts = server.stop();
    assert!(total(&record, |second| second.reconnects) > 5, "{counts:?}");
    lost_in_a_close(&record, counts.requests);
}

/// Number of failed requests, of which there must be few. They were sent while the server closed its connection: its
/// kernel received them, but the server never read them.
fn lost_in_a_close(record: &RunRecord, read: u64) {
    let lost = failures(record, FailureKind::ConnectionClosed)
        + failures(record, FailureKind::ConnectionReset);
    assert_eq!(lost, total(record, |second| second.unanswered));
    assert_eq!(
        lost,
        total(record, Second::requests) - total(record, |second| second.ok)
    );
    assert!(lost <= read / 10, "{lost} of {read}");
    let sent = total(record, |second| second.wire_requests);
    assert!((read..=read + lost).contains(&sent), "{sent} of {read}");
}

#[test]
fn announced_close_after_some_requests_costs_no_request() {
    for announced in [true, false] {
        let server = Server::start(KeepAlive::requests(7, announced)).unwrap();
        let tasks = "[[users.u.tasks]]\nget = \"/status/200\"";
        let record = TestRun::new(&server.url(), 4, "500ms", "0s", tasks).run();
        let counts = server.stop();
        assert!(counts.connections > 8);
        lost_in_a_close(&record, counts.requests);
        if announced {
            assert_eq!(record.timeline.failures(), []);
        }
    }
}
