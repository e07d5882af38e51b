//! HTTP/1.1 responses: the parsed response does not depend on how the bytes are split, and stays within the limits.

#![no_main]

use brunt_engine::http::{BodyCapture, ProtocolError, ResponseBody};
use brunt_engine::http1::Reader;
use libfuzzer_sys::fuzz_target;

/// Whether the response is complete, its status and its body; or the protocol error.
type Parsed = Result<(bool, u16, Vec<u8>), ProtocolError>;

fuzz_target!(|bytes: &[u8]| {
    // The first byte chooses the size of the pieces, and whether the request is a HEAD request.
    let Some((options, bytes)) = bytes.split_first() else {
        return;
    };
    let is_head = options & 1 == 1;
    let piece_bytes = usize::from(options >> 1) + 1;
    let at_once = parse(std::iter::once(bytes), is_head);
    let in_pieces = parse(bytes.chunks(piece_bytes), is_head);
    assert_eq!(at_once.as_ref().ok(), in_pieces.as_ref().ok());
    if let Ok((_, _, received)) = at_once {
        assert!(received.len() <= bytes.len());
        let body_of = |received: &[u8]| {
            let mut body = ResponseBody::new(1 << 20, 1 << 16);
            body.kept = received.to_vec();
            body
        };
        for encoding in [b"gzip".as_slice(), b"deflate", b"gzip, deflate"] {
            if let Ok(decoded) = body_of(&received).decoded(encoding) {
                assert!(decoded.len() <= 1 << 16);
            }
        }
    }
});

fn parse<'a>(pieces: impl Iterator<Item = &'a [u8]>, is_head: bool) -> Parsed {
    let mut reader = Reader::new(
        is_head,
        |_| BodyCapture::All,
        ResponseBody::new(1 << 20, 1 << 20),
    );
    for piece in pieces {
        if let Some(consumed) = reader.feed(piece)? {
            assert!(consumed <= piece.len());
            let response = reader.into_response();
            return Ok((true, response.status, response.content.kept));
        }
    }
    let is_complete = reader.ends_with_connection();
    let response = reader.into_response();
    Ok((is_complete, response.status, response.content.kept))
}
