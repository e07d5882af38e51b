//! Sequential A/B tests of two builds, on a machine that drifts, and with a noisy neighbor.

use brunt_verdict::comparison::{
    ComparedMetric, Limit, SequentialTest, Side, TestDecision, difference, order,
};
use brunt_verdict::stats::median::median;

use super::trials::{SLOWER, TOLERANCE, normals, percent, share};
use crate::row::{Effort, Row};

/// Seconds of a block.
const BLOCK: usize = 5;
/// Ten minutes.
const LIMIT: Limit = Limit {
    pairs: 60,
    seconds: 600.0,
};
/// Standard deviation between seconds, as a logarithm.
const WITHIN: f64 = 0.05;
/// Correlation from second to second.
const CORRELATION: f64 = 0.9;
/// Standard error of the figure of a block, as a logarithm.
const OF_BLOCK: f64 = 0.01;
/// The neighbor is active during half of this period.
const PERIOD_S: f64 = 400.0;

/// Disturbance of both builds, as logarithms.
#[derive(Clone, Copy)]
struct Disturbance {
    name: &'static str,
    /// Slowdown of the machine from the beginning to the end.
    drift: f64,
    /// Slowdown while a neighbor is active.
    neighbor: f64,
}

const NOISE: Disturbance = Disturbance {
    name: "noisy machine",
    drift: 0.0,
    neighbor: 0.0,
};
const DRIFT: Disturbance = Disturbance {
    name: "machine that becomes slower by half",
    drift: 0.4,
    neighbor: 0.0,
};
const NEIGHBOR: Disturbance = Disturbance {
    name: "noisy neighbor that intermittently takes a quarter",
    drift: 0.0,
    neighbor: 0.25,
};

impl Disturbance {
    /// The figures of all blocks of a test, if both builds were the same.
    fn blocks(self, seed: u64) -> Vec<f64> {
        let count = LIMIT.pairs * 2;
        let seconds = normals(WITHIN, CORRELATION, count * BLOCK, seed * 4 + 1);
        let of_blocks = normals(OF_BLOCK, 0.0, count, seed * 4 + 2);
        let phase_s = normals(1_000.0, 0.0, 1, seed * 4 + 3)[0];
        let level = |at: usize| {
            let at_s = at as f64;
            let is_active = (at_s + phase_s).rem_euclid(PERIOD_S) < PERIOD_S / 2.0;
            let neighbor = if is_active { self.neighbor } else { 0.0 };
            seconds[at] + neighbor + self.drift * at_s / LIMIT.seconds
        };
        (0..count)
            .map(|block| {
                let seconds = block * BLOCK..(block + 1) * BLOCK;
                let mean = seconds.map(level).sum::<f64>() / BLOCK as f64;
                (mean + of_blocks[block]).exp() * 20.0
            })
            .collect()
    }

    /// The figures of A and B in each pair of blocks, whose order is random.
    fn pairs(self, slower: f64, seed: u64) -> Vec<(f64, f64)> {
        let blocks = self.blocks(seed);
        let pairs = blocks.chunks_exact(2).enumerate();
        pairs
            .map(|(at, pair)| match order(at, seed) {
                [Side::A, _] => (pair[0], pair[1] * slower),
                [Side::B, _] => (pair[1], pair[0] * slower),
            })
            .collect()
    }
}

fn differences(pairs: &[(f64, f64)]) -> Vec<f64> {
    let all = pairs.iter();
    all.filter_map(|(a, b)| difference(ComparedMetric::P95, *a, *b))
        .collect()
}

/// The decision of a test, and its number of pairs.
fn decision(disturbance: Disturbance, slower: f64, seed: u64) -> (TestDecision, usize) {
    let mut sitting = SequentialTest::new(TOLERANCE, LIMIT, 1);
    for difference in differences(&disturbance.pairs(slower, seed)) {
        if sitting.add(difference, (2 * BLOCK) as f64) != TestDecision::Continue {
            break;
        }
    }
    (sitting.decision(), sitting.pairs())
}

/// Whether a t-test at 5 % after any pair from the fifth on calls B worse.
fn is_worse_at_any_look(pairs: &[(f64, f64)]) -> bool {
    let all = differences(pairs);
    (5..=all.len()).any(|count| {
        let (mean, variance) = moments(&all[..count]);
        mean - TOLERANCE.ln_1p() > 1.7 * (variance / count as f64).sqrt()
    })
}

/// Whether a t-test at 5 % calls B worse from unpaired blocks.
fn is_worse_by_means(a: &[f64], b: &[f64]) -> bool {
    let logarithms = |values: &[f64]| values.iter().map(|value| value.ln()).collect::<Vec<f64>>();
    let [(a, of_a), (b, of_b)] = [a, b].map(|values| moments(&logarithms(values)));
    let error = ((of_a + of_b) / LIMIT.pairs as f64).sqrt();
    b - a - TOLERANCE.ln_1p() > 1.7 * error
}

fn moments(values: &[f64]) -> (f64, f64) {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (mean, squares / (count - 1.0))
}

pub(super) fn rows(effort: Effort) -> Vec<Row> {
    let runs = effort.choose(100, 1_000);
    let mut rows = Vec::new();
    for disturbance in [NOISE, DRIFT, NEIGHBOR] {
        rows.push(same_row(disturbance, runs, effort));
        rows.push(slower_row(disturbance, runs, effort));
    }
    // The risk is near its bound, so more seeds are needed.
    rows.push(tolerance_row(effort.choose(100, 10_000), effort));
    rows
}

fn same_row(disturbance: Disturbance, runs: u64, effort: Effort) -> Row {
    let worse = share(runs, |seed| {
        decision(disturbance, 1.0, *seed).0 == TestDecision::Worse
    });
    let naive = share(runs, |seed| {
        let blocks = disturbance.blocks(*seed);
        let (a, b) = blocks.split_at(LIMIT.pairs);
        is_worse_by_means(a, b)
    });
    // Without a disturbance, the order of the builds does no harm.
    let fails = disturbance.drift + disturbance.neighbor <= 0.0 || naive > 0.02;
    Row {
        method: format!("A/B test: {}", disturbance.name),
        truth: "A and B are the same".into(),
        result: format!("{} of {runs} called worse", percent(worse)),
        goal: "at most 1 %".into(),
        negative_control: format!("first all of A, then all of B: {}", percent(naive)),
        holds: worse <= effort.choose(0.03, 0.01) && fails,
    }
}

/// Repeated tests do the most harm if B is slower by exactly the tolerance.
fn tolerance_row(runs: u64, effort: Effort) -> Row {
    let slower = 1.0 + TOLERANCE;
    let worse = share(runs, |seed| {
        decision(NOISE, slower, *seed).0 == TestDecision::Worse
    });
    let naive = share(runs, |seed| {
        is_worse_at_any_look(&NOISE.pairs(slower, *seed))
    });
    Row {
        method: format!("A/B test: {}", NOISE.name),
        truth: "B is slower by exactly the tolerance".into(),
        result: format!("{} of {runs} called worse", percent(worse)),
        goal: "at most 1 %".into(),
        negative_control: format!("a test at 5 % after each pair: {}", percent(naive)),
        holds: worse <= effort.choose(0.04, 0.01) && naive > 0.1,
    }
}

fn slower_row(disturbance: Disturbance, runs: u64, effort: Effort) -> Row {
    let mut pairs = Vec::new();
    let found = share(runs, |seed| {
        let (decision, count) = decision(disturbance, SLOWER, *seed);
        pairs.push(count as f64);
        decision == TestDecision::Worse
    });
    let means = share(runs, |seed| {
        let (a, b): (Vec<f64>, Vec<f64>) = disturbance.pairs(SLOWER, *seed).into_iter().unzip();
        is_worse_by_means(&a, &b)
    });
    // Without a disturbance, means suffice.
    let fails = disturbance.drift + disturbance.neighbor <= 0.0 || means < 0.9;
    Row {
        method: format!("A/B test: {}", disturbance.name),
        truth: "B is 5 % slower".into(),
        result: format!(
            "{} of {runs} found, tolerance 2 %; median {:.0} pairs",
            percent(found),
            median(&mut pairs).unwrap_or(f64::NAN)
        ),
        goal: "95 %".into(),
        negative_control: format!("means instead of pairs: {}", percent(means)),
        holds: found >= effort.choose(0.9, 0.95) && fails,
    }
}
