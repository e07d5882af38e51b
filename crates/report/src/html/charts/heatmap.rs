//! Heat map of durations over time. A stronger color means a larger share of the bucket's requests.

use std::fmt::Write;
use std::ops::RangeInclusive;

use maud::{Markup, html as markup};
use serde_json::{Value, json};

use super::chart::Views;
use super::svg::{moments, rounded};
use crate::number;
use crate::time_buckets::{LOWEST_MS, ROWS_PER_DECADE, TimeBuckets};

/// Number of shades, from few requests to many.
pub(in crate::html) const SHADES: usize = 6;

/// Measures, with their titles.
const TIMED: [(&str, &str); 2] = [
    ("response", "Response times over time"),
    ("service", "Service times over time"),
];

/// Both heat maps; the reader chooses which one to see.
pub(in crate::html) fn figures(views: &Views) -> Markup {
    markup! {
        @for (at, (timed, title)) in TIMED.into_iter().enumerate() {
            @if let Some(rows) = rows(&views.drawn, at) {
                figure data-heat=(at) data-timed=(timed) class=[(at > 0).then_some("second")] {
                    figcaption { (title) " " span.note { "a stronger color is a larger share of the requests of that moment" } }
                    (legend())
                    (plot(&views.drawn, at, &rows))
                    (table(&views.listed, at, title))
                }
            }
        }
    }
}

fn legend() -> Markup {
    markup! {
        ul.legend {
            @for (shade, label) in ["under 2 %", "2 %", "5 %", "10 %", "25 %", "50 % or more"].into_iter().enumerate() {
                li { i.swatch.heat.{ "s" (shade) } {} (label) }
            }
            li { span.now {} }
        }
    }
}

/// Data for the script: rows from bottom to top, and the shades of each bucket by row.
pub(in crate::html) fn json(buckets: &TimeBuckets) -> Value {
    let maps = (0..TIMED.len()).map(|at| {
        let rows = rows(buckets, at)?;
        let cells = buckets.all.iter().map(|bucket| {
            let all: u64 = bucket.rows[at].iter().map(|(_, count)| count).sum();
            let cells = bucket.rows[at].iter();
            let cells = cells.map(|(row, count)| json!([row - rows.start(), shade(*count, all)]));
            cells.collect::<Value>()
        });
        Some(json!({
            "low": lower_ms(*rows.start()),
            "high": lower_ms(rows.end() + 1),
            "rows": rows.end() - rows.start() + 1,
            "width": buckets.width_s,
            "cells": cells.collect::<Value>(),
        }))
    });
    maps.map(|map| map.unwrap_or(Value::Null)).collect()
}

/// Rows that are not empty.
fn rows(buckets: &TimeBuckets, at: usize) -> Option<RangeInclusive<u8>> {
    let all = || {
        buckets
            .all
            .iter()
            .flat_map(|bucket| &bucket.rows[at])
            .map(|(row, _)| *row)
    };
    Some(all().min()?..=all().max()?)
}

/// The lower end of a row, in milliseconds.
fn lower_ms(row: u8) -> f64 {
    LOWEST_MS * 10f64.powf(f64::from(row) / ROWS_PER_DECADE)
}

/// Shade of a cell by its share of the bucket's requests.
fn shade(count: u64, all: u64) -> usize {
    let share = count as f64 / all.max(1) as f64;
    let ends = [0.02, 0.05, 0.1, 0.25, 0.5];
    ends.iter().filter(|end| share >= **end).count()
}

/// The durations that label the map: powers of ten, with 2 and 5 times as much if there are few.
fn named(rows: &RangeInclusive<u8>) -> Vec<f64> {
    const FEW: usize = 3;
    let (low, high) = (lower_ms(*rows.start()), lower_ms(rows.end() + 1));
    let within = |ms: &f64| (low * 0.999..=high * 1.001).contains(ms);
    let powers = || (-3..=7).map(|power| 10f64.powi(power));
    let round: Vec<f64> = powers().filter(within).collect();
    if round.len() >= FEW {
        return round;
    }
    let finer = powers().flat_map(|power| [power, 2.0 * power, 5.0 * power]);
    let finer: Vec<f64> = finer.filter(within).collect();
    if finer.len() < 2 {
        vec![low, high]
    } else {
        finer
    }
}

fn plot(buckets: &TimeBuckets, at: usize, rows: &RangeInclusive<u8>) -> Markup {
    let count = f64::from(rows.end() - rows.start() + 1);
    let wide = 1000.0 / buckets.all.len().max(1) as f64;
    let high = 100.0 / count;
    let mut paths = vec![String::new(); SHADES];
    for (place, bucket) in buckets.all.iter().enumerate() {
        let all: u64 = bucket.rows[at].iter().map(|(_, count)| count).sum();
        let x = rounded(place as f64 * wide);
        for (row, of_row) in &bucket.rows[at] {
            let y = rounded(100.0 - f64::from(row - rows.start() + 1) * high);
            let (w, h) = (rounded(wide), rounded(high + 0.05));
            write!(paths[shade(*of_row, all)], "M{x} {y}h{w}v{h}h-{w}z").ok();
        }
    }
    markup! {
        div.plot {
            svg.y-axis aria-hidden="true" {
                @for ms in named(rows) {
                    @let row = (ms / lower_ms(*rows.start())).log10() * ROWS_PER_DECADE;
                    text x="100%" y={ (rounded(100.0 - row * high)) "%" } { (number::threshold(ms, "ms")) }
                }
            }
            svg.lines viewBox="0 0 1000 100" preserveAspectRatio="none" aria-hidden="true" {
                @for (shade, path) in paths.iter().enumerate() {
                    @if !path.is_empty() { path.cell.{ "s" (shade) } d=(path) {} }
                }
            }
            (moments(buckets.end_s()))
        }
    }
}

/// Table of the heat map: percentage of each bucket's requests up to a duration.
fn table(buckets: &TimeBuckets, at: usize, title: &str) -> Markup {
    const UP_TO_MS: [f64; 6] = [1.0, 10.0, 100.0, 1000.0, 10_000.0, f64::INFINITY];
    let share = |rows: &[(u8, u64)], up_to_ms: f64| {
        let all: u64 = rows.iter().map(|(_, count)| count).sum();
        let within = rows
            .iter()
            .filter(|(row, _)| lower_ms(*row) < up_to_ms * 0.999);
        let within: u64 = within.map(|(_, count)| count).sum();
        (all > 0).then(|| 100.0 * within as f64 / all as f64)
    };
    markup! {
        details.behind {
            summary { "Table" }
            div.scroll { table {
                caption { (title) ": share of the responses within …" }
                thead { tr {
                    th scope="col" { "From" }
                    @for up_to_ms in UP_TO_MS { th scope="col" {
                        @if up_to_ms.is_finite() { (number::threshold(up_to_ms, "ms")) } @else { "any time" }
                    } }
                } }
                tbody { @for bucket in &buckets.all { tr {
                    th scope="row" { (number::moment(bucket.from_s.into(), buckets.end_s())) }
                    @for up_to_ms in UP_TO_MS {
                        td { (share(&bucket.rows[at], up_to_ms).map_or_else(|| "–".to_owned(), number::percent)) }
                    }
                } } }
            } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_durations_are_named() {
        let words = |rows: RangeInclusive<u8>| {
            let named = named(&rows);
            named
                .iter()
                .map(|ms| number::threshold(*ms, "ms"))
                .collect::<Vec<_>>()
        };
        assert_eq!(words(3..=30), ["0.1 ms", "1 ms", "10 ms"]);
        assert_eq!(words(15..=24), ["1 ms", "2 ms", "5 ms", "10 ms"]);
        assert_eq!(words(9..=9), ["0.133 ms", "0.178 ms"]);
    }

    #[test]
    fn a_decade_has_its_rows_and_shades_grow_with_the_share() {
        assert!((lower_ms(8) - 0.1).abs() < 1e-9 && (lower_ms(16) - 1.0).abs() < 1e-9);
        let shades = [1, 30, 70, 150, 300, 900].map(|count| shade(count, 1000));
        assert_eq!(shades, [0, 1, 2, 3, 4, 5]);
        assert_eq!(SHADES, 6);
    }
}
