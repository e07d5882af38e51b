//! `brunt history --rebuild`: makes the history again of the runs' records.

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
    let known = store::with(|store| store.locations())?;
    let mut runs: BTreeMap<PathBuf, RunRow> = BTreeMap::new();
    let folders = results::run_folders().context("cannot look for the runs' folders")?;
    for folder in &folders {
        match read(folder) {
            Ok(run) => {
                runs.insert(folder.join(RECORD_FILE), run);
            }
            Err(error) => print_note(&format!(
                "note: {} is passed over: {error:#}",
                folder.display()
            )),
        }
    }
    let gone: Vec<i64> = known
        .iter()
        .filter(|place| is_gone(place, &runs))
        .map(|place| place.id)
        .collect();
    let runs: Vec<RunRow> = runs.into_values().collect();
    store::with(|store| store.replace(&gone, &runs))?;
    let count = store::with(|store| store.locations())?.len();
    let word = if count == 1 { "run" } else { "runs" };
    terminal::print(&format!(
        "the history knows {count} {word}, {} from the records under performance/results\n",
        runs.len()
    ));
    Ok(Exit::Passed)
}

/// Whether a run that is known is no more: its record was removed, or is now that of another run.
/// Of runs in folders that the user named, only the history knows; they stay.
fn is_gone(place: &RunLocation, runs: &BTreeMap<PathBuf, RunRow>) -> bool {
    let is_own = place.record.parent().is_some_and(results::is_own);
    is_own
        && match runs.get(&place.record) {
            Some(run) => run.run_id() != place.run_id,
            None => !place.record.exists(),
        }
}

fn read(folder: &Path) -> anyhow::Result<RunRow> {
    let file = File::open(folder.join(RECORD_FILE)).context("it has no record")?;
    let record = brunt_record::file::read(file)?;
    let verdict = brunt_verdict::judge(&record);
    let judged = Judged {
        record: &record,
        verdict: &verdict,
        exit_code: verdict.conclusion(FailOn::Poor).exit_code(),
    };
    Ok(RunRow::of(&judged, folder, &results::report_of(folder))?)
}
