//! Leaks: whether a resource of the service (memory, descriptors, threads) grows and will continue to.

use brunt_record::{Metric, ProcessReading, Reading, RunRecord, Scope};

use crate::model::finding::{Figure, Finding, FindingKind, Mark};
use crate::number;
use crate::stats::trend::{self, Point, Trend, TrendShape};

/// The risk of a false alarm, over all resources.
const RISK: f64 = 0.01;
/// The risk of the test of the second half, which must rise as well.
const RISK_OF_LAST_HALF: f64 = 0.05;
/// The smallest relevant growth, relative to the level …
const BUDGET: f64 = 0.1;
/// … in this time.
const HORIZON_S: f64 = 24.0 * 3_600.0;
/// The time at one level that is needed to find a leak.
const LEVEL_S_MIN: f64 = 120.0;
/// The proportion at the beginning of a level that counts as warm-up.
const WARM_UP: f64 = 0.2;

/// The profile that looks for leaks.
pub(crate) const ENDURANCE: &str = "endurance";

/// The growth of a series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Growth {
    /// No relevant growth.
    None,
    /// It grows, and will continue to.
    Leak(Trend),
    /// It grew and leveled off: a cache filling up.
    LevelsOff,
    /// It grows, and the run is too short to show whether it will continue to.
    Unclear(Trend),
}

/// Classifies the growth of a series. Relevant growth is significant with this risk, more than a tenth of the level
/// per day, at least `least` during the measurement, and visible in the second half as well.
pub fn growth(series: &[Point], risk: f64, least: f64) -> Growth {
    let minima = trend::minima(series);
    let Some(found) = trend::trend(&minima) else {
        return Growth::None;
    };
    let level = minima
        .iter()
        .map(|(_, value)| *value)
        .fold(f64::INFINITY, f64::min);
    let matters = found.slope_low * HORIZON_S > BUDGET * level.max(1.0);
    let seen_s = minima.last().map_or(0.0, |(at_s, _)| at_s - minima[0].0);
    if found.p > risk || !matters || found.slope * seen_s < least {
        return Growth::None;
    }
    if found.shape == TrendShape::Saturating {
        return Growth::LevelsOff;
    }
    let half = trend::minima(&series[series.len() / 2..]);
    let goes_on = trend::trend(&half)
        .is_some_and(|half| half.p < RISK_OF_LAST_HALF && half.slope > found.slope / 4.0);
    let found = found.with_slope_of(trend::trend(&trend::means(series)));
    match (goes_on, found.shape) {
        (false, _) => Growth::LevelsOff,
        (true, TrendShape::Linear) => Growth::Leak(found),
        (true, _) => Growth::Unclear(found),
    }
}

/// A resource that is monitored for growth.
struct WatchedResource {
    name: &'static str,
    unit: &'static str,
    per_unit: f64,
    /// Smaller growth during the measurement may be a one-time effect.
    least: f64,
    of: fn(&ProcessReading) -> Option<f64>,
}

const WATCHED_RESOURCES: [WatchedResource; 3] = [
    WatchedResource {
        name: "memory",
        unit: "MB",
        per_unit: 1e6,
        least: 2e6,
        of: |process| {
            let bytes = process.anonymous_bytes.or(process.rss_bytes)?;
            Some(bytes as f64)
        },
    },
    WatchedResource {
        name: "descriptors",
        unit: "descriptors",
        per_unit: 1.0,
        least: 4.0,
        of: |process| process.descriptors.map(|count| count as f64),
    },
    WatchedResource {
        name: "threads",
        unit: "threads",
        per_unit: 1.0,
        least: 2.0,
        of: |process| process.threads.map(|count| count as f64),
    },
];

/// Findings on growth, if the load held one level for long enough.
pub(crate) fn findings(record: &RunRecord) -> Vec<Finding> {
    let Some((from_s, to_s)) = longest_level(record) else {
        return too_short(record).into_iter().collect();
    };
    let begin_s = from_s + (to_s - from_s) * WARM_UP;
    let during = |reading: &Reading| {
        let at_s = reading.at_ms as f64 / 1e3;
        (begin_s..=to_s).contains(&at_s)
    };
    let readings: Vec<Reading> = record.readings.iter().filter(during).collect();
    let found = WATCHED_RESOURCES.iter().filter_map(|watched| {
        let series: Vec<Point> = readings
            .iter()
            .filter_map(|reading| {
                let value = (watched.of)(reading.target.as_ref()?)?;
                Some((reading.at_ms as f64 / 1e3, value))
            })
            .collect();
        // The risk is divided among the three.
        match growth(
            &series,
            RISK / WATCHED_RESOURCES.len() as f64,
            watched.least,
        ) {
            Growth::None => None,
            Growth::Leak(trend) => Some(leak(record, watched, &trend, &series)),
            Growth::LevelsOff => Some(levels_off(watched)),
            Growth::Unclear(trend) => Some(unclear(watched, &trend)),
        }
    });
    found.collect()
}

/// Returns whether the resources of a process were read.
pub(crate) fn is_watched(record: &RunRecord) -> bool {
    record
        .readings
        .iter()
        .any(|reading| reading.target.is_some())
}

/// The finding that a run of the endurance profile is too short.
fn too_short(record: &RunRecord) -> Option<Finding> {
    let sentence = format!(
        "Too short to show whether the service leaks: keep the load constant for {} or more.",
        number::seconds(LEVEL_S_MIN)
    );
    let is_asked = record.header.profile == ENDURANCE;
    is_asked.then(|| Finding::new(FindingKind::GrowthUnclear, sentence))
}

/// The longest time for which the load was planned to be constant, as far as it was generated.
pub(crate) fn longest_level(record: &RunRecord) -> Option<(f64, f64)> {
    if record.header.load.search.is_some() {
        return None;
    }
    let mut longest: Option<(f64, f64)> = None;
    for (from_s, to_s) in record.header.load.steady_spans() {
        let to_s = to_s.min(record.duration_s());
        if longest.is_none_or(|(from, to)| to - from < to_s - from_s) {
            longest = Some((from_s, to_s));
        }
    }
    longest.filter(|(from, to)| to - from >= LEVEL_S_MIN)
}

fn per_hour(watched: &WatchedResource, slope: f64) -> String {
    format!(
        "{} {}",
        number::measured(slope * 3_600.0 / watched.per_unit),
        watched.unit
    )
}

fn leak(record: &RunRecord, watched: &WatchedResource, trend: &Trend, series: &[Point]) -> Finding {
    let mut sentence = format!(
        "The service leaks {}: {} per hour ({} to {})",
        watched.name,
        per_hour(watched, trend.slope),
        number::measured(trend.slope_low * 3_600.0 / watched.per_unit),
        per_hour(watched, trend.slope_high),
    );
    let rate = |slope: f64| slope * 3_600.0 / watched.per_unit;
    let ends = (rate(trend.slope_low), rate(trend.slope_high));
    let mut found = Finding::new(FindingKind::Leak, "")
        .with("metric", Figure::Keyword(watched.name))
        .with("unit", Figure::Keyword(watched.unit))
        .with("slope_per_hour", Figure::Number(rate(trend.slope)))
        .with("interval", Figure::Interval(ends.0, ends.1))
        .with_mark(line(watched, trend, series));
    let timeline = &record.timeline;
    let all = timeline.distribution(Scope::All, brunt_record::Measure::Response);
    let per_s = all.count() as f64 / record.duration_s().max(1.0);
    if per_s > 0.0 {
        let per_million = trend.slope / per_s * 1e6 / watched.per_unit;
        sentence.push_str(&format!(
            ", {} {} per million requests",
            number::measured(per_million),
            watched.unit
        ));
        found = found.with("per_million_requests", Figure::Number(per_million));
    }
    let last = series.last().map_or(0.0, |(_, value)| *value);
    if let Some((limit, whose)) = limit_of(record, watched)
        && limit > last
    {
        let hours = (limit - last) / trend.slope / 3_600.0;
        let in_hours = number::measured(hours);
        sentence.push_str(&format!("; {whose} is reached in {in_hours} h"));
        found = found.with("limit_reached_in_h", Figure::Number(hours));
    }
    sentence.push('.');
    Finding {
        headline: sentence,
        ..found
    }
}

/// The trend line through the medians of the minima, in the unit of the finding.
fn line(watched: &WatchedResource, trend: &Trend, series: &[Point]) -> Mark {
    let minima = trend::minima(series);
    let mut rests: Vec<f64> = minima
        .iter()
        .map(|(at_s, value)| value - trend.slope * at_s)
        .collect();
    rests.sort_by(f64::total_cmp);
    let level = rests.get(rests.len() / 2).copied().unwrap_or(0.0);
    let at = |at_s: f64| (at_s, (level + trend.slope * at_s) / watched.per_unit);
    let ends = (series.first(), series.last());
    Mark::Line {
        metric: watched.name,
        from: at(ends.0.map_or(0.0, |(at_s, _)| *at_s)),
        to: at(ends.1.map_or(0.0, |(at_s, _)| *at_s)),
    }
}

/// The limit of the growth: the critical threshold of memory, or the machine's memory.
fn limit_of(record: &RunRecord, watched: &WatchedResource) -> Option<(f64, &'static str)> {
    if watched.name != "memory" {
        return None;
    }
    let mut targets = record.header.targets.iter();
    let target = targets.find(|target| target.metric == Metric::Memory);
    let critical = target.and_then(|target| target.critical);
    critical
        .map(|megabytes| (megabytes * 1e6, "the critical threshold"))
        .or_else(|| {
            let bytes = record.header.machine.memory_bytes?;
            Some((bytes as f64, "the machine's memory"))
        })
}

fn levels_off(watched: &WatchedResource) -> Finding {
    let sentence = format!(
        "The service's {} grew and leveled off: a cache filling up, not a leak.",
        watched.name
    );
    Finding::new(FindingKind::CacheFilling, sentence).with("metric", Figure::Keyword(watched.name))
}

fn unclear(watched: &WatchedResource, trend: &Trend) -> Finding {
    let sentence = format!(
        "The service's {} grows by {} per hour; the run is too short to distinguish a leak from a cache \
         filling up: run longer.",
        watched.name,
        per_hour(watched, trend.slope),
    );
    Finding::new(FindingKind::GrowthUnclear, sentence).with("metric", Figure::Keyword(watched.name))
}
