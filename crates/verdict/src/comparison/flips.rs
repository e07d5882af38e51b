//! The sign-flip test (Fisher, The Design of Experiments, 1935), by ranks (Wilcoxon, 1945): differences that
//! are as often above as below nothing would, with other signs, add up to as much as often as chance has
//! it. It asks for no law of the noise but that it is even; and a pair in which a neighbour came or went
//! counts as the furthest one, however far it is.

use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

/// Up to so many differences all signs are tried.
const EXACT_MAX: usize = 14;
/// Otherwise so many drawn ones.
const DRAWS: u32 = 9_999;

/// The chances of a sum like this one, were the differences even around nothing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Chances {
    /// Of one as large.
    pub(crate) as_large: f64,
    /// Of one as small.
    pub(crate) as_small: f64,
}

/// The chances of a sum of ranks like that of these values.
pub(crate) fn chances(values: &[f64], seed: u64) -> Chances {
    let ranks = signed_ranks(values);
    if ranks.len() <= EXACT_MAX {
        exact(&ranks)
    } else {
        drawn(&ranks, seed)
    }
}

/// The rank of each value by its distance from nothing, with its sign. What is as far shares its ranks,
/// and what is nothing has none.
fn signed_ranks(values: &[f64]) -> Vec<f64> {
    let mut sorted: Vec<f64> = values
        .iter()
        .copied()
        .filter(|value| *value != 0.0)
        .collect();
    sorted.sort_by(|a, b| a.abs().total_cmp(&b.abs()));
    let rank = |value: &f64| {
        let below = sorted.partition_point(|other| other.abs() < value.abs());
        let up_to = sorted.partition_point(|other| other.abs() <= value.abs());
        (below + up_to + 1) as f64 / 2.0 * value.signum()
    };
    sorted.iter().map(rank).collect()
}

/// By all signs. Sums of halves are exact.
fn exact(ranks: &[f64]) -> Chances {
    let sum: f64 = ranks.iter().sum();
    let all = 1u64 << ranks.len();
    let (mut large, mut small) = (0u32, 0u32);
    for other in (0..all).map(|signs| flipped(ranks, signs)) {
        large += u32::from(other >= sum);
        small += u32::from(other <= sum);
    }
    Chances {
        as_large: f64::from(large) / all as f64,
        as_small: f64::from(small) / all as f64,
    }
}

fn drawn(ranks: &[f64], seed: u64) -> Chances {
    let sum: f64 = ranks.iter().sum();
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    let (mut large, mut small) = (0u32, 0u32);
    for _ in 0..DRAWS {
        let parts = ranks.chunks(64);
        let other: f64 = parts.map(|part| flipped(part, random.random())).sum();
        large += u32::from(other >= sum);
        small += u32::from(other <= sum);
    }
    // The sum itself is one of those that could have been (Phipson and Smyth, 2010).
    let share = |count: u32| f64::from(count + 1) / f64::from(DRAWS + 1);
    Chances {
        as_large: share(large),
        as_small: share(small),
    }
}

/// The sum of at most 64 values, each with the sign of its bit.
fn flipped(values: &[f64], signs: u64) -> f64 {
    let signed = values.iter().enumerate().map(
        |(at, value)| {
            if signs >> at & 1 == 0 { *value } else { -value }
        },
    );
    signed.sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_are_told_exactly() {
        let found = chances(&[1.0, 2.0, 3.0], 0);
        assert!((found.as_large - 0.125).abs() < 1e-12);
        assert!((found.as_small - 1.0).abs() < 1e-12);
        let even = chances(&[1.0, -1.0], 0);
        assert!((even.as_large - 0.75).abs() < 1e-12);
    }

    #[test]
    fn drawn_signs_tell_the_same() {
        let ranks = signed_ranks(&[0.5, 1.0, -0.2, 0.3, -0.6, 0.9, 0.1, -0.4, 0.2, 0.7, 0.0]);
        assert_eq!(ranks[..4], [1.0, -2.5, 2.5, 4.0]);
        let (exact, found) = (exact(&ranks), drawn(&ranks, 7));
        assert!((exact.as_large - found.as_large).abs() < 0.015);
        assert_eq!(found, drawn(&ranks, 7), "a seed gives the same");
    }

    #[test]
    fn one_that_is_far_off_does_not_hide_the_others() {
        let mut values = [0.05; 12];
        values[5] = -1.0;
        assert!(chances(&values, 0).as_large < 0.05);
    }
}
