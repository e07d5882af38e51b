//! The HTML report: one file that needs nothing else. The verdict first, then targets, charts on one
//! time axis, requests, failures, settings. Every figure is there without JavaScript.

mod beside;
mod charts;
pub(crate) mod contest;
mod past;
mod tables;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html as markup};
use sha2::{Digest, Sha256};
use verdict::{Grade, RunResult};

pub use past::html_of_past;

use crate::terminal::severity;
use crate::{Judged, findings_beside, tone};

const STYLE: &str = include_str!("html/page.css");
const SCRIPT: &str = include_str!("html/page.js");
const UPLOT_STYLE: &str = include_str!("../vendor/uplot/uPlot.min.css");
const UPLOT_SCRIPT: &str = include_str!("../vendor/uplot/uPlot.iife.min.js");

/// Nothing is fetched, and no script runs but the two that are known by their hashes: text that a
/// service sent cannot.
fn policy() -> String {
    let hash = |script: &str| format!("'sha256-{}'", STANDARD.encode(Sha256::digest(script)));
    format!(
        "default-src 'none'; style-src 'unsafe-inline'; script-src {} {}; img-src data:; \
         base-uri 'none'; form-action 'none'",
        hash(UPLOT_SCRIPT),
        hash(SCRIPT)
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

/// A page around what it says.
fn page(title: &str, body: &Markup) -> String {
    let page = markup! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="Content-Security-Policy" content=(policy());
                meta name="color-scheme" content="light dark";
                title { (title) }
                style { (PreEscaped(UPLOT_STYLE)) (PreEscaped(STYLE)) }
            }
            body {
                main { (body) }
                footer { "Made by brunt " (env!("CARGO_PKG_VERSION")) "." }
                script { (PreEscaped(UPLOT_SCRIPT)) }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    page.into_string()
}

/// The name of a result as a class of the style sheet.
fn class_of(result: RunResult) -> &'static str {
    match result {
        RunResult::Graded(grade) => grade.name(),
        RunResult::Invalid => "invalid",
    }
}

/// A grade with its colour and its word.
fn pill(name: &str) -> Markup {
    markup! { span class={ "pill " (name) } { (name) } }
}

/// Of several runs: the worst first, and a line each.
fn overview(runs: &[Judged]) -> Markup {
    let worst = runs.iter().max_by_key(|run| severity(tone(run.verdict)));
    markup! {
        header class={ "verdict " @if let Some(worst) = worst { (class_of(tone(worst.verdict))) } } {
            @if let Some(worst) = worst {
                p.eyebrow { "brunt · all profiles · " (worst.record.header.host) }
                h1 { "All profiles: " (class_of(tone(worst.verdict))) }
                @if severity(tone(worst.verdict)) > severity(RunResult::Graded(Grade::Good)) {
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
                        td { (pill(class_of(run.verdict.result))) }
                        td.words { (run.verdict.sentence) }
                    }
                }
            }
        }
    }
}

fn section(run: &Judged, number: usize) -> Markup {
    let header = &run.record.header;
    let result = class_of(run.verdict.result);
    markup! {
        section id={ "run-" (number) } {
            header class={ "verdict " (class_of(tone(run.verdict))) } {
                p.eyebrow {
                    "brunt · " (header.profile) " · " (header.host) " " (pill(result))
                    @if let Some(beside) = &run.verdict.beside { " " (beside::outcome(beside.comparison.outcome())) }
                }
                h1 { (run.verdict.sentence) }
                @if !run.verdict.invalid_because.is_empty() || findings_beside(run).next().is_some() {
                    ul {
                        @for reason in &run.verdict.invalid_because { li { (reason) } }
                        @for finding in findings_beside(run) { li { (finding.sentence) } }
                    }
                }
            }
            (tables::targets(run))
            @if let Some(beside) = &run.verdict.beside { (beside::beside(beside)) }
            (charts::charts(run))
            (tables::requests(run))
            (tables::failures(run))
            (tables::settings(run))
        }
    }
}
