//! Service that violates HTTP/1.1.

use std::io::{self, BufRead, BufReader};
use std::net::TcpStream;
use std::time::Duration;

use rand::RngExt;

use crate::hostile::{Act, Case, HostilePort, Kinds, act, healthy, run_cases};
use crate::trials::{Promise, Random};

const OK: Kinds = &[];
const BAD: Kinds = &["protocol_error"];
const LARGE: Kinds = &["response_too_large"];
const CLOSED: Kinds = &["connection_closed"];
const RESET: Kinds = &["connection_reset"];
const TIMEOUT: Kinds = &["timeout"];
const CHECK: Kinds = &["check"];
const REDIRECT: Kinds = &["redirect"];

/// Responses that are sent before the connection is closed.
const SENT: [(&str, &str, Kinds); 47] = [
    ("not-http", "220 mail.example ESMTP\r\n", BAD),
    ("closed-at-once", "", CLOSED),
    ("version-2", "HTTP/2 200 OK\r\n\r\n", BAD),
    ("version-lowercase", "http/1.1 200 OK\r\n\r\n", BAD),
    ("status-letters", "HTTP/1.1 2x0 OK\r\n\r\n", BAD),
    ("status-two-digits", "HTTP/1.1 20 OK\r\n\r\n", BAD),
    ("status-four-digits", "HTTP/1.1 2000 OK\r\n\r\n", BAD),
    ("status-low", "HTTP/1.1 099 Low\r\n\r\n", BAD),
    ("status-negative", "HTTP/1.1 -20 OK\r\n\r\n", BAD),
    ("status-two-spaces", "HTTP/1.1  200 OK\r\n\r\n", BAD),
    ("upgrade", "HTTP/1.1 101 Switching Protocols\r\n\r\n", BAD),
    ("no-colon", "HTTP/1.1 200 OK\r\nno colon\r\n\r\n", BAD),
    ("no-name", "HTTP/1.1 200 OK\r\n: x\r\n\r\n", BAD),
    ("space-in-name", "HTTP/1.1 200 OK\r\nX Y: a\r\n\r\n", BAD),
    (
        "space-before-colon",
        "HTTP/1.1 200 OK\r\nX : a\r\n\r\n",
        BAD,
    ),
    ("nul-in-name", "HTTP/1.1 200 OK\r\nX\0: a\r\n\r\n", BAD),
    ("nul-in-value", "HTTP/1.1 200 OK\r\nX: a\0b\r\n\r\n", BAD),
    ("cr-in-value", "HTTP/1.1 200 OK\r\nX: a\rb\r\n\r\n", BAD),
    (
        "length-negative",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        BAD,
    ),
    (
        "length-plus",
        "HTTP/1.1 200 OK\r\nContent-Length: +0\r\n\r\n",
        BAD,
    ),
    (
        "length-hex",
        "HTTP/1.1 200 OK\r\nContent-Length: 0x0\r\n\r\n",
        BAD,
    ),
    (
        "length-empty",
        "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n",
        BAD,
    ),
    (
        "length-overflow",
        "HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551616\r\n\r\n",
        BAD,
    ),
    (
        "length-huge",
        "HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551615\r\n\r\n",
        LARGE,
    ),
    (
        "length-over-limit",
        "HTTP/1.1 200 OK\r\nContent-Length: 1048577\r\n\r\n",
        LARGE,
    ),
    (
        "lengths-differ",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        BAD,
    ),
    (
        "encoding-in-1-0",
        "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        BAD,
    ),
    (
        "chunk-not-hex",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\ng\r\nhello\r\n0\r\n\r\n",
        BAD,
    ),
    (
        "chunk-negative",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n0\r\n\r\n",
        BAD,
    ),
    (
        "chunk-overflow",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10000000000000000\r\nhello",
        BAD,
    ),
    (
        "chunk-without-end",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello0\r\n\r\n",
        BAD,
    ),
    (
        "chunk-without-size",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\nhello",
        BAD,
    ),
    (
        "chunk-breaks-off",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
        CLOSED,
    ),
    (
        "last-chunk-missing",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        CLOSED,
    ),
    (
        "trailer-breaks-off",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: y",
        CLOSED,
    ),
    (
        "body-breaks-off",
        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello",
        CLOSED,
    ),
    ("head-breaks-off", "HTTP/1.1 200 OK\r\nContent-Le", CLOSED),
    (
        "interim-breaks-off",
        "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n",
        CLOSED,
    ),
    (
        "error-status",
        "HTTP/1.1 503 No\r\nContent-Length: 2\r\n\r\nno",
        &["status"],
    ),
    (
        "redirect-loop",
        "HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n",
        REDIRECT,
    ),
    (
        "redirect-elsewhere",
        "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.2:9/\r\nContent-Length: 0\r\n\r\n",
        REDIRECT,
    ),
    (
        "redirect-not-http",
        "HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n",
        REDIRECT,
    ),
    (
        "redirect-broken",
        "HTTP/1.1 302 Found\r\nLocation: http://[::\r\nContent-Length: 0\r\n\r\n",
        REDIRECT,
    ),
    (
        "folded",
        "HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 0\r\n\r\n",
        OK,
    ),
    (
        "bytes-after-the-end",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhelloHTTP/1.1 500 No\r\n",
        OK,
    ),
    (
        "no-content-with-content",
        "HTTP/1.1 204 No Content\r\n\r\nhello",
        OK,
    ),
    ("body-to-the-end", "HTTP/1.1 200 OK\r\n\r\nhello", OK),
];

/// Responses whose content is extracted.
const EXTRACTED: [(&str, &str, &str, Kinds); 5] = [
    (
        "gzip-broken",
        "Content-Encoding: gzip\r\n",
        "no gzip at all",
        BAD,
    ),
    (
        "encoding-unknown",
        "Content-Encoding: snappy\r\n",
        "x",
        CHECK,
    ),
    ("json-breaks-off", "", "{\"a\":[1,", CHECK),
    ("json-empty", "", "", CHECK),
    ("json-not-text", "", "{\"\u{1}\":\"\\ud800\"}", CHECK),
];

/// Response with these header fields, followed by another action.
fn opened(fields: &str, then: Act) -> Vec<Act> {
    vec![
        Act::Send(format!("HTTP/1.1 200 OK\r\n{fields}").into_bytes()),
        then,
    ]
}

/// Header fields: one of 70 kB, 129 fields, and 100 cookies.
fn large_heads() -> (String, String, String) {
    let cookie = |number| format!("Set-Cookie: c{number}=x\r\n");
    let cookies: Vec<String> = (0..100).map(cookie).collect();
    (
        format!("X: {}\r\n\r\n", "y".repeat(70_000)),
        format!("{}\r\n", "X: y\r\n".repeat(129)),
        format!("{}Content-Length: 0\r\n\r\n", cookies.concat()),
    )
}

/// Cases of several actions: endless, too long, too slow, or cut at a random byte.
fn without_end() -> Vec<(&'static str, Vec<Act>, Kinds)> {
    let endless = |text: &str| Act::Endless(text.repeat(4_096 / text.len()).into_bytes());
    let send = |text: &str| Act::Send(text.as_bytes().to_vec());
    let chunked = |rest: &str| format!("Transfer-Encoding: chunked\r\n\r\n{rest}");
    let complete = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello".to_vec();
    let (long, fields, cookies) = large_heads();
    vec![
        ("silent", vec![Act::Hold], TIMEOUT),
        ("reset-at-once", vec![Act::Reset], RESET),
        ("cut-anywhere", vec![Act::Cut(complete.clone())], CLOSED),
        (
            "reset-anywhere",
            vec![Act::Cut(complete.clone()), Act::Reset],
            RESET,
        ),
        (
            "stops-anywhere",
            vec![Act::Cut(complete.clone()), Act::Hold],
            TIMEOUT,
        ),
        (
            "drips",
            vec![Act::Drip([&complete[..15], &[b'x'; 90]].concat())],
            TIMEOUT,
        ),
        ("fields-129", opened("", send(&fields)), LARGE),
        ("head-of-70-kB", opened("", send(&long)), LARGE),
        ("fields-endless", opened("", endless("X: y\r\n")), LARGE),
        ("field-endless", opened("X: ", endless("y")), LARGE),
        (
            "reason-endless",
            vec![send("HTTP/1.1 200 "), endless("OK")],
            LARGE,
        ),
        (
            "interim-endless",
            vec![endless("HTTP/1.1 103 Early Hints\r\n\r\n")],
            BAD,
        ),
        ("body-endless", opened("\r\n", endless("x")), LARGE),
        (
            "chunks-endless",
            opened(&chunked(""), endless("1\r\nx\r\n")),
            LARGE,
        ),
        (
            "chunk-size-endless",
            opened(&chunked(""), endless("0")),
            BAD,
        ),
        (
            "chunk-extension-endless",
            opened(&chunked("5;a="), endless("x")),
            BAD,
        ),
        (
            "trailers-endless",
            opened(&chunked("0\r\n"), endless("X: y\r\n")),
            BAD,
        ),
        ("kept", vec![Act::Send(complete.clone()), Act::Next], OK),
        (
            "sent-twice",
            vec![Act::Send(complete.repeat(2)), Act::Next],
            OK,
        ),
        ("cookies-100", opened(&cookies, Act::Next), OK),
    ]
}

/// All cases with their actions and additional lines of the task.
fn all() -> Vec<(&'static str, Vec<Act>, Kinds, &'static str)> {
    let wants = "extract = { a = \"$..a\" }";
    let sent = SENT.iter().map(|(name, text, kinds)| {
        let mut acts = vec![Act::Send(text.as_bytes().to_vec())];
        if *kinds == REDIRECT {
            acts.push(Act::Next);
        }
        (*name, acts, *kinds, "")
    });
    let extracted = EXTRACTED.iter().map(|(name, fields, body, kinds)| {
        let rest = format!("Content-Length: {}\r\n\r\n{body}", body.len());
        (
            *name,
            opened(&format!("{fields}{rest}"), Act::Next),
            *kinds,
            wants,
        )
    });
    let deep = format!("Content-Length: 200000\r\n\r\n{}", "[".repeat(200_000));
    let deep = ("json-deep", opened(&deep, Act::Next), CHECK, wants);
    let without_end = without_end().into_iter();
    let without_end = without_end.map(|(name, acts, kinds)| (name, acts, kinds, ""));
    sent.chain(extracted)
        .chain([deep])
        .chain(without_end)
        .collect()
}

/// Reads a request without a body.
fn read_head(stream: &TcpStream) -> io::Result<()> {
    let mut lines = BufReader::with_capacity(512, stream).lines();
    match lines.find(|line| line.as_ref().map_or(true, String::is_empty)) {
        Some(line) => line.map(|_| ()),
        None => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

fn run_trial(random: &mut Random) -> Result<(), String> {
    let server = healthy();
    let mut ports = Vec::new();
    for (name, acts, kinds, task) in all() {
        let port = HostilePort::start(random.random(), move |stream, random| {
            read_head(stream)?;
            while act(stream, &acts, random)? {
                read_head(stream)?;
            }
            Ok(())
        });
        ports.push((name, port.map_err(|error| error.to_string())?, kinds, task));
    }
    let cases = ports.iter().map(|(name, port, kinds, task)| Case {
        name,
        url: port.url.clone(),
        kinds,
        task,
    });
    run_cases("", &server.url(), &cases.collect::<Vec<_>>())
}

#[test]
fn hostile_http1_fails_as_documented_and_does_not_affect_other_requests() {
    let promise = Promise {
        says: "a response that is not HTTP/1.1, truncated, slow or endless fails with the right kind, in bounded time and \
               memory, and requests to a healthy service in the same run succeed",
        how: "73 violations of HTTP/1.1 at once for 4 s, in random pieces and cut at random bytes",
        short: 1,
        long: 60,
        bound: Duration::from_mins(8),
    };
    assert_eq!(all().len(), 73);
    promise.hold(|_, random| run_trial(random));
}
