//! Phases: where the time of a request goes, from opening a connection to the last byte.

use maud::{Markup, html as markup};

use super::glossary::explained;
use super::requests::{class_of, name};
use crate::figures::{Durations, Figures};
use crate::number;
use crate::terminal::waited;

/// The phases by name; nothing if no request got as far as a first byte.
pub(super) fn phases(rows: &[(usize, &Figures)], total: &Figures) -> Markup {
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
        div class=(class_of(rows.len())) { table.requests {
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
            tbody { @for (_, figures) in rows { tr { (cells(figures, has_tls)) } } }
            tfoot { tr { (cells(total, has_tls)) } }
        } }
    }
}

fn cells(figures: &Figures, has_tls: bool) -> Markup {
    let mean_and_p95 = |of: &Durations| [of.mean, of.p95].map(|value| waited(value, false));
    let first_byte = &figures.first_byte_ms;
    // Both means are of the same successful requests, so that their difference is the mean of the rest.
    let receive = match (figures.service_ms.mean, first_byte.mean) {
        (Some(service), Some(first_byte)) => number::ms((service - first_byte).max(0.0)),
        _ => "–".to_owned(),
    };
    markup! {
        (name(figures))
        @for value in mean_and_p95(&figures.connect_ms) { td { (value) } }
        @if has_tls { @for value in mean_and_p95(&figures.tls_ms) { td { (value) } } }
        @for value in [first_byte.mean, first_byte.p95, first_byte.p99] { td { (waited(value, false)) } }
        td { (receive) }
        td { (waited(figures.lag_ms.mean, false)) }
    }
}
