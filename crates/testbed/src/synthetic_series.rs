//! Synthetic series of readings: autoregressive noise, AR(1), over a known shape.

use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

/// What a series does under its noise; moments in seconds, values in the unit of the noise.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Shape {
    /// Nothing.
    Level,
    /// Rises by so much a second.
    Leak {
        /// A second.
        slope: f64,
    },
    /// Fills up to a level.
    Cache {
        /// How much comes to it in the end.
        size: f64,
        /// After so long 63 % of it are there.
        tau_s: f64,
    },
    /// Rises and is collected, over and over.
    SawTooth {
        /// From top to bottom.
        height: f64,
        /// From one collection to the next.
        period_s: f64,
    },
    /// Jumps once.
    Step {
        /// By so much.
        height: f64,
        /// When.
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

/// A reading a second: a level, a shape, and noise of the first order, each value of which keeps the
/// share `memory` of the one before. The noise's standard deviation is `noise`.
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

/// Exponential numbers of mean 1, without end.
pub fn noise(seed: u64) -> impl Iterator<Item = f64> {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed ^ 0x0015e);
    std::iter::repeat_with(move || -(1.0 - random.random::<f64>()).ln())
}

/// A standard normal number (Box and Muller, 1958).
fn normal(random: &mut Xoshiro256PlusPlus) -> f64 {
    let radius = (-2.0 * (1.0 - random.random::<f64>()).ln()).sqrt();
    radius * (std::f64::consts::TAU * random.random::<f64>()).cos()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_has_its_spread_and_its_memory() {
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
    fn shapes_are_as_they_say() {
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
