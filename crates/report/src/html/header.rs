//! Header: headline, findings, and identity of the run.

use brunt_verdict::{Finding, FindingKind};
use maud::{Markup, html as markup};

use super::comparison;
use super::elements::{class_of, pill_of, sentence};
use super::glossary::explained;
use crate::Judged;
use crate::judged::further_findings;
use crate::number;
use crate::request_stats;
use crate::wording::{began, end_of, waited};

pub(super) fn header(run: &Judged) -> Markup {
    let header = &run.record.header;
    markup! {
        header class={ "verdict " (class_of(run.verdict.result)) } {
            p.eyebrow {
                "brunt · " (header.profile) " · " (header.hosts_text())
                @if let Some(label) = &header.label { " · " (label) }
                " " (pill_of(run.verdict.result))
                @if let Some(with_baseline) = &run.verdict.baseline { " " (comparison::outcome(with_baseline.comparison.outcome())) }
                " · " (run.outcome())
            }
            h1 { (sentence(&run.verdict.headline)) }
            p.next { (sentence(&run.verdict.next_step)) }
            (findings(run))
            (figures(run))
            p.facts { @for fact in facts(run) { span { (fact) } " " } }
        }
    }
}

/// Maximum number of findings below the headline; the others have a section of their own.
const ON_TOP: usize = 3;

/// The findings, those of the service first.
fn sorted<'a>(run: &Judged<'a>) -> Vec<&'a Finding> {
    let mut all: Vec<&Finding> = further_findings(run).collect();
    all.sort_by_key(|finding| is_note(finding));
    all
}

/// Number of the sorted findings below the headline, without notes.
fn on_top(sorted: &[&Finding]) -> usize {
    let notable = sorted.iter().take_while(|finding| !is_note(finding));
    notable.count().min(ON_TOP)
}

fn findings(run: &Judged) -> Markup {
    let all = sorted(run);
    let top = &all[..on_top(&all)];
    let reasons = &run.verdict.invalid_reasons;
    markup! {
        @if !reasons.is_empty() || !top.is_empty() {
            ul.findings {
                @for reason in reasons { li.reason { (sentence(reason)) } }
                @for finding in top { li { (sentence(&finding.headline)) } }
            }
        }
    }
}

/// Findings that are not below the headline.
pub(super) fn more_findings(run: &Judged) -> Markup {
    let all = sorted(run);
    let more = &all[on_top(&all)..];
    markup! {
        @if !more.is_empty() {
            ul.findings {
                @for finding in more {
                    li class=[is_note(finding).then_some("quiet")] { (sentence(&finding.headline)) }
                }
            }
        }
    }
}

/// Whether a finding is only a note.
fn is_note(finding: &Finding) -> bool {
    matches!(
        finding.kind,
        FindingKind::GeneratorNote | FindingKind::WarmUp
    )
}

/// Statistics of the complete run, including the warm-up.
fn figures(run: &Judged) -> Markup {
    let all = request_stats::total(run.record);
    let ranked = all.unanswered > 0;
    let response = &all.response_ms;
    let rate = all
        .throughput_rps
        .map_or_else(|| "–".to_owned(), number::rate);
    let failed = all
        .error_rate
        .map_or_else(|| "–".to_owned(), number::percent);
    let figures = [
        ("requests", number::count(all.requests)),
        ("succeeded per second", rate),
        ("failed", failed),
        ("p50", waited(response.p50, ranked)),
        ("p95", waited(response.p95, ranked)),
        ("p99", waited(response.p99, ranked)),
        ("longest", waited(response.max, ranked)),
    ];
    markup! {
        dl.figures aria-label="The whole run" {
            @for (name, value) in figures { div { dt { (explained(name)) } dd { (value) } } }
        }
    }
}

/// Identity of the run.
fn facts(run: &Judged) -> Vec<String> {
    let record = run.record;
    let header = &record.header;
    let (made, planned) = (record.duration_s(), header.load.duration_s());
    vec![
        began(record),
        format!("{made:.1} s of {planned:.1} s"),
        end_of(record),
        format!("{} (hash {})", header.scenario_file, header.scenario_hash),
        format!("seed {}", header.seed),
        format!("brunt {}", header.brunt_version),
    ]
}
