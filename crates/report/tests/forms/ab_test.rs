//! An A/B comparison with known results.

use brunt_report::AbRunInfo;
use brunt_verdict::AbSummary;
use brunt_verdict::comparison::{
    AbMeasurement, Change, ChangeInterval, ComparedMetric, ComparisonRow, Look, TestDecision,
    Tolerance,
};

use crate::run::HOSTILE;

pub(crate) fn changed(
    at: usize,
    name: Option<String>,
    measured: ComparedMetric,
    is_tested: bool,
) -> ComparisonRow {
    // The same, better, worse, not known, and not worse.
    let (ratio, off) = match at % 5 {
        0 => (1.0, 0.03),
        1 => (0.8, 0.05),
        2 => (1.234, 0.05),
        3 => (1.04, 0.05),
        _ => (0.97, 0.06),
    };
    let (low, high) = (ratio - off, ratio + off);
    let (change, tolerance) = match measured {
        ComparedMetric::ErrorRate => (
            Change::Points {
                by: ratio - 1.0,
                interval: ChangeInterval::between(low - 1.0, high - 1.0),
            },
            Tolerance::Points(0.1),
        ),
        _ => (
            Change::Ratio {
                ratio,
                interval: ChangeInterval::between(low, high),
            },
            Tolerance::Share(0.05),
        ),
    };
    ComparisonRow {
        name,
        metric: measured,
        baseline: Some(10.0),
        run: Some(match change {
            Change::Ratio { ratio, .. } => 10.0 * ratio,
            Change::Points { by, .. } => 10.0 + by,
        }),
        change: Some(change),
        tolerance,
        is_tested,
        pairs: None,
    }
}

/// Twelve pairs of a build that is slower by a quarter, give or take a little, and a far one.
fn pairs() -> Vec<[f64; 2]> {
    (0..12)
        .map(|at| {
            let wobble = f64::from(at * 7 % 5) / 10.0;
            let far = if at == 7 { 30.0 } else { 0.0 };
            [10.0 + wobble, 12.4 - wobble / 2.0 + far]
        })
        .collect()
}

pub(crate) fn ab_summary() -> AbSummary {
    let mut rows: Vec<ComparisonRow> = ComparedMetric::ALL
        .into_iter()
        .enumerate()
        .map(|(at, measured)| changed(at, None, measured, measured != ComparedMetric::P99))
        .collect();
    rows.push(changed(
        2,
        Some(format!("GET {HOSTILE}")),
        ComparedMetric::P95,
        false,
    ));
    rows.iter_mut().for_each(|row| row.pairs = Some(12));
    let look = |pairs: usize, low: Option<f64>, high: f64| Look {
        pairs,
        change: Change::Ratio {
            ratio: 1.234,
            interval: ChangeInterval {
                low,
                high: Some(high),
            },
        },
    };
    AbSummary {
        hosts: ["http://a/".into(), "http://b/".into()],
        measurement: AbMeasurement {
            rows,
            pairs: 12,
            left_out: 1,
            seconds: 130.2,
            decision: TestDecision::Worse,
            values: vec![
                (ComparedMetric::P50, pairs()),
                (ComparedMetric::P99, pairs()),
                (
                    ComparedMetric::Throughput,
                    vec![[100.0, 99.0], [101.0, 80.0]],
                ),
                (ComparedMetric::ErrorRate, vec![[0.0, 0.0], [0.0, 0.4]]),
            ],
            looks: vec![(
                ComparedMetric::P50,
                vec![look(10, None, 1.3), look(12, Some(1.184), 1.284)],
            )],
        },
        is_stopped: false,
        requests_per_block: 40.0,
    }
}

pub(crate) fn info() -> AbRunInfo {
    AbRunInfo {
        run_id: "20261123T110000Z-ab".into(),
        brunt_version: "0.1.0".into(),
        scenario_file: "brunt.toml".into(),
        scenario_hash: "0123456789abcdef".into(),
        profile: "load".into(),
        level: "10 users".into(),
        seed: 7,
        started_at: "2026-11-23T11:00:00Z".into(),
        block_s: 5.0,
        uncounted_s: 1.0,
        limit_s: 600.0,
        machine: "A processor, 2 cores".into(),
    }
}
