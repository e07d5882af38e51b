//! HTTP/2: the outcomes of requests do not depend on how the bytes from the server are split.

#![no_main]

use brunt_engine::http2::Http2Harness;
use libfuzzer_sys::fuzz_target;

/// An empty SETTINGS frame, the server's connection preface.
const SETTINGS: &[u8] = b"\0\0\0\x04\0\0\0\0\0";

/// The outcome of each request and the bytes sent to the server; or the protocol error.
type Exchange = Result<(Vec<String>, Vec<u8>), &'static str>;

fuzz_target!(|bytes: &[u8]| {
    // The first byte chooses the size of the pieces.
    let Some((piece_bytes, bytes)) = bytes.split_first() else {
        return;
    };
    let at_once = receive(std::iter::once(bytes));
    let in_pieces = receive(bytes.chunks(usize::from(*piece_bytes) + 1));
    assert_eq!(at_once, in_pieces);
});

fn receive<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Exchange {
    let mut harness = Http2Harness::with_requests(3);
    harness.recv(SETTINGS)?;
    for piece in pieces {
        harness.recv(piece)?;
    }
    let sent = harness.outgoing().to_vec();
    Ok((harness.outcomes(), sent))
}
