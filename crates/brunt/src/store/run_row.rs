//! Rows of a run, taken from its record and its summary, and the SQL that writes them.

use std::path::Path;

use brunt_record::Machine;
use brunt_report::Judged;
use rusqlite::{Transaction, named_params};
use serde::Deserialize;
use serde_json::{Value, json};

use super::database::Store;
use super::error::StoreError;
use crate::results::RECORD_FILE;

/// Rows of one run.
pub(crate) struct RunRow {
    run_id: String,
    /// Path of the run record.
    record: String,
    report: String,
    started_at_ms: i64,
    label: Option<String>,
    commit: Option<String>,
    machine: Machine,
    load: Value,
    settings: Value,
    summary: Summary,
}

/// The part of `summary.json` that the database holds, so that the history and the run's summary agree.
#[derive(Deserialize)]
struct Summary {
    brunt_version: String,
    profile: String,
    scenario_file: String,
    scenario_hash: String,
    host: String,
    duration_s: f64,
    stopped_by: String,
    valid: bool,
    verdict: String,
    headline: String,
    targets: Value,
    findings: Value,
    total: RequestSummary,
    requests: Vec<RequestSummary>,
    resources: Resources,
}

#[derive(Deserialize)]
struct RequestSummary {
    name: String,
    method: String,
    setup: bool,
    requests: i64,
    failures: i64,
    unanswered: i64,
    error_rate: Option<f64>,
    throughput_rps: Option<f64>,
    response_ms: Percentiles,
}

#[derive(Deserialize)]
struct Percentiles {
    p50: Option<f64>,
    p90: Option<f64>,
    p95: Option<f64>,
    p99: Option<f64>,
}

#[derive(Deserialize)]
struct Resources {
    target: ResourceSummary,
}

#[derive(Deserialize)]
struct ResourceSummary {
    cpu_percent: UsageStats,
    memory_mb: UsageStats,
}

#[derive(Deserialize)]
struct UsageStats {
    mean: Option<f64>,
    max: Option<f64>,
}

impl RunRow {
    /// Rows of a run; `folder`: the run's directory.
    pub(crate) fn new(run: &Judged, folder: &Path, report: &Path) -> Result<Self, StoreError> {
        let header = &run.record.header;
        Ok(Self {
            run_id: header.run_id.clone(),
            record: folder.join(RECORD_FILE).display().to_string(),
            report: report.display().to_string(),
            started_at_ms: header.started_at.as_millisecond(),
            label: header.label.clone(),
            commit: header.commit.clone(),
            machine: header.machine.clone(),
            load: json!(header.load),
            settings: json!({
                "seed": header.seed,
                "embedded": header.embedded,
                "classes": header.classes,
                "generator": header.generator,
            }),
            summary: serde_json::from_str(&brunt_report::summary_json(run))?,
        })
    }

    pub(crate) fn run_id(&self) -> &str {
        &self.run_id
    }

    fn insert(&self, transaction: &Transaction) -> rusqlite::Result<()> {
        transaction
            .prepare_cached("DELETE FROM runs WHERE run_id = ?1 AND record = ?2")?
            .execute([&self.run_id, &self.record])?;
        self.insert_run(transaction)?;
        let id = transaction.last_insert_rowid();
        for (place, request) in (0u32..).zip(&self.summary.requests) {
            request.insert(transaction, id, place)?;
        }
        transaction
            .prepare_cached(
                "INSERT INTO details (run, settings, targets, findings)
                 VALUES (:run, :settings, :targets, :findings)",
            )?
            .execute(named_params! {
                ":run": id,
                ":settings": self.settings.to_string(),
                ":targets": self.summary.targets.to_string(),
                ":findings": self.summary.findings.to_string(),
            })?;
        Ok(())
    }

    fn insert_run(&self, transaction: &Transaction) -> rusqlite::Result<usize> {
        let (summary, machine) = (&self.summary, &self.machine);
        let (total, resources) = (&summary.total, &summary.resources.target);
        transaction
            .prepare_cached(
                "INSERT INTO runs (run_id, started_at_ms, profile, label, git_commit, verdict, valid,
                     duration_s, stopped_by, requests, failures, unanswered, throughput_rps,
                     error_rate, p50_ms, p90_ms, p95_ms, p99_ms, cpu_percent, memory_mb,
                     brunt_version, host, scenario_file, scenario_hash, load, cpu_model, cores,
                     memory_bytes, kernel, record, report, headline)
                 VALUES (:run_id, :started_at_ms, :profile, :label, :git_commit, :verdict, :valid,
                     :duration_s, :stopped_by, :requests, :failures, :unanswered, :throughput_rps,
                     :error_rate, :p50_ms, :p90_ms, :p95_ms, :p99_ms, :cpu_percent, :memory_mb,
                     :brunt_version, :host, :scenario_file, :scenario_hash, :load, :cpu_model, :cores,
                     :memory_bytes, :kernel, :record, :report, :headline)",
            )?
            .execute(named_params! {
                ":run_id": self.run_id,
                ":started_at_ms": self.started_at_ms,
                ":profile": summary.profile,
                ":label": self.label,
                ":git_commit": self.commit,
                ":verdict": summary.verdict,
                ":valid": summary.valid,
                ":duration_s": summary.duration_s,
                ":stopped_by": summary.stopped_by,
                ":requests": total.requests,
                ":failures": total.failures,
                ":unanswered": total.unanswered,
                ":throughput_rps": total.throughput_rps,
                ":error_rate": total.error_rate,
                ":p50_ms": total.response_ms.p50,
                ":p90_ms": total.response_ms.p90,
                ":p95_ms": total.response_ms.p95,
                ":p99_ms": total.response_ms.p99,
                ":cpu_percent": resources.cpu_percent.mean,
                ":memory_mb": resources.memory_mb.max,
                ":brunt_version": summary.brunt_version,
                ":host": summary.host,
                ":scenario_file": summary.scenario_file,
                ":scenario_hash": summary.scenario_hash,
                ":load": self.load.to_string(),
                ":cpu_model": machine.cpu_model,
                ":cores": machine.cores,
                ":memory_bytes": machine.memory_bytes.map(|bytes| i64::try_from(bytes).ok()),
                ":kernel": machine.system,
                ":record": self.record,
                ":report": self.report,
                ":headline": summary.headline,
            })
    }
}

impl RequestSummary {
    fn insert(&self, transaction: &Transaction, run: i64, place: u32) -> rusqlite::Result<usize> {
        transaction
            .prepare_cached(
                "INSERT INTO requests (run, place, name, method, setup, requests, failures,
                     unanswered, throughput_rps, error_rate, p50_ms, p90_ms, p95_ms, p99_ms)
                 VALUES (:run, :place, :name, :method, :setup, :requests, :failures,
                     :unanswered, :throughput_rps, :error_rate, :p50_ms, :p90_ms, :p95_ms, :p99_ms)",
            )?
            .execute(named_params! {
                ":run": run,
                ":place": place,
                ":name": self.name,
                ":method": self.method,
                ":setup": self.setup,
                ":requests": self.requests,
                ":failures": self.failures,
                ":unanswered": self.unanswered,
                ":throughput_rps": self.throughput_rps,
                ":error_rate": self.error_rate,
                ":p50_ms": self.response_ms.p50,
                ":p90_ms": self.response_ms.p90,
                ":p95_ms": self.response_ms.p95,
                ":p99_ms": self.response_ms.p99,
            })
    }
}

impl Store {
    /// Adds a run, or replaces its rows.
    pub(crate) fn add(&mut self, run: &RunRow) -> Result<(), StoreError> {
        self.write(|transaction| run.insert(transaction))
    }

    /// Adds runs and deletes others, in one transaction.
    pub(crate) fn replace(&mut self, gone: &[i64], runs: &[RunRow]) -> Result<(), StoreError> {
        self.write(|transaction| {
            for id in gone {
                transaction.execute("DELETE FROM runs WHERE id = ?1", [id])?;
            }
            runs.iter().try_for_each(|run| run.insert(transaction))
        })
    }
}
