//! The charts of a run on one time axis: load and responses, failures, resources, and brunt itself.

use std::collections::BTreeMap;

use brunt_record::{FailureKind, Second};
use maud::{Markup, html as markup};

use super::annotations::{marked, spans};
use super::chart::{Chart, Line, Span, Stroke, Unit, Views};
use super::{heatmap, resource_charts};
use crate::time_buckets::{Percentiles, TimeBucket, TimeBuckets};
use crate::{Judged, number};

/// Maximum number of kinds of failures that are drawn, the most frequent ones.
const KINDS_MAX: usize = 4;
const INKS: [&str; KINDS_MAX] = ["critical", "a", "b", "c"];
/// Waiting requests are drawn from this duration on, in milliseconds.
const OLD_MS: u64 = 1000;
const STROKES: [Stroke; KINDS_MAX] = [
    Stroke::Plain,
    Stroke::Dashed,
    Stroke::Dotted,
    Stroke::DashDot,
];

/// The charts of a run, in the parts of the page.
pub(in crate::html) struct Charts<'a> {
    pub(in crate::html) service: Vec<Chart<'a>>,
    pub(in crate::html) resources: Vec<Chart<'a>>,
    pub(in crate::html) generator: Vec<Chart<'a>>,
    pub(in crate::html) failures: Vec<Chart<'a>>,
    /// Unavailable metrics.
    pub(in crate::html) unseen: Vec<&'static str>,
    pub(in crate::html) spans: Vec<Span>,
}

impl<'a> Charts<'a> {
    pub(in crate::html) fn of(run: &Judged<'a>, fine: &TimeBuckets) -> Self {
        let mut unseen = Vec::new();
        let mut known = |charts: Vec<Chart<'a>>| -> Vec<Chart<'a>> {
            let known = charts.into_iter().filter_map(|chart| {
                let title = chart.title;
                let chart = chart.known(fine);
                if chart.is_none() {
                    unseen.push(title);
                }
                chart
            });
            known.map(|chart| marked(run, chart)).collect()
        };
        let service = known(vec![
            throughput(run),
            percentiles("response", "Response time", |bucket| bucket.response)
                .line(oldest())
                .note("what users wait, by the second of the intended start"),
            percentiles("service", "Service time", |bucket| bucket.service)
                .note("first byte sent to last byte received, by the second of the response"),
            users(run),
        ]);
        let resources = known(resource_charts::resources(
            &run.record.header.generator.additional_targets,
        ));
        let generator = known(resource_charts::generator());
        let failures = known(vec![error_rate(), failures(run)]);
        unseen.retain(|title| *title != FAILURES && *title != ERROR_RATE);
        Self {
            service,
            resources,
            generator,
            failures,
            unseen,
            spans: spans(run),
        }
    }

    /// Iterates over all charts.
    pub(in crate::html) fn all(&self) -> impl Iterator<Item = &Chart<'a>> {
        let parts = [
            &self.service,
            &self.resources,
            &self.generator,
            &self.failures,
        ];
        parts.into_iter().flatten()
    }

    /// Load and responses.
    pub(in crate::html) fn over_time(&self, views: &Views) -> Markup {
        let (first, rest) = self.service.split_at(self.service.len().min(3));
        markup! {
            (self.marks(views.fine.end_s()))
            div.charts {
                @for chart in first { (chart.figure(views, &self.spans)) }
                (heatmap::figures(views))
                @for chart in rest { (chart.figure(views, &self.spans)) }
            }
        }
    }

    pub(in crate::html) fn figures(&self, charts: &[Chart], views: &Views) -> Markup {
        markup! { div.charts { @for chart in charts { (chart.figure(views, &self.spans)) } } }
    }

    /// Descriptions of the annotated periods.
    fn marks(&self, end_s: f64) -> Markup {
        markup! {
            @if !self.spans.is_empty() {
                ul.legend.marks {
                    li { "Marked:" }
                    @for span in &self.spans {
                        li { i.swatch.(span.ink()) {} (span.label) " " (number::moment(span.from_s, end_s)) "–" (number::moment(span.to_s, end_s)) }
                    }
                }
            }
        }
    }
}

fn throughput<'a>(run: &Judged) -> Chart<'a> {
    let mut chart = Chart::new("throughput", "Requests per second", Unit::Count);
    let load = &run.record.header.load;
    if load.open.is_some() && load.concurrent.is_empty() {
        let planned = |bucket: &TimeBucket| Some(bucket.planned);
        chart = chart.line(Line::new("planned", "quiet", Stroke::Dotted, planned));
    }
    let meant = |bucket: &TimeBucket| bucket.per_second(bucket.starts.all);
    let late = |bucket: &TimeBucket| bucket.per_second(bucket.starts.late);
    let failed = |second: &Second| second.failed + second.unanswered;
    chart
        .line(Line::new("offered", "quiet", Stroke::Dashed, meant))
        .line(Line::new("succeeded", "a", Stroke::Filled, |bucket| {
            bucket.rate(|second| second.ok)
        }))
        .line(Line::new(
            "failed",
            "critical",
            Stroke::Filled,
            move |bucket| bucket.rate(failed),
        ))
        .line(Line::new("dispatched late by brunt", "b", Stroke::Dotted, late).unless_zero())
}

fn percentiles<'a>(
    timed: &'static str,
    title: &'static str,
    of: fn(&TimeBucket) -> Percentiles,
) -> Chart<'a> {
    let mut chart = Chart::new(timed, title, Unit::Ms)
        .line(Line::of_waiting(
            "p50",
            "a",
            Stroke::Plain,
            move |bucket: &TimeBucket| of(bucket).p50,
        ))
        .line(Line::of_waiting(
            "p95",
            "b",
            Stroke::Dashed,
            move |bucket: &TimeBucket| of(bucket).p95,
        ))
        .line(Line::of_waiting(
            "p99",
            "c",
            Stroke::DashDot,
            move |bucket: &TimeBucket| of(bucket).p99,
        ));
    chart.timed = Some(timed);
    chart
}

/// Waiting time of the oldest request: without responses there is no percentile.
fn oldest<'a>() -> Line<'a> {
    let waits = |second: &Second| {
        let waits = second.oldest_in_flight_ms.filter(|ms| *ms >= OLD_MS);
        waits.map(|ms| ms as f64)
    };
    let label = "oldest in flight, from 1 s";
    Line::new(label, "critical", Stroke::Dotted, move |bucket| {
        bucket.max(waits)
    })
    .unless_zero()
}

fn users<'a>(run: &Judged) -> Chart<'a> {
    let chart = Chart::new("users", "Users, and requests in flight", Unit::Count);
    let load = &run.record.header.load;
    let users = |bucket: &TimeBucket| bucket.max(|second| second.users.map(f64::from));
    let in_flight = |bucket: &TimeBucket| bucket.max(|second| second.in_flight.map(f64::from));
    let chart = if !load.concurrent.is_empty() {
        chart.line(Line::new(
            "users, including pools",
            "a",
            Stroke::Plain,
            users,
        ))
    } else if load.open.is_some() {
        chart.line(Line::new("users in the pool", "a", Stroke::Plain, users))
    } else {
        let planned = |bucket: &TimeBucket| Some(bucket.planned);
        chart
            .line(Line::new("planned", "quiet", Stroke::Dashed, planned))
            .line(Line::new("users", "a", Stroke::Plain, users))
    };
    chart.line(Line::new("in flight", "c", Stroke::DashDot, in_flight))
}

const ERROR_RATE: &str = "Error rate";
const FAILURES: &str = "Failures per second, by kind";

fn error_rate<'a>() -> Chart<'a> {
    let share = |bucket: &TimeBucket| {
        let sum = |of: fn(&Second) -> u64| bucket.seconds.iter().map(of).sum::<u64>();
        let failed = sum(|second| second.failed + second.unanswered);
        let all = failed + sum(|second| second.ok);
        (all > 0).then(|| 100.0 * failed as f64 / all as f64)
    };
    Chart::new("errors", ERROR_RATE, Unit::Percent)
        .note("percentage of requests that failed or received no response, of all that ended in that second")
        .line(Line::new("error rate", "critical", Stroke::Filled, share))
}

fn failures<'a>(run: &Judged) -> Chart<'a> {
    let mut counts: BTreeMap<FailureKind, u64> = BTreeMap::new();
    let seconds = run.record.timeline.seconds().iter();
    for (kind, count) in seconds.flat_map(|second| second.failures) {
        *counts.entry(kind).or_default() += count;
    }
    let mut kinds: Vec<(FailureKind, u64)> = counts.into_iter().collect();
    kinds.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let of = |second: &Second, kind: FailureKind| {
        let known = second.failures.iter().find(|(known, _)| *known == kind);
        known.map_or(0, |(_, count)| *count)
    };
    let lines = kinds.into_iter().zip(INKS).zip(STROKES);
    lines.fold(
        Chart::new("failures", FAILURES, Unit::Count),
        |chart, (((kind, _), ink), stroke)| {
            chart.line(Line::new(
                kind.name().replace('_', " "),
                ink,
                stroke,
                move |bucket| bucket.rate(|second| of(second, kind)),
            ))
        },
    )
}
