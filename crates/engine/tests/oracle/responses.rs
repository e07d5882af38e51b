//! Generated responses of a server, most of them almost valid.

use proptest::prelude::*;
use proptest::sample::{Index, select};

const STATUS_LINES: &[&str] = &[
    "HTTP/1.1 200 OK",
    "HTTP/1.1 200 OK",
    "HTTP/1.1 200 OK",
    "HTTP/1.1 200",
    "HTTP/1.1 200 ",
    "HTTP/1.0 200 OK",
    "HTTP/1.1 204 No Content",
    "HTTP/1.1 304 Not Modified",
    "HTTP/1.1 404 Not Found",
    "HTTP/1.1 999 What",
    "HTTP/1.1 099 Low",
    "HTTP/1.1 20 OK",
    "HTTP/1.1 2000 OK",
    "HTTP/1.1  200 OK",
    "HTTP/1.1 101 Switching Protocols",
    "HTTP/1.2 200 OK",
    "HTTP/2 200 OK",
    "http/1.1 200 OK",
    "ICY 200 OK",
];

const FIELDS: &[&str] = &[
    "Content-Length: 5",
    "Content-Length: 5",
    "content-length:5",
    "Content-Length: 0",
    "Content-Length: 3",
    "Content-Length: 5, 5",
    "Content-Length: 5, 6",
    "Content-Length: +5",
    "Content-Length: 5 ",
    "Content-Length: -5",
    "Content-Length: 0x5",
    "Content-Length:",
    "Content-Length: 18446744073709551615",
    "Content-Length: 18446744073709551616",
    "Transfer-Encoding: chunked",
    "Transfer-Encoding: Chunked",
    "Transfer-Encoding: gzip, chunked",
    "Transfer-Encoding: chunked, gzip",
    "Transfer-Encoding: gzip",
    "Transfer-Encoding: identity",
    "Transfer-Encoding:\tchunked ",
    "Connection: close",
    "Connection: keep-alive",
    "Connection: Keep-Alive, X",
    "Content-Encoding: gzip",
    "Location: /elsewhere",
    "X-Folded: one\r\n two",
    "Content-Length: 5\r\n ",
    "X-Empty:",
    "X-Text: caf\u{e9}",
    "X Space: a",
    "X-Before : a",
    ": no name",
    "no colon",
];

const BODIES: &[&str] = &[
    "",
    "hello",
    "hello",
    "hello world",
    "hel",
    "5\r\nhello\r\n0\r\n\r\n",
    "5\r\nhello\r\n0\r\n\r\n",
    "5;a=b\r\nhello\r\n0;c\r\nT: u\r\n\r\n",
    "5 \r\nhello\r\n0\r\n\r\n",
    "05\r\nhello\r\n00\r\n\r\n",
    "A\r\n0123456789\r\n1\r\nx\r\n0\r\n\r\nrest",
    "5\nhello\n0\n\n",
    "5\r\nhello0\r\n\r\n",
    "5\r\nhel",
    "5\r\nhello\r\n",
    "5\r\nhello\r\n0\r\n",
    "5\r\nhello\r\n0\r\nT: u\r\n",
    "g\r\nhello\r\n0\r\n\r\n",
    "\r\nhello",
    "-5\r\nhello\r\n0\r\n\r\n",
    "ffffffffffffffff\r\nhello",
    "10000000000000000\r\nhello",
    "0\r\n\r\n",
];

/// Interim responses before the final one.
const INTERIM: &[&str] = &[
    "",
    "",
    "",
    "",
    "HTTP/1.1 100 Continue\r\n\r\n",
    "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n",
    "\r\n",
];

/// The bytes of a response, sometimes with a few of them changed.
pub(crate) fn response() -> impl Strategy<Value = Vec<u8>> {
    let valid = (
        select(INTERIM),
        select(STATUS_LINES),
        prop::collection::vec(select(FIELDS), 0..4),
        select(BODIES),
    );
    let valid = valid.prop_map(|(interim, status, fields, body)| {
        let fields: String = fields
            .into_iter()
            .flat_map(|field| [field, "\r\n"])
            .collect();
        format!("{interim}{status}\r\n{fields}\r\n{body}").into_bytes()
    });
    let change = (
        any::<Index>(),
        0..3u8,
        select(b"\r\n :;,05aZ\0\x7f\xff".as_slice()),
    );
    let changes = prop_oneof![
        3 => Just(Vec::new()),
        1 => prop::collection::vec(change, 1..3),
    ];
    (valid, changes).prop_map(|(mut bytes, changes)| {
        for (at, how, byte) in changes {
            let at = at.index(bytes.len());
            match how {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                _ => drop(bytes.remove(at)),
            }
        }
        bytes
    })
}

/// Every body with every combination of framing fields.
pub(crate) fn framing_combinations() -> Vec<Vec<u8>> {
    let framings = [
        "Content-Length: 5",
        "Transfer-Encoding: chunked",
        "Connection: close",
        "Content-Length: 5\r\nContent-Length: 6",
        "Content-Length: 5\r\nTransfer-Encoding: chunked",
    ];
    let bodies = BODIES.iter();
    bodies
        .flat_map(|body| {
            framings
                .map(|framing| format!("HTTP/1.1 200 OK\r\n{framing}\r\n\r\n{body}").into_bytes())
        })
        .collect()
}
