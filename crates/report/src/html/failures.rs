//! Failures: each kind with an example; failures caused by brunt or its machine are listed separately.

use brunt_record::{Failure, RunRecord};
use maud::{Markup, html as markup};

use super::charts::chart::Views;
use super::charts::run_charts::Charts;
use crate::Judged;
use crate::number;

pub(super) fn failures(run: &Judged, charts: &Charts, views: &Views) -> Markup {
    let mut all: Vec<_> = run.record.timeline.failures().iter().collect();
    all.sort_by_key(|failure| std::cmp::Reverse(failure.count));
    let (own, service): (Vec<_>, Vec<_>) = all
        .into_iter()
        .partition(|failure| failure.kind.is_generator_fault());
    markup! {
        @if service.is_empty() && own.is_empty() {
            p.note { "Every request succeeded." }
        } @else {
            (charts.figures(&charts.failures, views))
            (table(run.record, "Each kind of failure, with an example", &service))
            @if !own.is_empty() {
                h3 { "Failures of brunt's own machine" }
                p.note { "They do not describe the service; a run that has them is invalid." }
                (table(run.record, "Each kind of failure, with an example", &own))
            }
        }
    }
}

fn table(record: &RunRecord, caption: &str, failures: &[&Failure]) -> Markup {
    markup! {
        @if !failures.is_empty() {
            div.scroll { table.named {
                caption { (caption) }
                thead { tr {
                    th scope="col" { "Request" } th.words scope="col" { "Failure" } th scope="col" { "Count" }
                    th scope="col" { "First" } th scope="col" { "Last" } th.words scope="col" { "Example" }
                } }
                tbody { @for failure in failures { (row(record, failure)) } }
            } }
        }
    }
}

fn row(record: &RunRecord, failure: &Failure) -> Markup {
    let name = &record.header.names[failure.name.index()];
    let seconds = |ms: u64| format!("{:.1} s", ms as f64 / 1e3);
    markup! {
        tr {
            th scope="row" { span.method { (name.method) } " " code { (name.title()) } }
            td.kind { (failure.in_words()) }
            td { (number::count(failure.count)) }
            td { (seconds(failure.first_ms)) }
            td { (seconds(failure.last_ms)) }
            td.words { (number::one_line(failure.example.as_deref().unwrap_or("–"))) }
        }
    }
}
