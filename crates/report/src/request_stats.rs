//! Request statistics: counts and durations of a run's requests, in total and by name. All report formats use them, so that
//! their values agree.

use std::collections::BTreeMap;

use brunt_record::{
    Distribution, Measure, NameId, NameKind, Outcome, RequestName, RunRecord, Scope,
};
use serde::Serialize;

/// Statistics of the requests of one name, or of all.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct RequestStats {
    pub(crate) name: String,
    pub(crate) method: String,
    pub(crate) setup: bool,
    #[serde(skip)]
    pub(crate) kind: NameKind,
    pub(crate) requests: u64,
    pub(crate) wire_requests: u64,
    /// Of these, requests that were sent again.
    pub(crate) retries: u64,
    pub(crate) failures: u64,
    pub(crate) unanswered: u64,
    pub(crate) failures_by_kind: BTreeMap<&'static str, u64>,
    /// In percent; unknown without requests.
    pub(crate) error_rate: Option<f64>,
    /// Successful requests per second; unknown for the setup and without load.
    pub(crate) throughput_rps: Option<f64>,
    pub(crate) bytes_sent: u64,
    pub(crate) bytes_received: u64,
    pub(crate) response_ms: Durations,
    pub(crate) service_ms: Durations,
    pub(crate) lag_ms: Durations,
    pub(crate) connect_ms: Durations,
    pub(crate) tls_ms: Durations,
    pub(crate) first_byte_ms: Durations,
}

/// Durations in milliseconds; `None` if a value is unknown, or among requests without a response.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(crate) struct Durations {
    pub(crate) min: Option<f64>,
    pub(crate) mean: Option<f64>,
    pub(crate) p50: Option<f64>,
    pub(crate) p90: Option<f64>,
    pub(crate) p95: Option<f64>,
    pub(crate) p99: Option<f64>,
    pub(crate) p99_9: Option<f64>,
    pub(crate) max: Option<f64>,
}

impl Durations {
    fn of(distribution: &Distribution) -> Self {
        let percentile = |q| {
            distribution
                .percentile(q)
                .and_then(brunt_record::PercentileValue::ms)
        };
        Self {
            min: distribution.ok.min_ns().map(|ns| ns as f64 / 1e6),
            mean: distribution.ok.mean_ns().map(|ns| ns / 1e6),
            p50: percentile(0.5),
            p90: percentile(0.9),
            p95: percentile(0.95),
            p99: percentile(0.99),
            p99_9: percentile(0.999),
            max: percentile(1.0),
        }
    }
}

/// Statistics of all requests except the setup. Requests of `on_start` that failed count as failed requests; what they sent
/// and received is in their own row.
pub(crate) fn total(record: &RunRecord) -> RequestStats {
    let timeline = &record.timeline;
    let ids: Vec<NameId> = timeline.names_in(Scope::All).collect();
    let all = RequestName {
        name: "all".into(),
        method: String::new(),
        setup: false,
        kind: NameKind::Request,
    };
    let judged = stats_of(record, Scope::All, &ids, &all);
    let rows = (0u32..).map(NameId).zip(timeline.names());
    let starts = rows.filter(|(_, name)| !name.is_judged() && name.is_judged_as(Outcome::Failed));
    let starts: Vec<NameId> = starts.map(|(id, _)| id).collect();
    let not_started: u64 = starts
        .iter()
        .map(|id| {
            let count = |outcome| {
                let ended = timeline.histogram(Scope::Name(*id), Measure::Response, outcome);
                ended.count()
            };
            count(Outcome::Failed) + count(Outcome::Unanswered)
        })
        .sum();
    let requests = judged.requests + not_started;
    RequestStats {
        requests,
        error_rate: rate(judged.failures, requests),
        failures_by_kind: failures_by_kind(record, &[ids, starts].concat()),
        ..judged
    }
}

fn rate(failures: u64, requests: u64) -> Option<f64> {
    (requests > 0).then(|| 100.0 * failures as f64 / requests as f64)
}

/// Statistics by name, in the order of the scenario.
pub(crate) fn by_name(record: &RunRecord) -> Vec<RequestStats> {
    let names = (0u32..).map(NameId).zip(record.timeline.names());
    names
        .map(|(id, name)| stats_of(record, Scope::Name(id), &[id], name))
        .collect()
}

fn stats_of(record: &RunRecord, scope: Scope, ids: &[NameId], name: &RequestName) -> RequestStats {
    let timeline = &record.timeline;
    let totals = ids.iter().map(|id| &timeline.name_totals()[id.index()]);
    let sum = |part: fn(&brunt_record::NameTotals) -> u64| totals.clone().map(part).sum::<u64>();
    let requests = sum(|totals| totals.requests);
    let counted = |outcome| {
        timeline
            .histogram(scope, Measure::Response, outcome)
            .count()
    };
    let (failed, unanswered) = (counted(Outcome::Failed), counted(Outcome::Unanswered));
    let failures = failed + unanswered;
    let seconds = record.throughput_s();
    let durations = |measure| Durations::of(&timeline.distribution(scope, measure));
    // Only response times include requests without a response.
    let of_answers = |measure| {
        let ok = timeline.histogram(scope, measure, Outcome::Ok);
        Durations::of(&Distribution { ok, unanswered: 0 })
    };
    RequestStats {
        requests,
        wire_requests: sum(|totals| totals.wire_requests),
        retries: sum(|totals| totals.retries),
        failures,
        unanswered,
        failures_by_kind: failures_by_kind(record, ids),
        error_rate: rate(failures, requests),
        throughput_rps: (!name.setup && seconds > 0.0)
            .then(|| counted(Outcome::Ok) as f64 / seconds),
        bytes_sent: sum(|totals| totals.bytes_sent),
        bytes_received: sum(|totals| totals.bytes_received),
        response_ms: durations(Measure::Response),
        service_ms: of_answers(Measure::Service),
        lag_ms: of_answers(Measure::Lag),
        connect_ms: of_answers(Measure::Connect),
        tls_ms: of_answers(Measure::Tls),
        first_byte_ms: of_answers(Measure::FirstByte),
        name: name.name.clone(),
        method: match name.kind {
            NameKind::Request | NameKind::Start => name.method.clone(),
            NameKind::Group => "group".into(),
            NameKind::Metric => "metric".into(),
        },
        setup: name.setup,
        kind: name.kind,
    }
}

fn failures_by_kind(record: &RunRecord, ids: &[NameId]) -> BTreeMap<&'static str, u64> {
    let mut kinds = BTreeMap::new();
    for failure in record
        .timeline
        .failures()
        .iter()
        .filter(|failure| ids.contains(&failure.name))
    {
        *kinds.entry(failure.kind.name()).or_default() += failure.count;
    }
    kinds
}
