//! Tables, and the migration step to each schema version. Steps are never changed.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use super::error::StoreError;

/// SQL that migrates from each version to the next; the first creates version 1.
pub(super) const STEPS: &[&str] = &[include_str!("schema/v1.sql")];

/// Migrates a database to the newest version. A database of an unknown, newer version is not changed.
pub(super) fn prepare(
    connection: &mut Connection,
    path: &Path,
    steps: &[&str],
) -> Result<(), StoreError> {
    let sql = |error| StoreError::from_sql(path, error);
    let version = |connection: &Connection| {
        connection.query_row("PRAGMA user_version", [], |row| row.get::<_, i64>(0))
    };
    let found = version(connection).map_err(sql)?;
    let Some(missing) = usize::try_from(found)
        .ok()
        .and_then(|found| steps.get(found..))
    else {
        return Err(StoreError::Newer {
            path: path.display().to_string(),
            found,
            known: steps.len(),
        });
    };
    let mut migrate = || -> rusqlite::Result<()> {
        // In WAL mode readers and the writer do not wait for each other.
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        if missing.is_empty() {
            return Ok(());
        }
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for step in missing {
            transaction.execute_batch(step)?;
        }
        let known = found.saturating_add_unsigned(missing.len() as u64);
        transaction.pragma_update(None, "user_version", known)?;
        transaction.commit()
    };
    migrate().map_err(sql)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Column, HistoryQuery, Store};

    /// SQL dump of a database of version 1 with runs.
    const V1: &str = include_str!("schema/v1-with-runs.sql");

    fn database_with(sql: &str) -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("brunt.db");
        Connection::open(&path).unwrap().execute_batch(sql).unwrap();
        (folder, path)
    }

    #[test]
    fn database_of_version_1_is_readable() {
        let (_folder, path) = database_with(V1);
        let store = Store::open(&path).unwrap();
        let query = HistoryQuery {
            profile: None,
            columns: &[Column::P95],
            request: None,
            last: 10,
        };
        let runs = store.list(&query).unwrap();
        let found: Vec<_> = runs
            .iter()
            .map(|run| {
                (
                    run.profile.as_str(),
                    run.result.name(),
                    run.values[0].known(),
                )
            })
            .collect();
        assert_eq!(
            found,
            [("load", "good", Some(12.5)), ("stress", "invalid", None)]
        );
        assert_eq!(runs[0].label.as_deref(), Some("v1.2"));
    }

    #[test]
    fn database_of_version_1_migrates_and_keeps_its_rows() {
        let (_folder, path) = database_with(V1);
        let mut connection = Connection::open(&path).unwrap();
        let later = [STEPS[0], "ALTER TABLE runs ADD COLUMN note TEXT"];
        prepare(&mut connection, &path, &later).unwrap();
        prepare(&mut connection, &path, &later).unwrap();
        let notes: i64 = connection
            .query_row("SELECT count(*) FROM runs WHERE note IS NULL", [], |row| {
                row.get(0)
            })
            .unwrap();
        assert_eq!(notes, 2);
        // The database is now newer than this brunt supports.
        let error = Store::open(&path).err().unwrap().to_string();
        assert!(
            error.contains("has schema version 2") && error.contains("up to 1"),
            "{error}"
        );
    }

    #[test]
    fn failing_migration_leaves_the_previous_version() {
        let (_folder, path) = database_with(V1);
        let mut connection = Connection::open(&path).unwrap();
        let broken = [STEPS[0], "CREATE TABLE notes (id INTEGER); NOT SQL"];
        assert!(prepare(&mut connection, &path, &broken).is_err());
        drop(connection);
        Store::open(&path).unwrap();
    }
}
