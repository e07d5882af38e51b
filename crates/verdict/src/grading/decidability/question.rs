//! The decidability of one threshold: what keeps a load from showing that the threshold is met.

use brunt_record::{Load, Metric};

use crate::stats::proportion_test;

/// Headroom of the offered load: a shortfall is the service's own only if the load offered the threshold times this.
const OFFER_TO_SPARE: f64 = 1.1;

/// The part of a load that a target covers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Portion {
    /// Requests per judged request of the load; 1: all of them.
    Share(f64),
    /// Not known in advance.
    Unknown,
    /// The load sends no such request.
    Nothing,
}

/// Why a load cannot show that a target is met.
#[derive(Debug, Clone, PartialEq)]
pub enum Obstacle {
    /// The judged part of the load is shorter than the shortest run that may pass (seconds).
    TooShort {
        /// Its length.
        planned_s: f64,
        /// The shortest.
        needed_s: f64,
    },
    /// The load sends fewer requests than such a small proportion needs.
    TooFewRequests {
        /// Estimated number of requests.
        planned: f64,
        /// Number of requests that are needed if none of them misses.
        needed: u64,
    },
    /// The load offers less than the threshold plus headroom (requests per second).
    NotOffered {
        /// The highest offered load.
        offered_rps: f64,
        /// The strictest threshold.
        threshold_rps: f64,
    },
    /// No user of the load sends such requests.
    NotRequested,
    /// No process is monitored.
    NotWatched,
}

/// Returns whether a load offers a threshold of throughput with headroom.
pub(crate) fn is_to_spare(offered: f64, threshold: f64) -> bool {
    // An offered load of exactly the required value is enough, in spite of rounding errors.
    offered >= threshold * OFFER_TO_SPARE * (1.0 - 1e-9)
}

/// The offered load that a threshold of throughput needs, in requests per second.
pub(crate) fn enough_rps(threshold: f64) -> f64 {
    threshold * OFFER_TO_SPARE
}

/// A threshold to be decided by a load.
#[derive(Debug, Clone, Copy)]
pub(super) struct Question {
    pub(super) metric: Metric,
    pub(super) threshold: f64,
    pub(super) portion: Portion,
    pub(super) blocks_min: usize,
}

impl Question {
    /// Why a load cannot show that the threshold is met.
    pub(super) fn obstacle(&self, load: &Load) -> Option<Obstacle> {
        if self.portion == Portion::Nothing {
            return Some(Obstacle::NotRequested);
        }
        let (from_s, to_s) = self.judged(load);
        let offered = self.requests(load);
        if self.metric == Metric::Throughput
            && let Some(offered_rps) = self.offered_rps(load)
            && !is_to_spare(offered_rps, self.threshold)
        {
            return Some(Obstacle::NotOffered {
                offered_rps,
                threshold_rps: self.threshold,
            });
        }
        let is_estimate = !matches!(self.metric, Metric::Max) && self.limit() != Some(0.0);
        if is_estimate && (to_s - from_s).ceil() < self.blocks_min as f64 {
            return Some(Obstacle::TooShort {
                planned_s: to_s - from_s,
                needed_s: self.blocks_min as f64,
            });
        }
        let needed = proportion_test::requests_needed(self.limit().filter(|limit| *limit > 0.0)?);
        offered
            .filter(|planned| *planned < needed as f64)
            .map(|planned| Obstacle::TooFewRequests { planned, needed })
    }

    /// The proportion of requests that may miss the threshold, for metrics that limit one.
    fn limit(&self) -> Option<f64> {
        match self.metric {
            Metric::Percentile(q) => Some(1.0 - q),
            Metric::ErrorRate => Some(self.threshold / 100.0),
            _ => None,
        }
    }

    /// The part of a load that is judged, in seconds.
    fn judged(&self, load: &Load) -> (f64, f64) {
        let from_s = match self.metric {
            Metric::Percentile(_) | Metric::Mean | Metric::Throughput => load.warm_up_s,
            _ => 0.0,
        };
        let to_s = load.duration_s();
        (from_s.min(to_s), to_s)
    }

    /// The highest offered load, in requests per second. A load that ends after a number of tasks offers no less per
    /// second.
    fn offered_rps(&self, load: &Load) -> Option<f64> {
        let unbounded = Load {
            iterations: None,
            ..load.clone()
        };
        let (from_s, to_s) = self.judged(load);
        Some(self.requests(&unbounded)? / (to_s - from_s))
    }

    /// The largest number of requests of a load in its judged part; `None` if it is unbounded or unknown.
    fn requests(&self, load: &Load) -> Option<f64> {
        let Portion::Share(share) = self.portion else {
            return None;
        };
        let until = |at_s: f64| match at_s {
            at_s if at_s <= 0.0 => Some(0.0),
            at_s => load.offered_rps(at_s).map(|rate| rate * at_s),
        };
        let (from_s, to_s) = self.judged(load);
        Some((until(to_s)? - until(from_s)?) * share)
    }
}
