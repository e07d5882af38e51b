//! Randomness: draws from a generator, and the hash that derives seeds.

use rand::RngExt;
use rand_xoshiro::Xoshiro256PlusPlus;

/// The finaliser of `SplitMix64` (Steele, Lea and Flood, 2014): every bit of the input moves every bit of
/// the output.
pub(crate) fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// A uniformly drawn index below `count`.
#[inline]
pub(crate) fn draw_index(count: usize, random: &mut Xoshiro256PlusPlus) -> usize {
    random.random_range(0..count)
}

/// A draw from the standard normal law (Box and Muller, 1958).
pub(crate) fn standard_normal(random: &mut Xoshiro256PlusPlus) -> f64 {
    // 1 − u is never 0, since u is below 1.
    let radius = (-2.0 * (1.0 - random.random::<f64>()).ln()).sqrt();
    radius * (std::f64::consts::TAU * random.random::<f64>()).cos()
}

#[cfg(test)]
mod tests {
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
}
