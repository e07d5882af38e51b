//! Warm-up: latencies that start higher are judged by the level at which they settle, latencies that never settle are called
//! unsteady, and nothing is cut from steady ones.

use brunt_record::{Measure, RunRecord, Scope};
use brunt_testbed::queue_simulation::{Arrivals, Gaps, SimulatedRequest};
use brunt_testbed::synthetic_series::noise;
use brunt_verdict::window::warm_up::{WarmUp, warm_up};

use crate::row::{Effort, Row};
use crate::simulated_run;

const SECONDS: f64 = 600.0;
const PER_S: f64 = 100.0;
/// Mean latency once it has settled.
const LEVEL_S: f64 = 0.02;

/// Course of the mean latency, as a multiple of the settled level.
#[derive(Clone, Copy)]
enum Shape {
    Steady,
    /// `1 + more` at first, with exponential decay to 1.
    Settles {
        more: f64,
        tau_s: f64,
    },
    /// `1 + more` up to a moment, then 1.
    Steps {
        more: f64,
        until_s: f64,
    },
    /// A sine around 1.
    Oscillates {
        by: f64,
        period_s: f64,
    },
    /// Linear from 1 to `1 + more`.
    Rises {
        more: f64,
    },
}

impl Shape {
    fn at(self, at_s: f64) -> f64 {
        match self {
            Self::Settles { more, tau_s } => 1.0 + more * (-at_s / tau_s).exp(),
            Self::Steps { more, until_s } if at_s < until_s => 1.0 + more,
            Self::Steady | Self::Steps { .. } => 1.0,
            Self::Oscillates { by, period_s } => {
                1.0 + by * (std::f64::consts::TAU * at_s / period_s).sin()
            }
            Self::Rises { more } => 1.0 + more * at_s / SECONDS,
        }
    }

    fn run(self, seed: u64) -> RunRecord {
        let waits = noise(seed);
        let requests = Arrivals::steady(PER_S, SECONDS, Gaps::Poisson, seed)
            .zip(waits)
            .map(move |(arrival_s, wait)| SimulatedRequest {
                arrival_s,
                done_s: arrival_s + LEVEL_S * self.at(arrival_s) * wait,
                failed: false,
            });
        simulated_run::record(requests, SECONDS, Vec::new())
    }
}

/// Relative error of the p50 after a cut.
fn bias(record: &RunRecord, cut_s: f64) -> f64 {
    let timeline = &record.timeline;
    let left = cut_s as usize..timeline.intervals();
    let distribution = timeline.distribution_in(left, Scope::All, Measure::Response);
    let p50 = distribution.percentile(0.5);
    let p50_ms = p50.and_then(brunt_record::PercentileValue::ms);
    p50_ms.unwrap_or(0.0) / (LEVEL_S * 1e3 * 2f64.ln()) - 1.0
}

fn cut_s(record: &RunRecord) -> f64 {
    match warm_up(record) {
        Some(WarmUp::Until { until_s, .. }) => until_s,
        _ => 0.0,
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// The rows of this validation.
pub fn rows(effort: Effort) -> Vec<Row> {
    let runs: u64 = effort.choose(8, 200);
    let settling = [
        (
            "settles from three times the latency, time constant 30 s",
            Shape::Settles {
                more: 2.0,
                tau_s: 30.0,
            },
        ),
        (
            "settles from twice the latency, time constant 60 s",
            Shape::Settles {
                more: 1.0,
                tau_s: 60.0,
            },
        ),
        (
            "twice the latency for 60 s",
            Shape::Steps {
                more: 1.0,
                until_s: 60.0,
            },
        ),
    ];
    let settled = [
        ("steady", Shape::Steady),
        (
            "oscillates by 20 % each minute",
            Shape::Oscillates {
                by: 0.2,
                period_s: 60.0,
            },
        ),
    ];
    let drifting = [
        ("rises by 50 %", Shape::Rises { more: 0.5 }),
        ("rises by 100 %", Shape::Rises { more: 1.0 }),
    ];
    let mut rows: Vec<Row> = settling
        .map(|(name, shape)| settling_row(name, shape, runs, effort))
        .into();
    rows.extend(settled.map(|(name, shape)| settled_row(name, shape, runs)));
    rows.extend(drifting.map(|(name, shape)| drifting_row(name, shape, runs, effort)));
    rows
}

fn settling_row(name: &str, shape: Shape, runs: u64, effort: Effort) -> Row {
    let biases = |cut: fn(&RunRecord) -> f64| -> Vec<f64> {
        let records = (0..runs).map(|seed| shape.run(seed));
        records.map(|record| bias(&record, cut(&record))).collect()
    };
    let left = mean(&biases(cut_s));
    let uncut = mean(&biases(|_| 0.0));
    Row {
        method: format!("warm-up: {name}"),
        truth: "p50 of 13.9 ms once settled".into(),
        result: format!("{:.1} % too high, mean of {runs}", left * 100.0),
        goal: "at most 1 %".into(),
        negative_control: format!("without a cut: {:.1} % too high", uncut * 100.0),
        holds: left.abs() <= effort.choose(0.015, 0.01) && uncut > 0.02,
    }
}

fn settled_row(name: &str, shape: Shape, runs: u64) -> Row {
    let records: Vec<RunRecord> = (0..runs).map(|seed| shape.run(seed)).collect();
    let cut = mean(&records.iter().map(cut_s).collect::<Vec<_>>()) / SECONDS;
    let unsteady = |record: &&RunRecord| warm_up(record) == Some(WarmUp::NeverSteady);
    let unsteady = records.iter().filter(unsteady).count();
    Row {
        method: format!("warm-up: {name}"),
        truth: "nothing to cut".into(),
        result: format!(
            "{:.1} % of the run cut, {unsteady} of {runs} called never steady",
            cut * 100.0
        ),
        goal: "at most 10 % cut, at most 1 of 100 called never steady".into(),
        negative_control: "–".into(),
        holds: cut <= 0.1 && unsteady as f64 <= 0.01 * runs as f64,
    }
}

fn drifting_row(name: &str, shape: Shape, runs: u64, effort: Effort) -> Row {
    let called = |shape: Shape| {
        let found =
            (0..runs).filter(|seed| warm_up(&shape.run(*seed)) == Some(WarmUp::NeverSteady));
        found.count()
    };
    let found = called(shape);
    Row {
        method: format!("warm-up: {name}"),
        truth: "never steady".into(),
        result: format!("{found} of {runs} called never steady"),
        goal: "95 %".into(),
        negative_control: format!("without the rise: {} of {runs}", called(Shape::Steady)),
        holds: found as f64 >= 0.95 * runs as f64 - effort.choose(1.0, 0.0),
    }
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
