//! What is written is read, now and in later versions.

use record::file::{self, ReadError};

use crate::known::{V1, assert_known, frame_edges, known, written};

#[test]
fn what_is_written_is_read() {
    let record = file::read(known().as_slice()).unwrap();
    assert_known(&record);
    let again = file::read(written(&record).as_slice()).unwrap();
    assert_known(&again);
    assert_eq!(written(&again), written(&record));
}

#[test]
fn a_record_of_version_1_still_loads() {
    assert_known(&file::read(V1).unwrap());
}

#[test]
fn a_record_that_breaks_off_anywhere_is_read_up_to_its_last_whole_frame() {
    let bytes = known();
    let edges = frame_edges(&bytes);
    assert_eq!(edges.len(), 10, "header, six frames, event, ending, end");
    for cut in 0..edges[1] {
        match file::read(&bytes[..cut]) {
            Err(ReadError::NotARecord) => assert!(cut < 6, "{cut}"),
            Err(ReadError::NoHeader) => assert!(cut >= 6, "{cut}"),
            other => panic!("{:?} of the first {cut} bytes", other.map(|_| "a record")),
        }
    }
    let mut requests = Vec::new();
    for pair in edges[1..].windows(2) {
        let whole = file::read(&bytes[..pair[0]]).unwrap();
        assert_eq!(whole.ending, None);
        requests.push(whole.timeline.name_totals()[0].requests);
        for cut in pair[0]..pair[1] {
            let record = file::read(&bytes[..cut]).unwrap();
            assert!(
                written(&record) == written(&whole),
                "of the first {cut} bytes"
            );
        }
    }
    assert_eq!(requests, [0, 3, 3, 6, 6, 9, 9, 9]);
}
