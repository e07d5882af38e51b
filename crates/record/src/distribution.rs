//! Distributions: percentiles of requests, with brunt's only rank rule. Requests without a response rank above all others.

use crate::Histogram;

/// A percentile of durations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PercentileValue {
    /// Duration in nanoseconds.
    Measured(u64),
    /// The request has no response: it ranks above every duration.
    Unanswered,
}

impl PercentileValue {
    /// Milliseconds; `None` without a response.
    pub fn ms(self) -> Option<f64> {
        match self {
            Self::Measured(ns) => Some(ns as f64 / 1e6),
            Self::Unanswered => None,
        }
    }
}

/// Durations of successful requests, and the number of requests without a response.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Distribution {
    /// Durations of successful requests.
    pub ok: Histogram,
    /// Number of requests without a response.
    pub unanswered: u64,
}

impl Distribution {
    /// Number of ranked requests.
    pub fn count(&self) -> u64 {
        self.ok.count() + self.unanswered
    }

    /// Duration that the share `q` (0 to 1) of the requests does not exceed: the one at rank ⌈q·n⌉, at least 1. `None`
    /// without requests.
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

    /// Longest duration.
    pub fn max(&self) -> Option<PercentileValue> {
        self.percentile(1.0)
    }

    /// Share of the requests (0 to 1) that took longer than `ns` or have no response.
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
    fn rank_is_the_share_of_the_count_rounded_up() {
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
    fn requests_without_a_response_rank_above_all_others() {
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
    fn empty_distribution_has_no_percentile() {
        assert_eq!(Distribution::default().percentile(0.5), None);
        assert_eq!(Distribution::default().share_above(5), None);
    }
}
