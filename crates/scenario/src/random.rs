//! Random numbers: draws from a generator, the hash that derives seeds, and permutations.

use rand::RngExt;
use rand_xoshiro::Xoshiro256PlusPlus;

/// The finalizer of `SplitMix64` (Steele, Lea and Flood, 2014): every bit of the input affects every bit of the output.
pub(crate) fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// Draws an index below `count`.
#[inline]
pub(crate) fn draw_index(count: usize, random: &mut Xoshiro256PlusPlus) -> usize {
    random.random_range(0..count)
}

/// Draws from the standard normal distribution (Box and Muller, 1958).
pub(crate) fn standard_normal(random: &mut Xoshiro256PlusPlus) -> f64 {
    // 1 − u is never 0, since u is below 1.
    let radius = (-2.0 * (1.0 - random.random::<f64>()).ln()).sqrt();
    radius * (std::f64::consts::TAU * random.random::<f64>()).cos()
}

/// Rounds of the permutation.
const ROUNDS: u64 = 6;

/// Position of a row in a random order of `count` rows, without memory: a Feistel network over the next power of four
/// with cycle walking (Black and Rogaway, 2002).
pub(crate) fn permuted(row: u64, count: u64, seed: u64) -> u64 {
    let bits = (u64::BITS - (count.max(2) - 1).leading_zeros()).div_ceil(2);
    let mask = (1u64 << bits) - 1;
    let mut at = row;
    loop {
        let (mut left, mut right) = (at >> bits, at & mask);
        for round in 0..ROUNDS {
            let mixed = mix(right ^ seed.rotate_left(17) ^ (round << 56));
            (left, right) = (right, left ^ (mixed & mask));
        }
        at = left << bits | right;
        if at < count {
            return at;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn standard_normal_has_its_moments() {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(7);
        let draws: Vec<f64> = (0..100_000).map(|_| standard_normal(&mut random)).collect();
        let mean = draws.iter().sum::<f64>() / 1e5;
        let variance = draws.iter().map(|draw| draw * draw).sum::<f64>() / 1e5;
        // Five standard errors.
        assert!(
            mean.abs() < 0.016 && (variance - 1.0).abs() < 0.023,
            "{mean} {variance}"
        );
    }

    proptest! {
        #[test]
        fn each_row_has_a_position_of_its_own(count in 1u64..2_000, seed: u64) {
            let mut positions: Vec<u64> = (0..count).map(|row| permuted(row, count, seed)).collect();
            positions.sort_unstable();
            prop_assert!(positions.iter().copied().eq(0..count));
        }
    }

    #[test]
    fn different_seeds_have_different_orders() {
        let order = |seed| {
            (0..100)
                .map(|row| permuted(row, 100, seed))
                .collect::<Vec<_>>()
        };
        assert_ne!(order(1), order(2));
        assert_ne!(order(1), (0..100).collect::<Vec<_>>());
    }
}
