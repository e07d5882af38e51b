//! What the database is asked: the runs of the past with some metrics of each.

use brunt_record::Metric;
use brunt_report::{HistoryRun, RunConditions};
use brunt_verdict::{RunResult, Value};
use jiff::Timestamp;
use rusqlite::types::{FromSqlError, Type};
use rusqlite::{OptionalExtension, Row, ToSql, named_params};

use super::{Store, StoreError};

/// What is asked of the runs of the past.
pub(crate) struct HistoryQuery<'a> {
    /// Only runs of this profile.
    pub(crate) profile: Option<&'a str>,
    pub(crate) columns: &'a [Column],
    /// Of this request; `None`: of all.
    pub(crate) request: Option<&'a RequestKey>,
    /// The newest so many.
    pub(crate) last: u32,
}

/// A metric that is kept of each run.
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

/// A request by its method and name.
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

    /// Whether it is known of each request, too.
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
    /// The newest runs, oldest first. Where their reports lie is left as it was kept.
    pub(crate) fn list(&self, asked: &HistoryQuery) -> Result<Vec<HistoryRun>, StoreError> {
        let sql = sql_of(asked);
        let read = || -> rusqlite::Result<Vec<HistoryRun>> {
            let mut query = self.connection.prepare(&sql)?;
            let rows = query.query_map(
                named_params! {
                    ":name": asked.request.map(|request| &request.name),
                    ":method": asked.request.map(|request| &request.method),
                    ":profile": asked.profile,
                    ":last": asked.last,
                },
                |row| past_run(row, asked.columns),
            )?;
            rows.collect()
        };
        let mut runs = read().map_err(|error| self.error(error))?;
        runs.reverse();
        Ok(runs)
    }

    /// The profiles that runs are known of.
    pub(crate) fn profiles(&self) -> Result<Vec<String>, StoreError> {
        let read = || -> rusqlite::Result<Vec<String>> {
            let sql = "SELECT DISTINCT profile FROM runs ORDER BY profile";
            let mut query = self.connection.prepare(sql)?;
            query.query_map([], |row| row.get(0))?.collect()
        };
        read().map_err(|error| self.error(error))
    }

    /// The requests that a text may mean: a name, or a method with a name.
    pub(crate) fn requests_called(&self, text: &str) -> Result<Vec<RequestKey>, StoreError> {
        let (method, name) = text.split_once(' ').unwrap_or_default();
        self.named(
            "SELECT DISTINCT method, name FROM requests
             WHERE setup = 0 AND (name = :text OR name = :name AND method = :method)
             ORDER BY name, method",
            named_params! {":text": text, ":name": name, ":method": method},
        )
    }

    /// The requests that runs are known of.
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

    /// Whether any run is known.
    pub(crate) fn is_empty(&self) -> Result<bool, StoreError> {
        let found = self
            .connection
            .query_row("SELECT 1 FROM runs LIMIT 1", [], |_| Ok(()))
            .optional();
        Ok(found.map_err(|error| self.error(error))?.is_none())
    }
}

/// The order is that of `past_run`.
fn sql_of(asked: &HistoryQuery) -> String {
    let (table, join, which) = match asked.request {
        None => ("runs", "", ":name IS NULL AND :method IS NULL"),
        Some(_) => (
            "requests",
            "JOIN requests ON requests.run = runs.id",
            "name = :name AND method = :method AND setup = 0",
        ),
    };
    let values = asked.columns.iter();
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

fn past_run(row: &Row, columns: &[Column]) -> rusqlite::Result<HistoryRun> {
    let wrong = |at, error: FromSqlError| {
        rusqlite::Error::FromSqlConversionFailure(at, Type::Text, Box::new(error))
    };
    let began = Timestamp::from_millisecond(row.get(1)?)
        .map_err(|_| wrong(1, FromSqlError::InvalidType))?;
    let verdict: String = row.get(5)?;
    let unanswered: i64 = row.get(12)?;
    // The embedded agent takes another port in each run.
    let service = match row.get::<_, Option<bool>>(14)? {
        Some(true) => "the embedded Application Agent".to_owned(),
        _ => row.get(9)?,
    };
    let values = (15..).zip(columns);
    let values = values.map(|(at, column)| Ok(value_of(*column, row.get(at)?, unanswered)));
    Ok(HistoryRun {
        run_id: row.get(0)?,
        started: began.strftime("%Y-%m-%d %H:%M").to_string(),
        profile: row.get(2)?,
        label: row.get(3)?,
        commit: row.get(4)?,
        result: result(&verdict).ok_or_else(|| wrong(5, FromSqlError::InvalidType))?,
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

/// A percentile that is no number, where some requests were not answered, lies among those.
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
