//! Synthetic series of readings: autoregressive noise, AR(1), on a known shape.

use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

/// Shape of a series under its noise; times in seconds, values in the unit of the noise.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Shape {
    /// Constant.
    Level,
    /// Rises linearly.
    Leak {
        /// Increase per second.
        slope: f64,
    },
    /// Fills up to a level.
    Cache {
        /// Final increase.
        size: f64,
        /// Time constant: after this time 63 % of the increase are reached.
        tau_s: f64,
    },
    /// Rises and falls back repeatedly (a sawtooth, like garbage collection).
    SawTooth {
        /// Height of a tooth.
        height: f64,
        /// Interval between two collections.
        period_s: f64,
    },
    /// Jumps once.
    Step {
        /// Height of the jump.
        height: f64,
        /// Time of the jump.
        at_s: f64,
    },
}

impl Shape {
    pub(crate) fn at(self, at_s: f64) -> f64 {
        match self {
            Self::Level => 0.0,
            Self::Leak { slope } => slope * at_s,
            Self::Cache { size, tau_s } => size * (1.0 - (-at_s / tau_s).exp()),
            Self::SawTooth { height, period_s } => height * (at_s / period_s).fract(),
            Self::Step { height, at_s: when } => {
                if at_s < when {
                    0.0
                } else {
                    height
                }
            }
        }
    }
}

/// One reading per second: a level, a shape, and first-order noise, each value of which keeps the
/// share `memory` of the previous one. `noise` is the standard deviation of the noise.
pub fn readings(
    level: f64,
    shape: Shape,
    noise: f64,
    memory: f64,
    seconds: u32,
    seed: u64,
) -> Vec<(f64, f64)> {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed ^ 0x5e1e5);
    let fresh = noise * (1.0 - memory * memory).sqrt();
    let mut carried = noise * normal(&mut random);
    (0..seconds)
        .map(|second| {
            let at_s = f64::from(second);
            carried = memory * carried + fresh * normal(&mut random);
            (at_s, level + shape.at(at_s) + carried)
        })
        .collect()
}

/// An endless sequence of exponential random numbers with mean 1.
pub fn noise(seed: u64) -> impl Iterator<Item = f64> {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed ^ 0x0015e);
    std::iter::repeat_with(move || -(1.0 - random.random::<f64>()).ln())
}

/// A standard normal random number (Box and Muller, 1958).
fn normal(random: &mut Xoshiro256PlusPlus) -> f64 {
    let radius = (-2.0 * (1.0 - random.random::<f64>()).ln()).sqrt();
    radius * (std::f64::consts::TAU * random.random::<f64>()).cos()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_has_the_given_deviation_and_autocorrelation() {
        for memory in [0.0, 0.5, 0.9] {
            let series = readings(100.0, Shape::Level, 5.0, memory, 200_000, 1);
            let values: Vec<f64> = series.iter().map(|(_, value)| value - 100.0).collect();
            let power = values.iter().map(|v| v * v).sum::<f64>() / values.len() as f64;
            assert!((power.sqrt() / 5.0 - 1.0).abs() < 0.03, "{memory}: {power}");
            let pairs = values.windows(2).map(|pair| pair[0] * pair[1]).sum::<f64>();
            let found = pairs / values.len() as f64 / power;
            assert!((found - memory).abs() < 0.02, "{found} for {memory}");
        }
    }

    #[test]
    fn shapes_have_the_documented_values() {
        let at = |shape: Shape, at_s| (shape.at(at_s) * 1e3).round() / 1e3;
        assert!((at(Shape::Leak { slope: 2.0 }, 3.0) - 6.0).abs() < 1e-9);
        let cache = Shape::Cache {
            size: 10.0,
            tau_s: 5.0,
        };
        assert!((at(cache, 5.0) - 6.321).abs() < 1e-9);
        let saw = Shape::SawTooth {
            height: 8.0,
            period_s: 4.0,
        };
        assert!((at(saw, 5.0) - 2.0).abs() < 1e-9);
    }
}
