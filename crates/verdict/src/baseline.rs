//! Baselines: runs that are stored for comparisons with later ones, as a small text file that is made to be committed
//! and reviewed. The caller decides where it is stored; `docs/baselines.md` describes the format.

use brunt_record::RunRecord;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use crate::comparison::conditions::{
    Compatibility, ConditionDifference, Conditions, incompatible,
};

use crate::comparison::baseline_verdict::BaselineVerdict;
use crate::comparison::baseline_verdict::noise_unknown;
use crate::comparison::compare::compare;
use crate::comparison::figures::RunMetrics;
use crate::comparison::outcome::Outcome;
use crate::comparison::row::{BetweenRuns, Comparison};
use crate::judging::ending;
use crate::judging::judge::judge;
use crate::model::grade::Grade;
use crate::model::run_result::RunResult;
use crate::sentence::uncapitalized;
use crate::verdict::Verdict;

/// The version of the format.
pub const FORMAT_VERSION: u32 = 1;

/// Runs of one build under the same conditions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Baseline {
    format: u32,
    /// Its name.
    pub name: String,
    /// The conditions of its first run.
    pub conditions: Conditions,
    /// Its runs, oldest first.
    pub runs: Vec<KeptRun>,
}

/// The stored data of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KeptRun {
    /// ID of the run.
    pub run_id: String,
    /// Start of the load, RFC 3339, UTC.
    pub started_at: String,
    /// Duration of the load, in seconds.
    pub duration_s: f64,
    /// Result of the run's verdict.
    pub verdict: String,
    /// Measurements of the run.
    pub figures: RunMetrics,
}

/// Runs that a baseline accepts although they prove less.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Allow {
    /// Runs that are invalid or incomplete.
    pub invalid: bool,
    /// Runs whose conditions differ.
    pub mismatch: bool,
}

/// Reasons for which runs cannot become a baseline.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BaselineError {
    /// There are no runs.
    #[error("a baseline needs at least one run")]
    NoRuns,
    /// A run does not describe the service.
    #[error("run {run_id} is invalid ({because}); repeat it")]
    NotValid {
        /// ID of the run.
        run_id: String,
        /// The reasons.
        because: String,
    },
    /// A run did not end as planned.
    #[error("run {run_id} is incomplete: {stop}; use one that completed its profile")]
    NotWhole {
        /// ID of the run.
        run_id: String,
        /// The reason for stopping it.
        stop: String,
    },
    /// A run is a search, which has no constant level.
    #[error(
        "run {run_id} of profile `{profile}` is a search, which has no constant level; use runs of a \
         profile that holds a level, such as load"
    )]
    Search {
        /// ID of the run.
        run_id: String,
        /// The profile's name.
        profile: String,
    },
    /// The conditions of runs are incompatible.
    #[error("runs {first} and {other} cannot be in one baseline: {differences}")]
    Differ {
        /// ID of the first run.
        first: String,
        /// ID of the other run.
        other: String,
        /// The differences, in words.
        differences: String,
    },
}

/// Reasons for which a text is not a baseline.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The text is something else.
    #[error("not a baseline: {0}; create one with `brunt baseline save`")]
    NotABaseline(String),
    /// It was written by a newer version of brunt.
    #[error(
        "format {found} is newer than this version of brunt reads (up to {FORMAT_VERSION}); use a newer version"
    )]
    TooNew {
        /// Its version.
        found: u64,
    },
}

impl Baseline {
    /// Creates a baseline of runs, which must be complete, valid and comparable unless `allow` makes exceptions.
    pub fn of(name: &str, records: &[RunRecord], allow: Allow) -> Result<Self, BaselineError> {
        let first = records.first().ok_or(BaselineError::NoRuns)?;
        let conditions = Conditions::of(&first.header);
        for record in records {
            refuse_search(record)?;
            if !allow.invalid {
                refuse_unsound(record)?;
            }
            if !allow.mismatch {
                refuse_others(first, record, &conditions)?;
            }
        }
        let mut runs: Vec<KeptRun> = records.iter().map(KeptRun::of).collect();
        runs.sort_by(|a, b| a.started_at.cmp(&b.started_at));
        Ok(Self {
            format: FORMAT_VERSION,
            name: name.to_owned(),
            conditions,
            runs,
        })
    }

    /// Parses a baseline of this version or an older one.
    pub fn read(text: &str) -> Result<Self, ReadError> {
        read(text)
    }

    /// Formats the baseline: a list of numbers on each line, in a stable order.
    pub fn to_text(&self) -> String {
        write(self)
    }

    /// The limits of a baseline with too few runs, and the remedy; `None` if it has enough.
    pub fn weakness(&self) -> Option<String> {
        match BetweenRuns::of(self.runs.len()) {
            BetweenRuns::Known { .. } => None,
            BetweenRuns::Unknown { runs } => Some(noise_unknown(&self.name, runs)),
        }
    }

    /// Compares a run with the runs of the baseline.
    pub fn compare(&self, record: &RunRecord, theta: Option<f64>) -> Comparison {
        let runs: Vec<RunMetrics> = self.runs.iter().map(|run| run.figures.clone()).collect();
        compare(&runs, &RunMetrics::of(record), theta)
    }
}

impl KeptRun {
    fn of(record: &RunRecord) -> Self {
        let header = &record.header;
        Self {
            run_id: header.run_id.clone(),
            started_at: header.started_at.to_string(),
            duration_s: record.duration_s(),
            verdict: judge(record).result.name().to_owned(),
            figures: RunMetrics::of(record),
        }
    }
}

fn refuse_search(record: &RunRecord) -> Result<(), BaselineError> {
    if record.header.load.search.is_none() {
        return Ok(());
    }
    Err(BaselineError::Search {
        run_id: record.header.run_id.clone(),
        profile: record.header.profile.clone(),
    })
}

fn refuse_unsound(record: &RunRecord) -> Result<(), BaselineError> {
    let run_id = || record.header.run_id.clone();
    if let Some(stop) = ending::stop(record) {
        return Err(BaselineError::NotWhole {
            run_id: run_id(),
            stop,
        });
    }
    let verdict = judge(record);
    if verdict.result == RunResult::Invalid {
        return Err(BaselineError::NotValid {
            run_id: run_id(),
            because: verdict.invalid_reasons.join("; "),
        });
    }
    Ok(())
}

fn refuse_others(
    first: &RunRecord,
    other: &RunRecord,
    conditions: &Conditions,
) -> Result<(), BaselineError> {
    let differences = conditions.differences(&Conditions::of(&other.header));
    let incompatible = incompatible(&differences);
    if incompatible.is_empty() {
        return Ok(());
    }
    let words: Vec<String> = incompatible
        .iter()
        .map(|it| it.between("one", "other"))
        .collect();
    Err(BaselineError::Differ {
        first: first.header.run_id.clone(),
        other: other.header.run_id.clone(),
        differences: words.join("; "),
    })
}

const STEP: usize = 2;

fn read(text: &str) -> Result<Baseline, ReadError> {
    let wrong = |error: serde_json::Error| ReadError::NotABaseline(error.to_string());
    let value: Value = serde_json::from_str(text).map_err(wrong)?;
    match value.get("format").and_then(Value::as_u64) {
        None | Some(0) => return Err(ReadError::NotABaseline("it has no `format`".into())),
        Some(found) if found > FORMAT_VERSION.into() => return Err(ReadError::TooNew { found }),
        Some(_) => {}
    }
    let baseline: Baseline = serde_json::from_value(value).map_err(wrong)?;
    if baseline.runs.is_empty() {
        return Err(ReadError::NotABaseline("it has no runs".into()));
    }
    for run in &baseline.runs {
        let impossible = |what| ReadError::NotABaseline(format!("run {} has {what}", run.run_id));
        run.figures.check().map_err(impossible)?;
        if !run.duration_s.is_finite() {
            return Err(impossible(format!("a duration of {} s", run.duration_s)));
        }
    }
    Ok(baseline)
}

fn write(baseline: &Baseline) -> String {
    let value = serde_json::to_value(baseline);
    let value = value.expect("numbers, texts and lists of them are always JSON");
    let mut text = String::new();
    put(&value, 0, &mut text);
    text.push('\n');
    text
}

fn put(value: &Value, indent: usize, text: &mut String) {
    match value {
        Value::Array(items) if items.iter().any(is_deep) => {
            let items: Vec<(Option<&String>, &Value)> =
                items.iter().map(|item| (None, item)).collect();
            put_lines(('[', ']'), &items, indent, text);
        }
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(Value::to_string).collect();
            *text += &format!("[{}]", items.join(", "));
        }
        Value::Object(fields) if fields.is_empty() => *text += "{}",
        Value::Object(fields) => {
            let fields: Vec<(Option<&String>, &Value)> = fields
                .iter()
                .map(|(name, value)| (Some(name), value))
                .collect();
            put_lines(('{', '}'), &fields, indent, text);
        }
        other => *text += &other.to_string(),
    }
}

/// Returns whether a value needs lines of its own.
fn is_deep(value: &Value) -> bool {
    value.is_array() || value.is_object()
}

fn put_lines(
    (begin, end): (char, char),
    items: &[(Option<&String>, &Value)],
    indent: usize,
    text: &mut String,
) {
    let inner = indent + STEP;
    text.push(begin);
    for (at, (name, value)) in items.iter().enumerate() {
        *text += if at > 0 { ",\n" } else { "\n" };
        *text += &" ".repeat(inner);
        if let Some(name) = name {
            *text += &format!("{}: ", Value::from(name.as_str()));
        }
        put(value, inner, text);
    }
    *text += &format!("\n{}{end}", " ".repeat(indent));
}

/// The next step after a run that is worse.
const PLAY_BOTH: &str =
    "Next: `brunt compare --ab` runs both builds alternately, to rule out noise.";

/// Judges a run compared with a baseline. Differences of less than `theta`, a proportion, are tolerated.
/// `differences` are those between the conditions, as they were before the load.
pub fn judge_with_baseline(
    record: &RunRecord,
    baseline: &Baseline,
    differences: Vec<ConditionDifference>,
    theta: Option<f64>,
) -> Verdict {
    let mut verdict = judge(record);
    let mut compared_run = BaselineVerdict {
        baseline: baseline.name.clone(),
        differences,
        comparison: baseline.compare(record, theta),
    };
    if verdict.result == RunResult::Invalid {
        compared_run.comparison.leave_undecided();
    }
    if compared_run.comparison.is_worse() {
        let finding = compared_run.finding();
        // A run that misses no target fails because of this.
        if !verdict.result.is_missed() && verdict.result != RunResult::NoResponse {
            verdict.headline.clone_from(&finding.headline);
            verdict.result = RunResult::Graded(Grade::Poor);
            PLAY_BOTH.clone_into(&mut verdict.next_step);
        }
        verdict.findings.insert(0, finding);
    } else if compared_run.comparison.outcome() == Outcome::NotEnoughData {
        leave_open(&mut verdict, &compared_run);
    }
    verdict.baseline = Some(compared_run);
    verdict
}

/// Makes the result inconclusive if the run misses nothing but it is undecided whether it is worse.
fn leave_open(verdict: &mut Verdict, compared_run: &BaselineVerdict) {
    match verdict.result {
        RunResult::Graded(Grade::Poor | Grade::Critical)
        | RunResult::Invalid
        | RunResult::NoResponse => return,
        RunResult::Graded(Grade::Inconclusive) => {
            let known = verdict.headline.trim_end_matches('.');
            verdict.headline = format!("{known}; {}", uncapitalized(&compared_run.headline()));
            return;
        }
        RunResult::Graded(_) | RunResult::NoTargets => {}
    }
    let (state, known) = verdict.headline_parts();
    let compared = compared_run.headline();
    let by_targets = match verdict.result {
        RunResult::NoTargets => String::new(),
        _ => format!("{} by its targets: ", uncapitalized(state)),
    };
    verdict.headline = format!(
        "Inconclusive: {}; {by_targets}{known}",
        uncapitalized(compared.trim_end_matches('.')),
    );
    verdict.result = RunResult::Graded(Grade::Inconclusive);
    verdict.next_step = match compared_run.comparison.between_runs {
        BetweenRuns::Unknown { .. } => format!(
            "Next: save at least three runs, `brunt baseline save {} --runs 3`, and compare again.",
            compared_run.baseline
        ),
        BetweenRuns::Known { .. } => {
            "Next: run longer or with more load, or save more runs, to compare with the baseline."
                .to_owned()
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn list_of_numbers_is_on_one_line() {
        let value = serde_json::json!({
            "b": 1.5, "a": [1, null, 2.25], "deep": [{"x": "\"q\""}], "none": {}, "pairs": [["u", 1]]
        });
        let mut text = String::new();
        put(&value, 0, &mut text);
        let expected = "{\n  \"b\": 1.5,\n  \"a\": [1, null, 2.25],\n  \"deep\": [\n    {\n      \
                        \"x\": \"\\\"q\\\"\"\n    }\n  ],\n  \"none\": {},\n  \"pairs\": [\n    \
                        [\"u\", 1]\n  ]\n}";
        assert_eq!(text, expected);
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
    }

    #[test]
    fn text_that_is_not_a_baseline_is_rejected_with_the_reason() {
        for (text, part) in [
            ("", "EOF"),
            ("{}", "no `format`"),
            ("{\"format\": 1}", "missing field `name`"),
            ("{\"format\": 99}", "newer"),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
