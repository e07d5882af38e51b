//! Runs of days, whose readings cover several seconds each.

use brunt_record::{Interference, MachineReading, ProcessReading, Reading, Readings};
use brunt_verdict::findings::leak::{Growth, growth};
use brunt_verdict::stats::trend::Point;

/// One reading per second.
const SECONDS: u32 = 5 * 86_400;
/// Bytes per hour: 12 % of the level per day.
const LEAK: u64 = 2_000_000;

/// A service of 400 MB that leaks, with a garbage collection every 97 s; the rest is noise, so that readings take space.
fn readings() -> impl Iterator<Item = Reading> {
    let mut state = 1_u64;
    let mut noise = move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        state >> 33
    };
    (1..=SECONDS).map(move |second| {
        let leaked = LEAK * u64::from(second) / 3_600;
        let garbage = u64::from(second % 97) * 1_000_000 + noise() / 2_000;
        let anonymous = 400_000_000 + leaked + garbage;
        Reading {
            at_ms: u64::from(second) * 1_000,
            target: Some(ProcessReading {
                anonymous_bytes: Some(anonymous),
                rss_bytes: Some(noise()),
                cpu_percent: Some((noise() % 100_000) as f64 / 1e3),
                disk_written_bytes: Some(noise()),
                processes: 1,
                ..ProcessReading::default()
            }),
            interference: Some(Interference {
                used_ms: Some(noise() % 1_000),
                ..Interference::default()
            }),
            machine: MachineReading {
                memory_bytes: Some(noise()),
                network_sent_bytes: Some(noise()),
                network_received_bytes: Some(noise()),
                ..MachineReading::default()
            },
            ..Reading::default()
        }
    })
}

fn point(reading: &Reading) -> Point {
    let bytes = reading.target.as_ref().unwrap().anonymous_bytes.unwrap();
    (reading.at_ms as f64 / 1e3, bytes as f64)
}

#[test]
fn leak_over_days_has_the_rate_of_the_readings() {
    let mut kept = Readings::default();
    let (mut read, mut rss_max) = (Vec::new(), None);
    for reading in readings() {
        read.push(point(&reading));
        rss_max = rss_max.max(reading.target.as_ref().unwrap().rss_bytes);
        kept.push(&reading);
    }
    assert!(
        kept.each() > 1,
        "five days of noise do not fit with one reading per second"
    );
    let kept_points: Vec<Point> = kept.iter().map(|reading| point(&reading)).collect();
    let (Growth::Leak(of_read), Growth::Leak(of_kept)) =
        (growth(&read, 0.003, 2e6), growth(&kept_points, 0.003, 2e6))
    else {
        panic!("both leak");
    };
    let slope = LEAK as f64 / 3_600.0;
    for found in [of_read, of_kept] {
        assert!((found.slope / slope - 1.0).abs() < 0.02, "{found:?}");
    }
    assert!((of_kept.slope / of_read.slope - 1.0).abs() < 0.001);
    let most = kept
        .iter()
        .map(|reading| reading.target.unwrap().rss_bytes)
        .max()
        .unwrap();
    assert_eq!(most, rss_max, "memory is judged by its maximum");
}
