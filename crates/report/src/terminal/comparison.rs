//! Comparison tables for a terminal: all rows of all requests, and notable rows of single names.

use anstyle::Style;
use brunt_verdict::comparison::{ComparisonRow, Outcome};
use brunt_verdict::{AbSummary, BaselineVerdict};

use super::page::{Page, style_of};
use super::table::{Cell, Table};
use crate::comparison::{self, ComparisonView, NAMES_NOTE, grade_of};
use crate::number::one_line;

/// Minimum width for the intervals of changes.
const INTERVAL_FROM: usize = 80;
/// Minimum width for tolerances.
const TOLERANCE_FROM: usize = 100;
/// Maximum number of rows of single names; the report has all.
const NAMED_MAX: usize = 6;

/// A run compared with a baseline, for a terminal of `width` columns.
pub fn terminal_of_baseline_comparison(
    with_baseline: &BaselineVerdict,
    width: usize,
    color: bool,
) -> String {
    alone(&with_baseline.into(), width, color)
}

/// Results of an A/B comparison, for a terminal of `width` columns.
pub fn terminal_of_ab_summary(ab_summary: &AbSummary, width: usize, color: bool) -> String {
    alone(&ab_summary.into(), width, color)
}

fn alone(compared: &ComparisonView, width: usize, color: bool) -> String {
    let page = Page::new(width, color);
    let style = style_of(grade_of(compared.outcome)).bold();
    let sentence = page.wrapped(0, &compared.headline);
    let painted: Vec<String> = sentence
        .lines()
        .map(|line| page.painted(style, line))
        .collect();
    painted.join("\n") + "\n" + &page.compared(compared) + "\n"
}

impl Page {
    /// Table and notes of a comparison.
    pub(super) fn compared(&self, compared: &ComparisonView) -> String {
        let mut text = self.rows(&compared.title, compared, &compared.all_requests());
        let named = compared.notable();
        if !named.is_empty() {
            let shown = &named[..named.len().min(NAMED_MAX)];
            text += &self.rows("Changes by name", compared, shown);
            let more = match named.len() - shown.len() {
                0 => String::new(),
                more => format!("{more} more are in the report; "),
            };
            text += &self.wrapped(2, &format!("- {more}{NAMES_NOTE}"));
        }
        for note in compared.notes() {
            text += &self.wrapped(2, &format!("- {note}"));
        }
        text
    }

    fn rows(&self, title: &str, compared: &ComparisonView, rows: &[&ComparisonRow]) -> String {
        let with_interval = self.width >= INTERVAL_FROM;
        let with_tolerance = self.width >= TOLERANCE_FROM;
        let [one, other] = compared.sides;
        let mut columns = vec![title, one, other, "change"];
        if with_interval {
            columns.push(compared.interval);
        }
        if with_tolerance {
            columns.push("tolerance");
        }
        columns.push("outcome");
        let mut table = Table::new(&columns);
        for row in rows {
            let (change, interval) = comparison::change(row);
            let mut cells = vec![
                Cell::plain(one_line(&comparison::title(row))),
                Cell::plain(comparison::value(row.baseline, row)),
                Cell::plain(comparison::value(row.run, row)),
                Cell::plain(change),
            ];
            if with_interval {
                cells.push(Cell::plain(interval));
            }
            if with_tolerance {
                cells.push(Cell::plain(row.tolerance.in_words()));
            }
            let style = match row.outcome() {
                Outcome::Same | Outcome::NotWorse => Style::new(),
                outcome => style_of(grade_of(outcome)),
            };
            let mut outcome = comparison::outcome(row);
            if !with_tolerance {
                // Short, so that the interval fits into 80 columns.
                outcome = outcome.replace(Outcome::NotEnoughData.in_words(), "undecided");
            }
            cells.push(Cell::styled(&outcome, style));
            table.row(cells);
        }
        let mut lines = table.lines(self.table_width, self.color).into_iter();
        let heading = self.heading(&lines.next().unwrap_or_default());
        heading + &lines.map(|line| line + "\n").collect::<String>()
    }
}
