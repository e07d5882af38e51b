//! Service that violates HTTP/2.

use std::io::{self, Read};
use std::net::TcpStream;
use std::time::Duration;

use rand::RngExt;

use crate::hostile::{Act, Case, HostilePort, Kinds, act, run_cases};
use crate::trials::{Promise, Random};

const OK: Kinds = &[];
const BAD: Kinds = &["protocol_error"];
const CLOSED: Kinds = &["connection_closed"];
const RESET: Kinds = &["connection_reset"];
const TIMEOUT: Kinds = &["timeout"];

// Types of frames, and flags (RFC 9113, section 6).
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const PRIORITY: u8 = 2;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PUSH_PROMISE: u8 = 5;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
const PADDED: u8 = 8;
const WHOLE: u8 = END_STREAM | END_HEADERS;
/// `:status: 200` in HPACK.
const STATUS: &[u8] = b"\x88";

/// Actions in response to a request on a stream.
type Response = fn(u32) -> Vec<Act>;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len())
        .expect("a small frame")
        .to_be_bytes();
    let head = [&length[1..], &[kind, flags], &stream.to_be_bytes()].concat();
    [&head, payload].concat()
}

fn sent(frames: &[Vec<u8>]) -> Vec<Act> {
    vec![Act::Send(frames.concat())]
}

/// Response without content with this field block.
fn of_block(stream: u32, block: &[u8]) -> Vec<Act> {
    vec![Act::Send(frame(HEADERS, WHOLE, stream, block)), Act::Next]
}

fn opened(stream: u32) -> Vec<u8> {
    frame(HEADERS, END_HEADERS, stream, STATUS)
}

fn hello(stream: u32) -> Vec<u8> {
    [opened(stream), frame(DATA, END_STREAM, stream, b"hello")].concat()
}

fn goaway(last: u32, reason: u32) -> Vec<u8> {
    frame(
        GOAWAY,
        0,
        0,
        &[last.to_be_bytes(), reason.to_be_bytes()].concat(),
    )
}

fn reset(stream: u32, reason: u32) -> Vec<u8> {
    frame(RST_STREAM, 0, stream, &reason.to_be_bytes())
}

fn endless(stream: u32, kind: u8, flags: u8, payload: &[u8]) -> Vec<Act> {
    vec![Act::Endless(frame(kind, flags, stream, payload))]
}

/// Field blocks that are malformed or invalid in HPACK.
const BLOCKS: [(&str, &[u8], Kinds); 20] = [
    ("no-status", b"\x00\x01a\x01b", BAD),
    ("no-fields", b"", BAD),
    ("two-statuses", b"\x88\x88", BAD),
    ("status-letters", b"\x48\x032x0", BAD),
    ("status-short", b"\x48\x0220", BAD),
    ("status-last", b"\x00\x01a\x01b\x88", BAD),
    ("path-in-response", b"\x88\x84", BAD),
    ("name-with-capital", b"\x88\x00\x01A\x01b", BAD),
    ("name-empty", b"\x88\x00\x00\x01b", BAD),
    ("value-with-crlf", b"\x88\x00\x01a\x07b\r\nc: d", BAD),
    ("value-with-nul", b"\x88\x00\x01a\x02b\0", BAD),
    ("field-of-http1", b"\x88\x00\x0aconnection\x01b", BAD),
    ("length-not-kept", b"\x88\x0f\x0d\x011", BAD),
    ("length-twice", b"\x88\x0f\x0d\x011\x0f\x0d\x012", BAD),
    ("length-over-limit", b"\x88\x0f\x0d\x0899999999", BAD),
    ("index-0", b"\x80", BAD),
    ("index-unknown", b"\xff\x80\x01", BAD),
    (
        "integer-overflow",
        b"\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
        BAD,
    ),
    ("text-breaks-off", b"\x88\x00\x05a", BAD),
    ("table-too-large", b"\x3f\xe1\xff\x03\x88", BAD),
];

/// Frames that are invalid, or invalid in their place.
const FRAMES: [(&str, Response, Kinds); 30] = [
    ("fine", |at| vec![Act::Send(hello(at)), Act::Next], OK),
    (
        "interim-then-fine",
        |at| {
            let hints = frame(HEADERS, END_HEADERS, at, b"\x48\x03103");
            vec![Act::Send([hints, hello(at)].concat()), Act::Next]
        },
        OK,
    ),
    (
        "unknown-frame-then-fine",
        |at| {
            vec![
                Act::Send([frame(77, 255, at, b"?"), hello(at)].concat()),
                Act::Next,
            ]
        },
        OK,
    ),
    (
        "goaway-then-fine",
        |at| sent(&[goaway(at, 0), hello(at)]),
        OK,
    ),
    (
        "interim-endless",
        |at| endless(at, HEADERS, END_HEADERS, b"\x48\x03103"),
        &["protocol_error", "timeout"],
    ),
    (
        "frame-too-large",
        |at| sent(&[opened(at), frame(DATA, 0, at, &[0; 16_385])]),
        BAD,
    ),
    (
        "data-first",
        |at| vec![Act::Send(frame(DATA, END_STREAM, at, b"x")), Act::Next],
        BAD,
    ),
    (
        "head-on-stream-0",
        |_| sent(&[frame(HEADERS, WHOLE, 0, STATUS)]),
        BAD,
    ),
    (
        "data-on-stream-0",
        |_| sent(&[frame(DATA, 0, 0, b"x")]),
        BAD,
    ),
    (
        "head-on-even-stream",
        |_| sent(&[frame(HEADERS, WHOLE, 2, STATUS)]),
        BAD,
    ),
    (
        "data-on-idle-stream",
        |at| sent(&[frame(DATA, 0, at + 100, b"x")]),
        BAD,
    ),
    (
        "push",
        |at| sent(&[frame(PUSH_PROMISE, END_HEADERS, at, b"\0\0\0\x02\x88")]),
        BAD,
    ),
    (
        "continuation-alone",
        |at| sent(&[frame(CONTINUATION, END_HEADERS, at, STATUS)]),
        BAD,
    ),
    (
        "continuation-interrupted",
        |at| sent(&[frame(HEADERS, 0, at, STATUS), frame(PING, 0, 0, &[0; 8])]),
        BAD,
    ),
    (
        "padding-too-long",
        |at| sent(&[opened(at), frame(DATA, PADDED, at, b"\x09x")]),
        BAD,
    ),
    (
        "window-of-0",
        |_| sent(&[frame(WINDOW_UPDATE, 0, 0, &[0; 4])]),
        BAD,
    ),
    (
        "window-overflow",
        |_| sent(&[frame(WINDOW_UPDATE, 0, 0, b"\x7f\xff\xff\xff")]),
        BAD,
    ),
    (
        "window-of-3-bytes",
        |_| sent(&[frame(WINDOW_UPDATE, 0, 0, b"\0\0\x01")]),
        BAD,
    ),
    (
        "settings-of-5-bytes",
        |_| sent(&[frame(SETTINGS, 0, 0, &[0; 5])]),
        BAD,
    ),
    (
        "settings-on-a-stream",
        |at| sent(&[frame(SETTINGS, 0, at, b"")]),
        BAD,
    ),
    (
        "settings-window",
        |_| sent(&[frame(SETTINGS, 0, 0, b"\0\x04\x80\0\0\0")]),
        BAD,
    ),
    (
        "settings-frame-size",
        |_| sent(&[frame(SETTINGS, 0, 0, b"\0\x05\0\0\0\0")]),
        BAD,
    ),
    (
        "acknowledgement-with-content",
        |_| sent(&[frame(SETTINGS, 1, 0, &[0; 6])]),
        BAD,
    ),
    (
        "ping-of-7-bytes",
        |_| sent(&[frame(PING, 0, 0, &[0; 7])]),
        BAD,
    ),
    (
        "reset-of-3-bytes",
        |at| sent(&[frame(RST_STREAM, 0, at, &[0; 3])]),
        BAD,
    ),
    (
        "body-breaks-off",
        |at| sent(&[opened(at), frame(DATA, 0, at, b"hel")]),
        CLOSED,
    ),
    (
        "reset",
        |at| vec![Act::Send(reset(at, 2)), Act::Next],
        RESET,
    ),
    (
        "refused-always",
        |at| vec![Act::Send(reset(at, 7)), Act::Next],
        RESET,
    ),
    (
        "reset-in-the-body",
        |at| vec![Act::Send([opened(at), reset(at, 2)].concat()), Act::Next],
        RESET,
    ),
    (
        "goaway-in-the-body",
        |at| sent(&[opened(at), goaway(at, 2)]),
        CLOSED,
    ),
];

/// Endless frames, and none. Further requests on a flooded connection time out.
const FLOODS: [(&str, Response, Kinds); 16] = [
    ("silent", |_| vec![Act::Hold], TIMEOUT),
    (
        "silent-in-the-body",
        |at| vec![Act::Send(opened(at)), Act::Hold],
        TIMEOUT,
    ),
    ("cut-anywhere", |at| vec![Act::Cut(hello(at))], CLOSED),
    (
        "reset-connection",
        |at| vec![Act::Cut(hello(at)), Act::Reset],
        RESET,
    ),
    (
        "body-endless",
        |at| {
            let data = frame(DATA, 0, at, &[0; 1_000]);
            vec![Act::Send(opened(at)), Act::Endless(data)]
        },
        &["response_too_large", "timeout"],
    ),
    (
        "empty-data-endless",
        |at| vec![Act::Send(opened(at)), Act::Endless(frame(DATA, 0, at, b""))],
        FLOODED,
    ),
    (
        "settings-endless",
        |_| vec![Act::Endless(frame(SETTINGS, 0, 0, b"").repeat(100))],
        UNREAD,
    ),
    (
        "pings-endless",
        |_| vec![Act::Endless(frame(PING, 0, 0, &[0; 8]).repeat(100))],
        UNREAD,
    ),
    (
        "windows-endless",
        |_| endless(0, WINDOW_UPDATE, 0, b"\0\0\0\x01"),
        FLOODED,
    ),
    (
        "priorities-endless",
        |at| endless(at, PRIORITY, 0, &[0; 5]),
        FLOODED,
    ),
    ("unknown-endless", |at| endless(at, 77, 0, b"?"), FLOODED),
    (
        "resets-endless",
        |at| endless(at, RST_STREAM, 0, &[0, 0, 0, 2]),
        &["connection_reset", "timeout"],
    ),
    (
        "goaways-endless",
        |_| vec![Act::Endless(goaway(0x7fff_ffff, 0))],
        FLOODED,
    ),
    (
        "continuation-endless",
        |at| {
            let first = frame(HEADERS, END_STREAM, at, STATUS);
            let more = frame(CONTINUATION, 0, at, &b"\x00\x01a\x01b".repeat(100));
            vec![Act::Send(first), Act::Endless(more)]
        },
        BAD,
    ),
    (
        "empty-continuation-endless",
        |at| {
            let first = frame(HEADERS, END_STREAM, at, STATUS);
            vec![
                Act::Send(first),
                Act::Endless(frame(CONTINUATION, 0, at, b"")),
            ]
        },
        FLOODED,
    ),
    (
        "fields-bomb",
        |at| {
            // A field of 4,000 bytes in the dynamic table, then references of one byte each.
            let field = [&b"\x88\x40\x01a\x7f\xa1\x1e"[..], &[b'y'; 4_000]].concat();
            let first = frame(HEADERS, END_STREAM, at, &field);
            let again = frame(CONTINUATION, END_HEADERS, at, &[0xbe; 10_000]);
            vec![Act::Send([first, again].concat()), Act::Next]
        },
        &["response_too_large", "protocol_error"],
    ),
];
/// Endless responses time out, unless they violate a rule or a limit first.
const FLOODED: Kinds = &["timeout", "protocol_error", "response_too_large"];

/// Requests responses that it does not read.
const UNREAD: Kinds = &["protocol_error", "timeout"];

/// First bytes of servers that do not speak HTTP/2.
const FIRST: [(&str, &[u8], Kinds); 4] = [
    (
        "speaks-http1",
        b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
        BAD,
    ),
    (
        "speaks-smtp",
        b"220 mail.example ESMTP ready when you are\r\n",
        BAD,
    ),
    ("first-frame-is-data", b"\0\0\x01\0\0\0\0\0\x01x", BAD),
    ("closed-at-once", b"", CLOSED),
];

fn read_frame(mut stream: &TcpStream) -> io::Result<(u8, u32)> {
    let mut head = [0; 9];
    stream.read_exact(&mut head)?;
    let [a, b, c, kind, _, stream_id @ ..] = head;
    let mut payload = vec![0; u32::from_be_bytes([0, a, b, c]) as usize];
    stream.read_exact(&mut payload)?;
    Ok((kind, u32::from_be_bytes(stream_id)))
}

/// Reads the client's preface, and responds to each request of a connection.
fn converse(
    stream: &TcpStream,
    random: &mut Random,
    response: &impl Fn(u32) -> Vec<Act>,
) -> io::Result<()> {
    let mut preface = [0; 24];
    let mut from = stream;
    from.read_exact(&mut preface)?;
    act(
        stream,
        &sent(&[frame(SETTINGS, 0, 0, b""), frame(SETTINGS, 1, 0, b"")]),
        random,
    )?;
    loop {
        let (kind, id) = read_frame(stream)?;
        if kind == HEADERS && !act(stream, &response(id), random)? {
            return Ok(());
        }
    }
}

type Started = (&'static str, io::Result<HostilePort>, Kinds);

fn ports(random: &mut Random) -> Vec<Started> {
    let mut ports: Vec<Started> = Vec::new();
    for (name, block, kinds) in BLOCKS {
        let port = HostilePort::start(random.random(), move |stream, random| {
            converse(stream, random, &|id| of_block(id, block))
        });
        ports.push((name, port, kinds));
    }
    for (name, response, kinds) in FRAMES.into_iter().chain(FLOODS) {
        let port = HostilePort::start(random.random(), move |stream, random| {
            converse(stream, random, &response)
        });
        ports.push((name, port, kinds));
    }
    for (name, bytes, kinds) in FIRST {
        let mut acts = vec![Act::Send(bytes.to_vec())];
        if !bytes.is_empty() {
            acts.push(Act::Hold);
        }
        let port = HostilePort::start(random.random(), move |mut stream, random| {
            stream.read_exact(&mut [0; 24])?;
            act(stream, &acts, random)?;
            Ok(())
        });
        ports.push((name, port, kinds));
    }
    ports
}

fn run_trial(random: &mut Random) -> Result<(), String> {
    let healthy = HostilePort::start(random.random(), |stream, random| {
        converse(stream, random, &|id| vec![Act::Send(hello(id)), Act::Next])
    });
    let healthy = healthy.map_err(|error| error.to_string())?;
    let mut cases = Vec::new();
    let ports = ports(random);
    for (name, port, kinds) in &ports {
        let port = port.as_ref().map_err(ToString::to_string)?;
        cases.push(Case {
            name,
            url: port.url.clone(),
            kinds,
            task: "",
        });
    }
    run_cases("http = \"2\"", &healthy.url, &cases)
}

#[test]
fn hostile_http2_fails_as_documented_and_does_not_affect_other_requests() {
    let promise = Promise {
        says: "a response that is not HTTP/2, truncated, slow or endless fails with the right kind, in bounded time and \
               memory, and requests to a healthy service in the same run succeed",
        how: "70 violations of HTTP/2 and HPACK at once for 4 s, in random pieces and cut at random bytes",
        short: 1,
        long: 60,
        bound: Duration::from_mins(8),
    };
    assert_eq!(BLOCKS.len() + FRAMES.len() + FLOODS.len() + FIRST.len(), 70);
    promise.hold(|_, random| run_trial(random));
}
