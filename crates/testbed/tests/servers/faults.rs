//! Faults, as observed by a client.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use brunt_testbed::{Behavior, Counts, Fault, Response, Routes, Server, wait_until};

use crate::client::{BOUND, Client, End};

const RESPONSE: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

fn server(fault: Fault) -> Server {
    let routes = Routes::new().otherwise(Response::ok("hello"));
    Server::start(Behavior::from(routes).fault(fault)).unwrap()
}

/// Sends one request. Returns the bytes received, the end, and the counts of the server.
fn exchange(fault: Fault) -> (String, End, Counts) {
    let server = server(fault);
    let mut client = Client::connect(server.address());
    client.request("GET", "/");
    let (bytes, end) = client.rest();
    (String::from_utf8(bytes).unwrap(), end, server.stop())
}

#[test]
fn closes_on_accept() {
    let (bytes, end, counts) = exchange(Fault::CloseOnAccept);
    assert_eq!((bytes.as_str(), end), ("", End::Closed));
    assert_eq!((counts.connections, counts.closed), (1, 1));
    assert_eq!(counts.requests, 0);
}

#[test]
fn resets_on_accept() {
    let server = server(Fault::ResetOnAccept);
    // The reset may arrive before connecting has returned.
    match TcpStream::connect(server.address()) {
        Ok(stream) => assert_eq!(Client::new(stream).rest(), (Vec::new(), End::Reset)),
        Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
    }
    let counts = server.stop();
    assert_eq!((counts.connections, counts.closed), (1, 1));
}

#[test]
fn resets_after_every_number_of_bytes() {
    for most in 0..=RESPONSE.len() + 1 {
        let (bytes, end, counts) = exchange(Fault::ResetAfter { bytes: most });
        let sent = most.min(RESPONSE.len());
        assert_eq!((bytes.as_str(), end), (&RESPONSE[..sent], End::Reset));
        check_part(&counts, sent);
    }
}

#[test]
fn closes_after_every_number_of_bytes() {
    for most in 0..=RESPONSE.len() + 1 {
        for fault in [
            Fault::CloseAfter { bytes: most },
            Fault::HalfCloseAfter { bytes: most },
        ] {
            let (bytes, end, counts) = exchange(fault);
            let sent = most.min(RESPONSE.len());
            assert_eq!((bytes.as_str(), end), (&RESPONSE[..sent], End::Closed));
            check_part(&counts, sent);
        }
    }
}

fn check_part(counts: &Counts, sent: usize) {
    let whole = u64::from(sent == RESPONSE.len());
    assert_eq!((counts.requests, counts.closed), (1, 1));
    assert_eq!(counts.responses.get(&200).copied().unwrap_or(0), whole);
    assert_eq!(counts.unfinished, 1 - whole);
    assert_eq!(counts.bytes_written, sent as u64);
}

#[test]
fn half_closed_connection_accepts_bytes() {
    let server = server(Fault::HalfCloseAfter { bytes: 4 });
    let mut client = Client::connect(server.address());
    client.request("GET", "/");
    assert_eq!(client.take(4), "HTTP");
    let read = server.counts().bytes_read;
    for more in 1..=3 {
        client.send("x");
        wait_until(BOUND, "another byte", || {
            (server.counts().bytes_read == read + more).then_some(())
        });
    }
    assert_eq!(client.rest(), (Vec::new(), End::Closed));
}

#[test]
fn stays_silent() {
    let server = server(Fault::Silent);
    let mut client = Client::connect(server.address());
    client.request("GET", "/");
    client.request("GET", "/");
    wait_until(BOUND, "both requests", || {
        (server.counts().requests == 2).then_some(())
    });
    assert!(client.is_silent());
    let counts = server.stop();
    assert_eq!((counts.responses.len(), counts.bytes_written), (0, 0));
    assert_eq!(client.rest(), (Vec::new(), End::Closed));
}

#[test]
fn is_silent_after_some_requests_over_all_connections() {
    let server = server(Fault::SilentAfter { requests: 3 });
    let mut clients = [(); 2].map(|()| Client::connect(server.address()));
    assert_eq!(clients[0].get("/").0, 200);
    assert_eq!(clients[1].get("/").0, 200);
    assert_eq!(clients[0].get("/").0, 200);
    for client in &mut clients {
        client.request("GET", "/");
    }
    wait_until(BOUND, "all requests", || {
        (server.counts().requests == 5).then_some(())
    });
    assert!(clients.iter().all(Client::is_silent));
    assert_eq!(server.stop().responses, BTreeMap::from([(200, 3)]));
}

#[test]
fn sends_garbage() {
    let (bytes, end, counts) = exchange(Fault::Garbage(b"\x16\x03\x01 220 smtp\n".to_vec()));
    assert_eq!(
        (bytes.as_str(), end),
        ("\x16\x03\x01 220 smtp\n", End::Closed)
    );
    assert_eq!((counts.requests, counts.closed), (1, 1));
    assert_eq!(counts.responses, BTreeMap::new());
}

#[test]
fn drips() {
    let interval = Duration::from_millis(2);
    let server = server(Fault::Drip { interval });
    let mut client = Client::connect(server.address());
    let sent = Instant::now();
    for _ in 0..2 {
        client.request("GET", "/");
        assert_eq!(client.take(RESPONSE.len()), RESPONSE);
    }
    let pauses = 2 * (RESPONSE.len() - 1);
    assert!(sent.elapsed() >= interval * u32::try_from(pauses).unwrap());
    assert_eq!(server.stop().responses, BTreeMap::from([(200, 2)]));
}

#[test]
fn drip_ends_with_its_server() {
    let server = server(Fault::Drip {
        interval: Duration::from_hours(1),
    });
    let mut client = Client::connect(server.address());
    client.request("GET", "/");
    assert_eq!(client.take(1), "H");
    assert_eq!(server.stop().unfinished, 1);
}

#[test]
fn responds_twice() {
    let server = server(Fault::Twice);
    let mut client = Client::connect(server.address());
    client.request("GET", "/");
    assert_eq!(client.take(2 * RESPONSE.len()), RESPONSE.repeat(2));
    let counts = server.stop();
    assert_eq!(counts.requests, 1);
    assert_eq!(counts.responses, BTreeMap::from([(200, 2)]));
}
