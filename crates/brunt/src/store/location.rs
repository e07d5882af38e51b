//! Which runs are known, where they lie, and what keeps them.

use std::path::PathBuf;

use rusqlite::Row;

use super::{Store, StoreError};

/// A run and where its files lie.
#[derive(Debug, Clone)]
pub(crate) struct RunLocation {
    pub(crate) id: i64,
    pub(crate) run_id: String,
    pub(crate) record: PathBuf,
    pub(crate) started_at_ms: i64,
    pub(crate) has_label: bool,
}

impl Store {
    /// Where all runs lie, oldest first.
    pub(crate) fn locations(&self) -> Result<Vec<RunLocation>, StoreError> {
        let read = || -> rusqlite::Result<Vec<RunLocation>> {
            let mut query = self.connection.prepare(
                "SELECT id, run_id, record, started_at_ms, label IS NOT NULL
                 FROM runs ORDER BY started_at_ms, id",
            )?;
            query.query_map([], place)?.collect()
        };
        read().map_err(|error| self.error(error))
    }
}

fn place(row: &Row) -> rusqlite::Result<RunLocation> {
    Ok(RunLocation {
        id: row.get(0)?,
        run_id: row.get(1)?,
        record: row.get::<_, String>(2)?.into(),
        started_at_ms: row.get(3)?,
        has_label: row.get(4)?,
    })
}
