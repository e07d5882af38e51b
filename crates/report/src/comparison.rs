//! Comparisons as all report formats show them: titles, values, changes, and notable rows.

use brunt_verdict::comparison::{
    BetweenRuns, Change, ChangeInterval, ComparisonRow, Outcome, Tolerance,
};
use brunt_verdict::{AbSummary, BaselineVerdict, Grade};
use serde_json::{Value, json};

use crate::number;

/// A comparison of two sides, either a baseline and a run or A and B.
pub(crate) struct ComparisonView<'a> {
    /// Title of the table.
    pub(crate) title: String,
    /// Names of the two sides.
    pub(crate) sides: [&'static str; 2],
    /// Definition of the values of the two sides, from which the change was computed.
    pub(crate) figures: &'static str,
    /// Title of the interval of the tested rows.
    pub(crate) interval: &'static str,
    pub(crate) outcome: Outcome,
    pub(crate) headline: String,
    pub(crate) caveats: Vec<String>,
    pub(crate) rows: &'a [ComparisonRow],
}

impl<'a> From<&'a BaselineVerdict> for ComparisonView<'a> {
    fn from(with_baseline: &'a BaselineVerdict) -> Self {
        Self {
            title: format!(
                "Compared with `{}`",
                number::one_line(&with_baseline.baseline)
            ),
            sides: ["baseline", "run"],
            figures: "baseline and run are the geometric means of their blocks (error rates: the means), and the change is \
                      computed from them; the intervals of all tested rows hold simultaneously with 95 % confidence",
            interval: "95 % interval",
            outcome: with_baseline.comparison.outcome(),
            headline: with_baseline.headline(),
            caveats: with_baseline.caveats(),
            rows: &with_baseline.comparison.rows,
        }
    }
}

impl<'a> From<&'a AbSummary> for ComparisonView<'a> {
    fn from(ab_summary: &'a AbSummary) -> Self {
        Self {
            title: "A vs. B".to_owned(),
            sides: ["A", "B"],
            figures: "A and B are estimates for a typical pair of blocks (Hodges–Lehmann), and the change is that from A to B; \
                      the interval is that of the latest interim analysis, which decides the outcome",
            interval: "interval",
            outcome: ab_summary.outcome(),
            headline: ab_summary.headline(),
            caveats: ab_summary.caveats(),
            rows: &ab_summary.measurement.rows,
        }
    }
}

impl<'a> ComparisonView<'a> {
    /// The rows that decide.
    pub(crate) fn tested(&self) -> Vec<&'a ComparisonRow> {
        self.rows.iter().filter(|row| row.is_tested).collect()
    }

    /// All rows of all requests.
    pub(crate) fn all_requests(&self) -> Vec<&'a ComparisonRow> {
        self.rows.iter().filter(|row| row.name.is_none()).collect()
    }

    /// Notes on how to read it.
    pub(crate) fn notes(&self) -> Vec<String> {
        let mut notes = self.caveats.clone();
        if self.rows.iter().any(|row| row.change.is_some()) {
            notes.push(self.figures.to_owned());
        }
        if self.all_requests().iter().any(|row| !row.is_tested) {
            notes.push(UNTESTED_NOTE.to_owned());
        }
        notes
    }

    /// Rows of single names that are better or worse, the worst first.
    pub(crate) fn notable(&self) -> Vec<&'a ComparisonRow> {
        let of_names = self.rows.iter().filter(|row| row.name.is_some());
        let mut rows: Vec<&ComparisonRow> = of_names
            .filter(|row| matches!(row.outcome(), Outcome::Worse | Outcome::Better))
            .collect();
        rows.sort_by_key(|row| row.outcome() != Outcome::Worse);
        rows
    }
}

/// Note on rows of single names.
pub(crate) const NAMES_NOTE: &str =
    "single names are shown but not tested: among many, some are worse by chance";
/// Note on rows of all requests that are not tested.
const UNTESTED_NOTE: &str = "outcomes in parentheses are shown but not tested";

/// Metric of a row, and its requests.
pub(crate) fn title(row: &ComparisonRow) -> String {
    match &row.name {
        None => row.metric.in_words().to_owned(),
        Some(name) => format!("{} of {name}", row.metric.in_words()),
    }
}

/// The value of one side.
pub(crate) fn value(value: Option<f64>, row: &ComparisonRow) -> String {
    value.map_or_else(
        || "–".to_owned(),
        |value| number::with_unit(value, row.metric.unit()),
    )
}

/// Change of a row, and its interval.
pub(crate) fn change(row: &ComparisonRow) -> (String, String) {
    match row.change {
        Some(change) => (change.by_in_words(), change.interval_in_words()),
        None => ("–".to_owned(), String::new()),
    }
}

/// Outcome of a row, in parentheses if the row is not tested.
pub(crate) fn outcome(row: &ComparisonRow) -> String {
    let words = row.outcome().in_words();
    match (row.is_tested, row.name.is_some()) {
        (true, _) | (false, true) => words.to_owned(),
        (false, false) => format!("({words})"),
    }
}

/// The grade whose color an outcome has.
pub(crate) fn grade_of(outcome: Outcome) -> Grade {
    match outcome {
        Outcome::Worse => Grade::Poor,
        Outcome::Better | Outcome::Same | Outcome::NotWorse => Grade::Good,
        Outcome::NotEnoughData => Grade::Inconclusive,
    }
}

/// For `summary.json`.
pub(crate) fn baseline_json(with_baseline: &BaselineVerdict) -> Value {
    let comparison = &with_baseline.comparison;
    let (runs, is_known) = match comparison.between_runs {
        BetweenRuns::Known { runs } => (runs, true),
        BetweenRuns::Unknown { runs } => (runs, false),
    };
    let differences = with_baseline.differences.iter();
    let differences = differences.map(|it| {
        json!({
            "condition": it.condition, "baseline": it.baseline, "run": it.run, "compatibility": it.compatibility.name(),
        })
    });
    json!({
        "baseline": with_baseline.baseline,
        "outcome": comparison.outcome().name(),
        "headline": with_baseline.headline(),
        "baseline_runs": runs,
        "noise_between_runs_known": is_known,
        "figures": "geometric_mean_of_blocks",
        "differences": differences.collect::<Vec<_>>(),
        "rows": comparison.rows.iter().map(|row| json_row(row, ["baseline", "run"])).collect::<Vec<_>>(),
    })
}

/// A row for JSON files, with the names of its two sides.
pub(crate) fn json_row(row: &ComparisonRow, sides: [&str; 2]) -> Value {
    let (ratio, points) = match row.change {
        None => (None, None),
        Some(Change::Ratio { ratio, .. }) => (Some(ratio), None),
        Some(Change::Points { by, .. }) => (None, Some(by)),
    };
    let (tolerance, tolerance_points) = match row.tolerance {
        Tolerance::Share(share) => (Some(share), None),
        Tolerance::Points(points) => (None, Some(points)),
    };
    let mut value = json!({
        "name": row.name,
        "metric": row.metric.name(),
        "unit": row.metric.unit(),
        sides[0]: row.baseline,
        sides[1]: row.run,
        "ratio": ratio,
        "points": points,
        "interval": row.change.map_or(Value::Null, json_interval),
        "tolerance": tolerance,
        "tolerance_points": tolerance_points,
        "outcome": row.outcome().name(),
        "tested": row.is_tested,
    });
    if let Some(pairs) = row.pairs {
        value["pairs"] = pairs.into();
    }
    value
}

/// The ends of an interval, `null` where one is open; `null` alone if it is not known.
pub(crate) fn json_interval(change: Change) -> Value {
    let interval = change.interval();
    if interval == ChangeInterval::UNKNOWN {
        return Value::Null;
    }
    json!([interval.low, interval.high])
}
