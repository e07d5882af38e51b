//! The store: `performance/brunt.db` knows every run. It holds the only SQL of brunt, and what can be
//! made again: the runs' folders stay the truth.

mod corruption;
mod location;
mod queries;
mod run_row;
mod schema;

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use brunt_report::Judged;
use rusqlite::{Connection, ErrorCode};

use crate::results::RunFolder;

pub(crate) use location::RunLocation;
pub(crate) use queries::{Column, HistoryQuery, RequestKey};
pub(crate) use run_row::RunRow;

/// Where the database lies, from the folder that brunt is started in.
const DATABASE: &str = "performance/brunt.db";
/// How long another brunt may write; each does for some milliseconds.
const BUSY: Duration = Duration::from_secs(10);

/// Why the database could not be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    /// A newer brunt made it.
    #[error(
        "{path} is of version {found}, and this brunt knows up to {known}; use a newer brunt, or move \
         the file away and give: brunt history --rebuild"
    )]
    Newer {
        path: String,
        found: i64,
        known: usize,
    },
    /// What is there is no database, or no whole one.
    #[error("{path} is damaged: {reason}; move it away and give: brunt history --rebuild")]
    Damaged { path: String, reason: String },
    #[error(
        "cannot use {path}: {error}; make room, or let it be written to; if it stays so, move the \
         file away and give: brunt history --rebuild"
    )]
    Sql {
        path: String,
        error: rusqlite::Error,
    },
    #[error("cannot use {path}: {error}")]
    Io { path: String, error: io::Error },
    #[error("cannot keep a run: {0}")]
    Summary(#[from] serde_json::Error),
}

/// The database, open.
pub(crate) struct Store {
    connection: Connection,
    path: PathBuf,
}

/// Takes a run into the database.
pub(crate) fn keep(run: &Judged, folder: &RunFolder) -> Result<(), StoreError> {
    let run = RunRow::of(run, folder.path(), &folder.report)?;
    with(|store| store.add(&run))
}

/// Whether there is a database.
pub(crate) fn exists() -> bool {
    Path::new(DATABASE).exists()
}

/// Does something with the database. One that turns out to be damaged is set aside, and it is done
/// with a new one.
pub(crate) fn with<T>(work: impl Fn(&mut Store) -> Result<T, StoreError>) -> Result<T, StoreError> {
    let path = Path::new(DATABASE);
    let attempt = || work(&mut Store::open(path)?);
    match attempt() {
        Err(StoreError::Damaged { reason, .. }) => {
            corruption::set_aside(path, &reason)?;
            attempt()
        }
        other => other,
    }
}

impl Store {
    /// Opens a database, made or migrated where that is due.
    fn open(path: &Path) -> Result<Self, StoreError> {
        // Two that make or set aside the same database would be in each other's way.
        let _lock = lock_folder_of(path)?;
        let open = || -> rusqlite::Result<Connection> {
            let connection = Connection::open(path)?;
            connection.busy_timeout(BUSY)?;
            Ok(connection)
        };
        let mut connection = open().map_err(|error| error_of(path, error))?;
        schema::prepare(&mut connection, path, schema::STEPS)?;
        Ok(Self {
            connection,
            path: path.to_owned(),
        })
    }

    fn error(&self, error: rusqlite::Error) -> StoreError {
        error_of(&self.path, error)
    }
}

/// A lock on the folder that a database lies in, held until it is dropped.
fn lock_folder_of(path: &Path) -> Result<File, StoreError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let lock = || {
        fs::create_dir_all(folder)?;
        let folder = File::open(folder)?;
        folder.lock()?;
        Ok(folder)
    };
    lock().map_err(|error| io_error(path, error))
}

fn error_of(path: &Path, error: rusqlite::Error) -> StoreError {
    let path = path.display().to_string();
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => StoreError::Damaged {
            path,
            reason: error.to_string(),
        },
        _ => StoreError::Sql { path, error },
    }
}

fn io_error(path: &Path, error: io::Error) -> StoreError {
    StoreError::Io {
        path: path.display().to_string(),
        error,
    }
}
