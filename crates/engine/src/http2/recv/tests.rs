//! Tests of the connection state with frames of a server.

use super::super::test_harness::Http2Harness;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let head = [length[1], length[2], length[3], kind, flags];
    [&head, &stream.to_be_bytes()[..], payload].concat()
}

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RESET: u8 = 3;
const SETTINGS: u8 = 4;
const PUSH: u8 = 5;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const WINDOW: u8 = 8;
const CONTINUATION: u8 = 9;

const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
const PADDED: u8 = 8;

fn settings() -> Vec<u8> {
    frame(SETTINGS, 0, 0, &[])
}

/// HEADERS with `:status` 200, an index of the static table.
fn head(stream: u32, flags: u8, fields: &[u8]) -> Vec<u8> {
    let fields = [b"\x88", fields].concat();
    frame(HEADERS, END_HEADERS | flags, stream, &fields)
}

/// The outcomes of three requests, and the bytes sent to the server.
fn response_trace(frames: &[Vec<u8>]) -> Result<(Vec<String>, Vec<u8>), &'static str> {
    let mut harness = Http2Harness::with_requests(3);
    harness.recv(&[settings(), frames.concat()].concat())?;
    let said = harness.outgoing().to_vec();
    Ok((harness.outcomes(), said))
}

fn outcome(frames: &[Vec<u8>]) -> String {
    response_trace(frames).unwrap().0.remove(0)
}

#[test]
fn outcomes_are_the_same_however_the_bytes_are_cut() {
    let mut cut_head = frame(HEADERS, 0, 5, b"\x88\x40\x01x");
    cut_head.extend(frame(CONTINUATION, 0, 5, b"\x03"));
    cut_head.extend(frame(CONTINUATION, END_HEADERS, 5, b"abc"));
    let all = [
        settings(),
        head(3, END_STREAM, b""),
        head(1, 0, b"\x0f\x0d\x015"),
        frame(DATA, PADDED, 1, b"\x02helPP"),
        frame(PING, 0, 0, b"01234567"),
        cut_head,
        frame(0xee, 0, 0, b"whatever"),
        frame(DATA, 0, 1, b"lo"),
        frame(DATA, END_STREAM, 1, b""),
        frame(HEADERS, END_HEADERS | END_STREAM, 5, b"\x40\x01t\x01u"),
    ];
    let mut all = all.concat();
    // Content-Length: 5.
    let length = all.windows(4).position(|bytes| bytes == b"\x0f\x0d\x015");
    assert!(length.is_some());
    all.push(0);
    for piece in 1..=all.len() {
        let mut harness = Http2Harness::with_requests(3);
        for piece in all.chunks(piece) {
            harness.recv(piece).unwrap();
        }
        let said = harness.outgoing().to_vec();
        let expected = [
            frame(SETTINGS, END_STREAM, 0, &[]),
            frame(PING, END_STREAM, 0, b"01234567"),
        ];
        assert_eq!(said, expected.concat(), "by {piece}");
        let expected = ["200 content-length: 5\r\nhello", "200 ", "200 x: abc\r\n"];
        assert_eq!(harness.outcomes(), expected, "by {piece}");
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn malformed_response_is_reported_and_leaves_other_streams_alone() {
    let ended = END_HEADERS | END_STREAM;
    for (frames, part) in [
        (
            vec![frame(HEADERS, ended, 1, b"\x00\x01a\x01b")],
            "no :status",
        ),
        (vec![frame(HEADERS, ended, 1, b"")], "no :status"),
        (vec![frame(HEADERS, ended, 1, b"\x48\x0220")], "three-digit"),
        (
            vec![frame(HEADERS, ended, 1, b"\x48\x03099")],
            "three-digit",
        ),
        (vec![frame(HEADERS, ended, 1, b"\x82")], "three-digit"),
        (vec![head(1, END_STREAM, b"\x88")], "pseudo-header"),
        (vec![head(1, END_STREAM, b"\x00\x01A\x01b")], "lowercase"),
        (vec![head(1, END_STREAM, b"\x00\x01 \x01b")], "lowercase"),
        (vec![head(1, END_STREAM, b"\x00\x02a:\x01b")], "lowercase"),
        (vec![head(1, END_STREAM, b"\x00\x00\x01b")], "lowercase"),
        (
            vec![head(1, END_STREAM, b"\x00\x01a\x07b\r\nc: d")],
            "NUL, CR or LF",
        ),
        (
            vec![head(1, END_STREAM, b"\x0f\x1f\x02b\n")],
            "NUL, CR or LF",
        ),
        (
            vec![head(1, END_STREAM, b"\x00\x01a\x02b\0")],
            "NUL, CR or LF",
        ),
        (
            vec![head(1, END_STREAM, b"\x00\x01a\x02 b")],
            "with a space or tab",
        ),
        (
            vec![head(1, END_STREAM, b"\x00\x01a\x02b\t")],
            "with a space or tab",
        ),
        (
            vec![head(1, END_STREAM, b"\x00\x0aconnection\x01b")],
            "connection-specific",
        ),
        (vec![head(1, END_STREAM, b"\x0f\x0d\x02-1")], "not a number"),
        (
            vec![head(1, END_STREAM, b"\x0f\x0d\x011\x0f\x0d\x012")],
            "two different",
        ),
        (
            vec![head(1, END_STREAM, b"\x0f\x0d\x011")],
            "differs from its Content-Length",
        ),
        (
            vec![
                head(1, 0, b"\x0f\x0d\x012"),
                frame(DATA, END_STREAM, 1, b"abc"),
            ],
            "differs from its Content-Length",
        ),
        (
            vec![frame(DATA, END_STREAM, 1, b"abc")],
            "before the response headers",
        ),
        (
            vec![head(1, 0, b""), head(1, 0, b"")],
            "do not end the stream",
        ),
        (
            vec![frame(HEADERS, END_HEADERS, 1, b"\x48\x03101")],
            "switched",
        ),
        (
            vec![frame(HEADERS, ended, 1, b"\x48\x03103")],
            "interim response ends",
        ),
        (
            vec![frame(HEADERS, END_HEADERS, 1, b"\x48\x03103"); 17],
            "interim",
        ),
        (
            vec![head(1, 0, b"\x0f\x0d\x0899999999")],
            "exceeds the limit",
        ),
    ] {
        let others = [head(3, END_STREAM, b""), head(5, END_STREAM, b"")];
        let (outcomes, _) = response_trace(&[frames, others.to_vec()].concat()).unwrap();
        let bad = &outcomes[0];
        assert!(
            bad.starts_with("bad: ") && bad.contains(part),
            "{bad} for {part}"
        );
        assert_eq!(outcomes[1..], ["200 ", "200 "], "{part}");
    }
}

#[test]
fn malformed_field_in_the_table_is_reported_for_each_response_that_uses_it() {
    let stored = head(1, END_STREAM, b"\x40\x01a\x03b\r\n");
    let named = head(3, END_STREAM, b"\x00\x01a\x01b");
    // 62 is the first index of the dynamic table.
    let again = head(5, END_STREAM, b"\xbe");
    let (outcomes, _) = response_trace(&[stored, named, again]).unwrap();
    assert!(outcomes[0].starts_with("bad: "), "{}", outcomes[0]);
    assert_eq!(outcomes[1], "200 a: b\r\n");
    assert!(outcomes[2].starts_with("bad: "), "{}", outcomes[2]);
}

#[test]
fn interim_responses_are_skipped() {
    let hints = frame(
        HEADERS,
        END_HEADERS,
        1,
        b"\x48\x03103\x0f\x1f\x01l\x0f\x0d\x019",
    );
    let found = outcome(&[
        hints.clone(),
        hints,
        head(1, 0, b""),
        frame(DATA, END_STREAM, 1, b"x"),
    ]);
    assert_eq!(found, "200 x");
}

#[test]
fn reset_and_goaway_end_the_streams_they_concern() {
    let reset = |stream, reason: u32| frame(RESET, 0, stream, &reason.to_be_bytes());
    let goaway = |last: u32| frame(GOAWAY, 0, 0, &[last.to_be_bytes(), [0; 4]].concat());
    let (outcomes, _) = response_trace(&[
        goaway(3),
        head(1, END_STREAM, b""),
        reset(3, 7),
        // Frames for a stream that has ended change nothing.
        reset(1, 2),
    ])
    .unwrap();
    assert_eq!(outcomes, ["200 ", "reset: REFUSED_STREAM", "unprocessed"]);
    assert_eq!(outcome(&[reset(1, 99)]), "reset: code 99");
    assert_eq!(outcome(&[]), "open");
}

#[test]
fn abandoned_request_is_reset_and_its_late_frames_are_ignored() {
    let mut harness = Http2Harness::with_requests(2);
    harness.recv(&settings()).unwrap();
    let said = harness.outgoing().len();
    let slot = harness.slots.remove(0);
    harness.state.close(slot, |_| {});
    assert_eq!(
        harness.outgoing()[said..],
        frame(RESET, 0, 1, &8_u32.to_be_bytes())
    );
    // Its fields are in the dynamic table anyway.
    let late = head(1, 0, b"\x40\x01a\x01b");
    let late = [
        late,
        frame(DATA, END_STREAM, 1, b"late"),
        head(3, END_STREAM, b"\xbe"),
    ];
    harness.recv(&late.concat()).unwrap();
    assert_eq!(harness.outcomes(), ["200 a: b\r\n"]);
}

#[test]
fn receive_windows_are_updated_and_enforced() {
    let piece = vec![b'x'; 16_384];
    let mut harness = Http2Harness::with_requests(1);
    harness
        .recv(&[settings(), head(1, 0, b"")].concat())
        .unwrap();
    let mut said = harness.outgoing().len();
    for number in 1..=600_usize {
        harness.recv(&frame(DATA, 0, 1, &piece)).unwrap();
        let now = harness.outgoing().len();
        // After 3 MiB on the stream, and after 8 MiB on the connection.
        assert_eq!(
            now > said,
            [193, 386, 513, 579].contains(&number),
            "{number}"
        );
        said = now;
    }
    assert_eq!(harness.outcomes(), ["open"]);
}

#[test]
fn bodies_wait_for_the_send_windows() {
    let window = |stream, more: u32| frame(WINDOW, 0, stream, &more.to_be_bytes());
    let smaller = frame(SETTINGS, 0, 0, b"\x00\x04\x00\x00\x00\x0a");
    let mut harness = Http2Harness::with_requests(1);
    harness.recv(&smaller).unwrap();
    let slot = harness.slots[0];
    assert_eq!(harness.state.room(slot), 10);
    harness.state.send(slot, b"0123456789", false);
    assert_eq!(harness.state.room(slot), 0);
    let mut woken = 0;
    harness
        .state
        .recv(&window(1, 70_000), 3, |_| woken += 1)
        .unwrap();
    assert_eq!(woken, 1);
    // Now the connection's window is the smaller one.
    assert_eq!(harness.state.room(slot), 65_525);
    harness.state.send(slot, &vec![0; 65_525], true);
    let sent = [10, 16_384, 16_384, 16_384, 16_373].map(|bytes| bytes + 9);
    let waiting = harness.outgoing().len();
    assert_eq!(
        waiting,
        sent.iter().sum::<usize>() + frame(SETTINGS, END_STREAM, 0, b"").len()
    );
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn protocol_violation_is_a_connection_error() {
    let reset = frame(RESET, 0, 1, &[0; 4]);
    for (frames, part) in [
        (
            vec![frame(PUSH, END_HEADERS, 1, &[0, 0, 0, 2])],
            "push is disabled",
        ),
        (vec![head(7, END_STREAM, b"")], "never opened"),
        (vec![head(2, END_STREAM, b"")], "never opened"),
        (vec![head(0, END_STREAM, b"")], "never opened"),
        (vec![frame(DATA, 0, 0, b"")], "never opened"),
        (vec![frame(RESET, 0, 9, &[0; 4])], "never opened"),
        (vec![frame(WINDOW, 0, 9, &[0, 0, 0, 1])], "never opened"),
        (vec![frame(DATA, PADDED, 1, b"\x05abc")], "padding"),
        (
            vec![frame(HEADERS, PADDED | END_HEADERS, 1, b"\x05abc")],
            "padding",
        ),
        (
            vec![frame(HEADERS, 0, 1, b"\x88"), reset.clone()],
            "CONTINUATION",
        ),
        (
            vec![
                frame(HEADERS, 0, 1, b"\x88"),
                frame(CONTINUATION, END_HEADERS, 3, b""),
            ],
            "CONTINUATION",
        ),
        (
            vec![frame(CONTINUATION, END_HEADERS, 1, b"\x88")],
            "CONTINUATION",
        ),
        (
            [
                vec![frame(HEADERS, 0, 1, b"")],
                vec![frame(CONTINUATION, 0, 1, &[0; 16_384]); 17],
            ]
            .concat(),
            "256 KiB",
        ),
        (vec![head(1, END_STREAM, b"\xff")], "decompressed"),
        (vec![frame(RESET, 0, 1, &[0; 3])], "RST_STREAM"),
        (vec![frame(SETTINGS, 0, 1, &[])], "SETTINGS"),
        (vec![frame(SETTINGS, 0, 0, &[0; 5])], "SETTINGS"),
        (vec![frame(SETTINGS, END_STREAM, 0, &[0; 6])], "SETTINGS"),
        (
            vec![frame(SETTINGS, 0, 0, b"\x00\x04\xff\xff\xff\xff")],
            "window",
        ),
        (
            vec![frame(SETTINGS, 0, 0, b"\x00\x05\x00\x00\x00\x01")],
            "MAX_FRAME_SIZE",
        ),
        (vec![frame(PING, 0, 0, b"1234567")], "PING"),
        (vec![frame(PING, 0, 1, b"12345678")], "PING"),
        (vec![frame(GOAWAY, 0, 0, b"1234567")], "GOAWAY"),
        (vec![frame(GOAWAY, 0, 1, b"12345678")], "GOAWAY"),
        (vec![frame(WINDOW, 0, 0, &[0; 3])], "WINDOW_UPDATE"),
        (vec![frame(WINDOW, 0, 0, &[0; 4])], "increment of 0"),
        (
            vec![frame(WINDOW, 0, 0, &[0x7f, 0xff, 0xff, 0xff])],
            "window",
        ),
        (
            vec![frame(WINDOW, 0, 1, &[0x7f, 0xff, 0xff, 0xff])],
            "window",
        ),
        (vec![vec![0, 0x40, 1, DATA, 0, 0, 0, 0, 1]], "16 KiB"),
        (
            vec![frame(PING, 0, 0, b"12345678"); 70_000],
            "acknowledgments",
        ),
    ] {
        let breach = response_trace(&frames).unwrap_err();
        assert!(breach.contains(part), "{breach} for {part}");
    }
    for first in [
        frame(PING, 0, 0, b"12345678"),
        b"HTTP/1.1 400 No\r\n\r\n".to_vec(),
    ] {
        assert!(Http2Harness::with_requests(1).recv(&first).is_err());
    }
}
