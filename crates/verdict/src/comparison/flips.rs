//! The sign-flip test (Fisher, The Design of Experiments, 1935): differences that are as often above as
//! below nothing would, with other signs, add up to as much as often as chance has it. It asks for no law
//! of the noise but that it is even.

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

/// The chances of a sum like that of these values.
pub(crate) fn chances(values: &[f64], seed: u64) -> Chances {
    let sum: f64 = values.iter().sum();
    // Sums of the same numbers in another order are equal but for this.
    let hair = values.iter().map(|value| value.abs()).sum::<f64>() * 1e-12;
    let (mut large, mut small) = (0u32, 0u32);
    let mut count = |other: f64| {
        large += u32::from(other >= sum - hair);
        small += u32::from(other <= sum + hair);
    };
    if values.len() <= EXACT_MAX {
        let all = 1u64 << values.len();
        (0..all).for_each(|signs| count(flipped(values, signs)));
        return Chances {
            as_large: f64::from(large) / all as f64,
            as_small: f64::from(small) / all as f64,
        };
    }
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    for _ in 0..DRAWS {
        let words = values.chunks(64);
        count(words.map(|part| flipped(part, random.random())).sum());
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
    fn many_are_drawn_and_tell_the_same() {
        let few = [0.5, 1.0, -0.2, 0.3, -0.6, 0.9, 0.1, -0.4, 0.2, 0.7];
        let mut many = few.to_vec();
        many.resize(20, 0.0);
        let (exact, drawn) = (chances(&few, 0), chances(&many, 7));
        assert!((exact.as_large - drawn.as_large).abs() < 0.015);
        assert_eq!(drawn, chances(&many, 7), "a seed gives the same");
    }
}
