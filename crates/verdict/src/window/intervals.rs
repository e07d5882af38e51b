//! Durations: between which of the durations that were seen a percentile lies.

use brunt_record::{Measure, Metric, RunRecord, Scope};

use crate::convert::in_ns;
use crate::model::judgement::Interval;
use crate::stats::batch_means::RatioEstimate;
use crate::stats::batch_means::{self, Block, ProportionEstimate, Requirements};
use crate::window::time_window::{FAR, RISK_OF_END, SLOW, TimeWindow};

/// The durations of one block.
struct BlockCounts {
    /// Each with how many are as long or shorter.
    up_to: Vec<(u64, u64)>,
    /// The never answered are among them.
    all: u64,
}

/// The durations of a stretch.
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

    /// Block by block: requests whose duration will not do, or that were never answered. Where a duration
    /// will do, every shorter one has to.
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

/// The durations of a stretch, to be asked of many limits.
pub(crate) struct Durations {
    counts: CumulativeCounts,
    slow: Vec<Block>,
    /// Each that was seen, sorted.
    seen_ns: Vec<u64>,
    unanswered: u64,
    requirements: Requirements,
}

impl Durations {
    /// `None` if nothing was answered, or in too short a time.
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

    /// In milliseconds.
    pub(crate) fn longest_ms(&self) -> f64 {
        self.longest_ns() as f64 / 1e6
    }

    /// How sure the share of requests is that take longer than this.
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

    /// The least duration that a percentile may be, in milliseconds; `None` if it is among the unanswered.
    pub(crate) fn low_ms(&self, q: f64, risk: f64) -> Option<f64> {
        let surely_longer = |ns: &u64| {
            self.longer_than(*ns)
                .is_some_and(|seen| seen.is_over(1.0 - q, risk))
        };
        let at = self.seen_ns.partition_point(surely_longer);
        self.seen_ns.get(at).map(|ns| *ns as f64 / 1e6)
    }

    /// The largest that it may be; `None` if nothing that was seen bounds it.
    pub(crate) fn high_ms(&self, q: f64, risk: f64) -> Option<f64> {
        let maybe_longer = |ns: &u64| !self.is_shorter(q, *ns, risk);
        let at = self.seen_ns.partition_point(maybe_longer);
        self.seen_ns.get(at).map(|ns| *ns as f64 / 1e6)
    }

    /// The largest duration that was seen and will do, if the percentile is surely no more.
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

    /// Twice the longest: what would do even then is told as if requests were independent.
    pub(crate) fn distant_bound_ms(&self, q: f64, risk: f64) -> Option<f64> {
        let distant_bound_ms = self.longest_ms() * FAR;
        self.is_shorter(q, in_ns(distant_bound_ms), risk)
            .then_some(distant_bound_ms)
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

/// The interval of a metric of requests with 95 % confidence, in the metric's unit; `None` where the
/// run does not tell, or the metric is no percentile, error rate or throughput of all requests.
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

/// The interval of the throughput of all requests, a second.
fn of_throughput(window: TimeWindow) -> Option<Interval> {
    let (answered, blocks) = window.successes(Scope::All)?;
    let spread = RatioEstimate::of(&blocks, window.requirements().blocks_min)?;
    let off = Some(spread)
        .filter(|spread| spread.is_settled)?
        .margin(RISK_OF_END);
    Some(answered.within_seen(answered.all / answered.seconds, off / answered.seconds))
}

/// The interval of a metric of requests with 95 % confidence over a whole run, in the metric's unit; `None` if the run does
/// not show it, or if the metric is not a percentile, the error rate, or the throughput of all requests.
pub fn of_whole_run(record: &RunRecord, scope: Scope, metric: Metric) -> Option<Interval> {
    interval(TimeWindow::whole(record), scope, metric)
}
