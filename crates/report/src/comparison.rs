//! Comparisons as every form of report shows them: titles, values, changes, and what stands out.

use serde_json::{Value, json};
use verdict::comparison::{BetweenRuns, Change, Outcome, Row};
use verdict::{Beside, Contested, Grade};

use crate::number;

/// One thing beside another, whichever they are.
pub(crate) struct Compared<'a> {
    /// What it is.
    pub(crate) title: String,
    /// What the two are called.
    pub(crate) sides: [&'static str; 2],
    pub(crate) outcome: Outcome,
    pub(crate) sentence: String,
    pub(crate) caveats: Vec<String>,
    pub(crate) rows: &'a [Row],
}

impl<'a> From<&'a Beside> for Compared<'a> {
    fn from(beside: &'a Beside) -> Self {
        Self {
            title: format!("Beside `{}`", number::one_line(&beside.baseline)),
            sides: ["baseline", "run"],
            outcome: beside.comparison.outcome(),
            sentence: beside.sentence(),
            caveats: beside.caveats(),
            rows: &beside.comparison.rows,
        }
    }
}

impl<'a> From<&'a Contested> for Compared<'a> {
    fn from(contested: &'a Contested) -> Self {
        Self {
            title: "A against B".to_owned(),
            sides: ["A", "B"],
            outcome: contested.outcome(),
            sentence: contested.sentence(),
            caveats: contested.caveats(),
            rows: &contested.played.rows,
        }
    }
}

impl<'a> Compared<'a> {
    /// The rows that decide.
    pub(crate) fn tested(&self) -> Vec<&'a Row> {
        self.rows.iter().filter(|row| row.is_tested).collect()
    }

    /// All rows of all requests.
    pub(crate) fn of_all(&self) -> Vec<&'a Row> {
        self.rows.iter().filter(|row| row.name.is_none()).collect()
    }

    /// What is to be thought of it.
    pub(crate) fn notes(&self) -> Vec<String> {
        let mut notes = self.caveats.clone();
        if self.of_all().iter().any(|row| !row.is_tested) {
            notes.push(BRACKETS_NOTE.to_owned());
        }
        notes
    }

    /// Rows of single names that are better or worse, the worst first.
    pub(crate) fn standing_out(&self) -> Vec<&'a Row> {
        let of_names = self.rows.iter().filter(|row| row.name.is_some());
        let mut rows: Vec<&Row> = of_names
            .filter(|row| matches!(row.outcome, Outcome::Worse | Outcome::Better))
            .collect();
        rows.sort_by_key(|row| row.outcome != Outcome::Worse);
        rows
    }
}

/// What is said of rows of single names.
pub(crate) const NAMES_NOTE: &str =
    "single names are shown and not tested: of many, some are worse by chance";
/// What is said of rows of all requests that decide nothing.
const BRACKETS_NOTE: &str = "outcomes in brackets are shown and not tested";

/// What was measured, and of which requests.
pub(crate) fn title(row: &Row) -> String {
    match &row.name {
        None => row.measured.in_words().to_owned(),
        Some(name) => format!("{} of {name}", row.measured.in_words()),
    }
}

/// The value of one side.
pub(crate) fn value(value: Option<f64>, row: &Row) -> String {
    value.map_or_else(
        || "–".to_owned(),
        |value| number::with_unit(value, row.measured.unit()),
    )
}

/// How a row changed, and the interval of it.
pub(crate) fn change(row: &Row) -> (String, String) {
    let words = row.change_in_words();
    let parts = words.as_deref().and_then(|words| words.split_once(" ("));
    match parts {
        Some((change, interval)) => (change.to_owned(), interval.trim_end_matches(')').to_owned()),
        None => ("–".to_owned(), String::new()),
    }
}

/// What a row comes to; where it decides nothing, that is said.
pub(crate) fn outcome(row: &Row) -> String {
    let words = row.outcome.in_words();
    match (row.is_tested, row.name.is_some()) {
        (true, _) | (false, true) => words.to_owned(),
        (false, false) => format!("({words})"),
    }
}

/// The grade whose colour an outcome has.
pub(crate) fn grade_of(outcome: Outcome) -> Grade {
    match outcome {
        Outcome::Worse => Grade::Poor,
        Outcome::Better | Outcome::Same => Grade::Good,
        Outcome::NotEnoughData => Grade::Inconclusive,
    }
}

/// For `summary.json`.
pub(crate) fn json_beside(beside: &Beside) -> Value {
    let comparison = &beside.comparison;
    let (runs, is_known) = match comparison.between_runs {
        BetweenRuns::Known { runs } => (runs, true),
        BetweenRuns::Unknown { runs } => (runs, false),
    };
    let differences = beside.differences.iter();
    let differences = differences.map(|it| {
        json!({
            "what": it.what, "baseline": it.baseline, "run": it.run, "weight": it.weight.name(),
        })
    });
    json!({
        "baseline": beside.baseline,
        "outcome": comparison.outcome().name(),
        "sentence": beside.sentence(),
        "baseline_runs": runs,
        "noise_between_runs_known": is_known,
        "differences": differences.collect::<Vec<_>>(),
        "rows": comparison.rows.iter().map(|row| json_row(row, ["baseline", "run"])).collect::<Vec<_>>(),
    })
}

/// One row, for files, with what its two sides are called.
pub(crate) fn json_row(row: &Row, sides: [&str; 2]) -> Value {
    let interval = |interval: verdict::Interval| json!([interval.low, interval.high]);
    let (ratio, points, interval) = match row.change {
        None => (None, None, Value::Null),
        Some(Change::Ratio {
            ratio,
            interval: of,
        }) => (Some(ratio), None, interval(of)),
        Some(Change::Points { by, interval: of }) => (None, Some(by), interval(of)),
    };
    json!({
        "name": row.name,
        "measured": row.measured.name(),
        "unit": row.measured.unit(),
        sides[0]: row.baseline,
        sides[1]: row.run,
        "ratio": ratio,
        "points": points,
        "interval": interval,
        "tolerance": row.theta,
        "outcome": row.outcome.name(),
        "tested": row.is_tested,
    })
}
