//! Targets: thresholds and measured values, with a drawing of their distance.

use brunt_record::Target;
use brunt_verdict::{Grade, Judgment, Value};
use maud::{Markup, html as markup};

use super::charts::svg::rounded;
use super::elements::{pill, sentence};
use super::glossary::explained;
use crate::Judged;
use crate::number;
use crate::wording::{grade, interval, own_notes, shared_reasons, value};

const WIDTH: f64 = 160.0;
/// End of the scale, as a multiple of the largest threshold.
const BEYOND: f64 = 1.15;

pub(super) fn targets(run: &Judged) -> Markup {
    let rows = &run.verdict.judgments;
    let shared = shared_reasons(rows);
    markup! {
        @if !rows.is_empty() {
            div.scroll { table.targets {
                caption { "Targets and measured values" }
                thead { tr {
                    th scope="col" { "Metric" } th scope="col" { (explained("Grade")) } th scope="col" { "Measured" } th scope="col" { (explained("95 % interval")) }
                    th.near scope="col" aria-hidden="true" { "Scale" } th scope="col" { (explained("Target")) }
                    th scope="col" { (explained("Acceptable")) } th scope="col" { (explained("Critical")) }
                } }
                tbody {
                    @for row in rows { (target(run, row, &shared)) }
                    @for reason in &shared {
                        tr.reason { td colspan="8" { span { (sentence(reason)) } } }
                    }
                }
            } }
        }
    }
}

fn target(run: &Judged, row: &Judgment, shared: &[&str]) -> Markup {
    let unit = row.unit;
    let higher = row.target.metric.is_better_when_higher();
    let (met, missed) = if higher { ("> ", "< ") } else { ("< ", "> ") };
    let thresholds = [
        (met, row.target.target),
        (met, row.target.acceptable),
        (missed, row.target.critical),
    ];
    markup! {
        tr {
            th scope="row" {
                (explained(&row.target.metric.name()))
                @if let Some(requests) = run.record.header.scope_title(&row.target) {
                    " of " code { (requests) }
                }
            }
            td { (pill(row.grade.name(), grade(run, row))) }
            td.measured { (value(row)) }
            td { (interval(row)) }
            td.near aria-hidden="true" { (near(row)) }
            @for (sign, threshold) in thresholds {
                td { @if let Some(threshold) = threshold { (sign) (number::threshold(threshold, unit)) } }
            }
        }
        @for reason in own_notes(row, shared) {
            tr.reason { td colspan="8" { span { (sentence(reason)) } } }
        }
    }
}

/// Position of the value among the thresholds: zones of the grades, interval, and value.
fn near(row: &Judgment) -> Markup {
    let target = &row.target;
    let known = [target.target, target.acceptable, target.critical];
    let most = known.into_iter().flatten().fold(0.0, f64::max);
    if most <= 0.0 {
        return markup! {};
    }
    let higher = target.metric.is_better_when_higher();
    let end = most * if higher { 1.6 } else { BEYOND };
    let x = |value: f64| rounded((value / end).clamp(0.0, 1.0) * WIDTH);
    markup! {
        svg.near viewBox="0 0 160 18" {
            @for (grade, from, to) in zones(row, end) {
                rect.zone.(grade.name()) x=(x(from)) y="5" width=(rounded((x(to) - x(from)).max(0.0))) height="8" {}
            }
            @if let Some(interval) = &row.interval {
                @let (low, high) = (x(interval.low), x(interval.high.unwrap_or(end)));
                rect.between x=(low) y="7.5" width=(rounded((high - low).max(0.5))) height="3" {}
            }
            @match row.value {
                Value::Known(value) if value > end => path.at d="M152 3l6 6l-6 6" {},
                Value::Known(value) => rect.value x=(rounded((x(value) - 1.5).clamp(0.0, WIDTH - 3.0))) y="1" width="3" height="16" {},
                Value::Unanswered => path.at d="M152 3l6 6l-6 6" {},
                Value::Unknown => {},
            }
        }
    }
}

/// Zones of the scale with their grades, starting at 0.
fn zones(row: &Judgment, end: f64) -> Vec<(Grade, f64, f64)> {
    let target = &row.target;
    let known = [target.target, target.acceptable, target.critical];
    let mut ends: Vec<f64> = known.into_iter().flatten().chain([end]).collect();
    ends.sort_by(f64::total_cmp);
    let mut from = 0.0;
    let zones = ends.into_iter().map(|to| {
        let zone = (grade_at(target, f64::midpoint(from, to)), from, to);
        from = to;
        zone
    });
    zones.filter(|(_, from, to)| to > from).collect()
}

/// Grade of an exact value.
fn grade_at(target: &Target, value: f64) -> Grade {
    let higher = target.metric.is_better_when_higher();
    let is_better = |than: f64| if higher { value > than } else { value < than };
    match (target.target, target.acceptable, target.critical) {
        (_, _, Some(critical)) if !is_better(critical) => Grade::Critical,
        (Some(goal), _, _) if is_better(goal) => Grade::Good,
        (_, Some(acceptable), _) if is_better(acceptable) => Grade::Acceptable,
        (None, None, _) => Grade::Good,
        _ => Grade::Poor,
    }
}

#[cfg(test)]
mod tests {
    use brunt_record::Metric;

    use super::*;

    #[test]
    fn every_value_has_the_grade_that_it_is_judged_by() {
        let of = |metric, target, acceptable, critical| Target {
            metric,
            scope: None,
            target,
            acceptable,
            critical,
            stop_at: None,
        };
        let p95 = Metric::Percentile(0.95);
        let all = of(p95, Some(1.0), Some(2.0), Some(3.0));
        let rate = of(Metric::Throughput, Some(30.0), None, Some(10.0));
        let bound = of(p95, None, None, Some(3.0));
        for (target, value, grade) in [
            (&all, 0.5, Grade::Good),
            (&all, 1.5, Grade::Acceptable),
            (&all, 2.5, Grade::Poor),
            (&all, 3.5, Grade::Critical),
            (&rate, 40.0, Grade::Good),
            (&rate, 20.0, Grade::Poor),
            (&rate, 5.0, Grade::Critical),
            (&bound, 2.0, Grade::Good),
        ] {
            assert_eq!(grade_at(target, value), grade, "{target:?} {value}");
        }
    }
}
