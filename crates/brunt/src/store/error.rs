//! Errors of the database, with the path and the remedy.

use std::io;
use std::path::Path;

use rusqlite::ErrorCode;

/// Reason why the database cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    /// A newer brunt wrote it.
    #[error(
        "{path} has schema version {found}, and this version of brunt supports up to {known}; use a newer version, or move \
         the file away and run: brunt history --rebuild"
    )]
    Newer {
        path: String,
        found: i64,
        known: usize,
    },
    /// The file is not a database, or its content is corrupt.
    #[error("{path} is damaged: {reason}; move it away and run: brunt history --rebuild")]
    Damaged { path: String, reason: String },
    #[error(
        "cannot use {path}: {error}; check free disk space and write permission; if the error persists, move \
         the file away and run: brunt history --rebuild"
    )]
    Sql {
        path: String,
        error: rusqlite::Error,
    },
    #[error("cannot use {path}: {error}")]
    Io { path: String, error: io::Error },
    #[error("cannot store the summary of the run: {0}")]
    Summary(#[from] serde_json::Error),
}

impl StoreError {
    /// Error of an SQLite call.
    pub(super) fn from_sql(path: &Path, error: rusqlite::Error) -> Self {
        let path = path.display().to_string();
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Damaged {
                path,
                reason: error.to_string(),
            },
            _ => Self::Sql { path, error },
        }
    }

    /// Error of a file operation.
    pub(super) fn from_io(path: &Path, error: io::Error) -> Self {
        Self::Io {
            path: path.display().to_string(),
            error,
        }
    }
}
