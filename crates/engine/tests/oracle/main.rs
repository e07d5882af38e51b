//! Differential tests: brunt parses the bytes of a server as hyper's client does, however they are
//! split.

#![expect(clippy::unwrap_used, reason = "a missing value fails the test")]

mod clients;
mod corpus;
mod responses;

use proptest::prelude::*;

use crate::clients::Outcome;
use crate::responses::response;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    #[test]
    fn bytes_are_parsed_as_by_hyper(bytes in response(), to_head in prop::bool::weighted(0.1)) {
        let whole = clients::brunt(&[&bytes], to_head);
        let expected = clients::hyper(&bytes, to_head, 64);
        prop_assert!(
            whole == expected || is_intended_difference(&bytes, &whole, &expected),
            "brunt: {:?}, hyper: {:?}, bytes: {:?}",
            whole,
            expected,
            String::from_utf8_lossy(&bytes)
        );
    }

    #[test]
    fn result_does_not_depend_on_how_the_bytes_are_split(bytes in response(), to_head in prop::bool::weighted(0.1)) {
        let whole = clients::brunt(&[&bytes], to_head);
        for at in 0..=bytes.len() {
            let (first, rest) = bytes.split_at(at);
            prop_assert_eq!(&clients::brunt(&[first, rest], to_head), &whole, "cut at {}", at);
        }
        for size in [1, 2, 3, 7] {
            let pieces: Vec<&[u8]> = bytes.chunks(size).collect();
            prop_assert_eq!(&clients::brunt(&pieces, to_head), &whole, "by {}", size);
        }
    }
}

/// Whether brunt differs from hyper on purpose.
fn is_intended_difference(bytes: &[u8], brunt: &Outcome, hyper: &Outcome) -> bool {
    let text = String::from_utf8_lossy(bytes).to_ascii_lowercase();
    let rejected_by_hyper_when_complete = || {
        let whole = [bytes, b"\r\n\r\n"].concat();
        clients::hyper(&whole, false, 64) == Outcome::Rejected
    };
    match (brunt, hyper) {
        // An upgrade without a request for it is rejected.
        (Outcome::Rejected, Outcome::Response(101, _)) => true,
        // Two different lengths are rejected, even if the body is chunked.
        (Outcome::Rejected, Outcome::Response(..) | Outcome::Closed)
            if text.contains("transfer-encoding") && text.contains("content-length") =>
        {
            true
        }
        // Grammar violations are rejected before the headers are complete, and a line of a chunked body
        // that does not end with CR LF as soon as it is received.
        (Outcome::Rejected, Outcome::Closed) => {
            rejected_by_hyper_when_complete() || has_bare_line_end(bytes)
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
fn framing_combinations_are_parsed_as_by_hyper() {
    for bytes in responses::framing_combinations() {
        let expected = clients::hyper(&bytes, false, 1);
        let found = clients::brunt(&[&bytes], false);
        assert_eq!(found, expected, "{:?}", String::from_utf8_lossy(&bytes));
    }
}

#[test]
fn oracle_detects_a_wrong_parser() {
    // This parser uses the last Content-Length instead of rejecting different ones.
    let careless = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes);
        let length = text
            .rsplit_once("Content-Length: ")
            .and_then(|(_, rest)| rest.split("\r\n").next()?.parse::<usize>().ok());
        let body = text.split_once("\r\n\r\n").map(|(_, body)| body.as_bytes());
        match (length, body) {
            (Some(length), Some(body)) if body.len() >= length => {
                Outcome::Response(200, body[..length].to_vec())
            }
            _ => Outcome::Closed,
        }
    };
    let differing = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 2\r\n\r\nhello";
    let expected = clients::hyper(differing, false, 64);
    assert_ne!(careless(differing), expected);
    assert_eq!(clients::brunt(&[differing], false), expected);
}
