//! Warm-up: latencies that begin higher and settle are judged by what they settle at; those that do not
//! are called unsteady; steady ones are left whole.

use brunt_record::{Measure, RunRecord, Scope};
use brunt_testbed::queue_simulation::{Arrivals, Gaps, SimulatedRequest};
use brunt_testbed::synthetic_series::noise;
use brunt_verdict::window::warm_up::{WarmUp, warm_up};

use crate::{Effort, Row, reckoned};

const SECONDS: f64 = 600.0;
const PER_S: f64 = 100.0;
/// What the mean latency settles at.
const LEVEL_S: f64 = 0.02;

/// How the mean latency goes, in its level.
#[derive(Clone, Copy)]
enum Shape {
    Steady,
    /// Higher by so much at first, and less and less.
    Settles {
        more: f64,
        tau_s: f64,
    },
    /// Higher by so much up to a moment.
    Steps {
        more: f64,
        until_s: f64,
    },
    /// Up and down.
    Swings {
        by: f64,
        period_s: f64,
    },
    /// Up all along, to so much more.
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
            Self::Swings { by, period_s } => {
                1.0 + by * (std::f64::consts::TAU * at_s / period_s).sin()
            }
            Self::Rises { more } => 1.0 + more * at_s / SECONDS,
        }
    }

    fn run(self, seed: u64) -> RunRecord {
        let waits = noise(seed);
        let visits = Arrivals::steady(PER_S, SECONDS, Gaps::Poisson, seed)
            .zip(waits)
            .map(move |(arrival_s, wait)| SimulatedRequest {
                arrival_s,
                done_s: arrival_s + LEVEL_S * self.at(arrival_s) * wait,
                failed: false,
            });
        reckoned::record(visits, SECONDS, Vec::new())
    }
}

/// The p50 of what is left after a cut, over the true one, less 1.
fn bias(record: &RunRecord, cut_s: f64) -> f64 {
    let timeline = &record.timeline;
    let left = cut_s as usize..timeline.intervals();
    let seen = timeline.distribution_in(left, Scope::All, Measure::Response);
    let ms = seen
        .percentile(0.5)
        .and_then(brunt_record::PercentileValue::ms);
    ms.unwrap_or(0.0) / (LEVEL_S * 1e3 * 2f64.ln()) - 1.0
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

/// The proofs of this page.
pub fn rows(effort: Effort) -> Vec<Row> {
    let runs: u64 = effort.choose(8, 200);
    let settling = [
        (
            "settles within 30 s from thrice as much",
            Shape::Settles {
                more: 2.0,
                tau_s: 30.0,
            },
        ),
        (
            "settles within 60 s from twice as much",
            Shape::Settles {
                more: 1.0,
                tau_s: 60.0,
            },
        ),
        (
            "twice as much for 60 s",
            Shape::Steps {
                more: 1.0,
                until_s: 60.0,
            },
        ),
    ];
    let peaceful = [
        ("steady", Shape::Steady),
        (
            "up and down by 20 % each minute",
            Shape::Swings {
                by: 0.2,
                period_s: 60.0,
            },
        ),
    ];
    let drifting = [
        ("rises to half as much again", Shape::Rises { more: 0.5 }),
        ("rises to twice as much", Shape::Rises { more: 1.0 }),
    ];
    let mut rows: Vec<Row> = settling
        .map(|(name, shape)| settles(name, shape, runs, effort))
        .into();
    rows.extend(peaceful.map(|(name, shape)| stays(name, shape, runs)));
    rows.extend(drifting.map(|(name, shape)| rises(name, shape, runs, effort)));
    rows
}

fn settles(name: &str, shape: Shape, runs: u64, effort: Effort) -> Row {
    let biases = |cut: fn(&RunRecord) -> f64| -> Vec<f64> {
        let records = (0..runs).map(|seed| shape.run(seed));
        records.map(|record| bias(&record, cut(&record))).collect()
    };
    let left = mean(&biases(cut_s));
    let uncut = mean(&biases(|_| 0.0));
    Row {
        method: format!("warm-up: {name}"),
        truth: "p50 of 13.9 ms once settled".into(),
        reached: format!("{:.1} % too high, mean of {runs}", left * 100.0),
        goal: "1 % at most".into(),
        broken: format!("nothing cut: {:.1} % too high", uncut * 100.0),
        holds: left.abs() <= effort.choose(0.015, 0.01) && uncut > 0.02,
    }
}

fn stays(name: &str, shape: Shape, runs: u64) -> Row {
    let records: Vec<RunRecord> = (0..runs).map(|seed| shape.run(seed)).collect();
    let cut = mean(&records.iter().map(cut_s).collect::<Vec<_>>()) / SECONDS;
    let unsteady = |record: &&RunRecord| warm_up(record) == Some(WarmUp::NeverSteady);
    let unsteady = records.iter().filter(unsteady).count();
    Row {
        method: format!("warm-up: {name}"),
        truth: "nothing to cut".into(),
        reached: format!(
            "{:.1} % of the run cut, {unsteady} of {runs} called never steady",
            cut * 100.0
        ),
        goal: "10 % at most, 1 in 100".into(),
        broken: "–".into(),
        holds: cut <= 0.1 && unsteady as f64 <= 0.01 * runs as f64,
    }
}

fn rises(name: &str, shape: Shape, runs: u64, effort: Effort) -> Row {
    let called = |shape: Shape| {
        let found =
            (0..runs).filter(|seed| warm_up(&shape.run(*seed)) == Some(WarmUp::NeverSteady));
        found.count()
    };
    let found = called(shape);
    Row {
        method: format!("warm-up: {name}"),
        truth: "never steady".into(),
        reached: format!("{found} of {runs} called so"),
        goal: "95 %".into(),
        broken: format!("without the rise: {} of {runs}", called(Shape::Steady)),
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
