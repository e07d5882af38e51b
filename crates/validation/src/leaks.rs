//! Leaks: memory that leaks is found with its slope, and memory that does not leak is not called a leak.

use brunt_testbed::synthetic_series::{Shape, readings};
use brunt_verdict::findings::leak::{Growth, growth};
use brunt_verdict::stats::trend::Point;

use crate::row::{Effort, Row};

/// Half an hour, with a reading per second.
const SECONDS: u32 = 1_800;
const LEVEL: f64 = 300.0;
const NOISE: f64 = 5.0;
const RISK: f64 = 0.01;

/// Series that do not leak: name, shape, and lag-1 correlation of the noise.
const WITHOUT_LEAK: [(&str, Shape, f64); 8] = [
    ("white noise", Shape::Level, 0.0),
    ("noise with lag-1 correlation 0.5", Shape::Level, 0.5),
    ("noise with lag-1 correlation 0.9", Shape::Level, 0.9),
    (
        "a sawtooth of 20 σ",
        Shape::SawTooth {
            height: 100.0,
            period_s: 97.0,
        },
        0.5,
    ),
    (
        "a cache that fills by 20 σ in a tenth of the run",
        Shape::Cache {
            size: 100.0,
            tau_s: 180.0,
        },
        0.5,
    ),
    (
        "a cache that fills by 20 σ in a third of the run",
        Shape::Cache {
            size: 100.0,
            tau_s: 600.0,
        },
        0.5,
    ),
    (
        "a step of 20 σ in the last third",
        Shape::Step {
            height: 100.0,
            at_s: 1_300.0,
        },
        0.5,
    ),
    (
        "a step of 20 σ in the first third",
        Shape::Step {
            height: 100.0,
            at_s: 500.0,
        },
        0.5,
    ),
];

fn series(shape: Shape, correlation: f64, seed: u64) -> Vec<Point> {
    readings(LEVEL, shape, NOISE, correlation, SECONDS, seed)
}

/// Shares of the series without a leak that are called leaks by brunt, and by comparing the last reading with the first.
fn false_alarms(shape: Shape, correlation: f64, runs: u64) -> (f64, f64) {
    let (mut alarms, mut naive) = (0u32, 0u32);
    for seed in 0..runs {
        let series = series(shape, correlation, seed);
        alarms += u32::from(matches!(growth(&series, RISK, 0.0), Growth::Leak(_)));
        naive += u32::from(series[series.len() - 1].1 > series[0].1);
    }
    (
        f64::from(alarms) / runs as f64,
        f64::from(naive) / runs as f64,
    )
}

/// Shares for leaks of this number of σ over the run: leaks that are found; of these, slopes within 10 %; and slopes within
/// 10 % if only the first and the last reading are used.
fn found(sigmas: f64, correlation: f64, runs: u64) -> [f64; 3] {
    let slope = sigmas * NOISE / f64::from(SECONDS);
    let is_right = |found: f64| u32::from((found / slope - 1.0).abs() <= 0.1);
    let (mut found, mut right, mut naive) = (0u32, 0u32, 0u32);
    for seed in 0..runs {
        let series = series(Shape::Leak { slope }, correlation, seed);
        let (first, last) = (series[0], series[series.len() - 1]);
        naive += is_right((last.1 - first.1) / (last.0 - first.0));
        if let Growth::Leak(trend) = growth(&series, RISK, 0.0) {
            found += 1;
            right += is_right(trend.slope);
        }
    }
    [
        f64::from(found) / runs as f64,
        f64::from(right) / f64::from(found.max(1)),
        f64::from(naive) / runs as f64,
    ]
}

/// The rows of this validation.
pub fn rows(effort: Effort) -> Vec<Row> {
    let runs = effort.choose(100, 1_000);
    let mut rows = Vec::new();
    for (name, shape, correlation) in WITHOUT_LEAK {
        let (alarms, naive) = false_alarms(shape, correlation, runs);
        rows.push(Row {
            method: format!("leak: {name}"),
            truth: "no leak".into(),
            result: format!("{:.1} % of {runs} called leaks", alarms * 100.0),
            goal: "at most 1 %".into(),
            negative_control: format!("last reading above the first: {:.0} %", naive * 100.0),
            holds: alarms <= effort.choose(0.03, 0.01) && naive > 0.05,
        });
    }
    for (sigmas, correlation) in [
        (3.0, 0.0),
        (3.0, 0.5),
        (10.0, 0.5),
        (10.0, 0.9),
        (30.0, 0.9),
    ] {
        let [share, right, naive] = found(sigmas, correlation, runs);
        rows.push(Row {
            method: format!(
                "leak: {sigmas} σ over the run, noise with lag-1 correlation {correlation}"
            ),
            truth: format!("{:.2} σ per minute", sigmas * 60.0 / f64::from(SECONDS)),
            result: format!(
                "{:.1} % of {runs} found; slope within 10 % in {:.0} % of these",
                share * 100.0,
                right * 100.0
            ),
            goal: "95 % found; slope within 10 % in 90 % of these".into(),
            negative_control: format!(
                "slope from the first and the last reading: {:.0} %",
                naive * 100.0
            ),
            holds: share >= 0.95 && right >= effort.choose(0.85, 0.9) && naive < right,
        });
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_holds() {
        for row in rows(Effort::Reduced) {
            assert!(row.holds, "{row:#?}");
        }
    }
}
