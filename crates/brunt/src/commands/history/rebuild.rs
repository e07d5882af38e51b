//! `brunt history --rebuild`: rebuilds the database from the run records.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::Context;
use brunt_report::Judged;
use brunt_verdict::FailOn;

use crate::exit::{Exit, Failure, print_note};
use crate::results::RECORD_FILE;
use crate::store::{self, RunLocation, RunRow};
use crate::{results, terminal};

pub(super) fn run() -> Result<Exit, Failure> {
    let stored = store::with(|store| store.locations())?;
    let mut runs: BTreeMap<PathBuf, RunRow> = BTreeMap::new();
    let folders = results::run_folders().context("cannot list the run directories")?;
    for folder in &folders {
        match read(folder) {
            Ok(run) => {
                runs.insert(folder.join(RECORD_FILE), run);
            }
            Err(error) => print_note(&format!("note: skipped {}: {error:#}", folder.display())),
        }
    }
    let gone: Vec<i64> = stored
        .iter()
        .filter(|location| is_gone(location, &runs))
        .map(|location| location.id)
        .collect();
    let runs: Vec<RunRow> = runs.into_values().collect();
    store::with(|store| store.replace(&gone, &runs))?;
    let count = store::with(|store| store.locations())?.len();
    terminal::print(&format!(
        "the history has {}, {} of them with a record under performance/results\n",
        terminal::number_of(count, "run"),
        runs.len()
    ));
    Ok(Exit::Passed)
}

/// Whether a stored run no longer exists: its record was deleted, or is that of another run. Runs in directories that the
/// user named are kept, since only the database lists them.
fn is_gone(location: &RunLocation, runs: &BTreeMap<PathBuf, RunRow>) -> bool {
    let is_own = location.record.parent().is_some_and(results::is_own);
    is_own
        && match runs.get(&location.record) {
            Some(run) => run.run_id() != location.run_id,
            None => !location.record.exists(),
        }
}

fn read(folder: &Path) -> anyhow::Result<RunRow> {
    let file = File::open(folder.join(RECORD_FILE)).context("cannot open the run record")?;
    let record = brunt_record::file::read(file)?;
    let verdict = brunt_verdict::judge(&record);
    let judged = Judged {
        record: &record,
        verdict: &verdict,
        exit_code: verdict.conclusion(FailOn::Poor).exit_code(),
    };
    Ok(RunRow::new(&judged, folder, &results::report_of(folder))?)
}
