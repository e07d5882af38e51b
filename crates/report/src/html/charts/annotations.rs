//! Annotations: thresholds of targets, and what findings mark on charts.

use brunt_record::{Metric, NameId, Scope, Target};
use brunt_verdict::Mark;

use super::chart::{Chart, Curve, Level, Span};
use crate::Judged;

fn marks<'a>(run: &Judged<'a>) -> impl Iterator<Item = &'a Mark> {
    let findings = run.verdict.findings.iter();
    findings.flat_map(|finding| &finding.marks)
}

/// With the thresholds of targets, and what findings say of it.
pub(in crate::html) fn marked<'a>(run: &Judged<'a>, mut chart: Chart<'a>) -> Chart<'a> {
    chart.levels.extend(thresholds_of_chart(run, chart.id));
    for mark in marks(run) {
        match mark {
            Mark::Bracket { holds, breaks } if chart.id == "throughput" => {
                let ends = [("holds", *holds), ("breaks", *breaks)];
                let known = ends.into_iter().filter_map(|(label, rate)| {
                    let ink = if label == "holds" { "good" } else { "critical" };
                    Some(Level {
                        label: label.to_owned(),
                        value: rate?,
                        ink,
                        is_always_shown: true,
                    })
                });
                chart.levels.extend(known);
            }
            Mark::Line { metric, from, to } if chart_of(metric) == chart.id => {
                chart.slopes.push([*from, *to]);
            }
            _ => {}
        }
    }
    chart
}

/// The chart on which what grows is drawn.
fn chart_of(metric: &str) -> &'static str {
    match metric {
        "memory" => "memory",
        "descriptors" | "threads" => "held",
        _ => "",
    }
}

/// Measured points of a search at each level, and the fitted scalability law.
pub(in crate::html) fn scaling<'a>(run: &Judged<'a>) -> Option<(&'a Curve, &'a Curve)> {
    marks(run).find_map(|mark| match mark {
        Mark::Scaling { points, law } => Some((points.as_slice(), law.as_slice())),
        _ => None,
    })
}

/// The stretches of time that findings speak of.
pub(in crate::html) fn spans(run: &Judged) -> Vec<Span> {
    let of_findings = marks(run).filter_map(|mark| match mark {
        Mark::Span {
            label,
            from_s,
            to_s,
        } => Some(Span {
            label,
            from_s: *from_s,
            to_s: *to_s,
        }),
        _ => None,
    });
    let mut spans: Vec<Span> = of_findings.collect();
    spans.sort_by(|a, b| a.from_s.total_cmp(&b.from_s));
    spans
}

/// The thresholds that belong on a chart of all requests or of the process under test.
fn thresholds_of_chart(run: &Judged, chart: &str) -> Vec<Level> {
    let targets = run.record.header.targets.iter();
    let of_all = targets.filter(|target| target.scope.is_none());
    let here = of_all.filter(|target| chart_of_metric(target.metric) == chart);
    here.flat_map(thresholds).collect()
}

/// The thresholds of response times of one name.
pub(in crate::html) fn thresholds_of_name(run: &Judged, name: NameId) -> Vec<Level> {
    let targets = run.record.header.targets.iter();
    let of_name = targets.filter(|target| target.requests() == Scope::Name(name));
    let here = of_name.filter(|target| chart_of_metric(target.metric) == "response");
    here.flat_map(thresholds).collect()
}

const fn chart_of_metric(metric: Metric) -> &'static str {
    match metric {
        Metric::Percentile(_) | Metric::Mean | Metric::Max => "response",
        Metric::Throughput => "throughput",
        Metric::ErrorRate => "errors",
        Metric::Cpu => "cpu",
        Metric::Memory => "memory",
    }
}

/// The lines of a target, in the color of the grade that ends there.
fn thresholds(target: &Target) -> impl Iterator<Item = Level> {
    let whose = match target.metric {
        // The chart has one metric, and its title names it.
        Metric::Throughput | Metric::ErrorRate | Metric::Cpu | Metric::Memory => String::new(),
        metric => format!("{} ", metric.name()),
    };
    let all = [
        ("target", "good", target.target),
        ("acceptable", "poor", target.acceptable),
        ("critical", "critical", target.critical),
    ];
    all.into_iter().filter_map(move |(name, ink, value)| {
        Some(Level {
            label: format!("{whose}{name}"),
            value: value?,
            ink,
            is_always_shown: false,
        })
    })
}
