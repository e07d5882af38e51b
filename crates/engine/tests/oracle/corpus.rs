//! What the fuzzer found worth keeping, played again: an escaped answer a line, and the first byte says
//! how it is cut and whether it answers a HEAD.

use crate::meaning::Meaning;
use crate::{brunt, hypers, is_known};

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
fn every_entry_means_the_same_however_it_is_cut() {
    let mut count = 0;
    for entry in entries() {
        let (how, bytes) = entry.split_first().unwrap();
        let to_head = how & 1 == 1;
        let whole = brunt::meaning(&[bytes], to_head);
        for size in [1, 2, usize::from(how >> 1) + 1] {
            let pieces: Vec<&[u8]> = bytes.chunks(size).collect();
            assert_eq!(
                brunt::meaning(&pieces, to_head),
                whole,
                "{bytes:?} by {size}"
            );
        }
        count += 1;
    }
    assert!(count > 100, "{count} entries");
}

#[test]
fn every_entry_means_what_it_means_to_hyper() {
    for entry in entries() {
        let (how, bytes) = entry.split_first().unwrap();
        let to_head = how & 1 == 1;
        let found = brunt::meaning(&[bytes], to_head);
        let expected = hypers::meaning(bytes, to_head, 64);
        assert!(
            found == expected || is_known(bytes, &found, &expected),
            "brunt: {found:?}, hyper: {expected:?}, bytes: {:?}",
            String::from_utf8_lossy(bytes)
        );
    }
    let nothing: &[&[u8]] = &[];
    assert_eq!(brunt::meaning(nothing, false), Meaning::Closed);
}
