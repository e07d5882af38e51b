//! What was seen, second by second: how sure shares are, and the intervals of figures.

use record::{Measure, Metric, RunRecord, Scope};

use crate::Interval;
use crate::blocks::{self, Block, Sureness};

/// Two-sided, 95 %.
const RISK_OF_END: f64 = 0.025;
/// Where the longest answer would do if it took so many times as long, how slow answers come says
/// nothing of those that would not.
const FAR: f64 = 2.0;
/// A run that goes on for so many blocks after its last request has nothing more to say.
const BLOCKS_WITHOUT_DATA: usize = 1_000;
/// Answers slower than nine of ten tell how slow answers come.
const SLOW: f64 = 0.9;

/// How sure the share of requests is whose duration will not do.
pub(crate) fn misses(
    record: &RunRecord,
    scope: Scope,
    measure: Measure,
    will_do: impl Fn(u64) -> bool,
) -> Option<Sureness> {
    let timeline = &record.timeline;
    let counted = |will_do: &dyn Fn(u64) -> bool| {
        blocks_of(record, |interval| {
            timeline.missing_at(interval, scope, measure, will_do)
        })
    };
    let distribution = timeline.distribution(scope, measure);
    let longest = distribution.max()?;
    if longest.ms().is_some_and(|ms| will_do(in_ns(ms * FAR))) {
        return blocks::sureness(&counted(&will_do));
    }
    let slow_ms = distribution.percentile(SLOW).and_then(record::Waited::ms);
    let slow = counted(&|ns| slow_ms.is_none_or(|slow_ms| ns as f64 / 1e6 <= slow_ms));
    blocks::sureness_beside(&counted(&will_do), &slow)
}

/// How sure the share of requests is that were not answered well.
pub(crate) fn errors(record: &RunRecord, scope: Scope) -> Option<Sureness> {
    let failed = |interval| record.timeline.failed_at(interval, scope);
    blocks::sureness(&blocks_of(record, failed))
}

/// The blocks of the load: intervals of the run in which requests were meant to start.
fn blocks_of(record: &RunRecord, count: impl Fn(usize) -> (u64, u64)) -> Vec<Block> {
    let timeline = &record.timeline;
    let intervals = (record.duration_s() / f64::from(timeline.width_s())).ceil();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a float cast saturates, and a length is not negative"
    )]
    let intervals =
        (intervals as usize).clamp(1, timeline.intervals().max(1) + BLOCKS_WITHOUT_DATA);
    (0..intervals)
        .map(|interval| {
            let (missing, all) = count(interval);
            Block {
                missing: missing as f64,
                all: all as f64,
            }
        })
        .collect()
}

/// The interval of a metric of requests with 95 % confidence, in the metric's unit; `None` where the run
/// does not tell, or the metric is no percentile, error rate or throughput of all requests.
pub fn interval(record: &RunRecord, scope: Scope, metric: Metric) -> Option<Interval> {
    match metric {
        Metric::Percentile(q) => of_percentile(record, scope, Measure::Response, q),
        Metric::ErrorRate => of_error_rate(record, scope),
        Metric::Throughput if scope == Scope::All => of_throughput(record),
        _ => None,
    }
}

/// The interval of a percentile, in milliseconds: the durations that it may be, as far as the run tells.
fn of_percentile(record: &RunRecord, scope: Scope, measure: Measure, q: f64) -> Option<Interval> {
    let distribution = record.timeline.distribution(scope, measure);
    let durations: Vec<u64> = distribution.ok.counts().map(|(ns, _)| ns).collect();
    let beyond = |ns: u64| misses(record, scope, measure, |duration| duration <= ns);
    if !beyond(*durations.first()?)?.is_long_enough {
        return None;
    }
    let limit = 1.0 - q;
    let surely_longer = |ns: &u64| beyond(*ns).is_some_and(|seen| seen.low(RISK_OF_END) > limit);
    let not_surely_shorter =
        |ns: &u64| beyond(*ns).is_none_or(|seen| seen.high(RISK_OF_END) >= limit);
    let ms = |at: usize| durations.get(at).map(|ns| *ns as f64 / 1e6);
    let low = ms(durations.partition_point(surely_longer))?;
    // What would do if it took twice as long as the longest is told as if requests were independent.
    let longest_ms = *durations.last()? as f64 / 1e6;
    let far = || {
        let seen = misses(record, scope, measure, |ns| {
            ns as f64 / 1e6 <= longest_ms * FAR
        })?;
        (seen.high(RISK_OF_END) < limit).then_some(longest_ms * FAR)
    };
    let high = ms(durations.partition_point(not_surely_shorter)).or_else(far);
    Some(Interval {
        low,
        high: high.map(|high| high.max(low)),
    })
}

/// The interval of an error rate, in percent.
fn of_error_rate(record: &RunRecord, scope: Scope) -> Option<Interval> {
    let seen = errors(record, scope).filter(|seen| seen.is_long_enough)?;
    Some(Interval {
        low: seen.low(RISK_OF_END) * 100.0,
        high: Some(seen.high(RISK_OF_END) * 100.0),
    })
}

/// The interval of the throughput of all requests, a second.
fn of_throughput(record: &RunRecord) -> Option<Interval> {
    let seconds = record.timeline.seconds().iter();
    let ends = (1u32..).map(f64::from);
    let whole = ends
        .zip(seconds)
        .take_while(|(end_s, _)| *end_s <= record.throughput_s());
    let answered: Vec<f64> = whole.map(|(_, second)| second.ok as f64).collect();
    let (low, high) = blocks::mean_interval(&answered)?;
    Some(Interval {
        low: low.max(0.0),
        high: Some(high),
    })
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float cast saturates, and durations are not negative"
)]
fn in_ns(ms: f64) -> u64 {
    (ms * 1e6) as u64
}
