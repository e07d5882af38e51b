//! Histories of runs: change points are found, and none are reported if there is no change.

use brunt_verdict::stats::change_points::change_points;

use super::trials::{normals, percent, share};
use crate::row::{Effort, Row};

const RUNS: usize = 50;
const LEVEL: f64 = 20.0;
/// Relative noise from run to run.
const NOISE: f64 = 0.01;
/// Relative shift.
const SHIFT: f64 = 0.04;
/// One of this number of runs is disturbed.
const DISTURBED_ONE_IN: usize = 10;
/// Relative effect of a disturbance.
const DISTURBED_BY: f64 = 0.06;

/// A history that shifts at a run.
fn history(shift_at: Option<usize>, has_disturbed_runs: bool, seed: u64) -> Vec<f64> {
    let noise = normals(NOISE, 0.0, RUNS, seed * 2 + 1);
    let coins = normals(1.0, 0.0, RUNS, seed * 2 + 2);
    let each = noise.into_iter().zip(coins).enumerate();
    each.map(|(at, (noise, coin))| {
        let shift = if shift_at.is_some_and(|from| at >= from) {
            SHIFT
        } else {
            0.0
        };
        // One of ten normal numbers exceeds 1.2816.
        let disturbed = if has_disturbed_runs && coin > 1.281_6 {
            DISTURBED_BY
        } else {
            0.0
        };
        LEVEL * (1.0 + noise + shift + disturbed)
    })
    .collect()
}

/// The first run that is more than two standard deviations from the mean of the previous runs.
fn beyond_two_sigma(values: &[f64]) -> Option<usize> {
    (DISTURBED_ONE_IN..values.len()).find(|at| {
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
    for (name, has_disturbed_runs) in [("50 runs", false), ("50 runs, one of ten disturbed", true)]
    {
        let has_change_point = |seed: &u64| {
            let history = history(None, has_disturbed_runs, *seed);
            !change_points(&history, *seed).is_empty()
        };
        let none = 1.0 - share(runs, has_change_point);
        let naive = 1.0
            - share(runs, |seed| {
                beyond_two_sigma(&history(None, has_disturbed_runs, *seed)).is_some()
            });
        rows.push(Row {
            method: format!("change points: {name}"),
            truth: "no change".into(),
            result: format!("no change point in {} of {runs}", percent(none)),
            goal: "99 %".into(),
            negative_control: format!("two σ from the previous runs: {}", percent(naive)),
            holds: none >= effort.choose(0.97, 0.99) && naive < 0.5,
        });
    }
    rows.push(shift_row(runs, effort));
    rows
}

fn shift_row(runs: u64, effort: Effort) -> Row {
    // Anywhere except in the first and the last ten runs.
    let at = |seed: u64| DISTURBED_ONE_IN + (seed * 7 % 31) as usize;
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
        truth: "a shift of 4 %".into(),
        result: format!(
            "{} of {runs} found at the run or next to it; no other change point in {}",
            percent(near),
            percent(only)
        ),
        goal: "95 %".into(),
        negative_control: format!("two σ from the previous runs: {}", percent(naive)),
        holds: near >= effort.choose(0.9, 0.95) && naive < 0.9,
    }
}
