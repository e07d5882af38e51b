//! Change points: the runs at which a history changes its level. E-divisive (Matteson and James, JASA 109, 2014): the
//! split with the largest energy distance between both parts, accepted if random permutations of the same values
//! rarely have a larger one; then the same in each part.

use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

/// The risk of splitting a part without a change.
const RISK: f64 = 0.005;
/// The number of permutations.
const ORDERS: u32 = 1_999;
/// The smallest number of runs in a part.
const PART_MIN: usize = 3;

/// The indices at which a new level begins, in order. Values are finite, one per run, in chronological order.
pub fn change_points(values: &[f64], seed: u64) -> Vec<usize> {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut found = Vec::new();
    let mut parts = Vec::from([(0, values.len())]);
    while let Some((from, to)) = parts.pop() {
        let Some(at) = change_point(&values[from..to], &mut random) else {
            continue;
        };
        found.push(from + at);
        parts.extend([(from, from + at), (from + at, to)]);
    }
    found.sort_unstable();
    found
}

fn change_point(values: &[f64], random: &mut Xoshiro256PlusPlus) -> Option<usize> {
    let (at, apart) = furthest_apart(values)?;
    let mut values = values.to_vec();
    let mut as_far = 0u32;
    for _ in 0..ORDERS {
        shuffle(&mut values, random);
        as_far += u32::from(furthest_apart(&values).is_some_and(|(_, other)| other >= apart));
        // The observed order is one of the permutations.
        if f64::from(as_far + 1) > RISK * f64::from(ORDERS + 1) {
            return None;
        }
    }
    Some(at)
}

fn shuffle(values: &mut [f64], random: &mut Xoshiro256PlusPlus) {
    for last in (1..values.len()).rev() {
        values.swap(last, random.random_range(0..=last));
    }
}

/// The split with the largest energy distance between its parts, and that distance, weighted by their sizes; `None`
/// if there are too few values, or all are equal.
fn furthest_apart(values: &[f64]) -> Option<(usize, f64)> {
    let count = values.len();
    let from = |at: usize, others: &[f64]| -> f64 {
        others.iter().map(|other| (values[at] - other).abs()).sum()
    };
    // Sums of the distances within the first part, within the second, and between them.
    let (mut first, mut across) = (0.0, 0.0);
    let mut second = (0..count)
        .map(|at| from(at, &values[at + 1..]))
        .sum::<f64>();
    if second <= 0.0 {
        return None;
    }
    let mut best = None;
    for at in 0..count {
        let (before, after) = (from(at, &values[..at]), from(at, &values[at + 1..]));
        first += before;
        second -= after;
        across += after - before;
        let (m, n) = (at + 1, count - at - 1);
        if m < PART_MIN || n < PART_MIN {
            continue;
        }
        let (m, n) = (m as f64, n as f64);
        let within = first / (m * (m - 1.0)) + second / (n * (n - 1.0));
        let apart = m * n / (m + n) * 2.0 * (across / (m * n) - within);
        if best.is_none_or(|(_, most)| apart > most) {
            best = Some((at + 1, apart));
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Small variations without a pattern.
    fn wobble(at: usize) -> f64 {
        (at * 7_919 % 101) as f64 / 101.0
    }

    fn history(shift: impl Fn(usize) -> f64) -> Vec<f64> {
        (0..50).map(|at| 20.0 + wobble(at) + shift(at)).collect()
    }

    #[test]
    fn changes_are_found_at_their_positions() {
        assert!(change_points(&history(|_| 0.0), 1).is_empty());
        let once = history(|at| if at < 30 { 0.0 } else { 2.0 });
        assert_eq!(change_points(&once, 1), [30]);
        let twice = history(|at| if (15..35).contains(&at) { 3.0 } else { 0.0 });
        assert_eq!(change_points(&twice, 1), [15, 35]);
    }

    #[test]
    fn few_runs_and_equal_runs_have_no_change_points() {
        assert!(change_points(&[], 1).is_empty());
        assert!(change_points(&[1.0, 1.0, 9.0, 9.0], 1).is_empty());
        assert!(change_points(&[5.0; 40], 1).is_empty());
    }
}
