//! Regressions: a run that is like the others is not called worse, one that is slower is; of a stored
//! baseline, of two builds in one sitting, and since when in a history of runs.

mod baselines;
mod histories;
mod sittings;

use brunt_testbed::synthetic_series::{Shape, readings};

use crate::{Effort, Row};

/// A difference by this share is none.
const THETA: f64 = 0.02;
/// What has to be found.
const SLOWER: f64 = 1.05;

/// The first seed: those below have been looked at while the methods were made.
const SEEDS_FROM: u64 = 1_000_000;

/// The proofs of this page.
pub fn rows(effort: Effort) -> Vec<Row> {
    let mut rows = baselines::rows(effort);
    rows.extend(sittings::rows(effort));
    rows.extend(histories::rows(effort));
    rows
}

/// Normal numbers, each of which keeps a share of the one before.
fn normals(deviation: f64, memory: f64, count: usize, seed: u64) -> Vec<f64> {
    let count = u32::try_from(count).expect("a series that fits");
    let series = readings(0.0, Shape::Level, deviation, memory, count, seed);
    series.into_iter().map(|(_, value)| value).collect()
}

/// In how many of so many seeds something is so.
fn share(runs: u64, is_so: impl FnMut(&u64) -> bool) -> f64 {
    let seeds = SEEDS_FROM..SEEDS_FROM + runs;
    seeds.filter(is_so).count() as f64 / runs as f64
}

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
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
