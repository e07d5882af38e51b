//! Inputs found by the fuzzer, replayed: one escaped response per line. Its first byte determines how it is split, and
//! whether the request was HEAD.

use crate::clients::{self, Outcome};
use crate::is_intended_difference;

const CORPUS: &str = include_str!("corpus.txt");

fn entries() -> impl Iterator<Item = Vec<u8>> {
    CORPUS.lines().map(|line| {
        let mut bytes = Vec::new();
        let mut rest = line.bytes();
        while let Some(byte) = rest.next() {
            if byte == b'\\' {
                let digits = [rest.next().unwrap(), rest.next().unwrap()];
                let digits = std::str::from_utf8(&digits).unwrap();
                bytes.push(u8::from_str_radix(digits, 16).unwrap());
            } else {
                bytes.push(byte);
            }
        }
        bytes
    })
}

#[test]
fn every_entry_is_parsed_the_same_however_it_is_split() {
    let mut count = 0;
    for entry in entries() {
        let (how, bytes) = entry.split_first().unwrap();
        let to_head = how & 1 == 1;
        let whole = clients::brunt(&[bytes], to_head);
        for size in [1, 2, usize::from(how >> 1) + 1] {
            let pieces: Vec<&[u8]> = bytes.chunks(size).collect();
            assert_eq!(
                clients::brunt(&pieces, to_head),
                whole,
                "{bytes:?} by {size}"
            );
        }
        count += 1;
    }
    assert!(count > 100, "{count} entries");
}

#[test]
fn every_entry_is_parsed_as_by_hyper() {
    for entry in entries() {
        let (how, bytes) = entry.split_first().unwrap();
        let to_head = how & 1 == 1;
        let found = clients::brunt(&[bytes], to_head);
        let expected = clients::hyper(bytes, to_head, 64);
        assert!(
            found == expected || is_intended_difference(bytes, &found, &expected),
            "brunt: {found:?}, hyper: {expected:?}, bytes: {:?}",
            String::from_utf8_lossy(bytes)
        );
    }
    let nothing: &[&[u8]] = &[];
    assert_eq!(clients::brunt(nothing, false), Outcome::Closed);
}
