//! The record file: what is written is read, up to the last whole frame, and nothing else breaks it.

use proptest::prelude::*;
use record::file::{self, FORMAT_VERSION, ReadError, RecordWriter};
use record::{
    Command, Delta, Ending, Event, FailureKind, Generator, Header, Load, Machine, Measure, Metric,
    NameId, Outcome, ProcessReading, Reading, RequestName, RunRecord, Sample, Scope, Stage,
    StoppedBy, Target,
};

/// A record that was written by version 1 of the format.
const V1: &[u8] = include_bytes!("data/v1.brunt");

fn header() -> Header {
    let name = |name: &str, setup| RequestName {
        name: name.into(),
        method: "GET".into(),
        setup,
    };
    Header {
        run_id: "20261123T110000Z-load".into(),
        brunt_version: "0.1.0".into(),
        scenario_file: "brunt.toml".into(),
        scenario_hash: "0123456789abcdef".into(),
        profile: "load".into(),
        host: "http://127.0.0.1:8000/".into(),
        embedded: false,
        started_at: "2026-11-23T11:00:00Z".parse().expect("a time"),
        seed: 7,
        names: vec![name("/a", false), name("/seed", true)],
        classes: vec![("visitor".into(), 1.0)],
        load: Load {
            stages: vec![Stage {
                seconds: 3.0,
                from: 2.0,
                to: 2.0,
            }],
            open: None,
            tasks_per_user_second: Some(0.5),
            requests_per_task: 1.0,
        },
        targets: vec![Target {
            metric: Metric::Percentile(0.99),
            scope: Some(NameId(0)),
            target: Some(100.0),
            acceptable: None,
            critical: Some(1000.0),
        }],
        generator: Generator {
            threads: 1,
            ..Generator::default()
        },
        machine: Machine {
            cores: Some(2),
            ..Machine::default()
        },
    }
}

fn sample(second: u64, took_ns: u64, failure: Option<FailureKind>) -> Sample {
    let intended_ns = second * 1_000_000_000 + 5;
    Sample {
        name: NameId(0),
        intended_ns,
        dispatched_ns: intended_ns + 1_000,
        sent_ns: Some(intended_ns + 2_000),
        first_byte_ns: Some(intended_ns + took_ns / 2),
        done_ns: intended_ns + took_ns,
        connect_ns: (second == 0).then_some(900),
        failure,
        wire_requests: 1,
        bytes_sent: 70,
        bytes_received: 140,
    }
}

/// A run of three seconds: two good answers and a timeout in each.
fn known() -> Vec<u8> {
    let header = header();
    let mut delta = Delta::new(&header.names);
    let mut writer = RecordWriter::begin(Vec::new(), &header).expect("memory");
    for second in 0..3u32 {
        delta.start(second);
        for (took_ns, failure) in [
            (1_000_000, None),
            (3_000_000, None),
            (9_000_000, Some(FailureKind::Timeout)),
        ] {
            delta.record(&sample(second.into(), took_ns, failure));
            if let Some(kind) = failure {
                delta.record_failure(
                    NameId(0),
                    kind,
                    0,
                    u64::from(second) * 1_000_000_000,
                    || "GET /a: no whole answer".into(),
                );
            }
        }
        delta.counts_mut().users = Some(2);
        writer.increment(delta.to_increment()).expect("memory");
        let target = ProcessReading {
            rss_bytes: Some(1 << 20),
            ..ProcessReading::default()
        };
        let reading = Reading {
            at_ms: u64::from(second) * 1000,
            target: Some(target),
            ..Reading::default()
        };
        writer.reading(reading).expect("memory");
    }
    writer
        .event(Event {
            at_ms: 2500,
            command: Command::Stop,
        })
        .expect("memory");
    let stopped_by = StoppedBy::Interrupted;
    let ending = Ending {
        stopped_by,
        load_ended_ms: 2500,
        ended_ms: 3000,
        reason: None,
    };
    writer.end(ending).expect("memory")
}

fn assert_known(record: &RunRecord) {
    assert_eq!(record.header, header());
    let timeline = &record.timeline;
    assert_eq!(timeline.seconds().len(), 3);
    let waits = timeline.distribution(Scope::All, Measure::Response);
    assert_eq!((waits.ok.count(), waits.unanswered), (6, 3));
    assert_eq!(
        (waits.ok.min_ns(), waits.ok.max_ns()),
        (Some(1_000_000), Some(3_000_000))
    );
    let connect = timeline.histogram(Scope::All, Measure::Connect, Outcome::Ok);
    assert_eq!((connect.count(), connect.sum_ns()), (2, 1_800));
    assert_eq!(timeline.name_totals()[0].bytes_received, 9 * 140);
    let failure = &timeline.failures()[0];
    assert_eq!(
        (failure.count, failure.first_ms, failure.last_ms),
        (3, 0, 2000)
    );
    assert_eq!(failure.example.as_deref(), Some("GET /a: no whole answer"));
    assert_eq!(record.readings.len(), 3);
    assert_eq!(
        record.readings[2].target.as_ref().and_then(|t| t.rss_bytes),
        Some(1 << 20)
    );
    assert_eq!(record.readings[2].machine.cpu_percent, None);
    assert_eq!(
        record.events,
        [Event {
            at_ms: 2500,
            command: Command::Stop
        }]
    );
    assert_eq!(
        record.ending.as_ref().map(|e| e.stopped_by),
        Some(StoppedBy::Interrupted)
    );
}

#[test]
fn what_is_written_is_read() {
    let record = file::read(known().as_slice()).unwrap();
    assert_known(&record);
    let mut again = Vec::new();
    file::write(&record, &mut again).unwrap();
    assert_known(&file::read(again.as_slice()).unwrap());
}

#[test]
fn a_record_of_version_1_still_loads() {
    assert_known(&file::read(V1).unwrap());
}

/// Writes the file of the test above anew: `BRUNT_WRITE_FIXTURE=1 cargo test -p record fixture`. Only
/// ever needed when the format gets another version, under another name.
#[test]
fn the_fixture_is_what_is_written_today() {
    if std::env::var_os("BRUNT_WRITE_FIXTURE").is_some() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/v1.brunt");
        std::fs::write(path, known()).unwrap();
    }
    assert_eq!(
        FORMAT_VERSION, 1,
        "a new version needs a fixture of its own; the old one stays"
    );
}

#[test]
fn a_record_that_breaks_off_anywhere_is_read_up_to_there() {
    let bytes = known();
    let whole = file::read(bytes.as_slice()).unwrap().timeline;
    let mut seen = 0;
    for length in 0..bytes.len() {
        match file::read(&bytes[..length]) {
            Ok(record) => {
                assert_eq!(record.ending, None);
                let requests: u64 = record
                    .timeline
                    .seconds()
                    .iter()
                    .map(record::Second::requests)
                    .sum();
                assert!(requests >= seen && requests <= 9, "{requests} after {seen}");
                assert_eq!(
                    record.timeline.seconds(),
                    &whole.seconds()[..record.timeline.seconds().len()]
                );
                seen = requests;
            }
            Err(ReadError::NotARecord | ReadError::NoHeader) => assert_eq!(seen, 0),
            Err(error) => panic!("{error} at {length}"),
        }
    }
    assert_eq!(seen, 9);
}

#[test]
fn what_is_no_record_is_said() {
    let newer = |version: u16| {
        let mut bytes = known();
        bytes[6..8].copy_from_slice(&version.to_le_bytes());
        bytes
    };
    let cases = [
        (b"{}".to_vec(), "not a brunt record"),
        (b"brunt\0\x01\0".to_vec(), "before the end of its header"),
        (newer(FORMAT_VERSION + 1), "format 2 is newer"),
    ];
    for (bytes, part) in cases {
        let error = file::read(bytes.as_slice()).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn a_frame_of_another_run_is_damage() {
    let mut other = header();
    other.names.truncate(1);
    let mut writer = RecordWriter::begin(Vec::new(), &other).unwrap();
    let mut delta = Delta::new(&header().names);
    delta.record(&Sample {
        name: NameId(1),
        ..sample(0, 5_000, None)
    });
    writer.increment(delta.to_increment()).unwrap();
    let stopped_by = StoppedBy::Finished;
    let bytes = writer
        .end(Ending {
            stopped_by,
            load_ended_ms: 0,
            ended_ms: 0,
            reason: None,
        })
        .unwrap();
    let error = file::read(bytes.as_slice()).unwrap_err();
    assert!(
        matches!(error, ReadError::Damaged { frame: 1, .. }),
        "{error}"
    );
}

proptest! {
    #[test]
    fn a_flipped_byte_never_panics_and_never_invents_requests(at in 0usize..4_000, bit in 0u8..8) {
        let mut bytes = known();
        let at = at % bytes.len();
        bytes[at] ^= 1 << bit;
        if let Ok(record) = file::read(bytes.as_slice()) {
            let requests: u64 = record.timeline.seconds().iter().map(record::Second::requests).sum();
            prop_assert!(requests <= 9);
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let headed = [b"brunt\0\x01\0".as_slice(), &bytes].concat();
        prop_assert!(file::read(headed.as_slice()).is_err());
    }
}
