//! The sentence on top: what came out of a run, in one line.

use record::{Metric, RunRecord, Target};

use crate::evidence::{Evidence, Lag};
use crate::row::Row;
use crate::{Grade, RunResult, Value, finding, number, warm_up};

/// How many names are listed before the rest is counted.
const NAMES_MAX: usize = 3;

/// The verdict in one sentence.
pub(crate) fn on(
    record: &RunRecord,
    result: RunResult,
    invalid_because: &[String],
    rows: &[Row],
) -> String {
    match result {
        RunResult::Invalid => invalid(invalid_because),
        RunResult::Graded(Grade::Inconclusive) => inconclusive(record, rows),
        RunResult::Graded(Grade::Good) => good(record, rows),
        RunResult::Graded(grade) => missed(grade, rows),
    }
}

fn invalid(because: &[String]) -> String {
    let more = match because.len().saturating_sub(1) {
        0 => String::new(),
        1 => " (and one more reason)".into(),
        more => format!(" (and {more} more reasons)"),
    };
    let first = because.first().map_or("", String::as_str);
    format!("Not valid: {first}{more}.")
}

fn inconclusive(record: &RunRecord, rows: &[Row]) -> String {
    let [first, rest @ ..] = rows else {
        return "Inconclusive: no targets are set.".into();
    };
    if error_rate(record).known().is_none()
        && let Some(stop) = finding::stop(record)
    {
        return format!("Inconclusive: nothing was measured; {stop}.");
    }
    let lack = first.lack.as_ref().map_or("", |lack| &lack.what);
    let title = &first.title;
    if rest.is_empty() {
        return format!("Inconclusive: {title} is not decided ({lack}).");
    }
    let count = rows.len();
    format!("Inconclusive: none of {count} targets is decided; {title}: {lack}.")
}

fn good(record: &RunRecord, rows: &[Row]) -> String {
    let (count, open) = (rows.len(), undecided(rows));
    if !open.is_empty() {
        let are = if open.len() == 1 { "is" } else { "are" };
        return format!(
            "Good, but {} of {count} targets {are} not decided: {}.",
            open.len(),
            listed(&open)
        );
    }
    let throughput = overall(record, Metric::Throughput);
    let at = throughput.known().map_or_else(String::new, |rps| {
        format!(" at {} req/s", number::measured(rps))
    });
    let p99 = match overall(record, Metric::Percentile(0.99)) {
        Value::Known(ms) => format!("p99 {} ms", number::measured(ms)),
        Value::NotAnswered => "p99 not answered".into(),
        Value::Unknown => String::new(),
    };
    let errors = error_rate(record)
        .known()
        .map_or_else(String::new, |percent| {
            format!("errors {} %", number::measured(percent))
        });
    let beside: Vec<String> = [p99, errors]
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect();
    let beside = if beside.is_empty() {
        String::new()
    } else {
        format!(" ({})", beside.join(", "))
    };
    format!("Good: {count} of {count} targets met{at}{beside}.")
}

fn missed(grade: Grade, rows: &[Row]) -> String {
    let (title, count, open) = (capital(grade.name()), rows.len(), undecided(rows));
    let mut of_grade = rows.iter().filter(|row| row.judgement.grade == grade);
    let missing = rows.iter().filter(|row| row.is_missed()).count();
    let open = if open.is_empty() {
        String::new()
    } else {
        format!(", {} not decided ({})", open.len(), listed(&open))
    };
    match of_grade.find_map(Row::miss) {
        Some(miss) => format!("{title}: {miss}; {missing} of {count} targets missed{open}."),
        // No better threshold than acceptable was set where the grade is acceptable.
        None => format!("{title}: 0 of {count} targets missed{open}."),
    }
}

fn undecided(rows: &[Row]) -> Vec<&str> {
    let open = rows.iter().filter(|row| !row.is_decided());
    open.map(|row| row.title.as_str()).collect()
}

fn listed(names: &[&str]) -> String {
    if names.len() <= NAMES_MAX {
        return names.join(", ");
    }
    let shown = names[..NAMES_MAX].join(", ");
    format!("{shown} and {} more", names.len() - NAMES_MAX)
}

/// The words with a capital letter in front.
pub(crate) fn capital(words: &str) -> String {
    let mut letters = words.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

fn error_rate(record: &RunRecord) -> Value {
    overall(record, Metric::ErrorRate)
}

/// What was measured of all requests, whether or not a target asks for it.
fn overall(record: &RunRecord, metric: Metric) -> Value {
    let asked = Target {
        metric,
        scope: None,
        target: None,
        acceptable: None,
        critical: None,
    };
    Evidence::of(warm_up::judged(record), &asked, Lag::Counted).value
}
