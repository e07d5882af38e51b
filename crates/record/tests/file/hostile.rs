//! Complete frames with wrong content: they are damage, and never cause a panic, a loop or excessive memory.

use brunt_record::file::{self, ReadError, RecordWriter};
use brunt_record::limits::NAMES_MAX;
use brunt_record::{
    Command, CompactHistogram, Ending, Event, Failure, FailureKind, Header, Histogram,
    HistogramEntry, Load, Measure, Metric, MetricsSnapshot, MissedTarget, NameId, NameTotals,
    Outcome, Reading, RunRecord, Scope, Second, ThresholdKind,
};
use proptest::prelude::*;

use crate::known::{frame, frame_edges, header, known, rewritten, written};

fn empty() -> MetricsSnapshot {
    MetricsSnapshot {
        width_s: 1,
        seconds: Vec::new(),
        histograms: Vec::new(),
        totals: Vec::new(),
        failures: Vec::new(),
        last_ok_ns: 0,
    }
}

fn totals(name: u32, requests: u64) -> NameTotals {
    NameTotals {
        name: NameId(name),
        requests,
        wire_requests: 0,
        retries: 0,
        bytes_sent: 0,
        bytes_received: 0,
    }
}

fn entry(second: u32, name: u32) -> HistogramEntry {
    let mut histogram = Histogram::default();
    histogram.record(1_000);
    HistogramEntry {
        second,
        name: NameId(name),
        measure: Measure::Response,
        outcome: Outcome::Ok,
        histogram: CompactHistogram::from(&histogram),
    }
}

fn failure(name: u32, count: u64) -> Failure {
    Failure {
        name: NameId(name),
        kind: FailureKind::ConnectionReset,
        code: 0,
        count,
        first_ms: 0,
        last_ms: 0,
        example: None,
    }
}

fn record_of(snapshots: &[MetricsSnapshot]) -> Vec<u8> {
    let mut writer = RecordWriter::new(Vec::new(), &header()).unwrap();
    for snapshot in snapshots {
        writer.snapshot(snapshot.clone()).unwrap();
    }
    let ending = file::read(known().as_slice()).unwrap().ending;
    writer.end(ending.unwrap()).unwrap()
}

fn many(ok: u64) -> Second {
    Second {
        ok,
        ..Second::default()
    }
}

#[test]
fn impossible_snapshot_is_damage() {
    let with = |change: fn(&mut MetricsSnapshot)| {
        let mut snapshot = empty();
        change(&mut snapshot);
        snapshot
    };
    let cases = [
        (with(|i| i.width_s = 0), "intervals of 0 s"),
        (with(|i| i.width_s = 3), "intervals of 3 s"),
        (with(|i| i.width_s = 1 << 31), "intervals of 2147483648 s"),
        (
            with(|i| i.seconds.push((u32::MAX, many(1)))),
            "second 4294967295 is after the longest run",
        ),
        (
            with(|i| i.histograms.push(entry(u32::MAX, 0))),
            "second 4294967295 is after the longest run",
        ),
        (
            with(|i| i.histograms.push(entry(0, 2))),
            "name number 2 is not among the 2",
        ),
        (
            with(|i| i.totals.push(totals(u32::MAX, 1))),
            "name number 4294967295",
        ),
        (with(|i| i.failures.push(failure(2, 1))), "name number 2"),
    ];
    for (snapshot, expected) in cases {
        let bytes = record_of(&[with(|i| i.seconds.push((0, many(1)))), snapshot]);
        let error = file::read(bytes.as_slice()).unwrap_err();
        assert!(
            matches!(error, ReadError::Damaged { frame: 2, .. }),
            "{error}"
        );
        assert!(error.to_string().contains(expected), "{error}");
    }
}

/// The known record after a change.
fn changed(change: impl FnOnce(&mut RunRecord)) -> Vec<u8> {
    let mut record = file::read(known().as_slice()).unwrap();
    change(&mut record);
    written(&record)
}

#[expect(clippy::too_many_lines, reason = "a table")]
#[test]
fn record_with_impossible_values_is_damage() {
    const HUGE: u64 = 1 << 53;
    let ending =
        |change: fn(&mut Ending)| changed(move |record| record.ending.iter_mut().for_each(change));
    let header = |change: fn(&mut Header)| changed(move |record| change(&mut record.header));
    let cases = [
        (
            ending(|e| e.load_ended_ms = u64::MAX),
            "the end of the load",
        ),
        (ending(|e| e.ended_ms = HUGE), "the end of the run"),
        (
            ending(|e| {
                e.missed_targets.push(MissedTarget {
                    target: 1,
                    threshold: ThresholdKind::Critical,
                });
            }),
            "missed target number 1 is not among the 1",
        ),
        (
            header(|h| h.targets[0].scope = Some(NameId(99).into())),
            "request name number 99 is not among the 2",
        ),
        (
            header(|h| h.targets[0].metric = Metric::Percentile(f64::NAN)),
            "a percentile of NaN",
        ),
        (
            header(|h| h.targets[0].critical = Some(f64::INFINITY)),
            "a threshold of inf",
        ),
        (
            header(|h| h.load.stages[0].seconds = 1e18),
            "a stage's length of 1000000000000000000",
        ),
        (
            header(|h| h.load.stages[0].to = -1.0),
            "a stage's level of -1",
        ),
        (
            header(|h| {
                h.load.concurrent = vec![Load {
                    concurrent: vec![Load::default()],
                    ..Load::default()
                }];
            }),
            "loads in parallel",
        ),
        (
            header(|h| h.classes[0].1 = f64::NAN),
            "a class's share of NaN",
        ),
        (
            header(|h| h.started_at = jiff::Timestamp::MAX),
            "a start at 9999",
        ),
        (
            header(|h| h.names = vec![h.names[0].clone(); NAMES_MAX + 1]),
            "request names: 10001 (must be at most 10000)",
        ),
        (
            changed(|record| {
                record.readings.extend([Reading {
                    at_ms: HUGE,
                    ..record.readings.get(0).unwrap()
                }]);
            }),
            "packed rows",
        ),
        (
            changed(|record| {
                record.events.push(Event {
                    at_ms: HUGE,
                    command: Command::Stop,
                });
            }),
            "a command at",
        ),
    ];
    for (bytes, expected) in cases {
        let error = file::read(bytes.as_slice()).unwrap_err();
        assert!(
            matches!(error, ReadError::Damaged { .. }),
            "{expected}: {error}"
        );
        assert!(error.to_string().contains(expected), "{expected}: {error}");
    }
}

#[test]
fn record_whose_counts_add_up_to_more_than_2_to_the_53_is_damage() {
    let half = 1 << 52;
    let with_count = |count| {
        let mut snapshot = empty();
        snapshot.seconds.push((0, many(count)));
        snapshot
    };
    file::read(record_of(&[with_count(half)]).as_slice()).unwrap();
    for second in [half + 1, u64::MAX] {
        let bytes = record_of(&[with_count(half), with_count(second)]);
        let error = file::read(bytes.as_slice()).unwrap_err().to_string();
        assert!(error.contains("a sum of counts"), "{error}");
    }
    let mut late = empty();
    late.failures.push(Failure {
        last_ms: 1 << 53,
        ..failure(0, 1)
    });
    let error = file::read(record_of(&[late]).as_slice()).unwrap_err();
    assert!(error.to_string().contains("a failure at"), "{error}");
}

#[test]
fn impossible_packed_rows_are_damage() {
    let bytes = rewritten();
    let edges = frame_edges(&bytes);
    // The second frame contains the counts of two seconds, the fifth frame two readings.
    for (number, columns) in [(1, 45), (4, 55)] {
        let payload = &bytes[edges[number] + 8..edges[number + 1]];
        let find = |what: &[u8]| {
            let at = payload.windows(what.len()).position(|part| part == what);
            at.unwrap() + what.len()
        };
        for (key, value) in [
            (&b"\xa4each"[..], 0),
            (b"\xa4each", 3),
            (b"\xa4last", 0),
            (b"\xa4last", 2),
            (b"\xa4rows", 3),
        ] {
            let mut changed = payload.to_vec();
            changed[find(key)] = value;
            let all = [&bytes[..edges[number]], &frame(&changed)].concat();
            let error = file::read(all.as_slice()).unwrap_err();
            let is_at_frame = matches!(error, ReadError::Damaged { frame, .. } if frame == number);
            assert!(is_at_frame, "{error}");
            assert!(
                error.to_string().contains("packed rows from 0 on"),
                "{error}"
            );
        }
        let at = find(b"\xa7columns");
        assert_eq!(
            payload[at + 2],
            columns,
            "the number of columns, after the length"
        );
    }
}

#[test]
fn frame_out_of_order_is_damage() {
    let bytes = known();
    let edges = frame_edges(&bytes);
    let twice = [&bytes[..edges[1]], &bytes[8..edges[1]]].concat();
    let error = file::read(twice.as_slice()).unwrap_err().to_string();
    assert!(error.contains("frame 1: a second header"), "{error}");
    let headless = [&bytes[..8], &bytes[edges[1]..]].concat();
    let error = file::read(headless.as_slice()).unwrap_err();
    assert!(matches!(error, ReadError::NoHeader), "{error}");
}

/// Calls everything that adds up counts.
fn sum_of_all_counts(record: &RunRecord) -> u64 {
    let timeline = &record.timeline;
    let seconds = timeline.seconds().iter();
    // Impossible counts saturate.
    let mut sum = seconds.fold(0u64, |sum, second| sum.saturating_add(second.requests()));
    for measure in Measure::ALL {
        let all = timeline.distribution(Scope::All, measure);
        assert_eq!(all.percentile(0.99).is_none(), all.count() == 0);
        assert!(
            all.share_above(1)
                .is_none_or(|share| (0.0..=1.0).contains(&share))
        );
        for interval in 0..timeline.intervals().min(10) {
            let here = timeline.distribution_at(interval, Scope::All, measure);
            sum = sum.saturating_add(here.count());
        }
    }
    sum.saturating_add(written(record).len() as u64)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn changed_frame_with_a_valid_checksum_is_read_or_rejected(
        number in 0usize..9,
        is_rewritten in any::<bool>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..5),
    ) {
        let bytes = if is_rewritten { rewritten() } else { known() };
        let edges = frame_edges(&bytes);
        let mut payload = bytes[edges[number] + 8..edges[number + 1]].to_vec();
        for (at, byte) in changes {
            let at = at.index(payload.len());
            payload[at] = byte;
        }
        let bytes = [&bytes[..edges[number]], &frame(&payload), &bytes[edges[number + 1]..]].concat();
        match file::read(bytes.as_slice()) {
            Ok(record) => prop_assert!(sum_of_all_counts(&record) > 0),
            Err(ReadError::Damaged { .. } | ReadError::NoHeader) => {}
            Err(error) => prop_assert!(false, "{}", error),
        }
    }

    #[test]
    fn random_payload_with_a_valid_checksum_is_read_or_rejected(payload in prop::collection::vec(any::<u8>(), 0..100)) {
        let bytes = known();
        let begin = frame_edges(&bytes)[1];
        let bytes = [&bytes[..begin], &frame(&payload)].concat();
        let read = file::read(bytes.as_slice());
        let is_expected = matches!(read, Ok(_) | Err(ReadError::Damaged { frame: 1, .. }));
        prop_assert!(is_expected);
    }
}
