//! Seeds, tolerance and random numbers of the trials.

use brunt_testbed::synthetic_series::{Shape, readings};

/// Tolerance: smaller differences are ignored.
pub(super) const TOLERANCE: f64 = 0.02;
/// Ratio of the slower service to the other one, which has to be found.
pub(super) const SLOWER: f64 = 1.05;

/// First seed. Lower ones were used while the methods were developed.
pub(super) const SEEDS_FROM: u64 = 1_000_000;

/// Normal numbers with this lag-1 correlation.
pub(super) fn normals(deviation: f64, correlation: f64, count: usize, seed: u64) -> Vec<f64> {
    let count = u32::try_from(count).expect("a short series");
    let series = readings(0.0, Shape::Level, deviation, correlation, count, seed);
    series.into_iter().map(|(_, value)| value).collect()
}

/// Share of the seeds for which a condition holds.
pub(super) fn share(runs: u64, is_met: impl FnMut(&u64) -> bool) -> f64 {
    let seeds = SEEDS_FROM..SEEDS_FROM + runs;
    seeds.filter(is_met).count() as f64 / runs as f64
}

/// Text of a share.
pub(super) fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}
