//! Comparison tables: the rows of all requests, and the changes of each name.

use super::elements::sentence;
use brunt_verdict::comparison::{ComparedMetric, ComparisonRow, Outcome};
use brunt_verdict::{BaselineVerdict, Grade};
use maud::{Markup, html as markup};

use crate::Judged;
use crate::comparison::{self, ComparisonView, NAMES_NOTE, grade_of};

/// Metrics of single names: resource use is not known by name.
const OF_NAMES: [ComparedMetric; 6] = [
    ComparedMetric::Throughput,
    ComparedMetric::ErrorRate,
    ComparedMetric::P50,
    ComparedMetric::P90,
    ComparedMetric::P95,
    ComparedMetric::P99,
];

/// A run compared with a baseline; nothing if it was not compared.
pub(super) fn section(run: &Judged) -> Markup {
    let said = crate::judged::baseline_sentence(run);
    run.verdict.baseline.as_ref().map_or_else(
        || markup! {},
        |with_baseline| of_baseline(with_baseline, said.as_deref()),
    )
}

/// A run compared with a baseline, and the sentence that nothing above it says.
fn of_baseline(with_baseline: &BaselineVerdict, said: Option<&str>) -> Markup {
    markup! {
        p.note { "Compared with the baseline " code { (with_baseline.baseline) } "." }
        @if let Some(said) = said { p.note { (sentence(said)) } }
        (compared(&with_baseline.into()))
        @if !with_baseline.differences.is_empty() {
            div.scroll { table {
                caption { "What differs in the conditions" }
                thead { tr {
                    th scope="col" { "What" } th.words scope="col" { "Baseline" } th.words scope="col" { "Run" } th scope="col" { "Conclusion" }
                } }
                tbody { @for it in &with_baseline.differences { tr {
                    th scope="row" { (it.condition) } td.words { (it.baseline) } td.words { (it.run) } td { (it.compatibility.name()) }
                } } }
            } }
        }
    }
}

/// The tables of a comparison, and what to think of them.
pub(super) fn compared(compared: &ComparisonView) -> Markup {
    let notes = compared.notes();
    markup! {
        @if !notes.is_empty() { ul { @for note in &notes { li { (sentence(note)) } } } }
        (rows(compared, &compared.all_requests()))
        (by_name(compared))
    }
}

fn rows(compared: &ComparisonView, rows: &[&ComparisonRow]) -> Markup {
    let sides = compared.sides;
    markup! {
        div.scroll { table {
            caption { "All requests: the outcome follows from the interval" }
            thead { tr {
                th scope="col" { "Measured" } th scope="col" { (sides[0]) } th scope="col" { (sides[1]) } th scope="col" { "Change" }
                th scope="col" { (compared.interval) } th scope="col" { "Tolerance" } th scope="col" { "Outcome" }
            } }
            tbody { @for row in rows {
                @let (change, interval) = comparison::change(row);
                tr {
                    th scope="row" { (comparison::title(row)) }
                    td { (comparison::value(row.baseline, row)) }
                    td.measured { (comparison::value(row.run, row)) }
                    td { (change) }
                    td { (interval) }
                    td { (row.tolerance.in_words()) }
                    td { (outcome_of(row)) }
                }
            } }
        } }
    }
}

fn outcome_of(row: &ComparisonRow) -> Markup {
    if row.is_tested {
        outcome(row.outcome())
    } else {
        markup! { (comparison::outcome(row)) }
    }
}

/// An outcome with the color of a grade, and its word.
pub(super) fn outcome(outcome: Outcome) -> Markup {
    let class = match outcome {
        Outcome::Same | Outcome::NotWorse => Grade::Acceptable,
        outcome => grade_of(outcome),
    };
    markup! { span class={ "pill " (class.name()) } { (outcome.in_words()) } }
}

/// Each name with how each measure of it changed.
fn by_name(compared: &ComparisonView) -> Markup {
    let named = compared.rows.iter().filter(|row| row.name.is_some());
    let mut names: Vec<&str> = named.filter_map(|row| row.name.as_deref()).collect();
    names.dedup();
    let find = |name: &str, measured: ComparedMetric| {
        let mut rows = compared.rows.iter();
        rows.find(|row| row.metric == measured && row.name.as_deref() == Some(name))
    };
    markup! {
        @if !names.is_empty() {
            div.scroll { table {
                caption { "By name: " (NAMES_NOTE) }
                thead { tr {
                    th scope="col" { "Request" }
                    @for measured in OF_NAMES { th scope="col" { (measured.in_words()) } }
                } }
                tbody { @for name in names { tr {
                    th scope="row" { code { (name) } }
                    @for measured in OF_NAMES { (cell(find(name, measured))) }
                } } }
            } }
        }
    }
}

fn cell(row: Option<&ComparisonRow>) -> Markup {
    let Some(row) = row else {
        return markup! { td { "–" } };
    };
    let (change, interval) = comparison::change(row);
    let stands_out = matches!(row.outcome(), Outcome::Worse | Outcome::Better);
    markup! {
        td class=[(row.outcome() == Outcome::Worse).then_some("bad")] title=(interval) {
            (change) @if stands_out { " " (row.outcome().in_words()) }
        }
    }
}
