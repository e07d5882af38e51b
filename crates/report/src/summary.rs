//! `summary.json`: verdict and metrics for other programs. `docs/summary.md` describes it.

use std::collections::BTreeMap;

use brunt_record::{Metric, NameKind, OtherHost, RunRecord, Scope};
use brunt_verdict::{Figure, Judgment, Value};
use serde::Serialize;

use crate::Judged;
use crate::comparison::baseline_json;
use crate::request_stats::{self, RequestStats};
use crate::resource_stats::{Resources, resources};

/// Schema version. It increases when a field is removed or changes its meaning, not when one is added.
pub const SCHEMA_VERSION: u32 = 1;

#[derive(Debug, Serialize)]
struct Summary<'a> {
    schema: u32,
    run_id: &'a str,
    label: Option<&'a str>,
    commit: Option<&'a str>,
    brunt_version: &'a str,
    profile: &'a str,
    scenario_file: &'a str,
    scenario_hash: &'a str,
    seed: u64,
    started_at: String,
    duration_s: f64,
    host: &'a str,
    other_hosts: &'a [OtherHost],
    stopped_by: &'static str,
    stop_reason: Option<&'a str>,
    valid: bool,
    invalid_reasons: &'a [String],
    verdict: &'static str,
    headline: &'a str,
    next_step: &'a str,
    targets: Vec<TargetRow<'a>>,
    findings: Vec<FindingRow<'a>>,
    comparison: Option<serde_json::Value>,
    total: RequestStats,
    intervals: BTreeMap<String, Option<(f64, Option<f64>)>>,
    requests: Vec<RequestStats>,
    resources: Resources,
    network: Network<'a>,
}

/// Network settings.
#[derive(Debug, Serialize)]
struct Network<'a> {
    connections: &'a str,
    addresses: &'a [String],
    local_addresses: &'a [String],
    insecure: bool,
}

#[derive(Debug, Serialize)]
struct TargetRow<'a> {
    metric: String,
    scope: Option<&'a str>,
    methods: Vec<&'a str>,
    value: Option<f64>,
    interval: Option<(f64, Option<f64>)>,
    interval_note: Option<&'a str>,
    unit: &'static str,
    grade: &'static str,
    possible: Option<[&'static str; 2]>,
    target: Option<f64>,
    acceptable: Option<f64>,
    critical: Option<f64>,
    stop_at: Option<&'static str>,
    reason: Option<String>,
}

#[derive(Debug, Serialize)]
struct FindingRow<'a> {
    kind: &'static str,
    headline: &'a str,
    #[serde(flatten)]
    figures: serde_json::Map<String, serde_json::Value>,
}

/// The summary as JSON text.
#[expect(
    clippy::missing_panics_doc,
    reason = "there is nothing in it that JSON cannot hold"
)]
pub fn summary_json(run: &Judged) -> String {
    let (record, verdict) = (run.record, run.verdict);
    let header = &record.header;
    let ending = record.ending.as_ref();
    let findings = verdict.findings.iter();
    let summary = Summary {
        schema: SCHEMA_VERSION,
        run_id: &header.run_id,
        label: header.label.as_deref(),
        commit: header.commit.as_deref(),
        brunt_version: &header.brunt_version,
        profile: &header.profile,
        scenario_file: &header.scenario_file,
        scenario_hash: &header.scenario_hash,
        seed: header.seed,
        started_at: header.started_at.to_string(),
        duration_s: record.duration_s(),
        host: &header.host,
        other_hosts: &header.generator.other_hosts,
        stopped_by: ending.map_or("incomplete", |ending| ending.stopped_by.name()),
        stop_reason: ending.and_then(|ending| ending.stop_reason.as_deref()),
        valid: verdict.invalid_reasons.is_empty(),
        invalid_reasons: &verdict.invalid_reasons,
        verdict: verdict.result.name(),
        headline: &verdict.headline,
        next_step: &verdict.next_step,
        targets: verdict
            .judgments
            .iter()
            .map(|row| target_row(record, row))
            .collect(),
        findings: findings
            .map(|finding| FindingRow {
                kind: finding.kind.name(),
                headline: &finding.headline,
                figures: finding.figures.iter().map(figure).collect(),
            })
            .collect(),
        comparison: verdict.baseline.as_ref().map(baseline_json),
        total: request_stats::total(record),
        intervals: intervals(record),
        requests: request_stats::by_name(record),
        resources: resources(record),
        network: Network {
            connections: &header.generator.connections,
            addresses: &header.generator.addresses,
            local_addresses: &header.generator.local_addresses,
            insecure: header.generator.insecure,
        },
    };
    let mut text = serde_json::to_string_pretty(&summary)
        .expect("numbers, texts and lists of them are always JSON");
    text.push('\n');
    text
}

fn figure((name, figure): &(&'static str, Figure)) -> (String, serde_json::Value) {
    ((*name).to_owned(), json(figure))
}

fn json(figure: &Figure) -> serde_json::Value {
    match figure {
        Figure::Count(count) => (*count).into(),
        Figure::Number(number) => (*number).into(),
        Figure::Interval(low, high) => vec![*low, *high].into(),
        Figure::Bool(is_so) => (*is_so).into(),
        Figure::Keyword(word) => (*word).into(),
        Figure::Text(text) => text.as_str().into(),
        Figure::Null => serde_json::Value::Null,
        Figure::Group(figures) => {
            let group: serde_json::Map<_, _> = figures.iter().map(self::figure).collect();
            group.into()
        }
    }
}

/// Confidence intervals of the values of all requests.
fn intervals(record: &RunRecord) -> BTreeMap<String, Option<(f64, Option<f64>)>> {
    let percentiles = [0.5, 0.9, 0.95, 0.99].map(Metric::Percentile);
    let metrics = percentiles
        .into_iter()
        .chain([Metric::Throughput, Metric::ErrorRate]);
    metrics
        .map(|metric| {
            let interval = brunt_verdict::interval(record, Scope::All, metric);
            let ends = interval.map(|interval| (interval.low, interval.high));
            (metric.name(), ends)
        })
        .collect()
}

fn target_row<'a>(record: &'a RunRecord, row: &'a Judgment) -> TargetRow<'a> {
    let names = record.header.names_of(&row.target);
    let methods = names.iter().filter(|name| name.kind == NameKind::Request);
    let not_answered = || "the value is among the requests without a response".to_owned();
    TargetRow {
        metric: row.target.metric.name(),
        scope: names.first().map(|name| name.name.as_str()),
        methods: methods.map(|name| name.method.as_str()).collect(),
        value: row.value.known(),
        interval: row.interval.map(|interval| (interval.low, interval.high)),
        interval_note: row.interval_note.as_deref(),
        unit: row.unit,
        grade: row.grade.name(),
        possible: row
            .possible
            .map(|possible| [possible.best.name(), possible.worst.name()]),
        target: row.target.target,
        acceptable: row.target.acceptable,
        critical: row.target.critical,
        stop_at: row.target.stop_at.map(brunt_record::ThresholdKind::name),
        reason: row
            .reason
            .clone()
            .or_else(|| (row.value == Value::Unanswered).then(not_answered)),
    }
}
