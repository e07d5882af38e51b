//! A permutation of any number of rows that needs no memory: a Feistel network over the next power of four with cycle
//! walking (Black and Rogaway, 2002).

use crate::random::mix;

const ROUNDS: u64 = 6;

/// Position of a row in the random order of `count` rows.
pub(super) fn place(row: u64, count: u64, seed: u64) -> u64 {
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

    use super::*;

    proptest! {
        #[test]
        fn each_row_has_a_position_of_its_own(count in 1u64..2_000, seed: u64) {
            let mut places: Vec<u64> = (0..count).map(|row| place(row, count, seed)).collect();
            places.sort_unstable();
            prop_assert!(places.iter().copied().eq(0..count));
        }
    }

    #[test]
    fn different_seeds_have_different_orders() {
        let order = |seed| {
            (0..100)
                .map(|row| place(row, 100, seed))
                .collect::<Vec<_>>()
        };
        assert_ne!(order(1), order(2));
        assert_ne!(order(1), (0..100).collect::<Vec<_>>());
    }
}
