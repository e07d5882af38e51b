//! Requests: a row for each name, which opens its charts; phases of a request; setup requests separately.

use brunt_record::NameKind;
use maud::{Markup, html as markup};

use super::elements::{name_cell, scroll_class};
use super::glossary::explained;
use crate::Judged;
use crate::number;
use crate::request_stats::{self, Durations, RequestStats};
use crate::wording::{measured, waited};

/// Columns of response times.
const RESPONSE: [&str; 4] = ["p50", "p95", "p99", "max"];
/// Additional columns, which are not printed, and which the script hides by default.
const MORE: [&str; 4] = ["min", "mean", "p90", "p99.9"];

pub(super) fn requests(run: &Judged) -> Markup {
    let rows = request_stats::by_name(run.record);
    let total = request_stats::total(run.record);
    let numbered = rows.iter().enumerate();
    let (setup, judged): (Vec<_>, Vec<_>) = numbered.partition(|(_, row)| row.setup);
    let (judged, others): (Vec<_>, Vec<_>) = judged
        .into_iter()
        .partition(|(_, row)| matches!(row.kind, NameKind::Request | NameKind::Start));
    markup! {
        p.note {
            "Percentiles are of successful requests; requests without a response are ranked as slower than these."
        }
        (table(run, "Requests by name", &judged, Some(&total)))
        (phases(&judged, &total))
        @if !others.is_empty() {
            h3 { "Groups and metrics" }
            p.note {
                "A group times several steps as one, without their waits; a metric has values that the scenario extracts from responses."
            }
            (others_table(&others))
        }
        @if !setup.is_empty() {
            h3 { "Setup" }
            (table(
                run,
                "Requests before and after the load, and before and after the tasks of a user. They are not judged, except that failed requests of on_start count as failed",
                &setup,
                None,
            ))
        }
    }
}

fn table(
    run: &Judged,
    caption: &str,
    rows: &[(usize, &RequestStats)],
    total: Option<&RequestStats>,
) -> Markup {
    let wire = rows
        .iter()
        .any(|(_, row)| row.wire_requests != row.requests);
    let planned = &run.record.header.planned_shares;
    let planned_of = |at: usize| planned.get(at).copied().flatten();
    // Without planned shares in the record only the measured share is shown.
    let has_plan = total.is_some() && planned.iter().any(Option::is_some);
    let columns = |share: Option<f64>, requests: u64| {
        let seen = total.map(|total| share_of(requests, total.requests));
        let planned = has_plan.then(|| share.map_or_else(|| "–".to_owned(), in_percent));
        (planned, seen)
    };
    markup! {
        div class=(scroll_class(rows.len())) { table.requests data-requests[total.is_some()] {
            caption { (caption) }
            thead {
                tr {
                    th rowspan="2" scope="col" { "Request" } th rowspan="2" scope="col" { "Requests" }
                    @if has_plan {
                        th.group colspan="2" scope="colgroup" { (explained("Share")) }
                    } @else if total.is_some() {
                        th rowspan="2" scope="col" { (explained("Share")) }
                    }
                    @if wire { th rowspan="2" scope="col" { (explained("On the wire")) } }
                    th rowspan="2" scope="col" { (explained("Failed")) }
                    th rowspan="2" scope="col" { (explained("req/s")) }
                    th.group colspan=(RESPONSE.len()) scope="colgroup" { (explained("Response time")) }
                    th.group colspan="2" scope="colgroup" { (explained("Service time")) }
                    th rowspan="2" scope="col" { "Received" }
                    @if total.is_some() {
                        th.more.group colspan=(MORE.len()) scope="colgroup" { "Response time" }
                        th.more rowspan="2" scope="col" { "Sent" }
                    }
                }
                tr {
                    @if has_plan { th scope="col" { "planned" } th scope="col" { "seen" } }
                    @for name in RESPONSE { th scope="col" { (explained(name)) } }
                    @for name in ["p50", "p99"] { th scope="col" { (explained(name)) } }
                    @if total.is_some() { @for name in MORE { th.more scope="col" { (explained(name)) } } }
                }
            }
            tbody { @for (at, stats) in rows { tr data-name=[total.map(|_| at)] {
                (cells(stats, wire, columns(planned_of(*at), stats.requests)))
            } } }
            @if let Some(total) = total { tfoot { tr {
                (cells(total, wire, columns(Some(1.0), total.requests)))
            } } }
        } }
    }
}

/// Groups and metrics: they have no service time, and nothing was sent for them.
fn others_table(rows: &[(usize, &RequestStats)]) -> Markup {
    markup! {
        div class=(scroll_class(rows.len())) { table.requests data-requests {
            caption { "Groups and metrics by name" }
            thead {
                tr {
                    @for name in ["Group or metric", "Count", "Failed", "Per second"] {
                        th rowspan="2" scope="col" { (name) }
                    }
                    th.group colspan=(RESPONSE.len()) scope="colgroup" { "Duration, or value" }
                    th.more.group colspan=(MORE.len()) scope="colgroup" { "Duration, or value" }
                }
                tr {
                    @for name in RESPONSE { th scope="col" { (explained(name)) } }
                    @for name in MORE { th.more scope="col" { (explained(name)) } }
                }
            }
            tbody { @for (at, stats) in rows { tr data-name=(at) {
                (name_cell(stats))
                td { (number::count(stats.requests)) }
                (counted(stats))
                (response(stats))
                (more(stats))
            } } }
        } }
    }
}

/// Failures, and successful requests per second.
fn counted(stats: &RequestStats) -> Markup {
    markup! {
        td class=[(stats.failures > 0).then_some("bad")] {
            @if stats.failures > 0 { (number::count(stats.failures)) " · " }
            (stats.error_rate.map_or_else(|| "–".to_owned(), number::percent))
        }
        td { (stats.throughput_rps.map_or_else(|| "–".to_owned(), number::rate)) }
    }
}

fn response(stats: &RequestStats) -> Markup {
    let ranked = stats.unanswered > 0;
    let of = &stats.response_ms;
    markup! {
        @for value in [of.p50, of.p95, of.p99, of.max] { td { (measured(stats, value, ranked)) } }
    }
}

fn more(stats: &RequestStats) -> Markup {
    let ranked = stats.unanswered > 0;
    let of = &stats.response_ms;
    let values = [
        (of.min, false),
        (of.mean, false),
        (of.p90, ranked),
        (of.p99_9, ranked),
    ];
    markup! {
        @for (value, ranked) in values { td.more { (measured(stats, value, ranked)) } }
    }
}

/// Cells of a row; planned and measured share, if the table has these columns.
fn cells(stats: &RequestStats, wire: bool, shares: (Option<String>, Option<String>)) -> Markup {
    let service = &stats.service_ms;
    let (planned, seen) = shares;
    markup! {
        (name_cell(stats))
        td { (number::count(stats.requests)) }
        @if let Some(planned) = planned { td { (planned) } }
        @if let Some(seen) = &seen { td { (seen) } }
        @if wire { td { (number::count(stats.wire_requests)) } }
        (counted(stats))
        (response(stats))
        @for value in [service.p50, service.p99] { td { (waited(value, false)) } }
        td { (bytes_each(stats, stats.bytes_received)) }
        @if seen.is_some() {
            (more(stats))
            td.more { (bytes_each(stats, stats.bytes_sent)) }
        }
    }
}

fn share_of(part: u64, all: u64) -> String {
    if all == 0 {
        return "–".to_owned();
    }
    in_percent(part as f64 / all as f64)
}

fn in_percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

/// Bytes per request, headers included.
fn bytes_each(stats: &RequestStats, bytes: u64) -> String {
    if stats.requests == 0 {
        return "–".to_owned();
    }
    let bytes = bytes as f64 / stats.requests as f64;
    match bytes {
        bytes if bytes >= 1e6 => format!("{:.1} MB", bytes / 1e6),
        bytes if bytes >= 1e3 => format!("{:.1} kB", bytes / 1e3),
        bytes => format!("{bytes:.0} B"),
    }
}

/// Phases by name; empty without a first byte.
fn phases(rows: &[(usize, &RequestStats)], total: &RequestStats) -> Markup {
    if total.first_byte_ms.mean.is_none() {
        return markup! {};
    }
    let has_tls = total.tls_ms.mean.is_some();
    markup! {
        h3 { "Phases" }
        p.note {
            "Where the time of successful requests goes. Only requests that opened a connection connect"
            @if has_tls { " and negotiate TLS" } @else { "; no connection was encrypted" } "."
        }
        div class=(scroll_class(rows.len())) { table.requests {
            caption { "Phases by name" }
            thead {
                tr {
                    th rowspan="2" scope="col" { "Request" }
                    th.group colspan="2" scope="colgroup" { (explained("Connect")) }
                    @if has_tls { th.group colspan="2" scope="colgroup" { (explained("TLS handshake")) } }
                    th.group colspan="3" scope="colgroup" { (explained("Time to first byte")) }
                    th rowspan="2" scope="col" { "Receive, mean" }
                    th rowspan="2" scope="col" { (explained("Lag")) ", mean" }
                }
                tr {
                    @for name in ["mean", "p95"] { th scope="col" { (explained(name)) } }
                    @if has_tls { @for name in ["mean", "p95"] { th scope="col" { (explained(name)) } } }
                    @for name in ["mean", "p95", "p99"] { th scope="col" { (explained(name)) } }
                }
            }
            tbody { @for (_, stats) in rows { tr { (phase_cells(stats, has_tls)) } } }
            tfoot { tr { (phase_cells(total, has_tls)) } }
        } }
    }
}

fn phase_cells(stats: &RequestStats, has_tls: bool) -> Markup {
    let mean_and_p95 = |of: &Durations| [of.mean, of.p95].map(|value| waited(value, false));
    let first_byte = &stats.first_byte_ms;
    // Both means are of the same successful requests, so that their difference is the mean of the rest.
    let receive = match (stats.service_ms.mean, first_byte.mean) {
        (Some(service), Some(first_byte)) => number::ms((service - first_byte).max(0.0)),
        _ => "–".to_owned(),
    };
    markup! {
        (name_cell(stats))
        @for value in mean_and_p95(&stats.connect_ms) { td { (value) } }
        @if has_tls { @for value in mean_and_p95(&stats.tls_ms) { td { (value) } } }
        @for value in [first_byte.mean, first_byte.p95, first_byte.p99] { td { (waited(value, false)) } }
        td { (receive) }
        td { (waited(stats.lag_ms.mean, false)) }
    }
}
