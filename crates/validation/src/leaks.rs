//! Leaks: series that leak are found, with their slope; those that do not are left in peace.

use brunt_testbed::synthetic_series::{Shape, readings};
use brunt_verdict::findings::leak::{Growth, growth};
use brunt_verdict::stats::trend::Point;

use crate::{Effort, Row};

/// Half an hour, a reading a second.
const SECONDS: u32 = 1_800;
const LEVEL: f64 = 300.0;
const NOISE: f64 = 5.0;
const RISK: f64 = 0.01;

/// Series that do not leak.
const PEACEFUL: [(&str, Shape, f64); 8] = [
    ("white noise", Shape::Level, 0.0),
    ("noise that keeps 0.5 of itself", Shape::Level, 0.5),
    ("noise that keeps 0.9 of itself", Shape::Level, 0.9),
    (
        "a saw-tooth of 20 σ",
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

fn series(shape: Shape, memory: f64, seed: u64) -> Vec<Point> {
    readings(LEVEL, shape, NOISE, memory, SECONDS, seed)
}

/// The share of leak-free series that are called leaks, and by a slope alone.
fn false_alarms(shape: Shape, memory: f64, runs: u64) -> (f64, f64) {
    let (mut alarms, mut naive) = (0u32, 0u32);
    for seed in 0..runs {
        let series = series(shape, memory, seed);
        alarms += u32::from(matches!(growth(&series, RISK, 0.0), Growth::Leak(_)));
        // Last more than first: what an eye on a dashboard does.
        naive += u32::from(series[series.len() - 1].1 > series[0].1);
    }
    (
        f64::from(alarms) / runs as f64,
        f64::from(naive) / runs as f64,
    )
}

/// Of leaks that come to so many σ over the run: the share found, and the share of these whose slope is
/// right to 10 %; and the share whose slope from the first reading to the last would be.
fn found(sigmas: f64, memory: f64, runs: u64) -> [f64; 3] {
    let slope = sigmas * NOISE / f64::from(SECONDS);
    let is_right = |found: f64| u32::from((found / slope - 1.0).abs() <= 0.1);
    let (mut found, mut right, mut careless) = (0u32, 0u32, 0u32);
    for seed in 0..runs {
        let series = series(Shape::Leak { slope }, memory, seed);
        let (first, last) = (series[0], series[series.len() - 1]);
        careless += is_right((last.1 - first.1) / (last.0 - first.0));
        if let Growth::Leak(trend) = growth(&series, RISK, 0.0) {
            found += 1;
            right += is_right(trend.slope);
        }
    }
    [
        f64::from(found) / runs as f64,
        f64::from(right) / f64::from(found.max(1)),
        f64::from(careless) / runs as f64,
    ]
}

/// The proofs of this page.
pub fn rows(effort: Effort) -> Vec<Row> {
    let runs = effort.choose(100, 1_000);
    let mut rows = Vec::new();
    for (name, shape, memory) in PEACEFUL {
        let (alarms, naive) = false_alarms(shape, memory, runs);
        rows.push(Row {
            method: format!("leak: {name}"),
            truth: "no leak".into(),
            reached: format!("{:.1} % of {runs} called leaks", alarms * 100.0),
            goal: "1 % at most".into(),
            broken: format!("last over first: {:.0} %", naive * 100.0),
            holds: alarms <= effort.choose(0.03, 0.01) && naive > 0.05,
        });
    }
    for (sigmas, memory) in [
        (3.0, 0.0),
        (3.0, 0.5),
        (10.0, 0.5),
        (10.0, 0.9),
        (30.0, 0.9),
    ] {
        let [share, right, careless] = found(sigmas, memory, runs);
        rows.push(Row {
            method: format!("leak: {sigmas} σ over the run, noise that keeps {memory} of itself"),
            truth: format!("{:.2} σ a minute", sigmas * 60.0 / f64::from(SECONDS)),
            reached: format!(
                "{:.1} % of {runs} found; slope right to 10 % in {:.0} %",
                share * 100.0,
                right * 100.0
            ),
            goal: "95 % found, 90 % of these right to 10 %".into(),
            broken: format!(
                "from the first reading to the last: {:.0} %",
                careless * 100.0
            ),
            holds: share >= 0.95 && right >= effort.choose(0.85, 0.9) && careless < right,
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
