//! What bytes mean to brunt.

use brunt_engine::http::{BodyCapture, ResponseBody};
use brunt_engine::http1::Reader;

use crate::meaning::Meaning;

/// The meaning of what comes in these pieces before the connection ends.
pub(crate) fn meaning(pieces: &[&[u8]], to_head: bool) -> Meaning {
    // hyper keeps the two largest lengths for itself.
    let content = ResponseBody::new(u64::MAX - 2, u64::MAX);
    let mut reader = Reader::new(to_head, |_| BodyCapture::All, content);
    for piece in pieces {
        match reader.feed(piece) {
            Err(_) => return Meaning::Refused,
            Ok(Some(taken)) => {
                assert!(taken <= piece.len());
                return answer(reader);
            }
            Ok(None) => {}
        }
    }
    if reader.ends_with_connection() {
        answer(reader)
    } else {
        Meaning::Closed
    }
}

fn answer(reader: Reader) -> Meaning {
    let answer = reader.into_response();
    assert_eq!(answer.content.bytes, answer.content.kept.len() as u64);
    Meaning::Answer(answer.status, answer.content.kept)
}
