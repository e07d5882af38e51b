//! Tests of merging, widening and rejected snapshots.

use proptest::prelude::*;

use super::*;
use crate::{FailureKind, Sample, Second, SecondRecorder};

fn names() -> Vec<RequestName> {
    let name = |name: &str, setup| RequestName {
        name: name.into(),
        method: "GET".into(),
        setup,
        kind: crate::NameKind::Request,
    };
    vec![name("/a", false), name("/b", false), name("/seed", true)]
}

fn samples() -> impl Strategy<Value = Vec<Sample>> {
    let sample = (
        0u32..3,
        0u64..9_000_000_000,
        0u64..50_000_000,
        0u64..3_000_000_000,
        0usize..4,
    );
    let sample = sample.prop_map(|(name, intended_ns, lag_ns, took_ns, kind)| {
        let dispatched_ns = intended_ns + lag_ns;
        let failures = [
            None,
            None,
            Some(FailureKind::Status),
            Some(FailureKind::Timeout),
        ];
        Sample {
            dispatched_ns,
            sent_ns: Some(dispatched_ns + 10),
            first_byte_ns: Some(dispatched_ns + took_ns / 2 + 10),
            failure: failures[kind],
            wire_requests: 1,
            bytes_sent: 100,
            bytes_received: 200,
            ..Sample::unsent(NameId(name), intended_ns, dispatched_ns + took_ns + 10)
        }
    });
    prop::collection::vec(sample, 0..200)
}

/// Records the samples with one recorder, second by second, like a core of the engine.
fn snapshots(samples: &[Sample]) -> Vec<MetricsSnapshot> {
    let mut samples = samples.to_vec();
    samples.sort_by_key(|sample| sample.done_ns);
    let mut recorder = SecondRecorder::new(&names());
    let mut snapshots = Vec::new();
    for sample in &samples {
        let second = crate::second_of(sample.done_ns);
        if second != recorder.second() {
            snapshots.push(recorder.to_snapshot());
            recorder.start(second);
        }
        recorder.record(sample);
        if let Some(kind) = sample.failure {
            recorder.record_failure(sample.name, kind, 0, sample.done_ns, || "an example".into());
        }
    }
    snapshots.push(recorder.to_snapshot());
    snapshots
}

fn timeline_of(snapshots: &[MetricsSnapshot], bytes_max: usize) -> Timeline {
    let mut timeline = Timeline::bounded(names(), bytes_max);
    snapshots
        .iter()
        .for_each(|snapshot| timeline.merge(snapshot).unwrap());
    timeline
}

proptest! {
    #[test]
    fn durations_agree_with_missing_requests_at_any_limit(samples in samples(), limit in 0u64..4_000_000_000) {
        let timeline = timeline_of(&snapshots(&samples), usize::MAX);
        for interval in 0..timeline.intervals() {
            let at = |is_met: &dyn Fn(u64) -> bool| {
                timeline.missing_at(interval, Scope::All, Measure::Response, is_met)
            };
            let (durations, unanswered) =
                timeline.durations_at(interval, Scope::All, Measure::Response);
            let longer = durations.iter().filter(|(ns, _)| *ns > limit);
            let missing: u64 = longer.map(|(_, count)| count).sum();
            let all: u64 = durations.iter().map(|(_, count)| count).sum();
            let (expected, of) = at(&|ns| ns <= limit);
            prop_assert_eq!((missing + unanswered, all + unanswered), (expected, of));
        }
    }

    #[test]
    fn timeline_contains_exactly_the_samples(samples in samples()) {
        let timeline = timeline_of(&snapshots(&samples), usize::MAX);
        let judged = samples.iter().filter(|sample| sample.name != NameId(2));
        let ok = judged.clone().filter(|sample| sample.outcome() == Outcome::Ok);
        let mut expected = Histogram::default();
        ok.for_each(|sample| expected.record(sample.response_ns()));
        prop_assert_eq!(timeline.histogram(Scope::All, Measure::Response, Outcome::Ok), expected);
        let requests: u64 = timeline.seconds().iter().map(|second| second.requests()).sum();
        prop_assert_eq!(requests, judged.count() as u64);
        let failures: u64 = timeline.failures().iter().map(|failure| failure.count).sum();
        prop_assert_eq!(failures, samples.iter().filter(|s| s.failure.is_some()).count() as u64);
    }

    #[test]
    fn response_time_belongs_to_the_second_of_the_intended_start(samples in samples()) {
        let timeline = timeline_of(&snapshots(&samples), usize::MAX);
        for second in 0..12u32 {
            let there = samples.iter().filter(|s| {
                s.name != NameId(2)
                    && crate::second_of(s.intended_ns) == second
                    && s.outcome() != Outcome::Failed
            });
            let found = timeline.distribution_at(second as usize, Scope::All, Measure::Response);
            prop_assert_eq!(found.count(), there.count() as u64);
        }
    }

    #[test]
    fn merge_of_two_cores_equals_one_recorder(a in samples(), b in samples()) {
        let apart = [snapshots(&a), snapshots(&b)].concat();
        let together = snapshots(&[a, b].concat());
        let (apart, together) = (timeline_of(&apart, usize::MAX), timeline_of(&together, usize::MAX));
        prop_assert_eq!(apart.to_snapshot().histograms, together.to_snapshot().histograms);
        prop_assert_eq!(apart.name_totals(), together.name_totals());
    }

    #[test]
    fn widened_timeline_is_bounded_and_complete(samples in samples()) {
        let snapshots = snapshots(&samples);
        let (narrow, wide) = (timeline_of(&snapshots, usize::MAX), timeline_of(&snapshots, 2_000));
        prop_assert!(wide.bytes <= 2_000 || wide.intervals.len() <= 1);
        for measure in Measure::ALL {
            let (a, b) = (narrow.distribution(Scope::All, measure), wide.distribution(Scope::All, measure));
            prop_assert_eq!(&a, &b);
            let mut summed = Distribution::default();
            for interval in 0..wide.intervals() {
                let part = wide.distribution_at(interval, Scope::All, measure);
                summed.ok.merge(&part.ok);
                summed.unanswered += part.unanswered;
            }
            prop_assert_eq!(summed, b);
        }
    }

    #[test]
    fn order_of_snapshots_does_not_matter(
        samples in samples(),
        bytes_max in 1_000usize..5_000,
        order in any::<prop::sample::Index>(),
    ) {
        let mut snapshots = snapshots(&samples);
        let in_order = timeline_of(&snapshots, bytes_max);
        let middle = order.index(snapshots.len());
        snapshots.rotate_left(middle);
        snapshots.reverse();
        let mut others = timeline_of(&snapshots, bytes_max);
        // A timeline that was widened once stays wide.
        let mut in_order = in_order;
        while others.width_s() != in_order.width_s() {
            let narrow = if others.width_s() < in_order.width_s() { &mut others } else { &mut in_order };
            narrow.double_width();
        }
        let (mut a, mut b) = (in_order.to_snapshot(), others.to_snapshot());
        for snapshot in [&mut a, &mut b] {
            snapshot.failures.sort_by_key(|failure| (failure.name, failure.kind, failure.code));
        }
        prop_assert_eq!(a, b);
    }

    #[test]
    fn histogram_of_a_name_contains_exactly_its_samples(samples in samples(), bytes_max in 1_000usize..5_000) {
        let timeline = timeline_of(&snapshots(&samples), bytes_max);
        for id in (0..3).map(NameId) {
            let mut expected = Histogram::default();
            let own = samples.iter().filter(|sample| sample.name == id);
            own.filter(|sample| sample.outcome() == Outcome::Ok)
                .for_each(|sample| expected.record(sample.response_ns()));
            prop_assert_eq!(timeline.histogram(Scope::Name(id), Measure::Response, Outcome::Ok), expected);
        }
    }

    #[test]
    fn several_names_together_equal_one_name_bit_for_bit(
        samples in samples(),
        bytes_max in 1_000usize..5_000,
    ) {
        let several = [NameId(0), NameId(2)];
        let as_one = samples.iter().map(|sample| {
            let name = if several.contains(&sample.name) { NameId(0) } else { sample.name };
            Sample { name, ..*sample }
        });
        let as_one = as_one.collect::<Vec<_>>();
        let timeline = timeline_of(&snapshots(&samples), bytes_max);
        let expected = timeline_of(&snapshots(&as_one), usize::MAX);
        let (found, one) = (Scope::Names(&several), Scope::Name(NameId(0)));
        for measure in [Measure::Response, Measure::LagCorrected, Measure::Service] {
            for outcome in Outcome::ALL {
                prop_assert_eq!(
                    timeline.histogram(found, measure, outcome),
                    expected.histogram(one, measure, outcome)
                );
            }
        }
        let all = 0..timeline.intervals();
        let limit = |ns: u64| ns <= 1_000_000;
        let sum = |timeline: &Timeline, scope| {
            (0..timeline.intervals()).fold([0; 4], |[a, b, c, d], interval| {
                let (missing, ranked) = timeline.missing_at(interval, scope, Measure::Response, limit);
                let (failed, requests) = timeline.failed_at(interval, scope);
                [a + missing, b + ranked, c + failed, d + requests]
            })
        };
        prop_assert_eq!(sum(&timeline, found), sum(&expected, one));
        prop_assert_eq!(
            timeline.distribution_in(all, found, Measure::Response),
            expected.distribution(one, Measure::Response)
        );
    }

    #[test]
    fn pieces_of_a_timeline_merge_to_the_timeline(samples in samples(), bytes_max in 1_000usize..5_000) {
        let timeline = timeline_of(&snapshots(&samples), bytes_max);
        let mut again = Timeline::bounded(names(), bytes_max);
        for packed in timeline.stored_seconds() {
            again.merge_seconds(&packed).unwrap();
        }
        for piece in timeline.snapshots() {
            again.merge(&piece).unwrap();
        }
        prop_assert_eq!(again.to_snapshot(), timeline.to_snapshot());
        prop_assert_eq!(again.bytes, timeline.bytes);
    }

    #[test]
    fn snapshot_of_a_timeline_merges_to_the_timeline(samples in samples(), bytes_max in 500usize..5_000) {
        let timeline = timeline_of(&snapshots(&samples), bytes_max);
        let mut again = Timeline::bounded(names(), bytes_max);
        again.merge(&timeline.to_snapshot()).unwrap();
        prop_assert_eq!(again.to_snapshot(), timeline.to_snapshot());
    }
}

#[test]
fn invalid_snapshot_is_rejected_completely() {
    let valid = snapshots(&[]).remove(0);
    let name = |id| NameTotals::of(NameId(id));
    let cases = [
        (
            MetricsSnapshot {
                totals: vec![name(0), name(7)],
                ..valid.clone()
            },
            "number 7 is not among the 3",
        ),
        (
            MetricsSnapshot {
                seconds: vec![(u32::MAX, Second::default())],
                ..valid.clone()
            },
            "after the longest",
        ),
        (
            MetricsSnapshot {
                width_s: 0,
                ..valid.clone()
            },
            "intervals of 0 s",
        ),
        (
            MetricsSnapshot {
                width_s: 3,
                ..valid.clone()
            },
            "intervals of 3 s",
        ),
        (
            MetricsSnapshot {
                width_s: 1 << 31,
                ..valid
            },
            "intervals of",
        ),
    ];
    for (snapshot, expected) in cases {
        let mut timeline = timeline_of(&[], usize::MAX);
        let error = timeline.merge(&snapshot).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
        assert_eq!(timeline.seconds().len(), 0);
    }
}
