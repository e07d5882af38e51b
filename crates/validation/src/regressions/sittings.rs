//! Two builds in one sitting, on a machine that drifts, and beside a neighbour that comes and goes.

use brunt_verdict::comparison::{
    ComparedMetric, Limit, SequentialTest, Side, TestDecision, difference, order,
};

use super::{SLOWER, THETA, normals, percent, share};
use crate::{Effort, Row};

/// Seconds of a block.
const BLOCK: usize = 5;
/// Ten minutes.
const LIMIT: Limit = Limit {
    pairs: 60,
    seconds: 600.0,
};
/// How the machine goes up and down from second to second, as a logarithm, and what a second keeps.
const WITHIN: f64 = 0.05;
const MEMORY: f64 = 0.9;
/// How sure a block is of its own figure.
const OF_BLOCK: f64 = 0.01;
/// A neighbour is there for half of so many seconds.
const COMES_AND_GOES_S: f64 = 400.0;

/// What happens beside the two builds, as logarithms.
#[derive(Clone, Copy)]
struct Beside {
    name: &'static str,
    /// The machine gets slower by so much, up to the limit.
    drift: f64,
    /// It is slower by so much while a neighbour is there.
    neighbour: f64,
}

const NOTHING: Beside = Beside {
    name: "a rough machine",
    drift: 0.0,
    neighbour: 0.0,
};
const DRIFT: Beside = Beside {
    name: "a machine that gets slower by half",
    drift: 0.4,
    neighbour: 0.0,
};
const NEIGHBOUR: Beside = Beside {
    name: "a neighbour that takes a quarter, now and then",
    drift: 0.0,
    neighbour: 0.25,
};

impl Beside {
    /// The figure of each block of a sitting, were all of one build.
    fn blocks(self, seed: u64) -> Vec<f64> {
        let count = LIMIT.pairs * 2;
        let seconds = normals(WITHIN, MEMORY, count * BLOCK, seed * 4 + 1);
        let of_blocks = normals(OF_BLOCK, 0.0, count, seed * 4 + 2);
        let phase_s = normals(1_000.0, 0.0, 1, seed * 4 + 3)[0];
        let level = |at: usize| {
            let at_s = at as f64;
            let is_there = (at_s + phase_s).rem_euclid(COMES_AND_GOES_S) < COMES_AND_GOES_S / 2.0;
            let neighbour = if is_there { self.neighbour } else { 0.0 };
            seconds[at] + neighbour + self.drift * at_s / LIMIT.seconds
        };
        (0..count)
            .map(|block| {
                let seconds = block * BLOCK..(block + 1) * BLOCK;
                let mean = seconds.map(level).sum::<f64>() / BLOCK as f64;
                (mean + of_blocks[block]).exp() * 20.0
            })
            .collect()
    }

    /// Pair by pair, in the order that coins say: the figures of A and of B.
    fn pairs(self, slower: f64, seed: u64) -> Vec<(f64, f64)> {
        let blocks = self.blocks(seed);
        let pairs = blocks.chunks_exact(2).enumerate();
        pairs
            .map(|(at, played)| match order(at, seed) {
                [Side::A, _] => (played[0], played[1] * slower),
                [Side::B, _] => (played[1], played[0] * slower),
            })
            .collect()
    }
}

fn differences(pairs: &[(f64, f64)]) -> Vec<f64> {
    let all = pairs.iter();
    all.filter_map(|(a, b)| difference(ComparedMetric::P95, *a, *b))
        .collect()
}

/// What a sitting says in the end, and after how many pairs.
fn answer(beside: Beside, slower: f64, seed: u64) -> (TestDecision, usize) {
    let mut sitting = SequentialTest::new(THETA, LIMIT, 1);
    for difference in differences(&beside.pairs(slower, seed)) {
        if sitting.add(difference, (2 * BLOCK) as f64) != TestDecision::Continue {
            break;
        }
    }
    (sitting.decision(), sitting.pairs())
}

/// A t-test of 5 % after each pair from the fifth on.
fn is_worse_at_any_look(pairs: &[(f64, f64)]) -> bool {
    let all = differences(pairs);
    (5..=all.len()).any(|count| {
        let (mean, variance) = moments(&all[..count]);
        mean - THETA.ln_1p() > 1.7 * (variance / count as f64).sqrt()
    })
}

/// A t-test of 5 % of the blocks of B beside those of A, whichever ran beside which.
fn is_worse_by_means(a: &[f64], b: &[f64]) -> bool {
    let logarithms = |values: &[f64]| values.iter().map(|value| value.ln()).collect::<Vec<f64>>();
    let [(a, of_a), (b, of_b)] = [a, b].map(|values| moments(&logarithms(values)));
    let error = ((of_a + of_b) / LIMIT.pairs as f64).sqrt();
    b - a - THETA.ln_1p() > 1.7 * error
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
    for beside in [NOTHING, DRIFT, NEIGHBOUR] {
        rows.push(alike(beside, runs, effort));
        rows.push(slower(beside, runs, effort));
    }
    // The risk is near its bound: more seeds tell it from one beyond.
    rows.push(just_allowed(effort.choose(100, 10_000), effort));
    rows
}

fn alike(beside: Beside, runs: u64, effort: Effort) -> Row {
    let worse = share(runs, |seed| {
        answer(beside, 1.0, *seed).0 == TestDecision::Worse
    });
    let naive = share(runs, |seed| {
        let blocks = beside.blocks(*seed);
        let (a, b) = blocks.split_at(LIMIT.pairs);
        is_worse_by_means(a, b)
    });
    // Where nothing happens beside them, that does no harm; what does, is asked below.
    let fails = beside.drift + beside.neighbour <= 0.0 || naive > 0.02;
    Row {
        method: format!("regression: A against B, {}", beside.name),
        truth: "A is B".into(),
        reached: format!("{} of {runs} called worse", percent(worse)),
        goal: "1 % at most".into(),
        broken: format!("first all of A, then all of B: {}", percent(naive)),
        holds: worse <= effort.choose(0.03, 0.01) && fails,
    }
}

/// What is slower by just what is allowed is where looking again and again does the most harm.
fn just_allowed(runs: u64, effort: Effort) -> Row {
    let slower = 1.0 + THETA;
    let worse = share(runs, |seed| {
        answer(NOTHING, slower, *seed).0 == TestDecision::Worse
    });
    let naive = share(runs, |seed| {
        is_worse_at_any_look(&NOTHING.pairs(slower, *seed))
    });
    Row {
        method: format!("regression: A against B, {}", NOTHING.name),
        truth: "B is slower by just what is allowed".into(),
        reached: format!("{} of {runs} called worse", percent(worse)),
        goal: "1 % at most".into(),
        broken: format!("a look after each pair, no risk spent: {}", percent(naive)),
        holds: worse <= effort.choose(0.04, 0.01) && naive > 0.1,
    }
}

fn slower(beside: Beside, runs: u64, effort: Effort) -> Row {
    let mut pairs = Vec::new();
    let found = share(runs, |seed| {
        let (answer, count) = answer(beside, SLOWER, *seed);
        pairs.push(count);
        answer == TestDecision::Worse
    });
    pairs.sort_unstable();
    let means = share(runs, |seed| {
        let (a, b): (Vec<f64>, Vec<f64>) = beside.pairs(SLOWER, *seed).into_iter().unzip();
        is_worse_by_means(&a, &b)
    });
    // Where nothing happens beside them, means do.
    let fails = beside.drift + beside.neighbour <= 0.0 || means < 0.9;
    Row {
        method: format!("regression: A against B, {}", beside.name),
        truth: "B is 5 % slower".into(),
        reached: format!(
            "{} of {runs} found, θ = 2 %; after {} pairs, median",
            percent(found),
            pairs[pairs.len() / 2]
        ),
        goal: "95 %".into(),
        broken: format!("means instead of pairs: {}", percent(means)),
        holds: found >= effort.choose(0.9, 0.95) && fails,
    }
}
