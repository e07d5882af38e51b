//! Baselines: runs that are kept to compare later ones with, as one text that is small, and made to be
//! committed and reviewed. Where it lies is somebody else's; `docs/baselines.md` describes it.

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

/// The version of the format that is written.
pub const FORMAT_VERSION: u32 = 1;

/// Runs of one build under the same conditions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Baseline {
    format: u32,
    /// What it is called.
    pub name: String,
    /// Under which conditions its runs were made: those of the first.
    pub conditions: Conditions,
    /// Its runs, oldest first.
    pub runs: Vec<KeptRun>,
}

/// What is kept of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KeptRun {
    /// The run's name.
    pub run_id: String,
    /// When the load began, RFC 3339, UTC.
    pub started_at: String,
    /// How long load was made, in seconds.
    pub duration_s: f64,
    /// What the verdict on it was.
    pub verdict: String,
    /// What it measured.
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

/// Why runs are no baseline.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BaselineError {
    /// There are none.
    #[error("a baseline has one run at least, and none was given")]
    NoRuns,
    /// A run says nothing of the service.
    #[error("run {run_id} is not valid ({because}); make it again")]
    NotValid {
        /// The run's name.
        run_id: String,
        /// Why it is not.
        because: String,
    },
    /// A run did not end as planned.
    #[error("run {run_id} was {stop}; give one that played its profile to the end")]
    NotWhole {
        /// The run's name.
        run_id: String,
        /// What stopped it.
        stop: String,
    },
    /// A run is a search, whose level is never the same.
    #[error(
        "run {run_id} of profile `{profile}` is a search, which has no level of its own; keep runs of a \
         profile that holds a level, such as load"
    )]
    Search {
        /// The run's name.
        run_id: String,
        /// The profile's name.
        profile: String,
    },
    /// Runs were made under conditions that cannot be compared.
    #[error("runs {first} and {other} cannot be kept together: {differences}")]
    Differ {
        /// The first run's name.
        first: String,
        /// The other run's.
        other: String,
        /// What differs, in words.
        differences: String,
    },
}

/// Why a text is no baseline.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It is something else.
    #[error("it is no baseline: {0}; make one with `brunt baseline save`")]
    NotABaseline(String),
    /// It was written by a newer brunt.
    #[error(
        "its format {found} is newer than this brunt reads (up to {FORMAT_VERSION}); use a newer brunt"
    )]
    TooNew {
        /// The version found.
        found: u64,
    },
}

impl Baseline {
    /// Keeps runs, which have to be complete, valid and comparable unless `allow` says otherwise.
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

    /// Reads a baseline of this version or an older one.
    pub fn read(text: &str) -> Result<Self, ReadError> {
        read(text)
    }

    /// Its text: a list of numbers on each line, in a stable order.
    pub fn to_text(&self) -> String {
        write(self)
    }

    /// What is unknown for lack of runs, and the remedy; `None` if it has enough.
    pub fn weakness(&self) -> Option<String> {
        match BetweenRuns::of(self.runs.len()) {
            BetweenRuns::Known { .. } => None,
            BetweenRuns::Unknown { runs } => Some(noise_unknown(&self.name, runs)),
        }
    }

    /// What chance explains of the difference of a run from its runs.
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

/// What needs lines of its own.
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

/// What to do about a run that is worse.
const PLAY_BOTH: &str =
    "Next: `brunt compare --ab` plays both builds alternately, to rule out noise.";

/// The verdict on a run that is compared with a baseline. A difference by less than `theta`, a share, is none.
/// `differences` are those that were found before the load, with the conditions as they were then.
pub fn judge_with_baseline(
    record: &RunRecord,
    baseline: &Baseline,
    differences: Vec<ConditionDifference>,
    theta: Option<f64>,
) -> Verdict {
    let mut verdict = judge(record);
    let mut beside = BaselineVerdict {
        baseline: baseline.name.clone(),
        differences,
        comparison: baseline.compare(record, theta),
    };
    if verdict.result == RunResult::Invalid {
        beside.comparison.leave_undecided();
    }
    if beside.comparison.is_worse() {
        let finding = beside.finding();
        // A run that misses no target is failed by this.
        if !verdict.result.is_missed() && verdict.result != RunResult::NoResponse {
            verdict.headline.clone_from(&finding.headline);
            verdict.result = RunResult::Graded(Grade::Poor);
            PLAY_BOTH.clone_into(&mut verdict.next_step);
        }
        verdict.findings.insert(0, finding);
    } else if beside.comparison.outcome() == Outcome::NotEnoughData {
        leave_open(&mut verdict, &beside);
    }
    verdict.baseline = Some(beside);
    verdict
}

/// Whether the run is worse was asked and is not decided, so a run that misses nothing is not decided either.
fn leave_open(verdict: &mut Verdict, beside: &BaselineVerdict) {
    match verdict.result {
        RunResult::Graded(Grade::Poor | Grade::Critical)
        | RunResult::Invalid
        | RunResult::NoResponse => return,
        RunResult::Graded(Grade::Inconclusive) => {
            let known = verdict.headline.trim_end_matches('.');
            verdict.headline = format!("{known}; {}", uncapitalized(&beside.headline()));
            return;
        }
        RunResult::Graded(_) | RunResult::NoTargets => {}
    }
    let (state, known) = verdict.headline_parts();
    let compared = beside.headline();
    let by_targets = match verdict.result {
        RunResult::NoTargets => String::new(),
        _ => format!("{} by its targets: ", uncapitalized(state)),
    };
    verdict.headline = format!(
        "Inconclusive: {}; {by_targets}{known}",
        uncapitalized(compared.trim_end_matches('.')),
    );
    verdict.result = RunResult::Graded(Grade::Inconclusive);
    verdict.next_step = match beside.comparison.between_runs {
        BetweenRuns::Unknown { .. } => format!(
            "Next: save at least three runs, `brunt baseline save {} --runs 3`, and compare again.",
            beside.baseline
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
    fn numbers_stand_on_one_line_and_the_rest_on_its_own() {
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
    fn what_is_no_baseline_is_refused_by_what_is_wrong() {
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
