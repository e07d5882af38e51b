//! The requests: a row for each name, which opens its own charts; the set-up apart.

use maud::{Markup, html as markup};
use record::NameKind;

use crate::Judged;
use crate::figures::{self, Figures};
use crate::number;
use crate::terminal::{measured, waited};

/// Where there are more rows, they have a box of their own to scroll in.
const ROWS_SHOWN: usize = 40;

pub(super) fn requests(run: &Judged) -> Markup {
    let rows = figures::by_name(run.record);
    let total = figures::total(run.record);
    let numbered = rows.iter().enumerate();
    let (setup, judged): (Vec<_>, Vec<_>) = numbered.partition(|(_, row)| row.setup);
    let (judged, others): (Vec<_>, Vec<_>) = judged
        .into_iter()
        .partition(|(_, row)| row.kind == NameKind::Request);
    markup! {
        p.note {
            "Response time is what a user waits, from when the request was meant to start; service time is what the \
             service took from the first byte sent. Percentiles are of the requests answered well, with those never \
             answered above them all."
        }
        (table("By name", &judged, Some(&total)))
        @if !others.is_empty() {
            h3 { "Groups and metrics" }
            p.note {
                "A group is several steps timed as one, without what they rest; a metric has values of the scenario's own."
            }
            (table("What is no request of its own", &others, None))
        }
        @if !setup.is_empty() {
            h3 { "Set-up" }
            (table("Made once before the load, and not judged", &setup, None))
        }
    }
}

fn table(caption: &str, rows: &[(usize, &Figures)], total: Option<&Figures>) -> Markup {
    let wire = rows
        .iter()
        .any(|(_, row)| row.wire_requests != row.requests);
    let class = if rows.len() > ROWS_SHOWN {
        "scroll long"
    } else {
        "scroll"
    };
    markup! {
        div class=(class) { table.requests data-requests[total.is_some()] {
            caption { (caption) }
            thead {
                tr {
                    th rowspan="2" scope="col" { "Request" } th rowspan="2" scope="col" { "Requests" }
                    @if wire { th rowspan="2" scope="col" { "On the wire" } }
                    th rowspan="2" scope="col" { "Failed" }
                    th rowspan="2" scope="col" { "req/s" }
                    th.group colspan="5" scope="colgroup" { "Response time" }
                    th.group colspan="2" scope="colgroup" { "Service time" }
                    th rowspan="2" scope="col" { "Answer" }
                }
                tr {
                    @for name in ["p50", "p95", "p99", "p99.9", "max", "p50", "p99"] { th scope="col" { (name) } }
                }
            }
            tbody { @for (at, figures) in rows { tr data-name=[total.map(|_| at)] { (cells(figures, wire)) } } }
            @if let Some(total) = total { tfoot { tr { (cells(total, wire)) } } }
        } }
    }
}

fn cells(figures: &Figures, wire: bool) -> Markup {
    let ranked = figures.unanswered > 0;
    let response = &figures.response_ms;
    let service = &figures.service_ms;
    markup! {
        th scope="row" {
            @if figures.method.is_empty() { "All requests" } @else {
                span.method { (figures.method) } " " code { (figures.name) }
            }
        }
        td { (number::count(figures.requests)) }
        @if wire { td { (number::count(figures.wire_requests)) } }
        td class=[(figures.failures > 0).then_some("bad")] {
            @if figures.failures > 0 { (number::count(figures.failures)) " · " }
            (figures.error_rate.map_or_else(|| "–".to_owned(), number::percent))
        }
        td { (figures.throughput_rps.map_or_else(|| "–".to_owned(), number::rate)) }
        @for value in [response.p50, response.p95, response.p99, response.p99_9, response.max] {
            td { (measured(figures, value, ranked)) }
        }
        @for value in [service.p50, service.p99] { td { (waited(value, false)) } }
        td { (size(figures)) }
    }
}

/// What was received for a request, heads included.
fn size(figures: &Figures) -> String {
    if figures.requests == 0 {
        return "–".to_owned();
    }
    let bytes = figures.bytes_received as f64 / figures.requests as f64;
    match bytes {
        bytes if bytes >= 1e6 => format!("{:.1} MB", bytes / 1e6),
        bytes if bytes >= 1e3 => format!("{:.1} kB", bytes / 1e3),
        bytes => format!("{bytes:.0} B"),
    }
}
