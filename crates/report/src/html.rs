//! The HTML report: one file that needs nothing else. The verdict first, then targets, charts on one
//! time axis, requests, failures, resources, settings. All of it is there without JavaScript; the script
//! adds the cursor, zoom, sorting, filtering and each name's charts. `docs/report.md` describes it.

mod beside;
mod chart;
mod charts;
pub(crate) mod contest;
mod distribution;
mod failures;
mod glossary;
mod head;
mod heat;
mod marks;
mod names;
mod pairs;
mod past;
mod phases;
mod prose;
mod requests;
mod settings;
mod svg;
mod targets;
mod thresholds;
mod watched;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use brunt_record::Scope;
use brunt_verdict::{Grade, RunResult};
use maud::{DOCTYPE, Markup, PreEscaped, html as markup};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

pub use past::html_of_past;

use crate::bins::{Bins, Told};
use crate::{Judged, number};
use chart::Views;
use charts::Charts;
use distribution::Spread;
use prose::sentence;

const STYLE: &str = concat!(
    include_str!("html/page/colours.css"),
    include_str!("html/page/page.css"),
    include_str!("html/page/charts.css"),
    include_str!("html/page/pairs.css"),
    include_str!("html/page/print.css"),
);
const SCRIPT: &str = concat!(
    "\"use strict\";\n(() => {\n",
    include_str!("html/page/words.js"),
    include_str!("html/page/draw.js"),
    include_str!("html/page/terms.js"),
    include_str!("html/page/fingers.js"),
    include_str!("html/page/save.js"),
    include_str!("html/page/columns.js"),
    include_str!("html/page/time.js"),
    include_str!("html/page/link.js"),
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
    let worst = runs.iter().max_by_key(|run| run.verdict.result.rank());
    let on_paper = worst.map_or_else(String::new, |run| {
        let began = settings::began(run.record);
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

/// A page around its content, with its scripts; `on_paper` stands at the top of each printed page.
fn page(title: &str, on_paper: &str, body: &Markup) -> String {
    let top = css_string(on_paper);
    let own = without_comments(STYLE);
    let style = format!("{UPLOT_STYLE}{own}@page {{ @top-left {{ content: {top}; }} }}\n");
    let script = without_comments(SCRIPT);
    around(title, &style, &[UPLOT_SCRIPT, &script], body)
}

/// A script or a style sheet without its indentation and the lines that only explain it.
fn without_comments(text: &str) -> String {
    let lines = text.lines().map(str::trim_start);
    let kept = lines.filter(|line| !line.starts_with("//") && !line.is_empty());
    kept.flat_map(|line| [line, "\n"]).collect()
}

/// A text as a string of a style sheet: nothing in it ends the string or the element.
fn css_string(text: &str) -> String {
    let escaped = text.chars().map(|letter| match letter {
        letter if letter.is_alphanumeric() || " .:/,·-_".contains(letter) => letter.to_string(),
        letter => format!("\\{:x} ", u32::from(letter)),
    });
    format!("\"{}\"", escaped.collect::<String>())
}

fn around(title: &str, style: &str, scripts: &[&str], body: &Markup) -> String {
    // Names and examples come from outside.
    let is_kept = |letter| crate::number::is_shown(letter) || letter == '\n';
    let body: String = body.0.chars().filter(|letter| is_kept(*letter)).collect();
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
                main { (PreEscaped(body)) }
                p.sr id="status" role="status" aria-live="polite" {}
                footer { "Made by brunt " (env!("CARGO_PKG_VERSION")) "." }
                @for script in scripts { script { (PreEscaped(script)) } }
            }
        }
    };
    page.into_string()
}

/// The planned load in words.
pub(crate) fn plan_in_words(load: &brunt_record::Load) -> String {
    settings::plan(load)
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
                    p.eyebrow { (worst.record.header.profile) ": " (sentence(&worst.verdict.sentence)) }
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
                        td.words { (sentence(&run.verdict.sentence)) }
                    }
                }
            }
        } }
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
    let resources = resources(run, &charts, &views);
    let parts = [
        ("targets", "Targets", targets::targets(run)),
        ("baseline", "Baseline", beside::section(run)),
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
        ("findings", "More findings", head::more_findings(run)),
        ("resources", "Resources", resources),
        ("brunt", "brunt itself", generator(&charts, &views)),
        ("settings", "Settings", settings::settings(run)),
    ];
    let known = || parts.iter().filter(|(_, _, part)| !part.0.is_empty());
    markup! {
        section.run id={ "run-" (number) } {
            (head::head(run))
            nav.contents aria-label="Parts of the report" {
                @for (part, title, _) in known() { a href={ "#" (place(part)) } { (title) } }
            }
            @for (part, title, content) in known() {
                h2 id=(place(part)) class=[(*part == "time").then_some("time")] { (title) }
                (content)
            }
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
            p.note.unseen { "Not measured for " (whose.words()) ": " (what.join("; ")) "." }
        }
        div.small { (charts.figures(&charts.resources, views)) }
    }
}

/// brunt and its machine, apart from the service.
fn generator(charts: &Charts, views: &Views) -> Markup {
    markup! {
        p.note { "How late brunt itself was, what it used, and what it waited for: whether the load generator distorted the result." }
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
            figcaption { "Requests per second over requests in flight, and the " (glossary::term("usl", "Universal Scalability Law")) }
            ul.legend {
                li data-line { i.key.dots.a {} "measured" }
                li data-line { i.key.plain.c {} "the law" }
            }
            (svg::curves([("dots a", points), ("plain c", law)]))
            details.behind {
                summary { "Table" }
                div.scroll { table {
                    caption { "What was measured at each level" }
                    thead { tr { th scope="col" { "In flight" } th scope="col" { "Answered per second" } } }
                    tbody { @for (under_way, a_second) in points { tr {
                        th scope="row" { (number::rate(*under_way)) }
                        td { (number::rate(*a_second)) }
                    } } }
                } }
            }
        }
    }
}

/// The thresholds of single names, by the name's place.
fn limits(run: &Judged) -> Value {
    let ids = (0u32..)
        .map(brunt_record::NameId)
        .zip(&run.record.header.names);
    let named = ids.filter_map(|(id, _)| {
        let levels = thresholds::of_name(run, id);
        let levels: Vec<Value> = levels.iter().map(chart::Level::json).collect();
        (!levels.is_empty()).then(|| (id.index().to_string(), Value::Array(levels)))
    });
    Value::Object(named.collect())
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
        "start": run.record.header.started_at.as_millisecond(),
        "width": views.fine.width_s,
        "count": views.fine.all.len(),
        "spans": spans.collect::<Value>(),
        "charts": charts.all().map(|chart| chart.json(&views.fine)).collect::<Value>(),
        "heat": heat::json(&views.drawn),
        "spread": spread.json(),
        "scaling": scaling.map(|(points, law)| [columns(points), columns(law)]),
        "names": names::json(run.record),
        "limits": limits(run),
    })
}

#[cfg(test)]
mod tests {
    use super::{SCRIPT, css_string, without_comments};

    #[test]
    fn a_page_carries_no_comments_of_its_script() {
        let script = without_comments(SCRIPT);
        assert!(!script.contains("\n//") && script.contains("class Run {"));
        // A text over several lines would lose its indentation.
        let is_open = |line: &str| !line.matches('`').count().is_multiple_of(2);
        let open = SCRIPT.lines().find(|line| is_open(line));
        assert_eq!(
            open.filter(|line| !line.trim_start().starts_with("//")),
            None
        );
    }

    #[test]
    fn a_css_string_ends_nothing() {
        assert_eq!(css_string("load of http://a:1/"), "\"load of http://a:1/\"");
        assert_eq!(
            css_string("\"</style>\n\\"),
            "\"\\22 \\3c /style\\3e \\a \\5c \""
        );
    }
}
