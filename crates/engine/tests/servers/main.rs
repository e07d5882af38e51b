//! Runs against common servers: nothing fails, and both sides count the same requests.
//!
//! `cargo xtask check` installs the servers.

#![expect(clippy::unwrap_used, reason = "a missing value fails the test")]

mod apache;
mod hyper_server;
mod nginx;
mod running;
mod script;
mod site;
#[path = "../test_run/mod.rs"]
#[expect(dead_code, reason = "each test binary uses a part of it")]
mod test_run;

use brunt_record::{RunRecord, Second};

use crate::running::Running;
use crate::site::{LARGE_BYTES, Mode, SMALL_BYTES, Site};
use crate::test_run::{TestRun, total};

/// Starts a server for a site; `None` if it is not installed.
type Start = fn(&Site, Mode) -> Option<Running>;

const MODES: [Mode; 4] = [
    Mode::new(false, true),
    Mode::new(false, false),
    Mode::new(true, true),
    Mode::new(true, false),
];

const HTTP2_MODES: [Mode; 2] = [Mode::http2(true), Mode::http2(false)];

/// Transfers every size in every mode, in both directions.
fn serves_all(start: Start) {
    serves_in(&MODES, start);
}

fn serves_in(modes: &[Mode], start: Start) {
    for &mode in modes {
        let site = Site::new();
        let Some(server) = start(&site, mode) else {
            return;
        };
        let folder = site.folder().display();
        let steps = [
            "{ get = \"/empty\" }".to_owned(),
            "{ get = \"/small\" }".to_owned(),
            "{ get = \"/large\" }".to_owned(),
            "{ head = \"/large\" }".to_owned(),
            "{ get = \"/text.txt\", headers = { Accept-Encoding = \"gzip\" }, check = { contains = \
             \"The last line of all\" } }"
                .to_owned(),
            "{ get = \"/missing\", check = { status = 404 } }".to_owned(),
            "{ post = \"/small\" }".to_owned(),
            format!("{{ post = \"/small\", file = \"{folder}/site/small\" }}"),
            format!("{{ post = \"/small\", file = \"{folder}/site/large\" }}"),
        ];
        let task = format!("[[users.u.tasks]]\nsteps = [{}]", steps.join(", "));
        let http = if mode.http2 { "2" } else { "1.1" };
        let record = TestRun::new(&server.url(), 2, "400ms", "10ms", &task)
            .with(&format!("http = {http}\n[tls]\nca = \"{folder}/ca.pem\""))
            .run();
        let name = format!("{} {mode:?}", server.name);
        assert_eq!(record.timeline.failures(), [], "{name}");
        let requests = total(&record, |second| second.wire_requests);
        assert!(requests >= 18, "{name}: {requests}");
        server.counts(requests);
        assert_bodies_came(&record, mode);
        let connections = total(&record, |second| second.connections);
        if mode.http2 {
            assert_eq!(connections, 2, "{name}");
        } else if mode.keep_alive {
            // After a response that was received before the body was sent, the connection cannot be reused.
            assert!(connections <= 2 + requests * 3 / 9, "{name}: {connections}");
        } else {
            assert_eq!(connections, requests, "{name}");
        }
    }
}

fn assert_bodies_came(record: &RunRecord, mode: Mode) {
    let received = |path: &str| {
        let names = record.timeline.names().iter();
        let is_it = |name: &brunt_record::RequestName| name.name == path && name.method == "GET";
        let at = names.map(is_it).position(|is_it| is_it).unwrap();
        let totals = record.timeline.name_totals()[at];
        totals.bytes_received / totals.requests
    };
    for (path, bytes) in [
        ("/empty", 0),
        ("/small", SMALL_BYTES),
        ("/large", LARGE_BYTES),
    ] {
        let head_bytes = received(path) - bytes as u64;
        let expected = if mode.http2 {
            // Headers are compressed, and each DATA frame of the body has a header of 9 bytes.
            10..1_000 + bytes as u64 / 200
        } else {
            50..1_000
        };
        assert!(expected.contains(&head_bytes), "{path}: {head_bytes}");
    }
    let compressed = received("/text.txt");
    assert!(compressed < 10_000, "{compressed}");
}

#[test]
fn nginx() {
    serves_all(nginx::start);
    serves_in(&HTTP2_MODES, nginx::start);
}

#[test]
fn apache() {
    serves_all(apache::start);
    serves_in(&HTTP2_MODES, apache::start);
}

#[test]
fn python_http_server() {
    serves_all(script::http_server);
}

#[test]
fn uvicorn() {
    serves_all(script::uvicorn);
}

#[test]
fn node() {
    serves_all(script::node);
}

#[test]
fn hyper() {
    serves_all(|site, mode| Some(hyper_server::start(site, mode)));
}

/// It closes connections that were idle for 5 s. Users who wait about as long send requests at the moment of the close.
#[test]
fn few_requests_are_lost_when_uvicorn_closes_idle_connections() {
    let site = Site::new();
    let Some(server) = script::uvicorn(&site, Mode::new(false, true)) else {
        return;
    };
    let task = "[[users.u.tasks]]\nget = \"/small\"";
    let record = TestRun::new(&server.url(), 100, "16s", "4950ms..5050ms", task).run();
    let requests = total(&record, Second::requests);
    assert!(requests >= 300);
    assert!(total(&record, |second| second.reconnects) > 20);
    // Requests that arrive while uvicorn closes the connection count as sent, although uvicorn never read them: its
    // kernel resets the connection. Timers and sockets share one event loop, so this takes up to one iteration of it.
    let lost = total(&record, |second| second.unanswered);
    assert!(lost <= requests / 4, "{:?}", record.timeline.failures());
    let sent = total(&record, |second| second.wire_requests);
    server.counts_within(requests - lost..=sent);
}
