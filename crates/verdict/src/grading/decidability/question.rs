//! The question of decidability, for one threshold: what keeps a load from showing that the threshold is met.

use brunt_record::{Load, Metric};

use crate::stats::proportion_test;

/// A shortfall is the service's own only if the load offered the threshold with this to spare.
const OFFER_TO_SPARE: f64 = 1.1;

/// How much of a load a target is about.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Portion {
    /// This many requests for each judged request of the load; 1: all of them.
    Share(f64),
    /// Not known beforehand.
    Unknown,
    /// Nothing that the load requests.
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
    /// The load makes fewer requests than a share as small as the threshold's takes.
    TooFewRequests {
        /// Estimate of those that it makes.
        planned: f64,
        /// Those that it takes if none of them misses.
        needed: u64,
    },
    /// The load offers less than the threshold with something to spare (requests a second).
    NotOffered {
        /// What it offers at most.
        offered_rps: f64,
        /// The strictest threshold.
        threshold_rps: f64,
    },
    /// No user of the load makes these requests.
    NotRequested,
    /// No process is watched.
    NotWatched,
}

/// Whether a load offers a threshold of throughput with something to spare.
pub(crate) fn is_to_spare(offered: f64, threshold: f64) -> bool {
    // An offer of exactly the threshold is enough, however it is rounded.
    offered >= threshold * OFFER_TO_SPARE * (1.0 - 1e-9)
}

/// What it takes to offer a threshold of throughput, in requests a second.
pub(crate) fn enough_rps(threshold: f64) -> f64 {
    threshold * OFFER_TO_SPARE
}

/// What is asked of a load.
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

    /// The share of requests that may miss the threshold, of a metric that limits one.
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

    /// Requests a second that a load offers at most while it lasts; after a number of tasks it ends, and offers no
    /// fewer a second.
    fn offered_rps(&self, load: &Load) -> Option<f64> {
        let unbounded = Load {
            iterations: None,
            ..load.clone()
        };
        let (from_s, to_s) = self.judged(load);
        Some(self.requests(&unbounded)? / (to_s - from_s))
    }

    /// Requests that a load makes at most in its judged part; `None` if there is no bound, or it is not known.
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
