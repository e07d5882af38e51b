//! Store: `performance/brunt.db`, the database of all runs, and the only SQL in brunt. It holds nothing that cannot be
//! rebuilt from the run records.

mod database;
mod error;
mod queries;
mod run_row;
mod schema;

use std::fs;
use std::path::{Path, PathBuf};

use brunt_report::Judged;

use crate::exit::print_note;
use crate::results::RunFolder;

pub(crate) use database::Store;
pub(crate) use error::StoreError;
pub(crate) use queries::{Column, HistoryQuery, RequestKey, RunLocation};
pub(crate) use run_row::RunRow;

/// Path of the database, relative to the working directory.
const DATABASE: &str = "performance/brunt.db";

/// Adds a run to the database.
pub(crate) fn add(run: &Judged, folder: &RunFolder) -> Result<(), StoreError> {
    let run = RunRow::new(run, folder.path(), &folder.report)?;
    with(|store| store.add(&run))
}

/// Whether the database exists.
pub(crate) fn exists() -> bool {
    Path::new(DATABASE).exists()
}

/// Opens the database and does some work with it. A corrupt database is moved away, and the work is done with a new one.
pub(crate) fn with<T>(work: impl Fn(&mut Store) -> Result<T, StoreError>) -> Result<T, StoreError> {
    let path = Path::new(DATABASE);
    let attempt = || work(&mut Store::open(path)?);
    match attempt() {
        Err(StoreError::Damaged { reason, .. }) => {
            move_away(path, &reason)?;
            attempt()
        }
        other => other,
    }
}

/// Renames a corrupt database to a name with a number, and prints that name. Nothing is deleted. If another process has
/// already replaced the database, nothing is done.
fn move_away(path: &Path, reason: &str) -> Result<(), StoreError> {
    let _lock = database::lock_directory_of(path)?;
    if is_intact(path) {
        return Ok(());
    }
    let with_suffix = |suffix: &str| PathBuf::from(format!("{}{suffix}", path.display()));
    let mut suffixes = (1..).map(|number: u32| format!(".damaged-{number}"));
    let suffix = suffixes
        .find(|suffix| !with_suffix(suffix).exists())
        .unwrap_or_default();
    fs::rename(path, with_suffix(&suffix)).map_err(|error| StoreError::from_io(path, error))?;
    // SQLite would apply the log of the corrupt database to the new one.
    for log in ["-wal", "-shm"] {
        let (from, to) = (with_suffix(log), with_suffix(&format!("{suffix}{log}")));
        if from.exists() {
            fs::rename(&from, to).map_err(|error| StoreError::from_io(&from, error))?;
        }
    }
    print_note(&format!(
        "note: {} is damaged ({reason}) and was renamed to {}; rebuild it from the run records with: \
         brunt history --rebuild",
        path.display(),
        with_suffix(&suffix).display()
    ));
    Ok(())
}

fn is_intact(path: &Path) -> bool {
    let check = || -> rusqlite::Result<String> {
        database::connect(path)?.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
    };
    check().is_ok_and(|result| result == "ok")
}
