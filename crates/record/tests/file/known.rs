//! A small run with known values, and its record.

use brunt_record::file::RecordWriter;
use brunt_record::{
    Command, Ending, Event, FailureKind, Generator, Header, Interference, Load, LoadStage, Machine,
    Measure, Metric, NameId, Outcome, ProcessReading, Reading, RequestName, RunRecord, Sample,
    Scope, SecondRecorder, StoppedBy, Target,
};

/// A record in version 1 of the format, written by [`rewritten`].
pub(crate) const V1: &[u8] = include_bytes!("../data/v1.brunt");

pub(crate) fn header() -> Header {
    let name = |name: &str, setup| RequestName {
        name: name.into(),
        method: "GET".into(),
        setup,
        kind: brunt_record::NameKind::Request,
    };
    Header {
        run_id: "20261123T110000Z-load".into(),
        brunt_version: "0.1.0".into(),
        scenario_file: "brunt.toml".into(),
        scenario_hash: "0123456789abcdef".into(),
        scenario: None,
        profile: "load".into(),
        host: "http://127.0.0.1:8000/".into(),
        embedded: false,
        started_at: "2026-11-23T11:00:00Z".parse().expect("a time"),
        seed: 7,
        names: vec![name("/a", false), name("/seed", true)],
        classes: vec![("visitor".into(), 1.0)],
        load: Load {
            stages: vec![LoadStage {
                seconds: 3.0,
                from: 2.0,
                to: 2.0,
            }],
            open: None,
            search: None,
            warm_up_s: 0.0,
            concurrent: Vec::new(),
            iterations: None,
            until_decided_s: None,
            tasks_per_user_second: Some(0.5),
            requests_per_task: 1.0,
        },
        targets: vec![Target {
            metric: Metric::Percentile(0.99),
            scope: Some(NameId(0).into()),
            target: Some(100.0),
            acceptable: None,
            critical: Some(1000.0),
            stop_at: None,
        }],
        generator: Generator {
            threads: 1,
            ..Generator::default()
        },
        machine: Machine {
            cores: Some(2),
            ..Machine::default()
        },
        label: None,
        commit: None,
        min_duration_s: None,
        not_requested: Vec::new(),
        planned_shares: Vec::new(),
    }
}

pub(crate) fn sample(second: u64, took_ns: u64, failure: Option<FailureKind>) -> Sample {
    let intended_ns = second * 1_000_000_000 + 5;
    Sample {
        dispatched_ns: intended_ns + 1_000,
        sent_ns: Some(intended_ns + 2_000),
        first_byte_ns: Some(intended_ns + took_ns / 2),
        connect_ns: (second == 0).then_some(900),
        failure,
        wire_requests: 1,
        bytes_sent: 70,
        bytes_received: 140,
        ..Sample::unsent(NameId(0), intended_ns, intended_ns + took_ns)
    }
}

/// A run of three seconds with two successful requests and a timeout in each.
pub(crate) fn known() -> Vec<u8> {
    let header = header();
    let mut recorder = SecondRecorder::new(&header.names);
    let mut writer = RecordWriter::new(Vec::new(), &header).expect("memory");
    for second in 0..3u32 {
        add_second(&mut writer, &mut recorder, second);
    }
    end(writer)
}

/// The same run, rewritten after its second second.
pub(crate) fn rewritten() -> Vec<u8> {
    let header = header();
    let mut recorder = SecondRecorder::new(&header.names);
    let mut writer = RecordWriter::new(Vec::new(), &header).expect("memory");
    for second in 0..2u32 {
        add_second(&mut writer, &mut recorder, second);
    }
    let bytes = end(writer);
    let edges = frame_edges(&bytes);
    let until = &bytes[..edges[edges.len() - 3]];
    let record = brunt_record::file::read(until).expect("complete frames");
    let mut writer = brunt_record::file::write_unended(&record, Vec::new()).expect("memory");
    add_second(&mut writer, &mut recorder, 2);
    end(writer)
}

fn add_second(writer: &mut RecordWriter<Vec<u8>>, recorder: &mut SecondRecorder, second: u32) {
    recorder.start(second);
    for (took_ns, failure) in [
        (1_000_000, None),
        (3_000_000, None),
        (9_000_000, Some(FailureKind::Timeout)),
    ] {
        recorder.record(&sample(second.into(), took_ns, failure));
        if let Some(kind) = failure {
            recorder.record_failure(
                NameId(0),
                kind,
                0,
                u64::from(second) * 1_000_000_000,
                || "GET /a: no complete response".into(),
            );
        }
    }
    recorder.counts_mut().users = Some(2);
    writer.snapshot(recorder.to_snapshot()).expect("memory");
    let target = ProcessReading {
        rss_bytes: Some(1 << 20),
        ..ProcessReading::default()
    };
    let reading = Reading {
        at_ms: u64::from(second) * 1000,
        target: Some(target),
        interference: Some(Interference {
            throttled_ms: (second > 0).then_some(u64::from(second)),
            ..Interference::default()
        }),
        ..Reading::default()
    };
    writer.reading(reading).expect("memory");
}

fn end(mut writer: RecordWriter<Vec<u8>>) -> Vec<u8> {
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
        stop_reason: None,
        missed_targets: Vec::new(),
        unavailable: brunt_record::Unavailable::default(),
    };
    writer.end(ending).expect("memory")
}

pub(crate) fn assert_known(record: &RunRecord) {
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
    assert_eq!(
        failure.example.as_deref(),
        Some("GET /a: no complete response")
    );
    assert_eq!(record.readings.len(), 3);
    let reading = |at: usize| record.readings.get(at).expect("a reading");
    assert_eq!(
        reading(2).target.and_then(|target| target.rss_bytes),
        Some(1 << 20)
    );
    assert_eq!(reading(2).machine.cpu_percent, None);
    let throttled_ms = |at: usize| reading(at).interference?.throttled_ms;
    assert_eq!((throttled_ms(0), throttled_ms(2)), (None, Some(2)));
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

/// The bytes of a record as brunt writes it. Records with equal bytes are equal.
pub(crate) fn written(record: &RunRecord) -> Vec<u8> {
    let mut bytes = Vec::new();
    brunt_record::file::write(record, &mut bytes).expect("memory");
    bytes
}

/// The positions at which the frames of a record begin, and the end of the last one.
pub(crate) fn frame_edges(bytes: &[u8]) -> Vec<usize> {
    let mut edges = vec![8];
    let mut at = 8;
    while let Some(length) = bytes.get(at..at + 4) {
        let length = u32::from_le_bytes(length.try_into().expect("four bytes"));
        at += 8 + length as usize;
        edges.push(at);
    }
    edges
}

/// A frame of a payload, with a valid checksum.
pub(crate) fn frame(payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("a short payload");
    let crc = crc32fast::hash(payload);
    [&length.to_le_bytes(), &crc.to_le_bytes(), payload].concat()
}
