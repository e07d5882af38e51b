//! The charts' data and places. `page.js` draws them; without JavaScript the tables stay.

use maud::{Markup, PreEscaped, html as markup};
use record::ProcessReading;
use serde_json::{Value, json};

use crate::Judged;
use crate::series;
use verdict::Mark;

/// The charts of a run, all on one time axis.
pub(super) fn charts(run: &Judged) -> Markup {
    markup! {
        h2 { "Over time" }
        noscript { p.note { "The charts need JavaScript; every figure is in the tables." } }
        @for (id, label) in CHARTS {
            figure data-chart=(id) { figcaption { (label) } }
        }
        @if marks(run).any(|mark| matches!(mark, Mark::Scaling { .. })) {
            figure data-chart="scaling" {
                figcaption { "Requests a second over requests under way, and the Universal Scalability Law" }
            }
        }
        // `<` would end the element: in JSON it may be written as an escape.
        script type="application/json" {
            (PreEscaped(data(run).to_string().replace('<', "\\u003c")))
        }
    }
}

const CHARTS: [(&str, &str); 5] = [
    ("throughput", "Requests a second: answered well, and failed"),
    (
        "response",
        "Response time, by the second in which requests were meant to start",
    ),
    ("users", "Users, and requests under way"),
    ("cpu", "CPU in percent of the cores that each may use"),
    ("memory", "Memory"),
];

fn data(run: &Judged) -> Value {
    let record = run.record;
    let points = series::points(record);
    // The last second may have been only begun: its counts are no rates.
    let whole = usize::min(points.len(), seconds_of(record.throughput_s()).max(1));
    let points = &points[..whole];
    let column = |part: fn(&series::Point) -> Value| points.iter().map(part).collect::<Value>();
    let readings = &record.readings;
    let reading = |part: fn(&record::Reading) -> Option<f64>| {
        readings
            .iter()
            .map(|reading| json!(part(reading)))
            .collect::<Value>()
    };
    json!({
        "second": column(|point| json!(point.second)),
        "ok": column(|point| json!(point.counts.ok)),
        "failed": column(|point| json!(point.counts.failed + point.counts.unanswered)),
        "p50": column(|point| json!(point.response_ms.p50)),
        "p95": column(|point| json!(point.response_ms.p95)),
        "p99": column(|point| json!(point.response_ms.p99)),
        "users": column(|point| json!(point.counts.users)),
        "in_flight": column(|point| json!(point.counts.in_flight)),
        "at": reading(|reading| Some(reading.at_ms as f64 / 1e3)),
        "cpu_target": reading(|reading| cpu(reading.target.as_ref())),
        "cpu_generator": reading(|reading| cpu(reading.generator.as_ref())),
        "cpu_machine": reading(|reading| reading.machine.cpu_percent),
        "memory_target": reading(|reading| memory(reading.target.as_ref())),
        "memory_generator": reading(|reading| memory(reading.generator.as_ref())),
        "memory_trend": trend(run, "memory"),
        "spans": spans(run),
        "bracket": bracket(run),
        "under_way": scaling(run, |(under_way, _), _| under_way),
        "answered": scaling(run, |(_, per_s), is_law| if is_law { None } else { per_s }),
        "law": scaling(run, |(_, per_s), is_law| if is_law { per_s } else { None }),
    })
}

fn marks<'a>(run: &'a Judged) -> impl Iterator<Item = &'a Mark> {
    let findings = run.verdict.findings.iter();
    findings.flat_map(|finding| &finding.marks)
}

/// Between which rates the service breaks: a label, and the rate.
fn bracket(run: &Judged) -> Value {
    let mut all = marks(run);
    let ends = all.find_map(|mark| match mark {
        Mark::Bracket { holds, breaks } => Some([("holds", *holds), ("breaks", *breaks)]),
        _ => None,
    });
    let known = ends.into_iter().flatten();
    known
        .filter_map(|(label, rate)| Some(json!([label, rate?])))
        .collect()
}

/// What was measured at each level, and the law that fits, by what is under way.
fn scaling(run: &Judged, part: impl Fn((Option<f64>, Option<f64>), bool) -> Option<f64>) -> Value {
    let mut all = marks(run);
    let found = all.find_map(|mark| match mark {
        Mark::Scaling { points, law } => Some((points, law)),
        _ => None,
    });
    let Some((points, law)) = found else {
        return json!([]);
    };
    let measured = points.iter().map(|point| (*point, false));
    let mut both: Vec<((f64, f64), bool)> = measured
        .chain(law.iter().map(|point| (*point, true)))
        .collect();
    both.sort_by(|a, b| a.0.0.total_cmp(&b.0.0));
    both.into_iter()
        .map(|((x, y), is_law)| json!(part((Some(x), Some(y)), is_law)))
        .collect()
}

/// The stretches of time that findings speak of: label, from, to.
fn spans(run: &Judged) -> Value {
    marks(run)
        .filter_map(|mark| match mark {
            Mark::Span {
                label,
                from_s,
                to_s,
            } => Some(json!([label, from_s, to_s])),
            _ => None,
        })
        .collect()
}

/// The trend of a metric at the moments of the readings; nothing before and after it.
fn trend(run: &Judged, of: &str) -> Value {
    let line = marks(run).find_map(|mark| match mark {
        Mark::Line { metric, from, to } if *metric == of => Some((*from, *to)),
        _ => None,
    });
    let readings = run.record.readings.iter();
    readings
        .map(|reading| {
            let at_s = reading.at_ms as f64 / 1e3;
            let (from, to) = line.filter(|(from, to)| (from.0..=to.0).contains(&at_s))?;
            Some(from.1 + (to.1 - from.1) * (at_s - from.0) / (to.0 - from.0))
        })
        .map(|value| json!(value))
        .collect()
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float cast saturates, and a run's length is not negative"
)]
fn seconds_of(seconds: f64) -> usize {
    seconds.round() as usize
}

fn cpu(process: Option<&ProcessReading>) -> Option<f64> {
    process.and_then(|process| process.cpu_percent)
}

fn memory(process: Option<&ProcessReading>) -> Option<f64> {
    process
        .and_then(|process| process.rss_bytes)
        .map(|bytes| bytes as f64 / 1e6)
}
