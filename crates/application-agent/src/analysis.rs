//! Analyses: the stored part of a scored response, and sums from which an analysis can be subtracted.
//!
//! Scores have two decimals and are summed as hundredths, so that sums are exact.

/// Scored response in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Kept {
    /// Days since 1970-01-01, UTC.
    pub(crate) day: i64,
    pub(crate) quality: i64,
    pub(crate) relevance: i64,
    pub(crate) coherence: i64,
    pub(crate) hallucination: i64,
    pub(crate) latency_us: i64,
}

/// Sums over stored analyses; scores are in hundredths.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Sums {
    pub(crate) count: i64,
    quality: i64,
    relevance: i64,
    coherence: i64,
    hallucination: i64,
    latency_us: i64,
}

impl Sums {
    pub(crate) fn add(&mut self, kept: &Kept) {
        self.change(kept, 1);
    }

    pub(crate) fn take(&mut self, kept: &Kept) {
        self.change(kept, -1);
    }

    fn change(&mut self, kept: &Kept, sign: i64) {
        self.count += sign;
        self.quality += sign * kept.quality;
        self.relevance += sign * kept.relevance;
        self.coherence += sign * kept.coherence;
        self.hallucination += sign * kept.hallucination;
        self.latency_us += sign * kept.latency_us;
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.quality += other.quality;
        self.relevance += other.relevance;
        self.coherence += other.coherence;
        self.hallucination += other.hallucination;
        self.latency_us += other.latency_us;
    }

    fn mean(&self, sum: i64, scale: f64) -> f64 {
        if self.count == 0 {
            0.0
        } else {
            sum as f64 / scale / self.count as f64
        }
    }

    pub(crate) fn quality(&self) -> f64 {
        self.mean(self.quality, 100.0)
    }

    pub(crate) fn relevance(&self) -> f64 {
        self.mean(self.relevance, 100.0)
    }

    pub(crate) fn coherence(&self) -> f64 {
        self.mean(self.coherence, 100.0)
    }

    pub(crate) fn hallucination(&self) -> f64 {
        self.mean(self.hallucination, 100.0)
    }

    pub(crate) fn latency_ms(&self) -> f64 {
        self.mean(self.latency_us, 1000.0)
    }
}

/// Score in hundredths.
#[expect(clippy::cast_possible_truncation, reason = "scores are from 0 to 100")]
pub(crate) fn hundredths(score: f64) -> i64 {
    (score * 100.0).round() as i64
}
