//! Metrics of an interval: one table for all export formats.

use brunt_record::{FailureKind, Header, MachineReading, NameKind, ProcessReading, RequestName};

use super::{Buckets, Interval, NameTotals, is_start};

/// The unit of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    /// A number of things, as UCUM's annotation: `{request}`.
    Count(&'static str),
    Seconds,
    Bytes,
    Percent,
}

/// A metric with its points.
#[derive(Debug)]
pub(super) struct Metric {
    /// Its parts are separated by dots.
    pub(super) name: &'static str,
    pub(super) help: &'static str,
    pub(super) unit: Unit,
    pub(super) points: Points,
}

#[derive(Debug)]
pub(super) enum Points {
    /// Count since the start of the run.
    Counter(Vec<(Labels, u64)>),
    /// Current value.
    Gauge(Vec<(Labels, f64)>),
    /// Histogram of durations since the start of the run.
    Histogram(Vec<(Labels, Buckets)>),
}

const REQUESTS: Unit = Unit::Count("{request}");

pub(super) type Labels = Vec<(&'static str, String)>;

/// All metrics of an interval. Unknown values have no point.
pub(super) fn metrics(header: &Header, interval: &Interval) -> Vec<Metric> {
    let mut all = of_requests(interval);
    all.extend(of_load(interval));
    all.extend(of_processes(header, interval));
    if let Some(reading) = &interval.reading {
        all.extend(of_machine(&reading.machine));
    }
    all
}

/// Names except the setup, with their totals.
fn names(interval: &Interval) -> impl Iterator<Item = (Labels, &NameTotals)> {
    let names = interval.names.iter().zip(&interval.totals.by_name);
    let judged = names.filter(|(name, _)| !name.setup);
    judged.map(|(name, totals)| (labels(name), totals))
}

/// The attributes of a name. The method is that of OpenTelemetry's semantic conventions for HTTP; groups and metrics have
/// none.
fn labels(name: &RequestName) -> Labels {
    // A task may have a request of the same name as `on_start`.
    let mut labels = vec![
        ("brunt.name", name.title()),
        ("brunt.kind", kind_of(name).to_owned()),
    ];
    if name.is_of_requests() {
        labels.push(("http.request.method", name.method.clone()));
    }
    labels
}

/// `url.scheme`, `server.address` and `server.port` of a base URL, as the semantic conventions name them.
pub(super) fn server_labels(url: &str) -> Labels {
    let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    let (address, port) = match authority.rsplit_once(':') {
        // The colons of an IPv6 address are in brackets.
        Some((address, port)) if !port.contains(']') => (address, port),
        _ if scheme == "https" => (authority, "443"),
        _ => (authority, "80"),
    };
    vec![
        ("url.scheme", scheme.to_owned()),
        (
            "server.address",
            address.trim_matches(['[', ']']).to_owned(),
        ),
        ("server.port", port.to_owned()),
    ]
}

fn kind_of(name: &RequestName) -> &'static str {
    match name.kind {
        NameKind::Request | NameKind::Start => "request",
        NameKind::Group => "group",
        NameKind::Metric => "metric",
    }
}

/// Number of completed requests by outcome. Requests of `on_start` are counted only if they failed.
fn requests(interval: &Interval) -> Vec<(Labels, u64)> {
    let names = interval.names.iter().zip(&interval.totals.by_name);
    let counted = names.filter(|(name, _)| !name.setup || is_start(name));
    let points = counted.flat_map(|(name, NameTotals { counts, .. })| {
        let ok = (!name.setup).then_some(("ok", counts.ok));
        let others = [("failed", counts.failed), ("unanswered", counts.unanswered)];
        ok.into_iter().chain(others).map(|(outcome, count)| {
            let outcome = ("brunt.outcome", outcome.to_owned());
            let labels = labels(name).into_iter().chain([outcome]);
            (labels.collect(), count)
        })
    });
    points.collect()
}

fn of_requests(interval: &Interval) -> Vec<Metric> {
    let requests = metric(
        "brunt.requests",
        "Requests that ended, by outcome.",
        REQUESTS,
        Points::Counter(requests(interval)),
    );
    let failures = metric(
        "brunt.failures",
        "Requests that failed, by error type.",
        REQUESTS,
        Points::Counter(failures(interval)),
    );
    let mut all = vec![requests, failures];
    all.extend(TIMES.map(|(name, help, of)| {
        let points = names(interval).map(|(labels, totals)| (labels, of(totals)));
        metric(
            name,
            help,
            Unit::Seconds,
            Points::Histogram(points.collect()),
        )
    }));
    all.extend(COUNTS.map(|(name, help, unit, of)| {
        let points = names(interval).map(|(labels, totals)| (labels, of(totals)));
        metric(name, help, unit, Points::Counter(points.collect()))
    }));
    all
}

type Time = (&'static str, &'static str, fn(&NameTotals) -> Buckets);

const TIMES: [Time; 2] = [
    (
        "brunt.response_time",
        "Intended start to done. Requests without a response are counted above the highest bound.",
        |totals| totals.response,
    ),
    (
        "brunt.service_time",
        "Sent to done, of requests that succeeded.",
        |totals| totals.service,
    ),
];

type Count = (&'static str, &'static str, Unit, fn(&NameTotals) -> u64);

const COUNTS: [Count; 4] = [
    (
        "brunt.wire_requests",
        "Requests as the server counts them, redirects included.",
        REQUESTS,
        |totals| totals.wire_requests,
    ),
    (
        "brunt.retries",
        "Requests that were sent again; included in brunt.wire_requests.",
        REQUESTS,
        |totals| totals.retries,
    ),
    (
        "brunt.bytes_sent",
        "Bytes sent, headers included.",
        Unit::Bytes,
        |totals| totals.bytes_sent,
    ),
    (
        "brunt.bytes_received",
        "Bytes received, headers included.",
        Unit::Bytes,
        |totals| totals.bytes_received,
    ),
];

fn failures(interval: &Interval) -> Vec<(Labels, u64)> {
    let failures = interval.totals.failures.iter();
    let points = failures.filter_map(|((at, kind, code), count)| {
        let name = interval.names.get(*at)?;
        if name.setup && !is_start(name) {
            return None;
        }
        let mut labels = labels(name);
        labels.extend(error_labels(*kind, *code));
        Some((labels, *count))
    });
    points.collect()
}

/// The attributes of a failure by the semantic conventions: the error type of a wrong status is the status.
fn error_labels(kind: FailureKind, code: u16) -> Labels {
    match kind {
        FailureKind::Status => vec![
            ("error.type", code.to_string()),
            ("http.response.status_code", code.to_string()),
        ],
        FailureKind::Redirect => vec![
            ("error.type", kind.name().to_owned()),
            ("http.response.status_code", code.to_string()),
        ],
        _ => {
            let code = (code > 0).then(|| ("brunt.error.code", code.to_string()));
            let error_type = ("error.type", kind.name().to_owned());
            [error_type].into_iter().chain(code).collect()
        }
    }
}

fn of_load(interval: &Interval) -> Vec<Metric> {
    let counts = &interval.part.counts;
    let one = |value: Option<f64>| {
        let point = value.map(|value| (Labels::new(), value));
        Points::Gauge(point.into_iter().collect())
    };
    let seconds = Unit::Seconds;
    vec![
        metric(
            "brunt.connections",
            "Connections opened.",
            Unit::Count("{connection}"),
            Points::Counter(vec![(Labels::new(), interval.totals.connections)]),
        ),
        metric(
            "brunt.lag",
            "Intended start to dispatched: how late brunt itself was.",
            seconds,
            Points::Histogram(vec![(Labels::new(), interval.totals.lag)]),
        ),
        metric(
            "brunt.users",
            "Users active at once.",
            Unit::Count("{user}"),
            one(counts.users.map(f64::from)),
        ),
        metric(
            "brunt.in_flight",
            "Requests in flight at the end of the second.",
            REQUESTS,
            one(counts.in_flight.map(f64::from)),
        ),
        metric(
            "brunt.oldest_in_flight",
            "How long the oldest of them has waited.",
            seconds,
            one(counts.oldest_in_flight_ms.map(|ms| ms as f64 / 1e3)),
        ),
        metric(
            "brunt.elapsed",
            "The run's clock at the end of the second.",
            seconds,
            one(Some(f64::from(interval.second) + 1.0)),
        ),
    ]
}

type OfProcess = (
    &'static str,
    &'static str,
    Unit,
    fn(&ProcessReading) -> Option<f64>,
);

const PROCESS: [OfProcess; 9] = [
    (
        "brunt.process.cpu",
        "CPU used, of the cores that it may use.",
        Unit::Percent,
        |process| process.cpu_percent,
    ),
    (
        "brunt.process.cpu.cores",
        "CPU used, in cores.",
        Unit::Count("{cpu}"),
        |process| process.cpu_cores,
    ),
    (
        "brunt.process.memory",
        "Resident memory.",
        Unit::Bytes,
        |process| whole(process.rss_bytes),
    ),
    (
        "brunt.process.memory.anonymous",
        "Resident anonymous memory.",
        Unit::Bytes,
        |process| whole(process.anonymous_bytes),
    ),
    (
        "brunt.process.threads",
        "Threads.",
        Unit::Count("{thread}"),
        |process| whole(process.threads),
    ),
    (
        "brunt.process.file_descriptors",
        "Open file descriptors.",
        Unit::Count("{file_descriptor}"),
        |process| whole(process.descriptors),
    ),
    (
        "brunt.process.run_delay",
        "How long its threads were runnable but waiting for a CPU, in the last second.",
        Unit::Seconds,
        |process| process.run_delay_ms.map(|ms| ms / 1e3),
    ),
    (
        "brunt.process.disk.read",
        "Bytes read from storage in the last second.",
        Unit::Bytes,
        |process| whole(process.disk_read_bytes),
    ),
    (
        "brunt.process.disk.written",
        "Bytes written to storage in the last second.",
        Unit::Bytes,
        |process| whole(process.disk_written_bytes),
    ),
];

fn of_processes(header: &Header, interval: &Interval) -> Vec<Metric> {
    let Some(reading) = &interval.reading else {
        return Vec::new();
    };
    let additional = header
        .generator
        .additional_targets
        .iter()
        .zip(&reading.additional_targets);
    let named = [
        ("target", reading.target.as_ref()),
        ("generator", reading.generator.as_ref()),
    ]
    .into_iter()
    .chain(additional.map(|(additional, reading)| (additional.name.as_str(), Some(reading))));
    let all: Vec<(&str, &ProcessReading)> = named
        .filter_map(|(name, reading)| Some((name, reading?)))
        .collect();
    let metric_of = |(name, help, unit, of): OfProcess| {
        let points = all.iter().filter_map(|(who, process)| {
            Some((vec![("brunt.process", (*who).to_owned())], of(process)?))
        });
        metric(name, help, unit, Points::Gauge(points.collect()))
    };
    PROCESS.map(metric_of).into_iter().collect()
}

fn of_machine(machine: &MachineReading) -> Vec<Metric> {
    let rows = [
        (
            "brunt.machine.cpu",
            "CPU used on brunt's machine, of all cores.",
            Unit::Percent,
            machine.cpu_percent,
        ),
        (
            "brunt.machine.steal",
            "CPU time that the hypervisor gave to other guests.",
            Unit::Percent,
            machine.steal_percent,
        ),
        (
            "brunt.machine.memory",
            "Memory in use on brunt's machine.",
            Unit::Bytes,
            whole(machine.memory_bytes),
        ),
    ];
    let metric_of = |(name, help, unit, value): (_, _, _, Option<f64>)| {
        let point = value.map(|value| (Labels::new(), value));
        metric(name, help, unit, Points::Gauge(point.into_iter().collect()))
    };
    rows.map(metric_of).into_iter().collect()
}

fn metric(name: &'static str, help: &'static str, unit: Unit, points: Points) -> Metric {
    Metric {
        name,
        help,
        unit,
        points,
    }
}

fn whole(value: Option<u64>) -> Option<f64> {
    value.map(|value| value as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn server_attributes_are_the_parts_of_the_base_url() {
        for (url, expected) in [
            ("http://127.0.0.1:8000/", ["http", "127.0.0.1", "8000"]),
            ("https://api.example/v1", ["https", "api.example", "443"]),
            ("http://[::1]/", ["http", "::1", "80"]),
            ("http://[::1]:81", ["http", "::1", "81"]),
        ] {
            let values = server_labels(url).into_iter().map(|(_, value)| value);
            assert_eq!(values.collect::<Vec<_>>(), expected, "{url}");
        }
    }

    #[test]
    fn error_type_of_a_wrong_status_is_the_status() {
        let labels = |kind, code| error_labels(kind, code);
        assert_eq!(
            labels(FailureKind::Status, 503),
            [
                ("error.type", "503".to_owned()),
                ("http.response.status_code", "503".to_owned())
            ]
        );
        assert_eq!(
            labels(FailureKind::Timeout, 0),
            [("error.type", "timeout".to_owned())]
        );
    }
}
