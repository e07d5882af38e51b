//! Recovery: how long a service needs to return to its previous behavior after a spike.
//!
//! A service has recovered from the first second from which it stays within its bands: for the p95 of the requests
//! with their intended start in each second, for their errors, and for the requests in flight. The bands are those of
//! the level before the spike.

use brunt_record::{Measure, PercentileValue, RunRecord, Scope, SearchPhase};

use crate::model::finding::{Figure, Finding, FindingKind, Mark};
use crate::number;

/// The smallest factor of the previous level that is a spike.
const SPIKE: f64 = 1.5;
/// The largest factor of the previous level that counts as that level again.
const LEVEL: f64 = 1.1;
/// The largest factor of a previous value that counts as unchanged.
const AS_BEFORE: f64 = 1.1;
/// A few windows do not show how far one deviates by chance; the band is at least this many standard deviations wide
/// …
const STRAYS: f64 = 3.0;
/// … which are this many median absolute deviations for a normal distribution.
const SD_PER_MEDIAN: f64 = 1.4826;
/// The number of windows that are needed of the level before the spike.
const WINDOWS_BEFORE: usize = 20;
/// The number of windows for which the service must stay within its bands.
const HOLDS: usize = 10;
/// The proportion of the level before the spike that counts as warm-up.
const WARM_UP: f64 = 0.2;
/// Warm-up of that level in a search, in which it is short and known, in seconds.
const SETTLE_S: f64 = 1.0;

/// A load under which requests take this many times as long has disturbed the service, however single windows before
/// it may have deviated.
const DISTURBED: f64 = 2.0;

/// Recovery times that differ by no more than this proportion, and two windows, count as equal.
const AS_ALIKE: f64 = 0.1;

/// The behavior of a service after a spike.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Recovery {
    /// Nothing left its band.
    NotDisturbed,
    /// It recovered.
    Recovered {
        /// Time since the end of the spike.
        seconds: f64,
        /// Precision: the width of a window.
        error_s: f64,
    },
    /// Requests took far longer during the spike, or failed, but the level before deviated as much by itself, so
    /// recovery is not defined.
    Unclear,
    /// It did not recover while it was measured.
    NotWithin {
        /// From the end of the spike to the end of the load.
        seconds: f64,
    },
}

/// A spike in the planned load, in seconds since the start.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spike {
    /// Start of the level before it.
    pub before_s: f64,
    /// Start of the rise.
    pub begins_s: f64,
    /// Return to the level.
    pub ends_s: f64,
    /// End of the level after it.
    pub until_s: f64,
}

/// The first spike of a load: a level, a higher one, and the first level again.
pub fn spike(record: &RunRecord) -> Option<Spike> {
    if record.header.load.search.is_some() {
        return push(record);
    }
    let stages = &record.header.load.stages;
    let mut at_s = 0.0;
    let mut edges = vec![0.0];
    for stage in stages {
        at_s += stage.seconds;
        edges.push(at_s);
    }
    for (at, before) in stages.iter().enumerate() {
        let level = before.to;
        let is_level = (before.from - before.to).abs() <= 0.0 && level > 0.0;
        let rises = stages
            .get(at + 1)
            .is_some_and(|next| next.to > level * SPIKE);
        if !is_level || !rises {
            continue;
        }
        let is_back = |stage: &brunt_record::LoadStage| {
            stage.from <= level * LEVEL && stage.to <= level * LEVEL
        };
        let back = (at + 1..stages.len()).find(|later| is_back(&stages[*later]))?;
        let after = (back..stages.len()).take_while(|later| is_back(&stages[*later]));
        return Some(Spike {
            before_s: edges[at] + before.seconds * WARM_UP,
            begins_s: edges[at + 1],
            ends_s: edges[back],
            until_s: edges[after.last().unwrap_or(back) + 1].min(record.duration_s()),
        });
    }
    None
}

/// The last spike of a search, with the levels before and after it.
fn push(record: &RunRecord) -> Option<Spike> {
    let from_s = |part: SearchPhase| {
        let level = record.levels().find(|level| level.phase == part)?;
        Some(level.from_ms as f64 / 1e3)
    };
    Some(Spike {
        before_s: from_s(SearchPhase::PreSpike)? + SETTLE_S,
        begins_s: from_s(SearchPhase::Spike)?,
        ends_s: from_s(SearchPhase::Recovery)?,
        until_s: record.duration_s(),
    })
}

/// The bands, computed from the level before the spike.
struct Bands {
    p95_ms: f64,
    error_share: f64,
    in_flight: Option<u32>,
}

/// The standard deviation around a center, from the median absolute deviation, which outliers do not affect.
fn deviation(values: &[f64], middle: f64) -> f64 {
    let distance = |value: &f64| (value - middle).abs();
    let mut distances: Vec<f64> = values.iter().map(distance).collect();
    distances.sort_by(f64::total_cmp);
    distances[distances.len() / 2] * SD_PER_MEDIAN
}

/// Measurements of one window.
#[derive(Debug, Clone, Copy)]
struct Window {
    begin_s: f64,
    /// `None`: no intended starts; infinite: no response.
    p95_ms: Option<f64>,
    failed: u64,
    all: u64,
    in_flight: Option<u32>,
}

impl Bands {
    fn of(before: &[Window]) -> Option<Self> {
        let mut p95s: Vec<f64> = before.iter().filter_map(|window| window.p95_ms).collect();
        if p95s.len() < WINDOWS_BEFORE {
            return None;
        }
        p95s.sort_by(f64::total_cmp);
        let usual = p95s[p95s.len() / 2];
        // The largest of a hundred values is ignored.
        let seen = p95s[p95s.len() - 1 - p95s.len() / 100];
        let bound = seen.max(usual + STRAYS * deviation(&p95s, usual));
        let (failed, all) = before.iter().fold((0, 0), |(failed, all), window| {
            (failed + window.failed, all + window.all)
        });
        Some(Self {
            p95_ms: (usual * AS_BEFORE).max(bound),
            error_share: failed as f64 / (all as f64).max(1.0),
            in_flight: before.iter().filter_map(|window| window.in_flight).max(),
        })
    }

    fn holds(&self, window: &Window) -> bool {
        let in_time = window.p95_ms.is_none_or(|p95_ms| p95_ms <= self.p95_ms);
        let expected = self.error_share * window.all as f64;
        // Three standard deviations of a count, and one: chance explains this many errors.
        let few_errors = window.failed as f64 <= expected + 3.0 * expected.sqrt() + 1.0;
        let drained = match (window.in_flight, self.in_flight) {
            (Some(now), Some(before)) => f64::from(now) <= f64::from(before) * AS_BEFORE + 1.0,
            _ => true,
        };
        in_time && few_errors && drained
    }
}

/// Classifies the behavior of the service after a spike; `None` if too little was measured before or after it.
pub fn recovery(record: &RunRecord, spike: &Spike) -> Option<Recovery> {
    recovery_by(record, spike, Measure::Response)
}

/// Reports, in words, whether the generator's lateness changed the recovery.
pub(crate) fn made_by_lateness(record: &RunRecord) -> Option<String> {
    let spike = spike(record)?;
    let with = recovery(record, &spike)?;
    let without = recovery_by(record, &spike, Measure::LagCorrected)?;
    let is_same = match (with, without) {
        (
            Recovery::Recovered { seconds, error_s },
            Recovery::Recovered {
                seconds: without_s, ..
            },
        ) => (seconds - without_s).abs() <= 2.0 * error_s + AS_ALIKE * seconds,
        _ => std::mem::discriminant(&with) == std::mem::discriminant(&without),
    };
    (!is_same).then(|| "the recovery different".to_owned())
}

/// Why the recovery after a spike is unknown, and what would show it.
pub(crate) fn why_unknown(record: &RunRecord, spike: &Spike) -> String {
    let width_s = f64::from(record.timeline.width_s());
    let watched_s = spike.until_s - spike.ends_s;
    if record.duration_s() <= spike.ends_s {
        "because the run ended before the spike did".to_owned()
    } else if watched_s < HOLDS as f64 * width_s {
        format!(
            "because the load continued for only {} after the spike; let it continue for {} or more",
            number::seconds(watched_s.max(0.0)),
            number::seconds(HOLDS as f64 * width_s)
        )
    } else {
        format!(
            "because the level before the spike was too short; hold it for {} or more",
            number::seconds(WINDOWS_BEFORE as f64 * width_s / (1.0 - WARM_UP))
        )
    }
}

fn recovery_by(record: &RunRecord, spike: &Spike, by: Measure) -> Option<Recovery> {
    let windows = windows(record, by);
    let within = |from_s: f64, to_s: f64| -> Vec<Window> {
        let inside = |window: &&Window| (from_s..to_s).contains(&window.begin_s);
        windows.iter().filter(inside).copied().collect()
    };
    let width_s = f64::from(record.timeline.width_s());
    let before = within(spike.before_s, spike.begins_s);
    let bands = Bands::of(&before)?;
    let after = within(spike.ends_s, spike.until_s);
    if after.len() < HOLDS {
        return None;
    }
    let during = within(spike.begins_s, spike.ends_s);
    let all: Vec<bool> = during
        .iter()
        .chain(&after)
        .map(|window| bands.holds(window))
        .collect();
    if stays(&all) {
        let is_longer = usual_p95(&during) > usual_p95(&before) * DISTURBED;
        return Some(if is_longer {
            Recovery::Unclear
        } else {
            Recovery::NotDisturbed
        });
    }
    let held: Vec<bool> = after.iter().map(|window| bands.holds(window)).collect();
    let first = (0..=held.len() - HOLDS).find(|at| held[*at] && stays(&held[*at..*at + HOLDS]));
    Some(match first {
        Some(at) => Recovery::Recovered {
            seconds: after[at].begin_s - spike.ends_s,
            error_s: width_s,
        },
        None => Recovery::NotWithin {
            seconds: spike.until_s - spike.ends_s,
        },
    })
}

/// The median of the windows' p95s, in milliseconds; 0 without intended starts.
fn usual_p95(windows: &[Window]) -> f64 {
    let mut p95s: Vec<f64> = windows.iter().filter_map(|window| window.p95_ms).collect();
    p95s.sort_by(f64::total_cmp);
    p95s.get(p95s.len() / 2).copied().unwrap_or(0.0)
}

/// Returns whether windows stay within their bands: one in ten may leave them by chance, two in a row may not.
fn stays(held: &[bool]) -> bool {
    let left = held.iter().filter(|held| !**held).count();
    left <= held.len() / HOLDS && !held.windows(2).any(|pair| !pair[0] && !pair[1])
}

fn windows(record: &RunRecord, by: Measure) -> Vec<Window> {
    let timeline = &record.timeline;
    let width = timeline.width_s() as usize;
    (0..timeline.intervals())
        .map(|interval| {
            let distribution = timeline.distribution_at(interval, Scope::All, by);
            let (failed, all) = timeline.failed_at(interval, Scope::All);
            let last = timeline.seconds().get(interval * width + width - 1);
            let p95_ms = distribution.percentile(0.95).map(|waited| match waited {
                PercentileValue::Measured(ns) => ns as f64 / 1e6,
                PercentileValue::Unanswered => f64::INFINITY,
            });
            Window {
                begin_s: (interval * width) as f64,
                p95_ms,
                failed,
                all,
                in_flight: last.and_then(|second| second.in_flight),
            }
        })
        .collect()
}

/// Formats a duration in milliseconds.
fn waited(ms: f64) -> String {
    if ms.is_finite() {
        number::measured_in(ms, "ms")
    } else {
        "no response".to_owned()
    }
}

/// A duration in milliseconds; null if there was no response.
fn finite(ms: f64) -> Figure {
    if ms.is_finite() {
        Figure::Number(ms)
    } else {
        Figure::Null
    }
}

/// The behavior of the service in one sentence; the p95s are those before and during the spike.
fn in_words(
    recovery: Recovery,
    what: &str,
    (before_ms, during_ms): (f64, f64),
    failed: u64,
    peak: u32,
) -> String {
    match recovery {
        Recovery::NotDisturbed => format!(
            "The {what} did not disturb the service (p95 {} during it, {} before); try a stronger one.",
            number::measured_in(during_ms, "ms"),
            number::measured_in(before_ms, "ms")
        ),
        Recovery::Unclear => format!(
            "Whether the service recovers after the {what} is unknown: it was not steady before (p95 {} during the \
             {what}, {} before, with single seconds as slow as that).",
            waited(during_ms),
            number::measured_in(before_ms, "ms")
        ),
        Recovery::Recovered { seconds, error_s } => format!(
            "The service recovered {} (± {}) after the {what}; until then {} failed, and up to {} were \
             in flight.",
            number::seconds(seconds),
            number::seconds(error_s),
            number::requests(failed),
            number::count(peak.into()),
        ),
        Recovery::NotWithin { seconds } => format!(
            "The service did not recover within {} after the {what}; {} failed, and up to {} were in \
             flight.",
            number::seconds(seconds),
            number::requests(failed),
            number::count(peak.into()),
        ),
    }
}

/// The finding on a spike, if the load had one.
pub(crate) fn finding(record: &RunRecord) -> Option<Finding> {
    let spike = spike(record)?;
    let recovery = recovery(record, &spike)?;
    let end_s = match recovery {
        Recovery::Recovered { seconds, .. } => spike.ends_s + seconds,
        _ => spike.until_s,
    };
    let windows = windows(record, Measure::Response);
    let p95_within = |from_s: f64, to_s: f64| {
        let within = windows
            .iter()
            .filter(|window| (from_s..to_s).contains(&window.begin_s));
        usual_p95(&within.copied().collect::<Vec<_>>())
    };
    let before_ms = p95_within(spike.before_s, spike.begins_s);
    let during_ms = p95_within(spike.begins_s, spike.ends_s);
    let until_recovered = windows
        .iter()
        .filter(|window| (spike.begins_s..end_s).contains(&window.begin_s));
    let (failed, peak) = until_recovered.fold((0, 0), |(failed, peak), window| {
        (
            failed + window.failed,
            peak.max(window.in_flight.unwrap_or(0)),
        )
    });
    let what = match record.header.load.search {
        Some(_) => "final overload",
        None => "spike",
    };
    let sentence = in_words(recovery, what, (before_ms, during_ms), failed, peak);
    let (outcome, seconds) = match recovery {
        Recovery::NotDisturbed => ("not_disturbed", None),
        Recovery::Unclear => ("unclear", None),
        Recovery::Recovered { seconds, .. } => ("recovered", Some(seconds)),
        Recovery::NotWithin { .. } => ("not_recovered", None),
    };
    let mut found = Finding::new(FindingKind::Recovery, sentence)
        .with("outcome", Figure::Keyword(outcome))
        .with(
            "recovered",
            match recovery {
                Recovery::Unclear => Figure::Null,
                _ => Figure::Bool(outcome != "not_recovered"),
            },
        )
        .with("p95_before_ms", finite(before_ms))
        .with("p95_during_ms", finite(during_ms))
        .with("failures", Figure::Count(failed))
        .with("max_in_flight", Figure::Count(peak.into()))
        .with("spike_ends_s", Figure::Number(spike.ends_s))
        .with_mark(Mark::Span {
            label: what,
            from_s: spike.begins_s,
            to_s: spike.ends_s,
        });
    if !matches!(recovery, Recovery::NotDisturbed | Recovery::Unclear) {
        found = found.with_mark(Mark::Span {
            label: "recovery",
            from_s: spike.ends_s,
            to_s: end_s,
        });
    }
    if let (Some(seconds), Recovery::Recovered { error_s, .. }) = (seconds, recovery) {
        found = found
            .with("recovery_s", Figure::Number(seconds))
            .with("recovery_error_s", Figure::Number(error_s));
    }
    Some(found)
}
