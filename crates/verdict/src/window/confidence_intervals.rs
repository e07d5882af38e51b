//! Confidence intervals of the metrics of a time window.

use brunt_record::{Measure, Metric, RunRecord, Scope};

use crate::convert::in_ns;
use crate::model::judgment::Interval;
use crate::stats::batch_means::RatioEstimate;
use crate::stats::batch_means::{self, Block, ProportionEstimate, Requirements};
use crate::window::time_window::{FAR, RISK_OF_END, SLOW, TimeWindow};

/// The durations of one block.
struct BlockCounts {
    /// Each duration with the number of requests that took no longer.
    up_to: Vec<(u64, u64)>,
    /// All requests, those without a response included.
    all: u64,
}

/// Cumulative counts of the durations of a time window, sorted once per block, to be queried with many limits.
pub(crate) struct CumulativeCounts {
    blocks: Vec<BlockCounts>,
}

impl CumulativeCounts {
    pub(crate) fn of(window: TimeWindow, scope: Scope, measure: Measure) -> Self {
        let timeline = &window.record.timeline;
        let blocks = window.intervals().map(|interval| {
            let measure = window.measure_at(interval, measure);
            let (mut durations, unanswered) = timeline.durations_at(interval, scope, measure);
            durations.sort_unstable();
            let mut answered = 0;
            for (_, count) in &mut durations {
                answered += *count;
                *count = answered;
            }
            BlockCounts {
                up_to: durations,
                all: answered + unanswered,
            }
        });
        Self {
            blocks: blocks.collect(),
        }
    }

    /// Counts, block by block, the requests whose duration does not meet a threshold or that got no response. If a
    /// duration meets it, every shorter one must meet it, too.
    pub(crate) fn missing(&self, meets: impl Fn(u64) -> bool) -> Vec<Block> {
        let blocks = self.blocks.iter().map(|block| {
            let at = block.up_to.partition_point(|(ns, _)| meets(*ns));
            let within = at.checked_sub(1).map_or(0, |last| block.up_to[last].1);
            Block {
                missing: (block.all - within) as f64,
                all: block.all as f64,
            }
        });
        blocks.collect()
    }
}

/// The durations of a time window, to be tested with many limits.
pub(crate) struct Durations {
    counts: CumulativeCounts,
    slow: Vec<Block>,
    /// All durations that occurred, sorted.
    seen_ns: Vec<u64>,
    unanswered: u64,
    requirements: Requirements,
}

impl Durations {
    /// Reads the durations of a window; `None` if there was no response, or the window is too short.
    pub(crate) fn of(window: TimeWindow, scope: Scope, measure: Measure) -> Option<Self> {
        let distribution = window.distribution(scope, measure);
        let seen_ns: Vec<u64> = distribution.ok.counts().map(|(ns, _)| ns).collect();
        let counts = CumulativeCounts::of(window, scope, measure);
        let slow_ms = distribution
            .percentile(SLOW)
            .and_then(brunt_record::PercentileValue::ms);
        let slow = counts.missing(|ns| slow_ms.is_none_or(|slow_ms| ns as f64 / 1e6 <= slow_ms));
        let durations = Self {
            counts,
            slow,
            seen_ns,
            unanswered: distribution.unanswered,
            requirements: window.requirements(),
        };
        let first_ns = *durations.seen_ns.first()?;
        durations
            .longer_than(first_ns)?
            .is_long_enough
            .then_some(durations)
    }

    fn longest_ns(&self) -> u64 {
        self.seen_ns.last().copied().unwrap_or(0)
    }

    /// The longest duration, in milliseconds.
    pub(crate) fn longest_ms(&self) -> f64 {
        self.longest_ns() as f64 / 1e6
    }

    /// Estimates the proportion of requests that take longer than this.
    fn longer_than(&self, ns: u64) -> Option<ProportionEstimate> {
        let missing = self.counts.missing(|duration| duration <= ns);
        let is_far = self.unanswered == 0 && in_ns(self.longest_ms() * FAR) <= ns;
        if self.slow.is_empty() || is_far {
            batch_means::estimate_with(&missing, self.requirements)
        } else {
            batch_means::estimate_with_slow_and(&missing, &self.slow, self.requirements)
        }
    }

    fn is_shorter(&self, q: f64, ns: u64, risk: f64) -> bool {
        self.longer_than(ns)
            .is_some_and(|seen| seen.is_under(1.0 - q, risk))
    }

    /// Lower bound of a percentile, in milliseconds; `None` if it lies among the requests without a response.
    pub(crate) fn low_ms(&self, q: f64, risk: f64) -> Option<f64> {
        let surely_longer = |ns: &u64| {
            self.longer_than(*ns)
                .is_some_and(|seen| seen.is_over(1.0 - q, risk))
        };
        let at = self.seen_ns.partition_point(surely_longer);
        self.seen_ns.get(at).map(|ns| *ns as f64 / 1e6)
    }

    /// Upper bound of a percentile, in milliseconds; `None` if no duration that occurred bounds it.
    pub(crate) fn high_ms(&self, q: f64, risk: f64) -> Option<f64> {
        let maybe_longer = |ns: &u64| !self.is_shorter(q, *ns, risk);
        let at = self.seen_ns.partition_point(maybe_longer);
        self.seen_ns.get(at).map(|ns| *ns as f64 / 1e6)
    }

    /// The longest duration that occurred and meets a threshold, if the percentile is certainly not longer.
    pub(crate) fn upper_bound_meeting_ms(
        &self,
        q: f64,
        risk: f64,
        meets: impl Fn(f64) -> bool,
    ) -> Option<f64> {
        let ms = |ns: u64| ns as f64 / 1e6;
        let at = self.seen_ns.partition_point(|ns| meets(ms(*ns)));
        let ns = *self.seen_ns.get(at.checked_sub(1)?)?;
        self.is_shorter(q, ns, risk).then_some(ms(ns))
    }

    /// Twice the longest duration, if that bounds the percentile. So far beyond all durations, requests count as
    /// independent.
    pub(crate) fn distant_bound_ms(&self, q: f64, risk: f64) -> Option<f64> {
        let distant_bound_ms = self.longest_ms() * FAR;
        self.is_shorter(q, in_ns(distant_bound_ms), risk)
            .then_some(distant_bound_ms)
    }

    /// The interval of a percentile, in milliseconds.
    pub(crate) fn interval(&self, q: f64) -> Option<Interval> {
        let low = self.low_ms(q, RISK_OF_END)?;
        let high = self.high_ms(q, RISK_OF_END);
        Some(Interval {
            low,
            high: high.map(|high| high.max(low)),
        })
    }
}

/// 95 % confidence interval of a metric of requests, in the metric's unit; `None` if the window does not show it, or
/// if the metric is not a percentile, the error rate, or the throughput of all requests.
pub(crate) fn interval(window: TimeWindow, scope: Scope, metric: Metric) -> Option<Interval> {
    match metric {
        Metric::Percentile(q) => Durations::of(window, scope, Measure::Response)?.interval(q),
        Metric::ErrorRate => of_error_rate(window, scope),
        Metric::Throughput if scope == Scope::All => of_throughput(window),
        _ => None,
    }
}

/// The interval of an error rate, in percent.
fn of_error_rate(window: TimeWindow, scope: Scope) -> Option<Interval> {
    let seen = window.errors(scope).filter(|seen| seen.is_long_enough)?;
    Some(Interval {
        low: seen.low(RISK_OF_END) * 100.0,
        high: Some(seen.high(RISK_OF_END) * 100.0),
    })
}

/// The interval of the throughput of all requests, per second.
fn of_throughput(window: TimeWindow) -> Option<Interval> {
    let (answered, blocks) = window.successes(Scope::All)?;
    let spread = RatioEstimate::of(&blocks, window.requirements().blocks_min)?;
    let off = Some(spread)
        .filter(|spread| spread.is_settled)?
        .margin(RISK_OF_END);
    Some(answered.within_seen(answered.all / answered.seconds, off / answered.seconds))
}

/// 95 % confidence interval of a metric of requests over a whole run, in the metric's unit; `None` if the run does
/// not show it, or if the metric is not a percentile, the error rate, or the throughput of all requests.
pub fn of_whole_run(record: &RunRecord, scope: Scope, metric: Metric) -> Option<Interval> {
    interval(TimeWindow::whole(record), scope, metric)
}
