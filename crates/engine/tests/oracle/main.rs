//! An oracle: bytes that a server might send mean to brunt what they mean to hyper's client, however
//! they are cut.

#![expect(clippy::unwrap_used, reason = "what is not there fails the test")]

mod answers;
mod brunt;
mod corpus;
mod hypers;
mod meaning;

use proptest::prelude::*;

use crate::answers::answer;
use crate::meaning::Meaning;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    #[test]
    fn bytes_mean_what_they_mean_to_hyper(bytes in answer(), to_head in prop::bool::weighted(0.1)) {
        let whole = brunt::meaning(&[&bytes], to_head);
        let expected = hypers::meaning(&bytes, to_head, 64);
        prop_assert!(
            whole == expected || is_known(&bytes, &whole, &expected),
            "brunt: {:?}, hyper: {:?}, bytes: {:?}",
            whole,
            expected,
            String::from_utf8_lossy(&bytes)
        );
    }

    #[test]
    fn cuts_mean_nothing(bytes in answer(), to_head in prop::bool::weighted(0.1)) {
        let whole = brunt::meaning(&[&bytes], to_head);
        for at in 0..=bytes.len() {
            let (first, rest) = bytes.split_at(at);
            prop_assert_eq!(&brunt::meaning(&[first, rest], to_head), &whole, "cut at {}", at);
        }
        for size in [1, 2, 3, 7] {
            let pieces: Vec<&[u8]> = bytes.chunks(size).collect();
            prop_assert_eq!(&brunt::meaning(&pieces, to_head), &whole, "by {}", size);
        }
    }
}

/// Where brunt means to differ.
fn is_known(bytes: &[u8], brunt: &Meaning, hyper: &Meaning) -> bool {
    let text = String::from_utf8_lossy(bytes).to_ascii_lowercase();
    let refused_by_hyper_when_whole = || {
        let whole = [bytes, b"\r\n\r\n"].concat();
        hypers::meaning(&whole, false, 64) == Meaning::Refused
    };
    match (brunt, hyper) {
        // An upgrade that nobody asked for is refused.
        (Meaning::Refused, Meaning::Answer(101, _)) => true,
        // Lengths that disagree are refused, though chunks would count.
        (Meaning::Refused, Meaning::Answer(..) | Meaning::Closed)
            if text.contains("transfer-encoding") && text.contains("content-length") =>
        {
            true
        }
        // What breaks the grammar is refused before the head is whole, and a line of a chunked body
        // that does not end with CR LF as soon as it is seen.
        (Meaning::Refused, Meaning::Closed) => {
            refused_by_hyper_when_whole() || has_bare_line_end(bytes)
        }
        _ => false,
    }
}

fn has_bare_line_end(bytes: &[u8]) -> bool {
    let pairs = bytes.windows(2);
    pairs
        .clone()
        .any(|pair| pair[0] != b'\r' && pair[1] == b'\n')
        || pairs
            .clone()
            .any(|pair| pair[0] == b'\r' && pair[1] != b'\n')
}

#[test]
fn the_known_cases_mean_what_they_mean_to_hyper() {
    for bytes in answers::known() {
        let expected = hypers::meaning(&bytes, false, 1);
        let found = brunt::meaning(&[&bytes], false);
        assert_eq!(found, expected, "{:?}", String::from_utf8_lossy(&bytes));
    }
}

#[test]
fn the_oracle_tells_a_broken_reader_from_a_good_one() {
    // A reader that takes every Content-Length by its last field, as a careless one would.
    let careless = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes);
        let length = text
            .rsplit_once("Content-Length: ")
            .and_then(|(_, rest)| rest.split("\r\n").next()?.parse::<usize>().ok());
        let body = text.split_once("\r\n\r\n").map(|(_, body)| body.as_bytes());
        match (length, body) {
            (Some(length), Some(body)) if body.len() >= length => {
                Meaning::Answer(200, body[..length].to_vec())
            }
            _ => Meaning::Closed,
        }
    };
    let differing = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 2\r\n\r\nhello";
    let expected = hypers::meaning(differing, false, 64);
    assert_ne!(careless(differing), expected);
    assert_eq!(brunt::meaning(&[differing], false), expected);
}
