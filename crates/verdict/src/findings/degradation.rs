//! Degradation: whether a service gets slower, or fails more often, during a long time at one level of load.

use brunt_record::{Measure, PercentileValue, RunRecord, Scope};

use crate::findings::leak::longest_level;
use crate::model::finding::{Figure, Finding, FindingKind};
use crate::number;
use crate::stats::trend::{self, Point, Trend, TrendShape};

/// The risk of a false alarm, over all metrics.
const RISK: f64 = 0.01;
/// The risk of the test of the second half, which must rise as well.
const RISK_OF_LAST_HALF: f64 = 0.05;
/// The smallest relevant increase over the level, relative to the mean.
const MATTERS: f64 = 0.1;
/// The smallest error rate to compare with, in percent.
const ERRORS_LEAST: f64 = 0.1;

/// A metric that may get worse.
struct WatchedMetric {
    metric: &'static str,
    words: &'static str,
    unit: &'static str,
    least: f64,
    of: fn(&RunRecord, usize, Measure) -> Option<f64>,
}

const WATCHED_METRICS: [WatchedMetric; 3] = [
    WatchedMetric {
        metric: "p50",
        words: "gets slower: its p50",
        unit: "ms",
        least: 0.0,
        of: |record, interval, by| percentile_ms(record, interval, by, 0.5),
    },
    WatchedMetric {
        metric: "p95",
        words: "gets slower: its p95",
        unit: "ms",
        least: 0.0,
        of: |record, interval, by| percentile_ms(record, interval, by, 0.95),
    },
    WatchedMetric {
        metric: "error_rate",
        words: "fails more often: its error rate",
        unit: "%",
        least: ERRORS_LEAST,
        of: |record, interval, _| {
            let (failed, all) = record.timeline.failed_at(interval, Scope::All);
            (all > 0).then(|| failed as f64 / all as f64 * 100.0)
        },
    },
];

fn percentile_ms(record: &RunRecord, interval: usize, by: Measure, q: f64) -> Option<f64> {
    let timeline = &record.timeline;
    let seen = timeline.distribution_at(interval, Scope::All, by);
    seen.percentile(q).and_then(PercentileValue::ms)
}

/// The trend of a series that gets worse in a relevant way: with this risk, by more than a tenth of its mean over its
/// length, in its second half as well, and without leveling off.
pub fn worsening(series: &[Point], risk: f64, least: f64) -> Option<Trend> {
    let points = trend::means(series);
    let found = trend::trend(&points)?;
    let length_s = points.last()?.0 - points.first()?.0;
    let usual = points.iter().map(|(_, value)| value).sum::<f64>() / points.len() as f64;
    let matters = found.slope_low * length_s > MATTERS * usual.max(least);
    if found.p > risk || !matters || found.shape == TrendShape::Saturating {
        return None;
    }
    let half = trend::trend(&trend::means(&series[series.len() / 2..]))?;
    let goes_on = half.p < RISK_OF_LAST_HALF && half.slope > found.slope / 4.0;
    goes_on.then_some(found)
}

/// Findings on what got worse, if the load held one level for long enough: the first of the percentiles, and errors.
pub(crate) fn findings(record: &RunRecord) -> Vec<Finding> {
    findings_by(record, Measure::Response)
}

/// Reports, in words, whether the service seems to get slower only because of the generator's lateness.
pub(crate) fn made_by_lateness(record: &RunRecord) -> Option<String> {
    let is_slower = |by| {
        let found = findings_by(record, by);
        let in_ms = ("unit", Figure::Keyword("ms"));
        found.iter().any(|finding| finding.figures.contains(&in_ms))
    };
    let is_made = is_slower(Measure::Response) && !is_slower(Measure::LagCorrected);
    is_made.then(|| "the service seem to get slower".to_owned())
}

fn findings_by(record: &RunRecord, by: Measure) -> Vec<Finding> {
    let Some((from_s, to_s)) = longest_level(record) else {
        return Vec::new();
    };
    let width_s = f64::from(record.timeline.width_s());
    let within = |interval: &usize| {
        let at_s = *interval as f64 * width_s;
        (from_s..to_s - width_s + 1e-9).contains(&at_s)
    };
    let intervals: Vec<usize> = (0..record.timeline.intervals()).filter(within).collect();
    let mut found: Vec<Finding> = Vec::new();
    for watched in &WATCHED_METRICS {
        let series: Vec<Point> = intervals
            .iter()
            .filter_map(|interval| {
                let value = (watched.of)(record, *interval, by)?;
                Some((*interval as f64 * width_s, value))
            })
            .collect();
        let is_told = |other: &Finding| watched.unit == "ms" && !other.figures.is_empty();
        if let Some(trend) = worsening(&series, RISK / WATCHED_METRICS.len() as f64, watched.least)
            && !found.iter().any(is_told)
        {
            found.push(finding(watched, &trend));
        }
    }
    found
}

fn finding(watched: &WatchedMetric, trend: &Trend) -> Finding {
    let per_hour = |slope: f64| slope * 3_600.0;
    let sentence = format!(
        "The service {} rises by {} {unit} per hour ({} to {} {unit}) at a constant load.",
        watched.words,
        number::measured(per_hour(trend.slope)),
        number::measured(per_hour(trend.slope_low)),
        number::measured(per_hour(trend.slope_high)),
        unit = watched.unit,
    );
    Finding::new(FindingKind::Degradation, sentence)
        .with("metric", Figure::Keyword(watched.metric))
        .with("unit", Figure::Keyword(watched.unit))
        .with("slope_per_hour", Figure::Number(per_hour(trend.slope)))
        .with(
            "interval",
            Figure::Interval(per_hour(trend.slope_low), per_hour(trend.slope_high)),
        )
}
