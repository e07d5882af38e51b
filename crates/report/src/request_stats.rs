//! Figures: what is counted and measured of a run's requests, in all and by name. Every form of report
//! takes them from here, so that none can differ from another.

use std::collections::BTreeMap;

use brunt_record::{
    Distribution, Measure, NameId, NameKind, Outcome, ProcessReading, Reading, RequestName,
    RunRecord, Scope,
};
use serde::Serialize;

/// What is known of the requests of one name, or of all.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Figures {
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
    /// Requests answered well, a second; unknown for the set-up and where no load was made.
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

/// Durations in milliseconds. What is not known, or lies among requests never answered, is `None`.
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
                .and_then(brunt_record::Waited::ms)
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

/// The figures of all requests but the set-up. Requests of `on_start` that failed count as failed requests; what they sent
/// and received is in their own row.
pub(crate) fn total(record: &RunRecord) -> Figures {
    let timeline = &record.timeline;
    let ids: Vec<NameId> = timeline.names_in(Scope::All).collect();
    let all = RequestName {
        name: "all".into(),
        method: String::new(),
        setup: false,
        kind: NameKind::Request,
    };
    let judged = figures(record, Scope::All, &ids, &all);
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
    Figures {
        requests,
        error_rate: rate(judged.failures, requests),
        failures_by_kind: failures_by_kind(record, &[ids, starts].concat()),
        ..judged
    }
}

fn rate(failures: u64, requests: u64) -> Option<f64> {
    (requests > 0).then(|| 100.0 * failures as f64 / requests as f64)
}

/// The figures by name, in the order of the scenario.
pub(crate) fn by_name(record: &RunRecord) -> Vec<Figures> {
    let names = (0u32..).map(NameId).zip(record.timeline.names());
    names
        .map(|(id, name)| figures(record, Scope::Name(id), &[id], name))
        .collect()
}

fn figures(record: &RunRecord, scope: Scope, ids: &[NameId], name: &RequestName) -> Figures {
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
    // Only what users wait for ranks the unanswered; other moments are of the answers that came.
    let of_answers = |measure| {
        let ok = timeline.histogram(scope, measure, Outcome::Ok);
        Durations::of(&Distribution { ok, unanswered: 0 })
    };
    Figures {
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

/// Mean and maximum of a resource while the run went on.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(crate) struct Resource {
    pub(crate) mean: Option<f64>,
    pub(crate) max: Option<f64>,
}

impl Resource {
    pub(crate) fn of(values: impl Iterator<Item = f64>) -> Self {
        let values: Vec<f64> = values.collect();
        if values.is_empty() {
            return Self::default();
        }
        let sum: f64 = values.iter().sum();
        let max = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        Self {
            mean: Some(sum / values.len() as f64),
            max: Some(max),
        }
    }
}

/// CPU and memory of one of the things that were watched.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(crate) struct Usage {
    pub(crate) cpu_percent: Resource,
    pub(crate) memory_mb: Resource,
}

/// What was watched, and what it used.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(crate) struct Resources {
    pub(crate) target: Usage,
    pub(crate) generator: Usage,
    pub(crate) machine: Usage,
    /// Others, beside the process under test.
    pub(crate) beside: Vec<NamedUsage>,
    /// What could not be seen.
    pub(crate) unseen: Vec<Unseen>,
}

/// What could not be seen of one of them.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(crate) struct Unseen {
    /// `target`, `machine`, or the name of what was watched beside.
    pub(crate) of: String,
    /// In words, with the file that would tell it.
    pub(crate) what: Vec<String>,
}

/// What something that has a name used.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(crate) struct NamedUsage {
    pub(crate) name: String,
    pub(crate) cpu_percent: Resource,
    pub(crate) memory_mb: Resource,
}

fn usage(seen: impl Iterator<Item = ProcessReading> + Clone) -> Usage {
    let megabytes = seen.clone().filter_map(|process| process.rss_bytes);
    Usage {
        cpu_percent: Resource::of(seen.filter_map(|process| process.cpu_percent)),
        memory_mb: Resource::of(megabytes.map(|bytes| bytes as f64 / 1e6)),
    }
}

/// What was used over the run.
pub(crate) fn resources(record: &RunRecord) -> Resources {
    let readings = &record.readings;
    let megabytes = |bytes: u64| bytes as f64 / 1e6;
    let process =
        |which: fn(Reading) -> Option<ProcessReading>| usage(readings.iter().filter_map(which));
    let beside = record.header.generator.beside.iter().enumerate();
    let beside = beside.map(|(number, beside)| {
        let seen = readings.iter().filter_map(move |mut reading| {
            (number < reading.beside.len()).then(|| reading.beside.swap_remove(number))
        });
        let Usage {
            cpu_percent,
            memory_mb,
        } = usage(seen);
        NamedUsage {
            name: beside.name.clone(),
            cpu_percent,
            memory_mb,
        }
    });
    let machine = readings.iter().map(|reading| reading.machine);
    let unseen = record.unseen().map(|(whose, what)| Unseen {
        of: whose.name().to_owned(),
        what: what.to_vec(),
    });
    Resources {
        beside: beside.collect(),
        unseen: unseen.collect(),
        target: process(|reading| reading.target),
        generator: process(|reading| reading.generator),
        machine: Usage {
            cpu_percent: Resource::of(machine.clone().filter_map(|machine| machine.cpu_percent)),
            memory_mb: Resource::of(
                machine
                    .filter_map(|machine| machine.memory_bytes)
                    .map(megabytes),
            ),
        },
    }
}
