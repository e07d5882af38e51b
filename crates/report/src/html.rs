//! The HTML report: one file that needs nothing else. The verdict first, then targets, charts on one
//! time axis, requests, failures, resources, settings. All of it is there without JavaScript; the script
//! adds the cursor, zoom, sorting, filtering and each name's charts. `docs/report.md` describes it.

mod beside;
mod chart;
mod charts;
pub(crate) mod contest;
mod distribution;
mod failures;
mod head;
mod heat;
mod marks;
mod names;
mod past;
mod requests;
mod settings;
mod svg;
mod targets;
mod watched;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html as markup};
use record::Scope;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use verdict::{Grade, RunResult};

pub use past::html_of_past;

use crate::bins::{Bins, Told};
use crate::{Judged, number};
use chart::Views;
use charts::Charts;
use distribution::Spread;

const STYLE: &str = concat!(
    include_str!("html/page/colours.css"),
    include_str!("html/page/page.css"),
    include_str!("html/page/charts.css"),
    include_str!("html/page/print.css"),
);
const SCRIPT: &str = concat!(
    "\"use strict\";\n(() => {\n",
    include_str!("html/page/words.js"),
    include_str!("html/page/draw.js"),
    include_str!("html/page/fingers.js"),
    include_str!("html/page/time.js"),
    include_str!("html/page/requests.js"),
    include_str!("html/page/page.js"),
    "})();\n",
);
const UPLOT_STYLE: &str = include_str!("../vendor/uplot/uPlot.min.css");
const UPLOT_SCRIPT: &str = include_str!("../vendor/uplot/uPlot.iife.min.js");

/// What the script draws; at most so many parts of the run.
const FINE: usize = 3600;
/// What is drawn without it.
const DRAWN: usize = 240;
/// What the tables behind the charts list.
const LISTED: usize = 60;

/// The parts of a run's report below its targets: what their places are called, and their titles.
const PARTS: [(&str, &str); 7] = [
    ("time", "Over time"),
    ("resources", "Resources"),
    ("brunt", "brunt itself"),
    ("spread", "Distribution"),
    ("requests", "Requests"),
    ("failures", "Failures"),
    ("settings", "Settings"),
];

/// Nothing is fetched, and no script or style holds but those that are known by their hashes: text that a
/// service sent is none.
fn policy(style: &str, scripts: &[&str]) -> String {
    let hash = |text: &str| format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text)));
    let scripts: Vec<String> = scripts.iter().map(|script| hash(script)).collect();
    let scripts = if scripts.is_empty() {
        "'none'".to_owned()
    } else {
        scripts.join(" ")
    };
    format!(
        "default-src 'none'; style-src {}; script-src {scripts}; base-uri 'none'; form-action 'none'",
        hash(style)
    )
}

/// The report of one run, or of several on one page.
pub fn html(runs: &[Judged]) -> String {
    let title = match runs {
        [run] => format!(
            "brunt: {} of {}",
            run.record.header.profile, run.record.header.host
        ),
        _ => format!("brunt: {} profiles", runs.len()),
    };
    page(
        &title,
        &markup! {
            @if runs.len() > 1 { (overview(runs)) }
            @for (number, run) in runs.iter().enumerate() { (section(run, number)) }
        },
    )
}

/// A page around what it says, with its scripts.
fn page(title: &str, body: &Markup) -> String {
    let style = format!("{UPLOT_STYLE}{STYLE}");
    let scripts = [UPLOT_SCRIPT, SCRIPT];
    around(title, &style, &scripts, body)
}

fn around(title: &str, style: &str, scripts: &[&str], body: &Markup) -> String {
    let page = markup! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="Content-Security-Policy" content=(policy(style, scripts));
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                title { (title) }
                style { (PreEscaped(style)) }
            }
            body {
                main { (body) }
                footer { "Made by brunt " (env!("CARGO_PKG_VERSION")) "." }
                @for script in scripts { script { (PreEscaped(script)) } }
            }
        }
    };
    page.into_string()
}

/// The name of a result as a class of the style sheet.
fn class_of(result: RunResult) -> &'static str {
    result.name()
}

/// A result with its colour, its sign and its words.
fn pill_of(result: RunResult) -> Markup {
    pill(class_of(result), result.in_words())
}

/// A grade or a result with its colour, its sign and its words.
fn pill(name: &str, words: &str) -> Markup {
    let sign = match name {
        "good" => "✓",
        "acceptable" => "○",
        "poor" => "▲",
        "critical" | "nothing_answered" => "✕",
        "not_applicable" | "no_targets" => "–",
        "invalid" => "!",
        _ => "?",
    };
    markup! { span class={ "pill " (name) } { i aria-hidden="true" { (sign) } " " (words) } }
}

/// Of several runs: the worst first, and a line each.
fn overview(runs: &[Judged]) -> Markup {
    let worst = runs.iter().max_by_key(|run| run.verdict.result.rank());
    markup! {
        header class={ "verdict " @if let Some(worst) = worst { (class_of(worst.verdict.result)) } } {
            @if let Some(worst) = worst {
                p.eyebrow { "brunt · all profiles · " (worst.record.header.host) }
                h1 { "All profiles: " (worst.verdict.result.in_words()) }
                @if worst.verdict.result != RunResult::Graded(Grade::Good) {
                    p.eyebrow { (worst.record.header.profile) ": " (worst.verdict.sentence) }
                }
            }
        }
        table {
            caption { "Profiles" }
            thead { tr { th scope="col" { "Profile" } th scope="col" { "Verdict" } th.words scope="col" { "In one sentence" } } }
            tbody {
                @for (number, run) in runs.iter().enumerate() {
                    tr {
                        th scope="row" { a href={ "#run-" (number) } { (run.record.header.profile) } }
                        td { (pill_of(run.verdict.result)) }
                        td.words { (run.verdict.sentence) }
                    }
                }
            }
        }
    }
}

fn section(run: &Judged, number: usize) -> Markup {
    let told = Told::of(run.record);
    let views = Views {
        fine: Bins::of(&told, FINE),
        drawn: Bins::of(&told, DRAWN),
        listed: Bins::of(&told, LISTED),
    };
    let charts = Charts::of(run, &views.fine);
    let spread = Spread::of(&run.record.timeline, Scope::All);
    let place = |part: &str| format!("run-{number}-{part}");
    markup! {
        section.run id={ "run-" (number) } {
            (head::head(run))
            nav.contents aria-label="Parts of the report" {
                @for (part, title) in PARTS { a href={ "#" (place(part)) } { (title) } }
            }
            (targets::targets(run))
            @if let Some(beside) = &run.verdict.beside { (beside::beside(beside)) }
            h2.time id=(place("time")) { "Over time" }
            (charts.over_time(&views))
            h2 id=(place("resources")) { "Resources" }
            (resources(run, &charts, &views))
            h2 id=(place("brunt")) { "brunt itself" }
            (generator(&charts, &views))
            h2 id=(place("spread")) { "Distribution" }
            (distribution::distribution(run, &spread))
            (scaling(run))
            h2 id=(place("requests")) { "Requests" }
            (requests::requests(run))
            h2 id=(place("failures")) { "Failures" }
            (failures::failures(run, &charts, &views))
            h2 id=(place("settings")) { "Settings" }
            (settings::settings(run))
            // `<` would end the element: in JSON it may be written as an escape.
            script type="application/json" {
                (PreEscaped(data(run, &views, &charts, &spread).to_string().replace('<', "\\u003c")))
            }
        }
    }
}

/// What was watched, below the load and on the same time axis.
fn resources(run: &Judged, charts: &Charts, views: &Views) -> Markup {
    let watched = run.record.header.generator.watched.as_deref();
    markup! {
        p.note { "Under test: " (watched.unwrap_or("no process was watched")) "." }
        @for (whose, what) in run.record.unseen() {
            p.note.unseen { "Could not be seen of " (whose.words()) ": " (what.join("; ")) "." }
        }
        div.small { (charts.figures(&charts.resources, views)) }
    }
}

/// brunt and its machine, apart from the service.
fn generator(charts: &Charts, views: &Views) -> Markup {
    markup! {
        p.note { "Was it us? How late brunt was, what it needed, and what was kept from it." }
        div.small { (charts.figures(&charts.generator, views)) }
        @if !charts.unseen.is_empty() {
            p.note { "Nothing was read for: " (charts.unseen.join("; ")) "." }
        }
    }
}

/// Of a search: what was answered by what was under way, and the law that fits.
fn scaling(run: &Judged) -> Markup {
    let Some((points, law)) = marks::scaling(run) else {
        return markup! {};
    };
    markup! {
        figure data-chart="scaling" {
            figcaption { "Requests a second over requests under way, and the Universal Scalability Law" }
            ul.legend {
                li { i.key.dots.a {} "measured" }
                li { i.key.plain.c {} "the law" }
            }
            (svg::curves([("dots a", points), ("plain c", law)]))
            details.behind {
                summary { "Table" }
                div.scroll { table {
                    caption { "What was measured at each level" }
                    thead { tr { th scope="col" { "Under way" } th scope="col" { "Answered a second" } } }
                    tbody { @for (under_way, a_second) in points { tr {
                        th scope="row" { (number::rate(*under_way)) }
                        td { (number::rate(*a_second)) }
                    } } }
                } }
            }
        }
    }
}

/// What the script draws from.
fn data(run: &Judged, views: &Views, charts: &Charts, spread: &Spread) -> Value {
    let spans = charts.spans.iter();
    let spans = spans.map(|span| json!([span.label, span.ink(), span.from_s, span.to_s]));
    let columns = |points: &[(f64, f64)]| {
        json!([
            chart::numbers(points.iter().map(|(x, _)| Some(*x))),
            chart::numbers(points.iter().map(|(_, y)| Some(*y))),
        ])
    };
    let scaling = marks::scaling(run);
    json!({
        "width": views.fine.width_s,
        "count": views.fine.all.len(),
        "spans": spans.collect::<Value>(),
        "charts": charts.all().map(|chart| chart.json(&views.fine)).collect::<Value>(),
        "heat": heat::json(&views.drawn),
        "spread": spread.json(),
        "scaling": scaling.map(|(points, law)| [columns(points), columns(law)]),
        "names": names::json(run.record),
    })
}
