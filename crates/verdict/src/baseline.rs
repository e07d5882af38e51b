//! Baselines: runs that are kept to compare later ones with, as one text that is small, and made to be
//! committed and reviewed. Where it lies is somebody else's; `docs/baselines.md` describes it.

mod conditions;
mod text;

use brunt_record::RunRecord;
use serde::{Deserialize, Serialize};

pub use conditions::{Compatibility, Conditions, Difference, incompatible};

use crate::comparison::{BetweenRuns, Comparison, Figures, compare};
use crate::{RunResult, finding, judge};

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
    pub figures: Figures,
}

/// The limits of a baseline of fewer than three runs, and the remedy.
pub(crate) fn noise_unknown(name: &str, runs: usize) -> String {
    let of = if runs == 1 {
        "1 run"
    } else {
        &format!("{runs} runs")
    };
    format!(
        "baseline `{name}` has {of}, so the noise between runs is not known and nothing can be called worse or \
         not worse; save at least three runs: `brunt baseline save {name} --runs 3`"
    )
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
        text::read(text)
    }

    /// Its text: a list of numbers on each line, in a stable order.
    pub fn to_text(&self) -> String {
        text::write(self)
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
        let runs: Vec<Figures> = self.runs.iter().map(|run| run.figures.clone()).collect();
        compare(&runs, &Figures::of(record), theta)
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
            figures: Figures::of(record),
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
    if let Some(stop) = finding::stop(record) {
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
