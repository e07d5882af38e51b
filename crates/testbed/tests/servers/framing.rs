//! The bytes of responses.

use brunt_testbed::{Framing, Response, Routes, Server};

use crate::client::{Client, End};

/// The bytes of the response to one request that ends the connection.
fn bytes_of(response: Response, method: &str) -> String {
    let server = Server::start(Routes::new().at("/", response)).unwrap();
    let mut client = Client::connect(server.address());
    client.send(format!(
        "{method} / HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n"
    ));
    let (bytes, end) = client.rest();
    assert_eq!(end, End::Closed);
    let counts = server.stop();
    assert_eq!(counts.closed, 1);
    assert_eq!(counts.bytes_written, bytes.len() as u64);
    String::from_utf8(bytes).unwrap()
}

#[test]
fn chunks_have_the_given_sizes_extensions_and_trailers() {
    let response = Response::ok("0123456789abc").framing(Framing::Chunked {
        sizes: vec![1, 3],
        extension: ";a=\"b\"".to_owned(),
        trailers: vec![("Digest".to_owned(), "1".to_owned())],
    });
    let head = "HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\
        Trailer: Digest\r\n\r\n";
    assert_eq!(
        bytes_of(response.clone(), "GET"),
        format!(
            "{head}1;a=\"b\"\r\n0\r\n3;a=\"b\"\r\n123\r\n1;a=\"b\"\r\n4\r\n3;a=\"b\"\r\n567\r\n\
            1;a=\"b\"\r\n8\r\n3;a=\"b\"\r\n9ab\r\n1;a=\"b\"\r\nc\r\n0;a=\"b\"\r\nDigest: 1\r\n\r\n"
        )
    );
    assert_eq!(bytes_of(response, "HEAD"), head);
    let whole = bytes_of(Response::ok("0123456789abc").chunked(&[]), "GET");
    assert!(whole.ends_with("\r\n\r\nd\r\n0123456789abc\r\n0\r\n\r\n"));
    let empty = bytes_of(Response::ok("").chunked(&[4]), "GET");
    assert!(empty.ends_with("\r\n\r\n0\r\n\r\n"));
}

#[test]
fn some_responses_have_no_body() {
    for (response, method, head) in [
        (Response::ok("abc"), "HEAD", "200 OK\r\nContent-Length: 3"),
        (Response::new(204).body("abc"), "GET", "204 No Content"),
        (
            Response::new(304).body("abc"),
            "GET",
            "304 Not Modified\r\nContent-Length: 3",
        ),
        (
            Response::new(304).body("abc").chunked(&[1]),
            "GET",
            "304 Not Modified\r\nTransfer-Encoding: chunked",
        ),
        (
            Response::new(205).body("abc").chunked(&[1]),
            "GET",
            "205 \r\nContent-Length: 0",
        ),
        (Response::ok("abc").framing(Framing::None), "GET", "200 OK"),
    ] {
        let (status_line, length) = head.split_once("\r\n").unwrap_or((head, ""));
        let length = if length.is_empty() {
            String::new()
        } else {
            format!("{length}\r\n")
        };
        assert_eq!(
            bytes_of(response, method),
            format!("HTTP/1.1 {status_line}\r\nConnection: close\r\n{length}\r\n")
        );
    }
}

#[test]
fn body_can_end_with_its_connection() {
    let response = Response::ok("abc").framing(Framing::UntilClose);
    let server = Server::start(Routes::new().at("/", response)).unwrap();
    let mut client = Client::connect(server.address());
    client.request("GET", "/");
    assert_eq!(
        client.rest(),
        (b"HTTP/1.1 200 OK\r\n\r\nabc".to_vec(), End::Closed)
    );
    assert_eq!(server.stop().closed, 1);
}

#[test]
fn interim_responses_come_first() {
    let response = Response::ok("abc")
        .preceded_by(100, &[])
        .preceded_by(103, &[("Link", "</a>"), ("Link", "</b>")])
        .header("A", "b")
        .closing();
    assert_eq!(
        bytes_of(response, "GET"),
        "HTTP/1.1 100 Continue\r\n\r\n\
        HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nLink: </b>\r\n\r\n\
        HTTP/1.1 200 OK\r\nA: b\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc"
    );
}

#[test]
fn client_that_expects_100_gets_it_before_it_sends_the_body() {
    let routes = Routes::new().rule("/", |request| Response::ok(request.body.clone()));
    let server = Server::start(routes).unwrap();
    let mut client = Client::connect(server.address());
    client.send("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    assert_eq!(client.head(), "HTTP/1.1 100 Continue\r\n\r\n");
    client.send("ab");
    assert_eq!(client.response(), (200, "ab".to_owned()));
}

#[test]
fn raw_responses_are_sent_unchanged() {
    let bytes = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc";
    assert_eq!(bytes_of(Response::raw(200, bytes), "GET"), bytes);
}

#[test]
fn http_1_0_connection_ends_after_its_response_unless_kept_alive() {
    let server = Server::start(Routes::new()).unwrap();
    let mut client = Client::connect(server.address());
    client.send("GET /health/ HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n");
    assert_eq!(client.response().0, 200);
    client.send("GET /health/ HTTP/1.0\r\n\r\n");
    let (bytes, end) = client.rest();
    assert!(bytes.ends_with(b"healthy\n"));
    assert_eq!(end, End::Closed);
}
