//! Round trips of records, of truncated ones, and of records in earlier versions of the format.

use brunt_record::file::{self, ReadError, write_unended};
use brunt_record::{RunRecord, SecondRecorder};

use crate::known::{V1, assert_known, frame_edges, header, known, rewritten, sample, written};

#[test]
fn record_round_trips() {
    let record = file::read(known().as_slice()).unwrap();
    assert_known(&record);
    let again = file::read(written(&record).as_slice()).unwrap();
    assert_known(&again);
    assert_eq!(written(&again), written(&record));
}

#[test]
fn record_that_is_rewritten_during_the_run_is_the_same() {
    let record = file::read(rewritten().as_slice()).unwrap();
    assert_known(&record);
    let apart = file::read(known().as_slice()).unwrap();
    assert_eq!(written(&record), written(&apart));
}

#[test]
fn record_of_version_1_is_read() {
    let record = file::read(V1).unwrap();
    assert_known(&record);
    assert_eq!(
        written(&record),
        written(&file::read(known().as_slice()).unwrap())
    );
}

#[test]
fn large_record_is_rewritten_in_frames_of_less_than_a_megabyte() {
    let mut record = RunRecord::new(header());
    let mut writer = write_unended(&record, Vec::new()).unwrap();
    let mut recorder = SecondRecorder::new(&record.header.names);
    let mut second = 0;
    while !writer.needs_rewrite() {
        recorder.start(second);
        for number in 0..2_000 {
            // Each is in a bucket of its own.
            let took_ns = 1_000_000 * 1_003_u64.pow(2) / (2_100 - number);
            recorder.record(&sample(second.into(), took_ns, None));
        }
        let snapshot = recorder.to_snapshot();
        record.timeline.merge(&snapshot).unwrap();
        writer.snapshot(snapshot).unwrap();
        second += 1;
    }
    let rewritten = write_unended(&record, Vec::new()).unwrap();
    assert!(!rewritten.needs_rewrite());
    let ending = file::read(known().as_slice()).unwrap().ending.unwrap();
    let bytes = rewritten.end(ending).unwrap();
    let edges = frame_edges(&bytes);
    let longest = edges.windows(2).map(|pair| pair[1] - pair[0]).max();
    assert!(longest.unwrap() < 1 << 20, "{longest:?}");
    let again = file::read(bytes.as_slice()).unwrap();
    assert_eq!(again.timeline.to_snapshot(), record.timeline.to_snapshot());
}

#[test]
fn truncated_record_is_read_up_to_its_last_complete_frame() {
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
        let expected = file::read(&bytes[..pair[0]]).unwrap();
        assert_eq!(expected.ending, None);
        requests.push(expected.timeline.name_totals()[0].requests);
        for cut in pair[0]..pair[1] {
            let record = file::read(&bytes[..cut]).unwrap();
            assert!(
                written(&record) == written(&expected),
                "the first {cut} bytes"
            );
        }
    }
    assert_eq!(requests, [0, 3, 3, 6, 6, 9, 9, 9]);
}
