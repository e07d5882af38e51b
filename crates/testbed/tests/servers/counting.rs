//! Routes and counts.

use std::collections::BTreeMap;
use std::thread;
use std::time::{Duration, Instant};

use brunt_testbed::{Counts, Response, Routes, Server, wait_until};

use crate::client::{BOUND, Client, End};

#[test]
fn every_status_is_sent_and_counted() {
    let server = Server::start(Routes::new()).unwrap();
    let mut client = Client::connect(server.address());
    for status in 200..600_u16 {
        client.request("GET", &format!("/status/{status}"));
        let head = client.head();
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{head:?}");
        let length = match status {
            204 => None,
            205 => Some("0"),
            _ => Some("11"),
        };
        let told = head
            .lines()
            .find_map(|line| line.strip_prefix("Content-Length: "));
        assert_eq!(told, length, "{head:?}");
        if !matches!(status, 204 | 205 | 304) {
            assert_eq!(client.take(11), format!("status {status}\n"));
        }
    }
    assert!(client.is_silent());
    let counts = server.stop();
    assert_eq!(counts.requests, 400);
    let each_once: BTreeMap<u16, u64> = (200..600).map(|status| (status, 1)).collect();
    assert_eq!(counts.responses, each_once);
    assert_eq!((counts.connections, counts.closed), (1, 0));
}

#[test]
fn built_in_rules_apply_to_other_paths() {
    let routes = Routes::new()
        .at("/status/201", Response::ok("routed"))
        .rule("/echo", |request| Response::ok(request.body.clone()));
    let server = Server::start(routes).unwrap();
    let mut client = Client::connect(server.address());

    assert_eq!(client.get("/status/201?x=1"), (200, "routed".to_owned()));
    assert_eq!(client.get("/status/199").0, 404);
    assert_eq!(client.get("/").0, 404);
    client.send("GET /a HTTP/1.1\r\nHost: test\r\nx-status: 503\r\n\r\n");
    assert_eq!(client.response(), (503, "status 503\n".to_owned()));

    for (target, status, location) in [
        ("/redirect/2", 302, "/redirect/1"),
        ("/redirect/1", 302, "/redirect/0"),
        ("/health", 307, "/health/"),
    ] {
        client.request("GET", target);
        assert_eq!(
            client.head().lines().take(2).collect::<Vec<_>>(),
            [
                if status == 302 {
                    "HTTP/1.1 302 Found"
                } else {
                    "HTTP/1.1 307 Temporary Redirect"
                },
                &format!("Location: {location}")
            ]
        );
    }
    assert_eq!(client.get("/redirect/0"), (200, "arrived\n".to_owned()));
    assert_eq!(client.get("/health/"), (200, "healthy\n".to_owned()));

    client.send("POST /echo HTTP/1.1\r\nHost: test\r\nContent-Length: 3\r\n\r\nabc");
    assert_eq!(client.response(), (200, "abc".to_owned()));
    client.send("POST /echo HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n");
    client.send("2;a=b\r\nab\r\n10\r\n0123456789abcdef\r\n0\r\nTrailer: x\r\n\r\n");
    assert_eq!(client.response(), (200, "ab0123456789abcdef".to_owned()));
}

#[test]
fn sequences_span_connections_and_repeat_their_last() {
    let routes = Routes::new()
        .sequence(
            "/",
            vec![Response::ok("1"), Response::new(503), Response::ok("3")],
        )
        .otherwise(Response::new(418));
    let server = Server::start(routes).unwrap();
    let statuses = [(); 5].map(|()| Client::connect(server.address()).get("/").0);
    assert_eq!(statuses, [200, 503, 200, 200, 200]);
    assert_eq!(Client::connect(server.address()).get("/other").0, 418);
    let counts = server.stop();
    assert_eq!(
        counts.by_path,
        BTreeMap::from([("/".to_owned(), 5), ("/other".to_owned(), 1)])
    );
    assert_eq!(
        counts.responses,
        BTreeMap::from([(200, 4), (418, 1), (503, 1)])
    );
    assert_eq!(counts.connections, 6);
}

#[test]
fn counts_are_exact_under_many_clients() {
    let server = Server::start(Routes::new().otherwise(Response::ok("hello"))).unwrap();
    thread::scope(|scope| {
        for number in 0..16 {
            let address = server.address();
            scope.spawn(move || {
                for _ in 0..5 {
                    let mut client = Client::connect(address);
                    for _ in 0..40 {
                        assert_eq!(client.get(&format!("/{number}?a")).0, 200);
                    }
                }
            });
        }
    });
    let counts = server.counts();
    assert_eq!((counts.requests, counts.connections), (3200, 80));
    assert_eq!(counts.by_path.len(), 16);
    assert!(counts.by_path.values().all(|count| *count == 200));
    assert_eq!(counts.responses, BTreeMap::from([(200, 3200)]));
    assert_eq!(server.stop(), counts);
}

#[test]
fn bytes_and_pipelined_requests_are_counted() {
    let server = Server::start(Routes::new().otherwise(Response::ok("a"))).unwrap();
    let mut client = Client::connect(server.address());
    client.send("GET / HTTP/1.1\r\nHost: t\r\n\r\n".repeat(3));
    let response = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na";
    assert_eq!(client.take(3 * response.len()), response.repeat(3));
    assert_eq!(
        server.stop(),
        Counts {
            connections: 1,
            requests: 3,
            by_path: BTreeMap::from([("/".to_owned(), 3)]),
            responses: BTreeMap::from([(200, 3)]),
            bytes_read: 3 * 27,
            bytes_written: 3 * response.len() as u64,
            ..Counts::default()
        }
    );
}

#[test]
fn malformed_requests_are_counted_separately() {
    let server = Server::start(Routes::new()).unwrap();
    for bytes in [
        "GET / HTTP/1.1\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
    ] {
        let mut client = Client::connect(server.address());
        client.send(bytes);
        let (response, end) = client.rest();
        assert!(response.starts_with(b"HTTP/1.1 400 Bad Request\r\n"));
        assert_eq!(end, End::Closed);
    }
    let mut client = Client::connect(server.address());
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n1");
    drop(client);
    wait_until(BOUND, "the half request", || {
        (server.counts().cut_off == 1).then_some(())
    });
    let counts = server.stop();
    assert_eq!((counts.requests, counts.malformed), (0, 3));
    assert_eq!((counts.connections, counts.closed), (4, 3));
    assert_eq!(counts.responses, BTreeMap::from([(400, 3)]));
}

#[test]
fn server_stops_while_clients_wait_and_restarts() {
    let slow = Response::ok("late").delayed(Duration::from_hours(1));
    let server = Server::start(Routes::new().at("/slow", slow)).unwrap();
    let address = server.address();
    assert_eq!(server.url(), format!("http://{address}"));
    let idle = Client::connect(address);
    let mut waiting = Client::connect(address);
    waiting.request("GET", "/slow");
    wait_until(BOUND, "both connections", || {
        let counts = server.counts();
        (counts.requests == 1 && counts.connections == 2).then_some(())
    });
    let counts = server.stop();
    assert_eq!((counts.closed, counts.responses.len()), (0, 0));
    assert_eq!(idle.rest(), (Vec::new(), End::Closed));
    assert_eq!(waiting.rest(), (Vec::new(), End::Closed));

    let server = Server::start_at(address, Routes::new()).unwrap();
    assert_eq!(Client::connect(address).get("/status/200").0, 200);
    assert_eq!(server.stop().requests, 1);
}

#[test]
fn delayed_response_is_not_early() {
    let delay = Duration::from_millis(50);
    let server = Server::start(Routes::new().at("/", Response::ok("").delayed(delay))).unwrap();
    let mut client = Client::connect(server.address());
    let sent = Instant::now();
    assert_eq!(client.get("/").0, 200);
    assert!(sent.elapsed() >= delay);
}
