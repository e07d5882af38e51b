//! Warm-up: the first part of a level, in which a service is not steady yet. It is found with MSER-5 (White,
//! Simulation 69, 1997), which truncates the beginning so that the mean of the rest has the smallest standard error.

use brunt_record::{Measure, PercentileValue, RunRecord, Scope};

use crate::convert::whole_number;
use crate::model::finding::{Figure, Finding, FindingKind, Mark};
use crate::number;
use crate::stats::batch_means::variance_inflation;
use crate::stats::trend;
use crate::window::time_window::TimeWindow;

/// Length of a batch, in seconds.
const BATCH: usize = 5;
/// Fewer batches are too short for a result.
const BATCHES_MIN: usize = 12;
/// Of the truncation points whose error is within this factor of the smallest, the latest is used.
const AS_GOOD: f64 = 1.02;
/// The truncated part differs from the rest by this many standard errors …
const ERRORS: f64 = 5.0;
/// … and by this proportion.
const DIFFERS: f64 = 0.01;
/// The risk of calling a steady service unsteady, for each of the series and each direction.
const RISK: f64 = 0.0005;
/// A drift below this, over the rest of the level, counts as steady.
const DRIFT: f64 = 0.05;

/// The beginning of a level.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum WarmUp {
    /// Nothing had to be truncated.
    None,
    /// The level was steady from a certain time on.
    Until {
        /// In seconds since the start of the run.
        until_s: f64,
        /// The start of the level.
        from_s: f64,
    },
    /// The level drifted throughout.
    NeverSteady,
}

/// Finds the warm-up of a run whose load holds one level for most of the time; `None` if it does not, or if the level
/// is too short.
pub fn warm_up(record: &RunRecord) -> Option<WarmUp> {
    let (from_s, to_s) = level(record)?;
    let window = TimeWindow::between(record, from_s, to_s);
    let all = series(window);
    let width_s = record.timeline.width_s() as usize;
    let batch = BATCH.div_ceil(width_s);
    let mut cut = 0;
    for values in &all {
        let batches = batches(values, batch);
        if batches.len() < BATCHES_MIN {
            return None;
        }
        cut = cut.max(cut_of(&batches) * batch);
    }
    let drifts = all
        .iter()
        .any(|values| drifts(&batches(&values[cut..], batch)));
    Some(match cut {
        _ if drifts => WarmUp::NeverSteady,
        0 => WarmUp::None,
        _ => WarmUp::Until {
            until_s: window.begins_s() + (cut * width_s) as f64,
            from_s: window.begins_s(),
        },
    })
}

/// The part of a run that is judged: without its warm-up.
pub(crate) fn judged(record: &RunRecord) -> TimeWindow<'_> {
    let found_s = match warm_up(record) {
        Some(WarmUp::Until { until_s, .. }) => until_s,
        _ => 0.0,
    };
    // The warm-up that the profile sets is excluded, whatever is found.
    let until_s = found_s.max(record.header.load.warm_up_s);
    if until_s > 0.0 {
        TimeWindow::from(record, until_s)
    } else {
        TimeWindow::whole(record)
    }
}

/// The last level, if the load holds it for most of the run.
fn level(record: &RunRecord) -> Option<(f64, f64)> {
    if record.header.load.search.is_some() {
        return None;
    }
    let load = record.load();
    let (from_s, end_s) = load.steady_spans().pop()?;
    let is_last = end_s >= load.duration_s() - 1e-6;
    let is_most = end_s - from_s > 0.75 * load.duration_s();
    let to_s = record.duration_s().min(load.duration_s());
    (is_last && is_most && to_s > from_s).then_some((from_s, to_s))
}

/// The series per interval: p50 and throughput relative to their medians, and the logarithm of the p99, so that
/// differences are proportions. An interval without responses repeats the previous one.
fn series(window: TimeWindow) -> [Vec<f64>; 3] {
    let timeline = &window.record.timeline;
    let width_s = timeline.width_s() as usize;
    let mut all = [const { Vec::new() }; 3];
    for interval in window.intervals() {
        let seen = timeline.distribution_at(interval, Scope::All, Measure::Response);
        let ms = |q| seen.percentile(q).and_then(PercentileValue::ms);
        let seconds = timeline
            .seconds()
            .range(interval * width_s..(interval + 1) * width_s);
        let answered: u64 = seconds.map(|second| second.ok).sum();
        let p99 = ms(0.99).map(|ms| ms.max(1e-6).ln());
        let values = [ms(0.5), p99, Some(answered as f64)];
        for (series, value) in all.iter_mut().zip(values) {
            if let Some(value) = value.or(series.last().copied()) {
                series.push(value);
            }
        }
    }
    let [p50, _, throughput] = &mut all;
    beside_usual(p50);
    beside_usual(throughput);
    all
}

fn beside_usual(series: &mut [f64]) {
    let mut sorted = series.to_vec();
    sorted.sort_by(f64::total_cmp);
    let usual = sorted.get(sorted.len() / 2).copied().unwrap_or(0.0);
    if usual > 0.0 {
        series.iter_mut().for_each(|value| *value /= usual);
    }
}

fn batches(values: &[f64], batch: usize) -> Vec<f64> {
    let mean = |part: &[f64]| part.iter().sum::<f64>() / part.len() as f64;
    values.chunks_exact(batch).map(mean).collect()
}

/// The number of batches to truncate: none if the best truncation would leave less than half of them.
fn cut_of(batches: &[f64]) -> usize {
    let spread = |cut: usize| {
        let kept = &batches[cut..];
        let (mean, count) = (mean(kept), kept.len() as f64);
        let squares: f64 = kept.iter().map(|value| (value - mean).powi(2)).sum();
        squares / (count * count)
    };
    let cuts = 0..=batches.len() - BATCH;
    let least = cuts.clone().map(spread).fold(f64::INFINITY, f64::min);
    let best = cuts.rev().find(|cut| spread(*cut) <= least * AS_GOOD);
    best.filter(|cut| *cut <= batches.len() / 2)
        .filter(|cut| {
            let (first, rest) = batches.split_at(*cut);
            // A level that begins like the rest and deviates later has not warmed up.
            let begin = &first[..cut.div_ceil(2)];
            *cut > 0 && differs(first, rest) && differs(begin, rest)
        })
        .unwrap_or(0)
}

/// Returns whether the first part differs from the rest by more than chance explains; the autocorrelation of the rest
/// is taken into account.
fn differs(first: &[f64], rest: &[f64]) -> bool {
    let usual = mean(rest);
    let off_usual: Vec<f64> = rest.iter().map(|value| value - usual).collect();
    let squares: f64 = off_usual.iter().map(|off| off * off).sum();
    let products: f64 = off_usual.windows(2).map(|pair| pair[0] * pair[1]).sum();
    let correlation = (products / squares.max(f64::MIN_POSITIVE)).max(0.0);
    let variance = squares / (rest.len() as f64 - 1.0) * variance_inflation(correlation);
    let off = (mean(first) - usual).abs();
    off > ERRORS * (variance / first.len() as f64).sqrt() && off > DIFFERS
}

/// Returns whether a series keeps rising or falling.
fn drifts(batches: &[f64]) -> bool {
    let points = |sign: f64| -> Vec<trend::Point> {
        let values = batches.iter().enumerate();
        values
            .map(|(at, value)| (at as f64, sign * value))
            .collect()
    };
    [1.0, -1.0].into_iter().any(|sign| {
        trend::trend(&trend::means(&points(sign)))
            .is_some_and(|found| found.p < RISK && found.slope_low * batches.len() as f64 > DRIFT)
    })
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// The finding on the warm-up.
pub(crate) fn finding(record: &RunRecord) -> Option<Finding> {
    match warm_up(record)? {
        WarmUp::None => None,
        WarmUp::NeverSteady => {
            let sentence = "The service was never steady: it got slower or faster throughout, so its \
                            figures describe only this run.";
            Some(Finding::new(FindingKind::WarmUp, sentence).with("steady", Figure::Bool(false)))
        }
        WarmUp::Until { until_s, from_s } => {
            let seconds = record.timeline.seconds().iter();
            let first = seconds.take(whole_number(until_s));
            let failed: u64 = first.map(|second| second.failed + second.unanswered).sum();
            let failures = match failed {
                0 => String::new(),
                count => format!(
                    " The {} that failed during it still count.",
                    number::requests(count)
                ),
            };
            let sentence = format!(
                "The first {} were warm-up; percentiles, mean and throughput are judged from then on.{failures}",
                number::seconds(until_s)
            );
            let found = Finding::new(FindingKind::WarmUp, sentence)
                .with("steady", Figure::Bool(true))
                .with("until_s", Figure::Number(until_s))
                .with("failures", Figure::Count(failed))
                .with_mark(Mark::Span {
                    label: "warm-up",
                    from_s,
                    to_s: until_s,
                });
            Some(found)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Batches around 1, some of them higher by a constant.
    fn batches_with(more: std::ops::Range<usize>, by: f64) -> Vec<f64> {
        let noise = |at: usize| if at.is_multiple_of(2) { 0.01 } else { -0.01 };
        (0..60)
            .map(|at| 1.0 + noise(at) + if more.contains(&at) { by } else { 0.0 })
            .collect()
    }

    #[test]
    fn beginning_that_differs_is_truncated() {
        // Of the truncation points that are about as good, the latest.
        assert!((8..=10).contains(&cut_of(&batches_with(0..8, 0.5))));
    }

    #[test]
    fn level_that_deviates_later_has_not_warmed_up() {
        assert_eq!(cut_of(&batches_with(8..14, 0.5)), 0);
    }
}
