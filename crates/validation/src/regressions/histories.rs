//! Histories of runs: since when they are another than before, and nothing where they are not.

use brunt_verdict::stats::change_points::change_points;

use super::{normals, percent, share};
use crate::{Effort, Row};

const RUNS: usize = 50;
/// The level and its noise from run to run, a share.
const LEVEL: f64 = 20.0;
const NOISE: f64 = 0.01;
/// A shift, in shares.
const SHIFT: f64 = 0.04;
/// Of so many runs one is spoilt, and slower by so much.
const SPOILT: usize = 10;
const SPOILT_BY: f64 = 0.06;

/// A history that shifts at a run.
fn history(shift_at: Option<usize>, is_spoilt: bool, seed: u64) -> Vec<f64> {
    let noise = normals(NOISE, 0.0, RUNS, seed * 2 + 1);
    let coins = normals(1.0, 0.0, RUNS, seed * 2 + 2);
    let each = noise.into_iter().zip(coins).enumerate();
    each.map(|(at, (noise, coin))| {
        let shift = if shift_at.is_some_and(|from| at >= from) {
            SHIFT
        } else {
            0.0
        };
        // A normal number is over 1.2816 once in ten.
        let spoilt = if is_spoilt && coin > 1.281_6 {
            SPOILT_BY
        } else {
            0.0
        };
        LEVEL * (1.0 + noise + shift + spoilt)
    })
    .collect()
}

/// The first run that is further than two standard deviations from the mean of those before it.
fn beyond_two_sigma(values: &[f64]) -> Option<usize> {
    (SPOILT..values.len()).find(|at| {
        let before = &values[..*at];
        let mean = before.iter().sum::<f64>() / before.len() as f64;
        let squares: f64 = before.iter().map(|value| (value - mean).powi(2)).sum();
        let sigma = (squares / (before.len() as f64 - 1.0)).sqrt();
        (values[*at] - mean).abs() > 2.0 * sigma
    })
}

pub(super) fn rows(effort: Effort) -> Vec<Row> {
    let runs = effort.choose(100, 1_000);
    let mut rows = Vec::new();
    for (name, is_spoilt) in [("50 runs", false), ("50 runs, one of ten spoilt", true)] {
        let invented =
            |seed: &u64| !change_points(&history(None, is_spoilt, *seed), *seed).is_empty();
        let none = 1.0 - share(runs, invented);
        let naive = 1.0
            - share(runs, |seed| {
                beyond_two_sigma(&history(None, is_spoilt, *seed)).is_some()
            });
        rows.push(Row {
            method: format!("change points: {name}"),
            truth: "no change".into(),
            reached: format!("none invented in {} of {runs}", percent(none)),
            goal: "99 %".into(),
            broken: format!("two σ from those before: {}", percent(naive)),
            holds: none >= effort.choose(0.97, 0.99) && naive < 0.5,
        });
    }
    rows.push(found(runs, effort));
    rows
}

fn found(runs: u64, effort: Effort) -> Row {
    // Anywhere but in the first and the last ten.
    let at = |seed: u64| SPOILT + (seed * 7 % 31) as usize;
    let is_near = |seed: u64, found: usize| found.abs_diff(at(seed)) <= 1;
    let shifted = |seed: u64| history(Some(at(seed)), false, seed);
    let near = share(runs, |seed| {
        let found = change_points(&shifted(*seed), *seed);
        found.into_iter().any(|found| is_near(*seed, found))
    });
    let only = share(runs, |seed| {
        change_points(&shifted(*seed), *seed).len() == 1
    });
    let naive = share(runs, |seed| {
        beyond_two_sigma(&shifted(*seed)).is_some_and(|found| is_near(*seed, found))
    });
    Row {
        method: "change points: 50 runs, noise of 1 %".into(),
        truth: "a shift by 4 %".into(),
        reached: format!(
            "{} of {runs} found within a run; nothing else in {}",
            percent(near),
            percent(only)
        ),
        goal: "95 %".into(),
        broken: format!("two σ from those before: {}", percent(naive)),
        holds: near >= effort.choose(0.9, 0.95) && naive < 0.9,
    }
}
