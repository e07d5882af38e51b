//! The open database: connection, lock of its directory, and transactions.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::error::StoreError;
use super::schema;

/// Maximum wait for other brunt processes that write; each needs some milliseconds.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// The open database.
pub(crate) struct Store {
    pub(super) connection: Connection,
    path: PathBuf,
}

impl Store {
    /// Opens a database; creates or migrates it if necessary.
    pub(super) fn open(path: &Path) -> Result<Self, StoreError> {
        // Two processes must not create the same database, or move it away, at the same time.
        let _lock = lock_directory_of(path)?;
        let mut connection = connect(path).map_err(|error| StoreError::from_sql(path, error))?;
        schema::prepare(&mut connection, path, schema::STEPS)?;
        Ok(Self {
            connection,
            path: path.to_owned(),
        })
    }

    /// Runs a transaction that writes, after those of other processes.
    pub(super) fn write<T>(
        &mut self,
        work: impl FnOnce(&Transaction) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let written = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .and_then(|transaction| {
                let done = work(&transaction)?;
                transaction.commit()?;
                Ok(done)
            });
        written.map_err(|error| self.error(error))
    }

    pub(super) fn error(&self, error: rusqlite::Error) -> StoreError {
        StoreError::from_sql(&self.path, error)
    }
}

/// Opens a connection that waits for other writers.
pub(super) fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    Ok(connection)
}

/// Locks the directory of a database until the result is dropped.
pub(super) fn lock_directory_of(path: &Path) -> Result<File, StoreError> {
    let directory = path.parent().unwrap_or(Path::new("."));
    let lock = || {
        fs::create_dir_all(directory)?;
        let directory = File::open(directory)?;
        directory.lock()?;
        Ok(directory)
    };
    lock().map_err(|error| StoreError::from_io(path, error))
}
