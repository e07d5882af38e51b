//! Tests of bounded seconds.

use proptest::prelude::*;

use super::*;
use crate::FailureKind;

/// Counts of two cores in each second.
fn counted(seconds: std::ops::Range<usize>) -> impl Strategy<Value = Vec<[Second; 2]>> {
    let second = (
        0u64..500,
        0u64..4,
        0u64..3,
        prop::option::of(0u32..50),
        0u64..9_000,
    );
    let second = second.prop_map(|(ok, failed, unanswered, users, bytes)| Second {
        users,
        in_flight: users.map(|users| users / 2),
        oldest_in_flight_ms: (unanswered > 0).then_some(bytes),
        ok,
        failed,
        unanswered,
        wire_requests: ok + failed,
        bytes_sent: bytes,
        bytes_received: bytes * 3,
        cpu_ms: ok / 2,
        busiest_thread_cpu_ms: ok / 3,
        max_wakeup_delay_us: bytes,
        tasks: ok / 4,
        generator_stall_ms: if bytes > 8_900 { 300 } else { 0 },
        failures: [
            (FailureKind::Status, failed),
            (FailureKind::ConnectionReset, unanswered),
        ]
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .collect(),
        ..Second::default()
    });
    prop::collection::vec([second.clone(), second], seconds)
}

fn bounded(counted: &[[Second; 2]], bytes_max: usize, width_s: u32) -> Seconds {
    let mut seconds = Seconds::new(bytes_max);
    seconds.widen_to(width_s);
    for (second, cores) in counted.iter().enumerate() {
        for counts in cores {
            seconds.merge(second, counts);
        }
    }
    seconds
}

fn all(seconds: &Seconds) -> Vec<Second> {
    seconds.iter().collect()
}

type Sum = (&'static str, fn(&Second) -> u64);

const SUMS: [Sum; 11] = [
    ("ok", |second| second.ok),
    ("failed", |second| second.failed),
    ("unanswered", |second| second.unanswered),
    ("wire requests", |second| second.wire_requests),
    ("bytes sent", |second| second.bytes_sent),
    ("bytes received", |second| second.bytes_received),
    ("CPU", |second| second.cpu_ms),
    ("resets", |second| {
        of_kind(second, FailureKind::ConnectionReset)
    }),
    ("statuses", |second| of_kind(second, FailureKind::Status)),
    ("requests", Second::requests),
    ("failures", |second| {
        second.failures.iter().map(|(_, count)| count).sum()
    }),
];

fn of_kind(second: &Second, kind: FailureKind) -> u64 {
    let known = second.failures.iter().find(|(known, _)| *known == kind);
    known.map_or(0, |(_, count)| *count)
}

fn sum_of(seconds: impl IntoIterator<Item = Second>, of: fn(&Second) -> u64) -> u64 {
    seconds.into_iter().map(|second| of(&second)).sum()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn sums_are_exact_with_any_bound(
        counted in counted(1..2_500),
        bytes_max in 200usize..20_000,
        late in prop::collection::vec((any::<prop::sample::Index>(), 0u64..9), 0..20),
    ) {
        let mut seconds = bounded(&counted, bytes_max, 1);
        let late: Vec<Second> = late.into_iter().map(|(second, ok)| {
            let counts = Second { ok, ..Second::default() };
            seconds.merge(second.index(counted.len()), &counts);
            counts
        }).collect();
        prop_assert_eq!(seconds.len(), counted.len());
        for (name, of) in SUMS {
            let all = counted.iter().flatten().chain(&late).cloned();
            prop_assert_eq!(sum_of(seconds.iter(), of), sum_of(all, of), "{}", name);
        }
        prop_assert_eq!(seconds.ok(), sum_of(seconds.iter(), |second| second.ok));
        prop_assert_eq!(seconds.not_ok(), sum_of(seconds.iter(), |second| second.failed + second.unanswered));
        prop_assert!(seconds.packed.each() == 1 || seconds.before > 2 * OPEN);
    }

    #[test]
    fn unbounded_seconds_are_exact(counted in counted(1..1_200)) {
        let seconds = bounded(&counted, usize::MAX, 1);
        prop_assert_eq!(seconds.width_s(), 1);
        for (at, cores) in counted.iter().enumerate() {
            let mut together = Second::default();
            cores.iter().for_each(|counts| together.merge(counts));
            prop_assert_eq!(seconds.get(at), Some(together));
        }
        prop_assert_eq!(seconds.get(counted.len()), None);
    }

    #[test]
    fn widened_seconds_equal_seconds_of_that_width(
        counted in counted(600..2_500),
        bytes_max in 200usize..10_000,
    ) {
        let seconds = bounded(&counted, bytes_max, 1);
        let from_the_start = bounded(&counted, usize::MAX, seconds.width_s());
        prop_assert_eq!(all(&seconds), all(&from_the_start));
        let packed: Vec<_> = seconds.stored().collect();
        prop_assert_eq!(packed, from_the_start.stored().collect::<Vec<_>>());
    }

    #[test]
    fn order_of_cores_does_not_matter(
        counted in counted(1..1_500),
        bytes_max in 200usize..20_000,
        behind in 0usize..OPEN,
    ) {
        let together = bounded(&counted, bytes_max, 1);
        let mut apart = Seconds::new(bytes_max);
        for second in 0..counted.len() + behind {
            if let Some([first, _]) = counted.get(second) {
                apart.merge(second, first);
            }
            if let Some(second) = second.checked_sub(behind) {
                apart.merge(second, &counted[second][1]);
            }
        }
        prop_assert_eq!(all(&apart), all(&together));
    }

    #[test]
    fn stored_seconds_round_trip(counted in counted(1..2_000), bytes_max in 200usize..20_000) {
        let seconds = bounded(&counted, bytes_max, 1);
        let mut timeline = crate::Timeline::new(Vec::new());
        for packed in seconds.stored() {
            timeline.merge_seconds(&packed).unwrap();
        }
        prop_assert_eq!(all(timeline.seconds()), all(&seconds));
        prop_assert_eq!(timeline.seconds().width_s(), seconds.width_s());
    }
}

#[test]
fn stall_stays_a_gap_with_its_oldest_request() {
    let usual = Second {
        ok: 40,
        ..Second::default()
    };
    let stalled = |second: usize| Second {
        oldest_in_flight_ms: Some((second as u64 - 1_000) * 1_000),
        ..Second::default()
    };
    let counted = (0..2_000).map(|second| {
        let counts = if (1_000..1_040).contains(&second) {
            stalled(second)
        } else {
            usual.clone()
        };
        [counts, Second::default()]
    });
    let counted: Vec<_> = counted.collect();
    let seconds = bounded(&counted, usize::MAX, 8);
    assert_eq!(seconds.width_s(), 8);
    let silent: Vec<usize> = (0..2_000)
        .filter(|at| seconds.get(*at).unwrap().requests() == 0)
        .collect();
    assert_eq!(silent, (1_000..1_040).collect::<Vec<_>>());
    assert_eq!(
        seconds.get(1_039).unwrap().oldest_in_flight_ms,
        Some(39_000)
    );
}

#[test]
fn month_without_requests_stays_within_the_bound() {
    let mut seconds = Seconds::new(20_000);
    seconds.merge(
        3_000_000,
        &Second {
            ok: 7,
            ..Second::default()
        },
    );
    assert_eq!(seconds.len(), 3_000_001);
    assert_eq!(seconds.get(3_000_000).unwrap().ok, 7);
    let bytes: usize = seconds.stored().map(|packed| packed.columns.0.len()).sum();
    assert!(bytes <= 20_000, "{bytes}");
    assert!(seconds.width_s() > 1);
}
