//! Record files: the bytes are rejected, or their record can be judged, rendered in every form, and written again.
//! Checksums are corrected, so that the fuzzer reaches the code behind them.

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
    // Long runs would slow down the fuzzer.
    if record.duration_s() > 600.0 || record.timeline.seconds().len() > 600 {
        return;
    }
    let mut written = Vec::new();
    brunt_record::file::write(&record, &mut written).expect("writing to memory");
    brunt_record::file::read(written.as_slice()).expect("written record is valid");
    let forms = every_form(&record);
    assert!(forms.iter().all(|form| !form.is_empty()));
});

/// Corrects the checksum of every frame.
fn checksummed(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    // A frame has a length and a checksum of 4 bytes each, and a payload. The first follows the magic number and the version.
    let mut at = 8;
    while let Some(header) = bytes.get(at..at + 8) {
        let length = u32::from_le_bytes([header[0], header[1], header[2], header[3]]) as usize;
        let Some(payload) = bytes.get(at + 8..(at + 8).saturating_add(length)) else {
            break;
        };
        let checksum = crc32fast::hash(payload).to_le_bytes();
        bytes[at + 4..at + 8].copy_from_slice(&checksum);
        at += 8 + length;
    }
    bytes
}
