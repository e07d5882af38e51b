//! The null server.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::thread;

use brunt_testbed::{NullCounts, NullServer, TestCa, wait_until};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, ClientConnection, ProtocolVersion, RootCertStore, StreamOwned};

use crate::client::{BOUND, Client, End};

#[test]
fn responds_and_counts() {
    let server = NullServer::start().unwrap();
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let mut client = Client::connect(server.address());
                for _ in 0..200 {
                    let (status, body) = client.get("/any");
                    assert_eq!((status, body.len()), (200, 57));
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

/// More responses are pending than the socket's buffers hold: the server has to wait for the client.
#[test]
fn responds_to_pipelined_requests_of_a_slow_reader() {
    const COUNT: usize = 100_000;
    let server = NullServer::start().unwrap();
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
        // The server reads nothing while it cannot write, so its count stays the same.
        let mut last = 0;
        wait_until(BOUND, "full buffers", || {
            let requests = server.counts().requests;
            let stands = requests > 0 && requests == last;
            last = requests;
            stands.then_some(())
        });
        let mut bytes = Vec::new();
        (&client).read_to_end(&mut bytes).unwrap();
        let response = &bytes[..NullServer::RESPONSE_SIZE];
        assert!(bytes == response.repeat(COUNT), "the responses differ");
    });
    assert_eq!(server.stop().unwrap().requests, COUNT as u64);
}

#[test]
fn survives_clients_that_disconnect() {
    let server = NullServer::start().unwrap();
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
    wait_until(BOUND, "all requests", || {
        (server.counts() == all).then_some(())
    });
    assert_eq!(server.stop().unwrap(), all);
}

fn tls_client(authority: &TestCa, server: &NullServer) -> StreamOwned<ClientConnection, TcpStream> {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(authority.pem().as_bytes()).unwrap())
        .unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = "127.0.0.1".try_into().unwrap();
    let stream = TcpStream::connect(server.address()).unwrap();
    stream.set_read_timeout(Some(BOUND)).unwrap();
    StreamOwned::new(
        ClientConnection::new(Arc::new(config), name).unwrap(),
        stream,
    )
}

/// More responses are pending at once than rustls buffers.
#[test]
fn responds_and_counts_over_tls_1_3() {
    const BATCH: usize = 1_000;
    const BATCHES: usize = 10;
    let authority = TestCa::new();
    let server = NullServer::start_tls(&authority.issue(&["127.0.0.1"])).unwrap();
    assert_eq!(server.first_request_ns(), None);
    let mut client = tls_client(&authority, &server);
    let request = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc";
    for _ in 0..100 {
        client.write_all(request).unwrap();
        let mut response = [0; NullServer::RESPONSE_SIZE];
        client.read_exact(&mut response).unwrap();
        assert!(response.starts_with(b"HTTP/1.1 200 OK\r\n"));
    }
    assert_eq!(
        client.conn.protocol_version(),
        Some(ProtocolVersion::TLSv1_3)
    );
    assert!(server.first_request_ns().is_some());
    for _ in 0..BATCHES {
        client.write_all(&request.repeat(BATCH)).unwrap();
        let mut responses = vec![0; BATCH * NullServer::RESPONSE_SIZE];
        client.read_exact(&mut responses).unwrap();
        let one = &responses[..NullServer::RESPONSE_SIZE];
        assert!(responses == one.repeat(BATCH), "the responses differ");
    }
    let plain = TcpStream::connect(server.address()).unwrap();
    (&plain)
        .write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        .unwrap();
    drop(plain);
    drop(client);
    let counts = NullCounts {
        requests: (100 + BATCH * BATCHES) as u64,
        connections: 2,
    };
    wait_until(BOUND, "both connections", || {
        (server.counts() == counts).then_some(())
    });
    assert_eq!(server.stop().unwrap(), counts);
}
