//! HTTP/2: whatever a server says, and however that is cut, the same becomes of the requests.

#![no_main]

use brunt_engine::http2::Http2Harness;
use libfuzzer_sys::fuzz_target;

const SETTINGS: &[u8] = b"\0\0\0\x04\0\0\0\0\0";

/// What was a breach, or what became of each request and what was said to the server.
type Came = Result<(Vec<String>, Vec<u8>), &'static str>;

fuzz_target!(|bytes: &[u8]| {
    // The first byte says how the rest is cut.
    let Some((size, bytes)) = bytes.split_first() else {
        return;
    };
    let whole = receive(std::iter::once(bytes));
    let cut = receive(bytes.chunks(usize::from(*size) + 1));
    assert_eq!(whole, cut);
});

fn receive<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Came {
    let mut harness = Http2Harness::of(3);
    harness.recv(SETTINGS)?;
    for piece in pieces {
        harness.recv(piece)?;
    }
    let said = harness.says().to_vec();
    Ok((harness.outcomes(), said))
}
