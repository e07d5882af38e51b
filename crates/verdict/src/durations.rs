//! Durations: between which of the durations that were seen a percentile lies.

use brunt_record::{Measure, Scope};

use crate::Interval;
use crate::blocks::{self, Block, Demands, Sureness};
use crate::stretch::{FAR, RISK_OF_END, SLOW, Stretch, in_ns};
use crate::tally::Tally;

/// The durations of a stretch, to be asked of many limits.
pub(crate) struct Durations {
    tally: Tally,
    slow: Vec<Block>,
    /// Each that was seen, sorted.
    seen_ns: Vec<u64>,
    unanswered: u64,
    demands: Demands,
}

impl Durations {
    /// `None` if nothing was answered, or in too short a time.
    pub(crate) fn of(stretch: Stretch, scope: Scope, measure: Measure) -> Option<Self> {
        let distribution = stretch.distribution(scope, measure);
        let seen_ns: Vec<u64> = distribution.ok.counts().map(|(ns, _)| ns).collect();
        let tally = Tally::of(stretch, scope, measure);
        let slow_ms = distribution
            .percentile(SLOW)
            .and_then(brunt_record::PercentileValue::ms);
        let slow = tally.missing(|ns| slow_ms.is_none_or(|slow_ms| ns as f64 / 1e6 <= slow_ms));
        let durations = Self {
            tally,
            slow,
            seen_ns,
            unanswered: distribution.unanswered,
            demands: stretch.demands(),
        };
        let first_ns = *durations.seen_ns.first()?;
        durations
            .beyond(first_ns)?
            .is_long_enough
            .then_some(durations)
    }

    fn longest_ns(&self) -> u64 {
        self.seen_ns.last().copied().unwrap_or(0)
    }

    /// In milliseconds.
    pub(crate) fn longest_ms(&self) -> f64 {
        self.longest_ns() as f64 / 1e6
    }

    /// How sure the share of requests is that take longer than this.
    fn beyond(&self, ns: u64) -> Option<Sureness> {
        let missing = self.tally.missing(|duration| duration <= ns);
        let is_far = self.unanswered == 0 && in_ns(self.longest_ms() * FAR) <= ns;
        if self.slow.is_empty() || is_far {
            blocks::sureness_by(&missing, self.demands)
        } else {
            blocks::sureness_beside_by(&missing, &self.slow, self.demands)
        }
    }

    fn is_surely_shorter(&self, q: f64, ns: u64, risk: f64) -> bool {
        self.beyond(ns)
            .is_some_and(|seen| seen.is_under(1.0 - q, risk))
    }

    /// The least duration that a percentile may be, in milliseconds; `None` if it is among the unanswered.
    pub(crate) fn low_ms(&self, q: f64, risk: f64) -> Option<f64> {
        let surely_longer = |ns: &u64| {
            self.beyond(*ns)
                .is_some_and(|seen| seen.is_over(1.0 - q, risk))
        };
        let at = self.seen_ns.partition_point(surely_longer);
        self.seen_ns.get(at).map(|ns| *ns as f64 / 1e6)
    }

    /// The largest that it may be; `None` if nothing that was seen bounds it.
    pub(crate) fn high_ms(&self, q: f64, risk: f64) -> Option<f64> {
        let maybe_longer = |ns: &u64| !self.is_surely_shorter(q, *ns, risk);
        let at = self.seen_ns.partition_point(maybe_longer);
        self.seen_ns.get(at).map(|ns| *ns as f64 / 1e6)
    }

    /// The largest duration that was seen and will do, if the percentile is surely no more.
    pub(crate) fn bound_within_ms(
        &self,
        q: f64,
        risk: f64,
        will_do: impl Fn(f64) -> bool,
    ) -> Option<f64> {
        let ms = |ns: u64| ns as f64 / 1e6;
        let at = self.seen_ns.partition_point(|ns| will_do(ms(*ns)));
        let ns = *self.seen_ns.get(at.checked_sub(1)?)?;
        self.is_surely_shorter(q, ns, risk).then_some(ms(ns))
    }

    /// Twice the longest: what would do even then is told as if requests were independent.
    pub(crate) fn far_ms(&self, q: f64, risk: f64) -> Option<f64> {
        let far_ms = self.longest_ms() * FAR;
        self.is_surely_shorter(q, in_ns(far_ms), risk)
            .then_some(far_ms)
    }

    /// The interval of a percentile, in milliseconds: of the durations that were seen those that it may be.
    pub(crate) fn interval(&self, q: f64) -> Option<Interval> {
        let low = self.low_ms(q, RISK_OF_END)?;
        let high = self.high_ms(q, RISK_OF_END);
        Some(Interval {
            low,
            high: high.map(|high| high.max(low)),
        })
    }
}
