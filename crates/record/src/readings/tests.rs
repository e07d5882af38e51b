//! Tests of bounded readings.

use proptest::prelude::*;

use super::*;
use crate::columns::Column;
use crate::packed_rows::PackedRow;
use crate::{Interference, MachineReading, ProcessReading};

fn readings(count: std::ops::Range<usize>) -> impl Strategy<Value = Vec<Reading>> {
    let process = (any::<u32>(), prop::option::of(0.0..100.0f64), 0u64..9_999);
    let process = process.prop_map(|(bytes, cpu_percent, disk)| ProcessReading {
        cpu_percent,
        rss_bytes: Some(bytes.into()),
        anonymous_bytes: Some(u64::from(bytes) / 2),
        disk_written_bytes: Some(disk),
        processes: 1,
        ..ProcessReading::default()
    });
    let reading = (
        prop::option::of(process.clone()),
        process,
        prop::option::of(0u64..500),
        0.0..1e3f64,
    );
    let reading = reading.prop_map(|(target, additional, stolen_ms, percent)| Reading {
        target,
        additional_targets: vec![additional],
        interference: stolen_ms.map(|stolen_ms| Interference {
            stolen_ms: Some(stolen_ms),
            clock_step_ms: Some(-3),
            ..Interference::default()
        }),
        machine: MachineReading {
            cpu_percent: Some(percent),
            network_sent_bytes: Some(7),
            ..MachineReading::default()
        },
        ..Reading::default()
    });
    prop::collection::vec(reading, count).prop_map(|mut readings| {
        for (at_s, reading) in (1..).zip(&mut readings) {
            reading.at_ms = at_s * 1_000;
        }
        readings
    })
}

fn bounded(all: &[Reading], bytes_max: usize, each: u32) -> Readings {
    let mut readings = Readings::new(bytes_max);
    readings.rows.widen_to(each);
    all.iter().for_each(|reading| readings.push(reading));
    readings
}

fn written_bytes(reading: &Reading) -> u64 {
    let processes = reading.target.iter().chain(&reading.additional_targets);
    processes
        .filter_map(|process| process.disk_written_bytes)
        .sum()
}

fn near(a: Option<f64>, b: Option<f64>) -> bool {
    a.zip(b)
        .map_or(a.is_none() && b.is_none(), |(a, b)| (a - b).abs() < 0.01)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn unbounded_readings_are_exact_to_the_thousandth(all in readings(1..900)) {
        let readings = bounded(&all, usize::MAX, 1);
        prop_assert_eq!(readings.len(), all.len());
        for (at, reading) in all.iter().enumerate() {
            let found = readings.get(at).unwrap();
            let (own, read) = (found.machine.cpu_percent.unwrap(), reading.machine.cpu_percent.unwrap());
            prop_assert!((own - read).abs() <= 0.000_501);
            prop_assert_eq!(found.interference, reading.interference);
            prop_assert_eq!(found.target.is_some(), reading.target.is_some());
            prop_assert_eq!(found.additional_targets[0].rss_bytes, reading.additional_targets[0].rss_bytes);
            prop_assert_eq!(readings.after(reading.at_ms), at + 1);
            prop_assert_eq!(readings.after(reading.at_ms - 1), at);
        }
    }

    #[test]
    fn sums_and_maxima_are_exact_with_any_bound(
        all in readings(1..2_000),
        bytes_max in 500usize..40_000,
    ) {
        let readings = bounded(&all, bytes_max, 1);
        let expected: u64 = all.iter().map(written_bytes).sum();
        prop_assert_eq!(readings.iter().map(|reading| written_bytes(&reading)).sum::<u64>(), expected);
        let most = |reading: &Reading| reading.additional_targets[0].rss_bytes;
        prop_assert_eq!(readings.iter().map(|reading| most(&reading)).max(), all.iter().map(most).max());
        let last = readings.get(readings.len() - 1).unwrap();
        prop_assert_eq!(last.at_ms, all[all.len() - 1].at_ms);
        prop_assert_eq!(readings.len(), all.len().div_ceil(readings.each() as usize));
    }

    #[test]
    fn widened_readings_equal_readings_of_that_width(
        all in readings(600..2_000),
        bytes_max in 500usize..20_000,
    ) {
        let readings = bounded(&all, bytes_max, 1);
        let from_the_start = bounded(&all, usize::MAX, readings.each());
        prop_assert_eq!(readings.len(), from_the_start.len());
        for (one, other) in readings.iter().zip(from_the_start.iter()) {
            prop_assert_eq!(one.at_ms, other.at_ms);
            prop_assert_eq!(one.interference, other.interference);
            prop_assert_eq!(written_bytes(&one), written_bytes(&other));
            prop_assert_eq!(one.additional_targets[0].rss_bytes, other.additional_targets[0].rss_bytes);
            // A mean is rounded to thousandths at each merge.
            prop_assert!(near(one.machine.cpu_percent, other.machine.cpu_percent));
        }
    }

    #[test]
    fn stored_readings_round_trip(all in readings(1..1_500), bytes_max in 500usize..40_000) {
        let readings = bounded(&all, bytes_max, 1);
        let mut again = Readings::default();
        for packed in readings.stored() {
            again.merge(&packed).unwrap();
        }
        prop_assert_eq!(again.each(), readings.each());
        let packed: Vec<_> = readings.stored().collect();
        prop_assert_eq!(again.stored().collect::<Vec<_>>(), packed);
    }
}

#[test]
fn readings_with_another_number_of_processes_start_a_new_chunk() {
    let with = |additional: usize| Reading {
        additional_targets: vec![ProcessReading::default(); additional],
        ..Reading::default()
    };
    let readings: Readings = [with(1), with(1), with(3), with(0)].into_iter().collect();
    assert_eq!(readings.stored().count(), 3);
    let counts: Vec<usize> = readings
        .iter()
        .map(|reading| reading.additional_targets.len())
        .collect();
    assert_eq!(counts, [1, 1, 3, 0]);
}

#[test]
fn row_writes_as_many_numbers_as_its_width() {
    for additional in 0..3 {
        let reading = Reading {
            additional_targets: vec![ProcessReading::default(); additional],
            ..Reading::default()
        };
        let mut numbers = Column::new();
        reading.write(&mut numbers);
        assert_eq!(numbers.len(), reading.width());
    }
    let mut numbers = Column::new();
    crate::Second::default().write(&mut numbers);
    assert_eq!(numbers.len(), crate::Second::default().width());
}

#[test]
fn value_that_is_not_finite_is_missing() {
    let reading = Reading {
        machine: MachineReading {
            cpu_percent: Some(f64::NAN),
            steal_percent: Some(f64::INFINITY),
            memory_percent: Some(1.234_56),
            ..MachineReading::default()
        },
        ..Reading::default()
    };
    let readings: Readings = [reading].into_iter().collect();
    let machine = readings.get(0).unwrap().machine;
    assert_eq!((machine.cpu_percent, machine.steal_percent), (None, None));
    assert_eq!(machine.memory_percent, Some(1.235));
}
