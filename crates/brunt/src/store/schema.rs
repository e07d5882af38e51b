//! The tables and how they came to be: a step for each version, kept for good.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use super::{StoreError, error_of};

/// What makes each version of the one before; the first, of nothing.
pub(super) const STEPS: &[&str] = &[include_str!("schema/v1.sql")];

/// Brings a database to the newest version. A newer one is left as it is.
pub(super) fn prepare(
    connection: &mut Connection,
    path: &Path,
    steps: &[&str],
) -> Result<(), StoreError> {
    let sql = |error| error_of(path, error);
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
        // Readers and the one writer do not wait for each other.
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

    /// A database that version 1 left, as text.
    const V1: &str = include_str!("schema/v1-with-runs.sql");

    fn in_folder(sql: &str) -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("brunt.db");
        Connection::open(&path).unwrap().execute_batch(sql).unwrap();
        (folder, path)
    }

    #[test]
    fn a_database_of_version_1_is_known() {
        let (_folder, path) = in_folder(V1);
        let store = Store::open(&path).unwrap();
        let asked = HistoryQuery {
            profile: None,
            columns: &[Column::P95],
            request: None,
            last: 10,
        };
        let runs = store.list(&asked).unwrap();
        let said: Vec<_> = runs
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
            said,
            [("load", "good", Some(12.5)), ("stress", "invalid", None)]
        );
        assert_eq!(runs[0].label.as_deref(), Some("v1.2"));
    }

    #[test]
    fn a_database_of_version_1_becomes_one_of_a_later_version_with_its_rows() {
        let (_folder, path) = in_folder(V1);
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
        // What this brunt knows is now older.
        let error = Store::open(&path).err().unwrap().to_string();
        assert!(
            error.contains("of version 2") && error.contains("up to 1"),
            "{error}"
        );
    }

    #[test]
    fn a_step_that_fails_leaves_the_version_before() {
        let (_folder, path) = in_folder(V1);
        let mut connection = Connection::open(&path).unwrap();
        let broken = [STEPS[0], "CREATE TABLE notes (id INTEGER); NOT SQL"];
        assert!(prepare(&mut connection, &path, &broken).is_err());
        drop(connection);
        Store::open(&path).unwrap();
    }
}
