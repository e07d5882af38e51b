//! Elements that several parts of the page use: results and grades, sentences, cells of names.

use brunt_verdict::RunResult;
use maud::{Markup, html as markup};

use crate::request_stats::RequestStats;

/// Number of rows from which on a table scrolls in a box of its own.
const ROWS_SHOWN: usize = 40;

/// A sentence whose parts between backticks are names.
pub(super) fn sentence(text: &str) -> Markup {
    let parts: Vec<&str> = text.split('`').collect();
    if parts.len().is_multiple_of(2) {
        // An unpaired backtick is part of the text.
        return markup! { (text) };
    }
    markup! {
        @for (at, part) in parts.iter().enumerate() {
            @if !at.is_multiple_of(2) { code { (part) } } @else { (part) }
        }
    }
}

/// The name of a result as a class of the style sheet.
pub(super) fn class_of(result: RunResult) -> &'static str {
    result.name()
}

/// A result with its color, symbol and text.
pub(super) fn pill_of(result: RunResult) -> Markup {
    pill(class_of(result), result.in_words())
}

/// A grade or a result with its color, symbol and text.
pub(super) fn pill(name: &str, words: &str) -> Markup {
    let sign = match name {
        "good" => "✓",
        "acceptable" => "○",
        "poor" => "▲",
        "critical" | "no_response" => "✕",
        "not_applicable" | "no_targets" => "–",
        "invalid" => "!",
        _ => "?",
    };
    markup! { span class={ "pill " (name) } { i aria-hidden="true" { (sign) } " " (words) } }
}

/// Class of a table's box: a long table scrolls in it.
pub(super) fn scroll_class(rows: usize) -> &'static str {
    if rows > ROWS_SHOWN {
        "scroll long"
    } else {
        "scroll"
    }
}

/// Header cell of a row: method and name of the requests.
pub(super) fn name_cell(stats: &RequestStats) -> Markup {
    markup! {
        th scope="row" {
            @if stats.method.is_empty() { "All requests" } @else {
                span.method { (stats.method) } " " code { (stats.name) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_between_backticks_are_code() {
        let shown = |text: &str| sentence(text).into_string();
        assert_eq!(
            shown("`/a` is slower than `/<b>`."),
            "<code>/a</code> is slower than <code>/&lt;b&gt;</code>."
        );
        assert_eq!(shown("one ` alone"), "one ` alone");
        assert_eq!(shown("none"), "none");
    }
}
