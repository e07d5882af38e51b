//! Marks: what findings say of a moment or a level.

use brunt_verdict::Mark;

use super::chart::{Chart, Level, Span};
use super::thresholds;
use crate::Judged;

fn marks<'a>(run: &Judged<'a>) -> impl Iterator<Item = &'a Mark> {
    let findings = run.verdict.findings.iter();
    findings.flat_map(|finding| &finding.marks)
}

/// With the thresholds of targets, and what findings say of it.
pub(super) fn marked<'a>(run: &Judged<'a>, mut chart: Chart<'a>) -> Chart<'a> {
    chart.levels.extend(thresholds::of_chart(run, chart.id));
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

/// Requests a second over requests under way.
pub(super) type Curve = [(f64, f64)];

/// What a search measured at each of its levels, and the law that fits.
pub(super) fn scaling<'a>(run: &Judged<'a>) -> Option<(&'a Curve, &'a Curve)> {
    marks(run).find_map(|mark| match mark {
        Mark::Scaling { points, law } => Some((points.as_slice(), law.as_slice())),
        _ => None,
    })
}

/// The stretches of time that findings speak of.
pub(super) fn spans(run: &Judged) -> Vec<Span> {
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
