//! Distribution of durations over a logarithmic axis of percentiles, on which each additional nine has the same width.

use brunt_record::{Distribution, Measure, Metric, Outcome, Scope, Timeline};
use maud::{Markup, html as markup};
use serde_json::{Value, json};

use super::chart::{Unit, numbers};
use super::svg::{Axis, below, rounded};
use crate::html::glossary::explained;
use crate::{Judged, number};

/// Points in a decade of the axis.
const STEPS: f64 = 8.0;
/// The axis ends at 99.9999 %.
const DECADES_MAX: u32 = 6;
/// Percentiles in the table.
const LISTED: [f64; 8] = [0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 0.9999, 1.0];

/// Distribution of durations in a scope.
pub(in crate::html) struct TimeDistributions {
    response: Distribution,
    /// Durations of successful requests; those of requests without a response are unknown.
    service: Distribution,
}

impl TimeDistributions {
    pub(in crate::html) fn of(timeline: &Timeline, scope: Scope) -> Self {
        let ok = timeline.histogram(scope, Measure::Service, Outcome::Ok);
        Self {
            response: timeline.distribution(scope, Measure::Response),
            service: Distribution { ok, unanswered: 0 },
        }
    }

    /// Number of decades of the axis, up to a single request.
    fn decades(&self) -> u32 {
        let mut decades = 1;
        while decades < DECADES_MAX && 10u64.pow(decades) < self.response.count() {
            decades += 1;
        }
        decades
    }

    /// Durations along the axis, in milliseconds.
    fn along(&self, of: &Distribution) -> Vec<Option<f64>> {
        let places = 0..=(self.decades() * 8);
        places
            .map(|at| {
                let q = 1.0 - 10f64.powf(-f64::from(at) / STEPS);
                of.percentile(q).and_then(brunt_record::PercentileValue::ms)
            })
            .collect()
    }

    /// Data for the script.
    pub(in crate::html) fn json(&self) -> Value {
        json!({
            "response": numbers(self.along(&self.response)),
            "service": numbers(self.along(&self.service)),
        })
    }

    /// Data for the script, without service times.
    pub(in crate::html) fn json_without_service(&self) -> Value {
        json!({ "response": numbers(self.along(&self.response)) })
    }
}

/// The distribution of all requests, and the percentiles with their intervals.
pub(in crate::html) fn distribution(run: &Judged, spread: &TimeDistributions) -> Markup {
    if spread.response.count() == 0 {
        return markup! { p.note { "Nothing was measured." } };
    }
    let never = spread.response.unanswered;
    markup! {
        div.side-by-side {
            figure data-chart="spread" {
                figcaption { "Time over percentiles" " " span.note { "logarithmic: 90 %, 99 % and 99.9 % are equally far apart" } }
                ul.legend {
                    li data-line { i.key.plain.a {} (explained("response time")) " " span.now {} }
                    li data-line { i.key.dashed.b {} (explained("service time")) " " span.now {} }
                }
                (plot(spread))
            }
            div { (table(run, spread)) }
        }
        p.note {
            (number::count(spread.response.count())) " requests of the whole run"
            @if never > 0 {
                "; without a response: " (number::count(never)) ", which are ranked as slowest: the line ends where they begin"
            }
            ". Requests with a response that failed are not included."
        }
    }
}

fn plot(spread: &TimeDistributions) -> Markup {
    let lines = [
        ("plain a", spread.along(&spread.response)),
        ("dashed b", spread.along(&spread.service)),
    ];
    let known = lines.iter().flat_map(|(_, values)| values).flatten();
    let axis = Axis::to(known.copied().fold(0.0, f64::max));
    let decades = spread.decades();
    let steps = f64::from(decades) * STEPS;
    let path = |values: &[Option<f64>]| {
        let places = (0u32..).map(|at| rounded(1000.0 * f64::from(at) / steps));
        let points = places.zip(values);
        let points =
            points.filter_map(|(x, value)| Some(format!("{x} {}", rounded(axis.y((*value)?)))));
        format!("M{}", points.collect::<Vec<_>>().join("L"))
    };
    markup! {
        div.plot {
            (axis.labels(Unit::Ms))
            svg.lines viewBox="0 0 1000 100" preserveAspectRatio="none" aria-hidden="true" {
                (axis.grid())
                @for (class, values) in &lines { path class=(class) d=(path(values)) {} }
            }
            (below((0..=decades).map(|nines| (f64::from(nines) / f64::from(decades), percent(nines)))))
        }
    }
}

/// 0 %, 90 %, 99 %, 99.9 % …
fn percent(nines: u32) -> String {
    let places = nines.saturating_sub(2) as usize;
    format!(
        "{:.places$} %",
        100.0 - 100.0 * 0.1f64.powi(nines.cast_signed())
    )
}

fn table(run: &Judged, spread: &TimeDistributions) -> Markup {
    let count = spread.response.count() as f64;
    // A percentile without a request above it equals the maximum.
    let listed = LISTED.into_iter();
    let listed = listed.filter(|q| *q >= 1.0 || count * (1.0 - q) >= 1.0);
    let words = |of: &Distribution, q: f64| match of.percentile(q) {
        None => "–".to_owned(),
        Some(waited) => waited
            .ms()
            .map_or_else(|| "no response".to_owned(), number::ms),
    };
    let interval = |q: f64| {
        let of = brunt_verdict::interval(run.record, Scope::All, Metric::Percentile(q));
        of.map_or_else(|| "–".to_owned(), |of| number::interval(&of, "ms"))
    };
    markup! {
        div.scroll { table {
            caption { "Percentiles of all requests" }
            thead { tr {
                th scope="col" { "Percentile" } th scope="col" { (explained("Response")) } th scope="col" { (explained("95 % interval")) } th scope="col" { (explained("Service")) }
            } }
            tbody { @for q in listed { tr {
                th scope="row" { @if q < 1.0 { (Metric::Percentile(q).name()) } @else { "longest" } }
                td.measured { (words(&spread.response, q)) }
                td { @if q < 1.0 { (interval(q)) } }
                td { (words(&spread.service, q)) }
            } } }
        } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_nine_has_its_name() {
        assert_eq!(
            [0, 1, 2, 3, 4].map(percent),
            ["0 %", "90 %", "99 %", "99.9 %", "99.99 %"]
        );
    }

    #[test]
    fn the_line_ends_where_the_unanswered_begin() {
        let mut response = Distribution::default();
        (1..=90).for_each(|ms| response.ok.record(ms * 1_000_000));
        response.unanswered = 10;
        let spread = TimeDistributions {
            service: response.clone(),
            response,
        };
        let along = spread.along(&spread.response);
        assert_eq!(along.len(), 17, "two decades for a hundred requests");
        assert!(along[8].is_some() && along[9].is_none(), "{along:?}");
    }
}
