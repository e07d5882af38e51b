//! Records with changed bytes.

use brunt_record::file::{self, FORMAT_VERSION, ReadError};
use proptest::prelude::*;

use crate::known::{frame_edges, known, rewritten, written};

#[test]
fn changed_byte_ends_the_record_at_its_frame() {
    for bytes in [known(), rewritten()] {
        each_changed_byte_ends(&bytes);
    }
}

fn each_changed_byte_ends(bytes: &[u8]) {
    let edges = frame_edges(bytes);
    for at in 0..bytes.len() {
        let mut changed = bytes.to_vec();
        changed[at] ^= 1 << (at % 8);
        let read = file::read(changed.as_slice());
        if at < edges[1] {
            assert!(read.is_err(), "byte {at} of the header");
            continue;
        }
        let complete = edges.iter().rev().find(|edge| **edge <= at).unwrap();
        let expected = file::read(&bytes[..*complete]).unwrap();
        assert!(written(&read.unwrap()) == written(&expected), "byte {at}");
    }
}

#[test]
fn error_names_the_reason_that_bytes_are_not_a_record() {
    let version = |version: u16| {
        let mut bytes = known();
        bytes[6..8].copy_from_slice(&version.to_le_bytes());
        bytes
    };
    let cases = [
        (Vec::new(), "not a brunt record"),
        (b"{}".to_vec(), "not a brunt record"),
        (b"Brunt\0\x01\0".to_vec(), "not a brunt record"),
        (b"brunt\0\x01\0".to_vec(), "before the end of its header"),
        (version(FORMAT_VERSION + 1), "format 2 is newer"),
        (version(u16::MAX), "format 65535 is newer"),
        (version(0), "not a brunt record"),
    ];
    for (bytes, part) in cases {
        let error = file::read(bytes.as_slice()).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn length_beyond_the_file_is_the_end_of_the_record() {
    let bytes = known();
    for at in frame_edges(&bytes) {
        let claim = [&bytes[..at], &[0xff; 8], b"and more"].concat();
        match file::read(claim.as_slice()) {
            Ok(record) => {
                let expected = file::read(&bytes[..at]).unwrap();
                assert!(written(&record) == written(&expected), "frame at {at}");
            }
            Err(error) => assert!(matches!(error, ReadError::NoHeader) && at == 8, "{error}"),
        }
    }
}

proptest! {
    #[test]
    fn random_bytes_are_not_a_record(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(file::read(bytes.as_slice()).is_err());
        let headed = [b"brunt\0\x01\0".as_slice(), &bytes].concat();
        prop_assert!(file::read(headed.as_slice()).is_err());
    }
}
