//! HTML report: one self-contained file with the verdict, targets, charts on one time axis, requests, failures, resources and
//! settings. Everything is visible without JavaScript; the script adds the cursor, zoom, sorting, filtering and charts of each
//! name. `docs/report.md` describes it.

pub(crate) mod ab_report;
mod charts;
mod comparison;
mod document;
mod elements;
mod failures;
mod glossary;
mod header;
mod history;
mod requests;
mod settings;
mod targets;

use brunt_record::Scope;
use brunt_verdict::{Grade, RunResult};
use maud::{Markup, PreEscaped, html as markup};
use serde_json::{Value, json};

pub use history::html_of_history;

use crate::time_buckets::{TimeBuckets, UnpackedRun};
use crate::wording::began;
use crate::{Judged, number};
use charts::chart::{Level, Views, numbers};
use charts::distribution::TimeDistributions;
use charts::run_charts::Charts;
use charts::{annotations, distribution, heatmap, name_series, svg};
use document::page;
use elements::{class_of, pill_of, sentence};

/// Maximum number of time buckets that the script draws.
const FINE: usize = 3600;
/// Maximum number that is drawn without a script.
const DRAWN: usize = 240;
/// Maximum number of rows in the tables behind the charts.
const LISTED: usize = 60;

/// The report of one run, or of several on one page.
pub fn html(runs: &[Judged]) -> String {
    let title = match runs {
        [run] => format!(
            "brunt: {} of {}",
            run.record.header.profile, run.record.header.host
        ),
        _ => format!("brunt: {} profiles", runs.len()),
    };
    let worst = runs.iter().max_by_key(|run| run.verdict.result.rank());
    let on_paper = worst.map_or_else(String::new, |run| {
        let began = began(run.record);
        format!("{title} · {} · {began}", run.verdict.result.in_words())
    });
    page(
        &title,
        &on_paper,
        &markup! {
            @if runs.len() > 1 { (overview(runs)) }
            @for (number, run) in runs.iter().enumerate() { (section(run, number)) }
            (glossary::glossary())
        },
    )
}

/// Summary of several runs: the worst result, and a line for each run.
fn overview(runs: &[Judged]) -> Markup {
    let worst = runs.iter().max_by_key(|run| run.verdict.result.rank());
    markup! {
        header class={ "verdict " @if let Some(worst) = worst { (class_of(worst.verdict.result)) } } {
            @if let Some(worst) = worst {
                p.eyebrow { "brunt · all profiles · " (worst.record.header.host) }
                h1 { "All profiles: " (worst.verdict.result.in_words()) }
                @if worst.verdict.result != RunResult::Graded(Grade::Good) {
                    p.eyebrow { (worst.record.header.profile) ": " (sentence(&worst.verdict.headline)) }
                }
            }
        }
        div.scroll { table.profiles {
            caption { "Profiles" }
            thead { tr { th scope="col" { "Profile" } th scope="col" { "Verdict" } th.words scope="col" { "Headline" } } }
            tbody {
                @for (number, run) in runs.iter().enumerate() {
                    tr {
                        th scope="row" { a href={ "#run-" (number) } { (run.record.header.profile) } }
                        td { (pill_of(run.verdict.result)) }
                        td.words { (sentence(&run.verdict.headline)) }
                    }
                }
            }
        } }
    }
}

fn section(run: &Judged, number: usize) -> Markup {
    let unpacked = UnpackedRun::of(run.record);
    let views = Views {
        fine: TimeBuckets::of(&unpacked, FINE),
        drawn: TimeBuckets::of(&unpacked, DRAWN),
        listed: TimeBuckets::of(&unpacked, LISTED),
    };
    let charts = Charts::of(run, &views.fine);
    let spread = TimeDistributions::of(&run.record.timeline, Scope::All);
    let place = |part: &str| format!("run-{number}-{part}");
    let resources = resources(run, &charts, &views);
    let parts = [
        ("targets", "Targets", targets::targets(run)),
        ("baseline", "Baseline", comparison::section(run)),
        ("time", "Over time", charts.over_time(&views)),
        ("requests", "Requests", requests::requests(run)),
        (
            "failures",
            "Failures",
            failures::failures(run, &charts, &views),
        ),
        (
            "spread",
            "Distribution",
            markup! { (distribution::distribution(run, &spread)) (scaling(run)) },
        ),
        ("findings", "More findings", header::more_findings(run)),
        ("resources", "Resources", resources),
        ("brunt", "Load generator", generator(&charts, &views)),
        ("settings", "Settings", settings::settings(run)),
    ];
    let known = || parts.iter().filter(|(_, _, part)| !part.0.is_empty());
    markup! {
        section.run id={ "run-" (number) } {
            (header::header(run))
            nav.contents aria-label="Parts of the report" {
                @for (part, title, _) in known() { a href={ "#" (place(part)) } { (title) } }
            }
            @for (part, title, content) in known() {
                h2 id=(place(part)) class=[(*part == "time").then_some("time")] { (title) }
                (content)
            }
            // `<` could end the element; JSON allows an escape.
            script type="application/json" {
                (PreEscaped(data(run, &views, &charts, &spread).to_string().replace('<', "\\u003c")))
            }
        }
    }
}

/// Monitored resources, below the load and on the same time axis.
fn resources(run: &Judged, charts: &Charts, views: &Views) -> Markup {
    let watched = run.record.header.generator.watched.as_deref();
    markup! {
        p.note { "Under test: " (watched.unwrap_or("no process was monitored")) "." }
        @for (whose, what) in run.record.unavailable() {
            p.note.unseen { "Not measured for " (whose.description()) ": " (what.join("; ")) "." }
        }
        div.small { (charts.figures(&charts.resources, views)) }
    }
}

/// brunt and its machine.
fn generator(charts: &Charts, views: &Views) -> Markup {
    markup! {
        p.note { "Lag, resource use and waits of brunt itself. They show whether the load generator distorted the result." }
        div.small { (charts.figures(&charts.generator, views)) }
        @if !charts.unseen.is_empty() {
            p.note { "No data for: " (charts.unseen.join("; ")) "." }
        }
    }
}

/// Chart of a search: throughput by requests in flight, and the fitted scalability law.
fn scaling(run: &Judged) -> Markup {
    let Some((points, law)) = annotations::scaling(run) else {
        return markup! {};
    };
    markup! {
        figure data-chart="scaling" {
            figcaption { "Requests per second over requests in flight, and the " (glossary::term("usl", "Universal Scalability Law")) }
            ul.legend {
                li data-line { i.key.dots.a {} "measured" }
                li data-line { i.key.plain.c {} "fitted model" }
            }
            (svg::curves([("dots a", points), ("plain c", law)]))
            details.behind {
                summary { "Table" }
                div.scroll { table {
                    caption { "Measurements at each level" }
                    thead { tr { th scope="col" { "In flight" } th scope="col" { "Succeeded per second" } } }
                    tbody { @for (under_way, a_second) in points { tr {
                        th scope="row" { (number::rate(*under_way)) }
                        td { (number::rate(*a_second)) }
                    } } }
                } }
            }
        }
    }
}

/// Thresholds of single names, by the index of the name.
fn limits(run: &Judged) -> Value {
    let ids = (0u32..)
        .map(brunt_record::NameId)
        .zip(&run.record.header.names);
    let named = ids.filter_map(|(id, _)| {
        let levels = annotations::thresholds_of_name(run, id);
        let levels: Vec<Value> = levels.iter().map(Level::json).collect();
        (!levels.is_empty()).then(|| (id.index().to_string(), Value::Array(levels)))
    });
    Value::Object(named.collect())
}

/// Data for the script.
fn data(run: &Judged, views: &Views, charts: &Charts, spread: &TimeDistributions) -> Value {
    let spans = charts.spans.iter();
    let spans = spans.map(|span| json!([span.label, span.ink(), span.from_s, span.to_s]));
    let columns = |points: &[(f64, f64)]| {
        json!([
            numbers(points.iter().map(|(x, _)| Some(*x))),
            numbers(points.iter().map(|(_, y)| Some(*y))),
        ])
    };
    let scaling = annotations::scaling(run);
    json!({
        "start": run.record.header.started_at.as_millisecond(),
        "width": views.fine.width_s,
        "count": views.fine.all.len(),
        "spans": spans.collect::<Value>(),
        "charts": charts.all().map(|chart| chart.json(&views.fine)).collect::<Value>(),
        "heat": heatmap::json(&views.drawn),
        "spread": spread.json(),
        "scaling": scaling.map(|(points, law)| [columns(points), columns(law)]),
        "names": name_series::json(run.record),
        "limits": limits(run),
    })
}
