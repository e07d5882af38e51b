//! Record files: whatever the bytes, they are refused, or judged and rendered in every form. Checksums are made
//! right, so that what is behind them is reached.

#![no_main]

#[path = "../every_form.rs"]
mod every_form;

use every_form::every_form;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let bytes = checksummed(bytes);
    let Ok(record) = brunt_record::file::read(bytes.as_slice()) else {
        return;
    };
    // A fuzzer is to make many small runs, not a few that are a year long.
    if record.duration_s() > 600.0 || record.timeline.seconds().len() > 600 {
        return;
    }
    let mut written = Vec::new();
    brunt_record::file::write(&record, &mut written).expect("memory");
    brunt_record::file::read(written.as_slice()).expect("what was written is read");
    let forms = every_form(&record);
    assert!(forms.iter().all(|form| !form.is_empty()));
});

/// The bytes as a record whose frames have the right checksums.
fn checksummed(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let mut at = 8;
    while let Some(head) = bytes.get(at..at + 8) {
        let length = u32::from_le_bytes([head[0], head[1], head[2], head[3]]) as usize;
        let Some(payload) = bytes.get(at + 8..(at + 8).saturating_add(length)) else {
            break;
        };
        let checksum = crc32fast::hash(payload).to_le_bytes();
        bytes[at + 4..at + 8].copy_from_slice(&checksum);
        at += 8 + length;
    }
    bytes
}
