//! The end of a search: half of what holds, a push, and half again, to see whether the service recovers.

use brunt_record::SearchPhase;

use super::{Order, Search};

/// Half of what holds, a push, half again.
pub(super) const BEFORE_S: f64 = 22.0;
pub(super) const PUSH_S: f64 = 10.0;
pub(super) const AFTER_S: f64 = 28.0;
const AFTER_SHARE: f64 = 0.1;
const AFTER_MAX_S: f64 = 120.0;

impl Search {
    /// The end: does the service recover from what broke it?
    pub(super) fn tail(&mut self, now_s: f64) -> Order {
        let left_s = self.ends_s - now_s;
        if self.hardest().is_none() || left_s < BEFORE_S + PUSH_S + AFTER_S - 2.0 {
            return Order::End;
        }
        let half = self.half();
        self.order(now_s, SearchPhase::PreSpike, half)
    }

    /// The highest level that broke the service.
    pub(super) fn hardest(&self) -> Option<f64> {
        let broke = self.trials.iter().filter(|trial| trial.breaks());
        broke.map(|trial| trial.level).reduce(f64::max)
    }

    /// Half of what holds, as far as is known.
    pub(super) fn half(&self) -> f64 {
        let seemed = self.glances.iter().filter(|point| point.excess <= 0.7);
        let seemed = seemed.map(|point| point.level).reduce(f64::max);
        let bracket = self.bracket();
        let holds = bracket.holds.or(seemed).unwrap_or(self.asked.from / 2.0);
        let holds = bracket.breaks.map_or(holds, |breaks| holds.min(breaks));
        if self.is_open {
            holds / 2.0
        } else {
            (holds / 2.0).round().max(1.0)
        }
    }
}

/// How long the service is watched after the push, of a search that ends then.
pub(super) fn after_s(ends_s: f64) -> f64 {
    (ends_s * AFTER_SHARE).clamp(AFTER_S, AFTER_MAX_S)
}
