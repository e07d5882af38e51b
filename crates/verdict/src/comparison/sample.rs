//! Samples: the mean of a run's blocks and how sure it is. Neighbouring blocks may be alike, so they count
//! as fewer than they are: as those of a series of the first order (Bartlett, 1946; Law, Simulation
//! Modeling and Analysis, chapter 4).

/// Fewer blocks say too little of how they vary.
const BLOCKS_MIN: usize = 20;
/// Neighbours that are more alike are taken as this alike: the run is then worth one block or two.
const ALIKE_MAX: f64 = 0.9;

/// The mean of blocks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Sample {
    pub(crate) mean: f64,
    /// The variance of that mean.
    pub(crate) variance: f64,
    /// The degrees of freedom of that variance.
    pub(crate) freedom: f64,
}

impl Sample {
    /// What blocks tell; `None` where they are too few.
    pub(crate) fn of(blocks: &[f64]) -> Option<Self> {
        if blocks.len() < BLOCKS_MIN {
            return None;
        }
        let count = blocks.len() as f64;
        let mean = blocks.iter().sum::<f64>() / count;
        let residuals: Vec<f64> = blocks.iter().map(|value| value - mean).collect();
        let squares: f64 = residuals.iter().map(|off| off * off).sum();
        let products: f64 = residuals.windows(2).map(|pair| pair[0] * pair[1]).sum();
        let alike = if squares > 0.0 {
            // Residuals add up to nothing, which makes neighbours look unlike by one in the count.
            (products / squares + 1.0 / count).clamp(0.0, ALIKE_MAX)
        } else {
            0.0
        };
        let fewer = (1.0 + alike) / (1.0 - alike);
        Some(Self {
            mean,
            variance: squares / (count - 1.0) / count * fewer,
            freedom: (count / fewer - 1.0).max(1.0),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_that_are_alike_count_as_fewer() {
        let turns: Vec<f64> = (0..30).map(|at| f64::from(at % 2)).collect();
        let halves: Vec<f64> = (0..30).map(|at| f64::from(at / 15)).collect();
        let (turns, halves) = (Sample::of(&turns).unwrap(), Sample::of(&halves).unwrap());
        assert!(halves.variance > 15.0 * turns.variance);
        assert!(halves.freedom < 2.0 && turns.freedom > 28.0);
        assert_eq!(Sample::of(&[1.0; 19]), None);
    }
}
