//! Queries: earlier runs with some metrics of each, and where their files are.

use std::path::PathBuf;

use brunt_record::Metric;
use brunt_report::{HistoryRun, RunConditions};
use brunt_verdict::{RunResult, Value};
use jiff::Timestamp;
use rusqlite::types::{FromSqlError, Type};
use rusqlite::{OptionalExtension, Row, ToSql, named_params};

use super::database::Store;
use super::error::StoreError;

/// Selection of runs and metrics.
pub(crate) struct HistoryQuery<'a> {
    /// Profile of the runs; `None`: all profiles.
    pub(crate) profile: Option<&'a str>,
    pub(crate) columns: &'a [Column],
    /// Request whose metrics are returned; `None`: all requests together.
    pub(crate) request: Option<&'a RequestKey>,
    /// Maximum number of runs; the newest are returned.
    pub(crate) last: u32,
}

/// Metric that the database holds for each run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Column {
    P50,
    P90,
    P95,
    P99,
    Throughput,
    #[value(name = "error_rate")]
    ErrorRate,
    Cpu,
    Memory,
}

/// Method and name of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RequestKey {
    pub(crate) method: String,
    pub(crate) name: String,
}

impl Column {
    pub(crate) const fn metric(self) -> Metric {
        match self {
            Self::P50 => Metric::Percentile(0.5),
            Self::P90 => Metric::Percentile(0.9),
            Self::P95 => Metric::Percentile(0.95),
            Self::P99 => Metric::Percentile(0.99),
            Self::Throughput => Metric::Throughput,
            Self::ErrorRate => Metric::ErrorRate,
            Self::Cpu => Metric::Cpu,
            Self::Memory => Metric::Memory,
        }
    }

    /// Whether the database also holds the metric for each request.
    pub(crate) const fn is_of_requests(self) -> bool {
        !matches!(self, Self::Cpu | Self::Memory)
    }

    const fn name(self) -> &'static str {
        match self {
            Self::P50 => "p50_ms",
            Self::P90 => "p90_ms",
            Self::P95 => "p95_ms",
            Self::P99 => "p99_ms",
            Self::Throughput => "throughput_rps",
            Self::ErrorRate => "error_rate",
            Self::Cpu => "cpu_percent",
            Self::Memory => "memory_mb",
        }
    }
}

impl Store {
    /// Returns the newest runs, oldest first. Paths of reports are those at the time of the run.
    pub(crate) fn list(&self, query: &HistoryQuery) -> Result<Vec<HistoryRun>, StoreError> {
        let sql = sql_of(query);
        let read = || -> rusqlite::Result<Vec<HistoryRun>> {
            let mut statement = self.connection.prepare(&sql)?;
            let rows = statement.query_map(
                named_params! {
                    ":name": query.request.map(|request| &request.name),
                    ":method": query.request.map(|request| &request.method),
                    ":profile": query.profile,
                    ":last": query.last,
                },
                |row| history_run(row, query.columns),
            )?;
            rows.collect()
        };
        let mut runs = read().map_err(|error| self.error(error))?;
        runs.reverse();
        Ok(runs)
    }

    /// Returns the profiles of all runs.
    pub(crate) fn profiles(&self) -> Result<Vec<String>, StoreError> {
        let read = || -> rusqlite::Result<Vec<String>> {
            let sql = "SELECT DISTINCT profile FROM runs ORDER BY profile";
            let mut query = self.connection.prepare(sql)?;
            query.query_map([], |row| row.get(0))?.collect()
        };
        read().map_err(|error| self.error(error))
    }

    /// Returns the requests that match a text: a name, or a method and a name.
    pub(crate) fn requests_called(&self, text: &str) -> Result<Vec<RequestKey>, StoreError> {
        let (method, name) = text.split_once(' ').unwrap_or_default();
        self.named(
            "SELECT DISTINCT method, name FROM requests
             WHERE setup = 0 AND (name = :text OR name = :name AND method = :method)
             ORDER BY name, method",
            named_params! {":text": text, ":name": name, ":method": method},
        )
    }

    /// Returns the requests of all runs.
    pub(crate) fn requests(&self) -> Result<Vec<RequestKey>, StoreError> {
        self.named(
            "SELECT DISTINCT method, name FROM requests WHERE setup = 0 ORDER BY name, method",
            &[],
        )
    }

    fn named(
        &self,
        sql: &str,
        parameters: &[(&str, &dyn ToSql)],
    ) -> Result<Vec<RequestKey>, StoreError> {
        let read = || -> rusqlite::Result<Vec<RequestKey>> {
            let mut query = self.connection.prepare(sql)?;
            let rows = query.query_map(parameters, |row| {
                Ok(RequestKey {
                    method: row.get(0)?,
                    name: row.get(1)?,
                })
            })?;
            rows.collect()
        };
        read().map_err(|error| self.error(error))
    }

    /// Whether the database holds no run.
    pub(crate) fn is_empty(&self) -> Result<bool, StoreError> {
        let found = self
            .connection
            .query_row("SELECT 1 FROM runs LIMIT 1", [], |_| Ok(()))
            .optional();
        Ok(found.map_err(|error| self.error(error))?.is_none())
    }
}

/// SQL of a query. The columns have the order that `history_run` reads.
fn sql_of(query: &HistoryQuery) -> String {
    let (table, join, which) = match query.request {
        None => ("runs", "", ":name IS NULL AND :method IS NULL"),
        Some(_) => (
            "requests",
            "JOIN requests ON requests.run = runs.id",
            "name = :name AND method = :method AND setup = 0",
        ),
    };
    let values = query.columns.iter();
    let values: Vec<String> = values
        .map(|column| format!("{table}.{}", column.name()))
        .collect();
    let values = values.join(", ");
    format!(
        "SELECT run_id, started_at_ms, profile, label, git_commit, verdict, report, scenario_hash,
             load, host, concat_ws(', ', cpu_model, cores), brunt_version, {table}.unanswered,
             scenario_file, json_extract(details.settings, '$.embedded'), {values}
         FROM runs {join} LEFT JOIN details ON details.run = runs.id
         WHERE {which} AND (:profile IS NULL OR profile = :profile)
         ORDER BY started_at_ms DESC, runs.id DESC LIMIT :last"
    )
}

fn history_run(row: &Row, columns: &[Column]) -> rusqlite::Result<HistoryRun> {
    let invalid = |at, error: FromSqlError| {
        rusqlite::Error::FromSqlConversionFailure(at, Type::Text, Box::new(error))
    };
    let started_at = Timestamp::from_millisecond(row.get(1)?)
        .map_err(|_| invalid(1, FromSqlError::InvalidType))?;
    let verdict: String = row.get(5)?;
    let unanswered: i64 = row.get(12)?;
    // The embedded agent listens on another port in each run.
    let service = match row.get::<_, Option<bool>>(14)? {
        Some(true) => "the embedded Application Agent".to_owned(),
        _ => row.get(9)?,
    };
    let values = (15..).zip(columns);
    let values = values.map(|(at, column)| Ok(value_of(*column, row.get(at)?, unanswered)));
    Ok(HistoryRun {
        run_id: row.get(0)?,
        started: started_at.strftime("%Y-%m-%d %H:%M").to_string(),
        profile: row.get(2)?,
        label: row.get(3)?,
        commit: row.get(4)?,
        result: result(&verdict).ok_or_else(|| invalid(5, FromSqlError::InvalidType))?,
        values: values.collect::<rusqlite::Result<_>>()?,
        report: row.get(6)?,
        scenario_file: row.get(13)?,
        service: service.clone(),
        conditions: RunConditions {
            scenario: row.get(7)?,
            load: row.get(8)?,
            host: service,
            machine: row.get(10)?,
            brunt: row.get(11)?,
        },
    })
}

/// Value of a column. A percentile without a value is among the requests without a response, if there are any.
fn value_of(column: Column, value: Option<f64>, unanswered: i64) -> Value {
    let is_rank = matches!(column.metric(), Metric::Percentile(_));
    match value {
        Some(value) => Value::Known(value),
        None if is_rank && unanswered > 0 => Value::Unanswered,
        None => Value::Unknown,
    }
}

fn result(name: &str) -> Option<RunResult> {
    let mut all = RunResult::ALL.into_iter();
    all.find(|result| result.name() == name)
}

/// Identity of a run, and where its files are.
#[derive(Debug, Clone)]
pub(crate) struct RunLocation {
    pub(crate) id: i64,
    pub(crate) run_id: String,
    pub(crate) record: PathBuf,
    pub(crate) started_at_ms: i64,
    pub(crate) has_label: bool,
}

impl Store {
    /// Returns the locations of all runs, oldest first.
    pub(crate) fn locations(&self) -> Result<Vec<RunLocation>, StoreError> {
        let read = || -> rusqlite::Result<Vec<RunLocation>> {
            let mut statement = self.connection.prepare(
                "SELECT id, run_id, record, started_at_ms, label IS NOT NULL
                 FROM runs ORDER BY started_at_ms, id",
            )?;
            statement.query_map([], run_location)?.collect()
        };
        read().map_err(|error| self.error(error))
    }
}

fn run_location(row: &Row) -> rusqlite::Result<RunLocation> {
    Ok(RunLocation {
        id: row.get(0)?,
        run_id: row.get(1)?,
        record: row.get::<_, String>(2)?.into(),
        started_at_ms: row.get(3)?,
        has_label: row.get(4)?,
    })
}
