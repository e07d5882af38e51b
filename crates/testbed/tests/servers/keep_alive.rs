//! Limits of persistent connections.

use std::time::{Duration, Instant};

use brunt_testbed::{Behavior, KeepAlive, Response, Routes, Server};

use crate::client::{Client, End};

fn server(keep_alive: KeepAlive) -> Server {
    let routes = Routes::new().otherwise(Response::ok("a"));
    Server::start(Behavior::from(routes).keep_alive(keep_alive)).unwrap()
}

#[test]
fn idle_connections_are_closed() {
    let idle = Duration::from_millis(100);
    let server = server(KeepAlive::idle(idle));
    let mut client = Client::connect(server.address());
    let sent = Instant::now();
    assert_eq!(client.get("/").0, 200);
    assert_eq!(client.rest(), (Vec::new(), End::Closed));
    assert!(sent.elapsed() >= idle);
    let counts = server.stop();
    assert_eq!((counts.requests, counts.closed), (1, 1));
}

#[test]
fn connections_are_closed_after_some_requests() {
    for announced in [true, false] {
        let server = server(KeepAlive::requests(3, announced));
        let mut client = Client::connect(server.address());
        for request in 1..=3 {
            client.request("GET", "/");
            let says_close = client.head().contains("Connection: close\r\n");
            assert_eq!(says_close, announced && request == 3);
            assert_eq!(client.take(1), "a");
        }
        assert_eq!(client.rest(), (Vec::new(), End::Closed));
        let counts = server.stop();
        assert_eq!((counts.requests, counts.closed), (3, 1));
    }
}
