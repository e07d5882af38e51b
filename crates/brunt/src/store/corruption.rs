//! A damaged database: it is set aside under a name with a number, never removed.

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::{BUSY, StoreError, io_error, lock_folder_of};
use crate::exit::print_note;

/// Renames a damaged database, and says so. What another brunt has set aside meanwhile is left alone.
pub(super) fn set_aside(path: &Path, reason: &str) -> Result<(), StoreError> {
    let _lock = lock_folder_of(path)?;
    if is_whole(path) {
        return Ok(());
    }
    let with_ending = |ending: &str| PathBuf::from(format!("{}{ending}", path.display()));
    let free = (1..).map(|number: u32| format!(".damaged-{number}"));
    let ending = free
        .into_iter()
        .find(|ending| !with_ending(ending).exists())
        .unwrap_or_default();
    fs::rename(path, with_ending(&ending)).map_err(|error| io_error(path, error))?;
    // What SQLite keeps beside it belongs to it, and would be played into the new one.
    for beside in ["-wal", "-shm"] {
        let (from, to) = (
            with_ending(beside),
            with_ending(&format!("{ending}{beside}")),
        );
        if from.exists() {
            fs::rename(&from, to).map_err(|error| io_error(&from, error))?;
        }
    }
    print_note(&format!(
        "note: {} is damaged ({reason}) and was set aside as {}; make it again of the runs' records \
         with: brunt history --rebuild",
        path.display(),
        with_ending(&ending).display()
    ));
    Ok(())
}

fn is_whole(path: &Path) -> bool {
    let check = || -> rusqlite::Result<String> {
        let connection = Connection::open(path)?;
        connection.busy_timeout(BUSY)?;
        connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
    };
    check().is_ok_and(|answer| answer == "ok")
}
