//! The requests: a row for each name, which opens its own charts; the set-up apart.

use maud::{Markup, html as markup};
use record::NameKind;

use crate::Judged;
use crate::figures::{self, Figures};
use crate::number;
use crate::terminal::{measured, waited};

/// Where there are more rows, they have a box of their own to scroll in.
const ROWS_SHOWN: usize = 40;

/// What is told of response times.
const RESPONSE: [&str; 5] = ["p50", "p95", "p99", "p99.9", "max"];

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
            (others_table(&others))
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
    markup! {
        div class=(class_of(rows.len())) { table.requests data-requests[total.is_some()] {
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
                    @for name in RESPONSE { th scope="col" { (name) } }
                    @for name in ["p50", "p99"] { th scope="col" { (name) } }
                }
            }
            tbody { @for (at, figures) in rows { tr data-name=[total.map(|_| at)] { (cells(figures, wire)) } } }
            @if let Some(total) = total { tfoot { tr { (cells(total, wire)) } } }
        } }
    }
}

/// Groups and metrics: they have no service time, and nothing was sent for them.
fn others_table(rows: &[(usize, &Figures)]) -> Markup {
    markup! {
        div class=(class_of(rows.len())) { table.requests data-requests {
            caption { "What is no request of its own" }
            thead {
                tr {
                    @for name in ["Group or metric", "Times", "Failed", "A second"] {
                        th rowspan="2" scope="col" { (name) }
                    }
                    th.group colspan="5" scope="colgroup" { "Duration, or value" }
                }
                tr { @for name in RESPONSE { th scope="col" { (name) } } }
            }
            tbody { @for (at, figures) in rows { tr data-name=(at) {
                (name(figures))
                td { (number::count(figures.requests)) }
                (counted(figures))
                (response(figures))
            } } }
        } }
    }
}

fn class_of(rows: usize) -> &'static str {
    if rows > ROWS_SHOWN {
        "scroll long"
    } else {
        "scroll"
    }
}

fn name(figures: &Figures) -> Markup {
    markup! {
        th scope="row" {
            @if figures.method.is_empty() { "All requests" } @else {
                span.method { (figures.method) } " " code { (figures.name) }
            }
        }
    }
}

/// What failed, and how many went well a second.
fn counted(figures: &Figures) -> Markup {
    markup! {
        td class=[(figures.failures > 0).then_some("bad")] {
            @if figures.failures > 0 { (number::count(figures.failures)) " · " }
            (figures.error_rate.map_or_else(|| "–".to_owned(), number::percent))
        }
        td { (figures.throughput_rps.map_or_else(|| "–".to_owned(), number::rate)) }
    }
}

fn response(figures: &Figures) -> Markup {
    let ranked = figures.unanswered > 0;
    let of = &figures.response_ms;
    markup! {
        @for value in [of.p50, of.p95, of.p99, of.p99_9, of.max] { td { (measured(figures, value, ranked)) } }
    }
}

fn cells(figures: &Figures, wire: bool) -> Markup {
    let service = &figures.service_ms;
    markup! {
        (name(figures))
        td { (number::count(figures.requests)) }
        @if wire { td { (number::count(figures.wire_requests)) } }
        (counted(figures))
        (response(figures))
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
