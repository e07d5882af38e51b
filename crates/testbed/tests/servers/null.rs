//! The server that does next to nothing.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::thread;

use testbed::{Null, NullCounts, until};

use crate::client::{BOUND, Client, End};

#[test]
fn answers_and_counts() {
    let server = Null::start().unwrap();
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let mut client = Client::connect(server.address());
                for _ in 0..200 {
                    let (status, body) = client.get("/any");
                    assert_eq!((status, body.len()), (200, 63));
                }
            });
        }
    });
    let counts = NullCounts {
        requests: 1600,
        connections: 8,
    };
    assert_eq!(server.counts(), counts);
    assert_eq!(server.stop().unwrap(), counts);
}

/// More answers are owed than the socket's buffers hold: the server has to wait for the client.
#[test]
fn answers_pipelined_requests_that_are_read_late() {
    const COUNT: usize = 100_000;
    let server = Null::start().unwrap();
    let client = TcpStream::connect(server.address()).unwrap();
    client.set_read_timeout(Some(BOUND)).unwrap();
    thread::scope(|scope| {
        scope.spawn(|| {
            let request = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc";
            (&client)
                .write_all(request.repeat(COUNT).as_bytes())
                .unwrap();
            client.shutdown(Shutdown::Write).unwrap();
        });
        // Nothing is read before the server cannot write on: its count stands still meanwhile.
        let mut last = 0;
        until(BOUND, "full buffers", || {
            let requests = server.counts().requests;
            let stands = requests > 0 && requests == last;
            last = requests;
            stands.then_some(())
        });
        let mut bytes = Vec::new();
        (&client).read_to_end(&mut bytes).unwrap();
        let answer = &bytes[..Null::ANSWER_SIZE];
        assert!(bytes == answer.repeat(COUNT), "the answers are not alike");
    });
    assert_eq!(server.stop().unwrap().requests, COUNT as u64);
}

#[test]
fn outlives_clients_that_go_away() {
    let server = Null::start().unwrap();
    for _ in 0..50 {
        Client::connect(server.address()).send("GET / HTTP/1.1\r\nHost: a\r\n\r\n".repeat(50));
    }
    let mut client = Client::connect(server.address());
    client.send("POST / HTTP/1.1\r\nContent-Length: no\r\n\r\n");
    assert_eq!(client.rest(), (Vec::new(), End::Closed));
    assert_eq!(Client::connect(server.address()).get("/").0, 200);
    let all = NullCounts {
        requests: 2501,
        connections: 52,
    };
    until(BOUND, "all requests", || {
        (server.counts() == all).then_some(())
    });
    assert_eq!(server.stop().unwrap(), all);
}
