//! Store: analyses, baselines and validations in SQLite. One thread writes them in batches, so that requests do not wait for
//! the disk. Acknowledged rows are written shortly after, and all of them before the agent exits.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::thread::JoinHandle;

use rusqlite::{Connection, params};

use crate::analysis::Kept;
use crate::baseline::Baseline;
use crate::error::AgentError;

/// Version of the tables.
const VERSION: i64 = 1;
/// Maximum number of pending rows; beyond it requests wait for the disk.
const QUEUE: usize = 4096;

/// Location of the agent's state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Database {
    /// In memory: lost when the agent exits.
    Memory,
    /// In a file: read by the next agent.
    File(PathBuf),
}

/// Row to write.
pub(crate) enum Row {
    Analysis {
        model: String,
        prompt: String,
        response: String,
        kept: Kept,
        at: String,
    },
    Baseline(Box<Baseline>),
    Validation {
        id: String,
        name: String,
        model: String,
        decision: &'static str,
        at: String,
    },
}

/// Sender of rows to the writer thread.
pub(crate) struct Store {
    rows: Option<SyncSender<Row>>,
    writer: Option<JoinHandle<()>>,
}

/// Data of an earlier agent.
#[derive(Default)]
pub(crate) struct Left {
    pub(crate) analyses: Vec<(String, Kept)>,
    pub(crate) baselines: Vec<Baseline>,
}

impl Store {
    /// Opens the database and reads its rows; at most `retention` rows of each table are kept.
    pub(crate) fn open(database: &Database, retention: usize) -> Result<(Self, Left), AgentError> {
        let connection = match database {
            Database::Memory => Connection::open_in_memory()?,
            Database::File(path) => Connection::open(path)?,
        };
        prepare(&connection)?;
        let left = read(&connection, retention)?;
        let (rows, queue) = sync_channel(QUEUE);
        let retention = i64::try_from(retention).unwrap_or(i64::MAX);
        let writer = std::thread::Builder::new()
            .name("store".into())
            .spawn(move || write_batches(&connection, &queue, retention))?;
        Ok((
            Self {
                rows: Some(rows),
                writer: Some(writer),
            },
            left,
        ))
    }

    /// Queues a row.
    pub(crate) fn write(&self, row: Row) {
        if let Some(rows) = &self.rows
            && rows.send(row).is_err()
        {
            eprintln!("agent: the writer thread has ended; a row is lost");
        }
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        drop(self.rows.take());
        if let Some(writer) = self.writer.take()
            && writer.join().is_err()
        {
            eprintln!("agent: the writer thread panicked");
        }
    }
}

fn prepare(connection: &Connection) -> Result<(), AgentError> {
    let found: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if found > VERSION {
        return Err(AgentError::NewerDatabase {
            found,
            known: VERSION,
        });
    }
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.execute_batch(
        "CREATE TABLE IF NOT EXISTS analyses (
             id INTEGER PRIMARY KEY, at TEXT NOT NULL, model TEXT NOT NULL,
             prompt TEXT NOT NULL, response TEXT NOT NULL, day INTEGER NOT NULL,
             quality INTEGER NOT NULL, relevance INTEGER NOT NULL, coherence INTEGER NOT NULL,
             hallucination INTEGER NOT NULL, latency_us INTEGER NOT NULL);
         CREATE TABLE IF NOT EXISTS baselines (
             id INTEGER PRIMARY KEY, model TEXT NOT NULL, config TEXT NOT NULL,
             baseline TEXT NOT NULL, UNIQUE (model, config));
         CREATE TABLE IF NOT EXISTS validations (
             id INTEGER PRIMARY KEY, validation_id TEXT NOT NULL, at TEXT NOT NULL,
             name TEXT NOT NULL, model TEXT NOT NULL, decision TEXT NOT NULL);",
    )?;
    connection.pragma_update(None, "user_version", VERSION)?;
    Ok(())
}

fn read(connection: &Connection, retention: usize) -> Result<Left, AgentError> {
    let mut left = Left::default();
    let mut analyses = connection.prepare(
        "SELECT model, day, quality, relevance, coherence, hallucination, latency_us
         FROM (SELECT * FROM analyses ORDER BY id DESC LIMIT ?1) ORDER BY id",
    )?;
    let rows = analyses.query_map([i64::try_from(retention).unwrap_or(i64::MAX)], |row| {
        let kept = Kept {
            day: row.get(1)?,
            quality: row.get(2)?,
            relevance: row.get(3)?,
            coherence: row.get(4)?,
            hallucination: row.get(5)?,
            latency_us: row.get(6)?,
        };
        Ok((row.get(0)?, kept))
    })?;
    for row in rows {
        left.analyses.push(row?);
    }
    let mut baselines = connection.prepare("SELECT baseline FROM baselines ORDER BY id")?;
    let rows = baselines.query_map([], |row| row.get::<_, String>(0))?;
    for row in rows {
        // An unreadable baseline was written by another program; it is recreated when it is needed.
        left.baselines.extend(serde_json::from_str(&row?).ok());
    }
    Ok(left)
}

fn write_batches(connection: &Connection, queue: &Receiver<Row>, retention: i64) {
    while let Ok(first) = queue.recv() {
        if let Err(error) = write_batch(connection, &first, queue, retention) {
            eprintln!("agent: cannot write to the database: {error}");
        }
    }
}

/// Writes a row and all pending rows in one transaction.
fn write_batch(
    connection: &Connection,
    first: &Row,
    queue: &Receiver<Row>,
    retention: i64,
) -> rusqlite::Result<()> {
    let transaction = connection.unchecked_transaction()?;
    write_row(&transaction, first)?;
    for _ in 0..QUEUE {
        match queue.try_recv() {
            Ok(row) => {
                write_row(&transaction, &row)?;
            }
            Err(TryRecvError::Empty | TryRecvError::Disconnected) => break,
        }
    }
    for table in ["analyses", "validations", "baselines"] {
        let sql = format!("DELETE FROM {table} WHERE id <= (SELECT max(id) FROM {table}) - ?1");
        transaction.prepare_cached(&sql)?.execute([retention])?;
    }
    transaction.commit()
}

fn write_row(connection: &Connection, row: &Row) -> rusqlite::Result<usize> {
    match row {
        Row::Analysis {
            model,
            prompt,
            response,
            kept,
            at,
        } => connection
            .prepare_cached(
                "INSERT INTO analyses (at, model, prompt, response, day, quality, relevance,
                                       coherence, hallucination, latency_us)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            )?
            .execute(params![
                at,
                model,
                prompt,
                response,
                kept.day,
                kept.quality,
                kept.relevance,
                kept.coherence,
                kept.hallucination,
                kept.latency_us
            ]),
        Row::Baseline(baseline) => connection
            .prepare_cached(
                "INSERT OR REPLACE INTO baselines (model, config, baseline) VALUES (?1, ?2, ?3)",
            )?
            .execute(params![
                baseline.model_name,
                baseline.config_hash,
                serde_json::json!(baseline).to_string()
            ]),
        Row::Validation {
            id,
            name,
            model,
            decision,
            at,
        } => connection
            .prepare_cached(
                "INSERT INTO validations (validation_id, at, name, model, decision)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute(params![id, at, name, model, decision]),
    }
}
