//! Answers: whatever the bytes, and however they are cut, the reader says the same, within its limits.

#![no_main]

use brunt_engine::http1::Reader;
use brunt_engine::http::{BodyCapture, ProtocolError, ResponseBody};
use libfuzzer_sys::fuzz_target;

/// What came of an answer: whether it was whole, its status and its content; or why it was refused.
type Came = Result<(bool, u16, Vec<u8>), ProtocolError>;

fuzz_target!(|bytes: &[u8]| {
    // The first byte says how the rest is cut, and whether it answers a HEAD.
    let Some((how, bytes)) = bytes.split_first() else {
        return;
    };
    let to_head = how & 1 == 1;
    let size = usize::from(how >> 1) + 1;
    let whole = read(std::iter::once(bytes), to_head);
    let cut = read(bytes.chunks(size), to_head);
    assert_eq!(whole.as_ref().ok(), cut.as_ref().ok());
    if let Ok((_, _, content)) = whole {
        assert!(content.len() <= bytes.len());
        let content_of = |content: &[u8]| {
            let mut kept = ResponseBody::new(1 << 20, 1 << 16);
            kept.kept = content.to_vec();
            kept
        };
        for encoding in [b"gzip".as_slice(), b"deflate", b"gzip, deflate"] {
            if let Ok(decoded) = content_of(&content).decoded(encoding) {
                assert!(decoded.len() <= 1 << 16);
            }
        }
    }
});

fn read<'a>(pieces: impl Iterator<Item = &'a [u8]>, to_head: bool) -> Came {
    let mut reader = Reader::new(to_head, |_| BodyCapture::All, ResponseBody::new(1 << 20, 1 << 20));
    for piece in pieces {
        if let Some(taken) = reader.feed(piece)? {
            assert!(taken <= piece.len());
            let answer = reader.into_response();
            return Ok((true, answer.status, answer.content.kept));
        }
    }
    let whole = reader.ends_with_connection();
    let answer = reader.into_response();
    Ok((whole, answer.status, answer.content.kept))
}
