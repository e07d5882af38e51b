//! Distributions: percentiles of the requests that users waited for. Requests never answered rank
//! above every answer. The one rank rule of brunt lives here.

use crate::Histogram;

/// How long something took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PercentileValue {
    /// So many nanoseconds.
    Measured(u64),
    /// The request was never answered: longer than any answer took.
    Unanswered,
}

impl PercentileValue {
    /// Milliseconds, where it was answered.
    pub fn ms(self) -> Option<f64> {
        match self {
            Self::Measured(ns) => Some(ns as f64 / 1e6),
            Self::Unanswered => None,
        }
    }
}

/// Durations of the requests answered well, and how many were never answered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Distribution {
    /// Durations of requests answered well.
    pub ok: Histogram,
    /// Requests never answered.
    pub unanswered: u64,
}

impl Distribution {
    /// How many requests it ranks.
    pub fn count(&self) -> u64 {
        self.ok.count() + self.unanswered
    }

    /// The duration that the share `q` (0 to 1) of the requests did not exceed: the one at rank
    /// ⌈q·n⌉, at least 1. `None` where there are no requests.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the product of a share and a count lies between 0 and the count"
    )]
    pub fn percentile(&self, q: f64) -> Option<PercentileValue> {
        let count = self.count();
        if count == 0 {
            return None;
        }
        let rank = ((q * count as f64).ceil() as u64).clamp(1, count);
        Some(
            self.ok
                .at_rank(rank)
                .map_or(PercentileValue::Unanswered, PercentileValue::Measured),
        )
    }

    /// The longest.
    pub fn max(&self) -> Option<PercentileValue> {
        self.percentile(1.0)
    }

    /// The share of the requests (0 to 1) that took longer than `ns` or were never answered.
    pub fn share_above(&self, ns: u64) -> Option<f64> {
        let above = self.ok.count_above(ns) + self.unanswered;
        (self.count() > 0).then(|| above as f64 / self.count() as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn distribution(ok: &[u64], unanswered: u64) -> Distribution {
        let mut histogram = Histogram::default();
        ok.iter().for_each(|ns| histogram.record(*ns));
        Distribution {
            ok: histogram,
            unanswered,
        }
    }

    #[test]
    fn the_rank_is_the_share_of_the_count_rounded_up() {
        let hundred: Vec<u64> = (1..=100).collect();
        let distribution = distribution(&hundred, 0);
        for (q, expected) in [
            (0.0, 1),
            (0.005, 1),
            (0.5, 50),
            (0.501, 51),
            (0.99, 99),
            (1.0, 100),
        ] {
            assert_eq!(
                distribution.percentile(q),
                Some(PercentileValue::Measured(expected)),
                "q {q}"
            );
        }
    }

    #[test]
    fn the_unanswered_rank_above_every_answer() {
        let distribution = distribution(&[5; 97], 3);
        assert_eq!(
            distribution.percentile(0.97),
            Some(PercentileValue::Measured(5))
        );
        assert_eq!(
            distribution.percentile(0.98),
            Some(PercentileValue::Unanswered)
        );
        assert_eq!(distribution.max(), Some(PercentileValue::Unanswered));
        assert_eq!(distribution.share_above(5), Some(0.03));
    }

    #[test]
    fn nothing_has_no_percentile() {
        assert_eq!(Distribution::default().percentile(0.5), None);
        assert_eq!(Distribution::default().share_above(5), None);
    }
}
