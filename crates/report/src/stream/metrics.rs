//! The metrics of an interval: one table, from which every form that metrics are told in is made.

use brunt_record::{Header, MachineReading, ProcessReading, RequestName};

use super::{Buckets, Interval, NameTotals, is_start, method_of};

/// What a metric counts in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Count,
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
    /// Counted since the run began.
    Counter(Vec<(Labels, u64)>),
    /// As it is.
    Gauge(Vec<(Labels, f64)>),
    /// Counted since the run began, by how long it took.
    Histogram(Vec<(Labels, Buckets)>),
}

pub(super) type Labels = Vec<(&'static str, String)>;

/// All metrics of an interval. What is not known has no point.
pub(super) fn metrics(header: &Header, interval: &Interval) -> Vec<Metric> {
    let mut all = of_requests(interval);
    all.extend(of_load(interval));
    all.extend(of_processes(header, interval));
    if let Some(reading) = &interval.reading {
        all.extend(of_machine(&reading.machine));
    }
    all
}

/// The names outside the set-up, with their totals.
fn names(interval: &Interval) -> impl Iterator<Item = (Labels, &NameTotals)> {
    let names = interval.names.iter().zip(&interval.totals.by_name);
    let judged = names.filter(|(name, _)| !name.setup);
    judged.map(|(name, totals)| (labels(name), totals))
}

fn labels(name: &RequestName) -> Labels {
    // A task may have a request of the same name as `on_start`.
    vec![
        ("name", name.title()),
        ("method", method_of(name).to_owned()),
    ]
}

/// The number of requests that ended, by how they ended. Of `on_start` only those that failed are counted.
fn requests(interval: &Interval) -> Vec<(Labels, u64)> {
    let names = interval.names.iter().zip(&interval.totals.by_name);
    let counted = names.filter(|(name, _)| !name.setup || is_start(name));
    let points = counted.flat_map(|(name, NameTotals { counts, .. })| {
        let ok = (!name.setup).then_some(("ok", counts.ok));
        let others = [("failed", counts.failed), ("unanswered", counts.unanswered)];
        ok.into_iter().chain(others).map(|(outcome, count)| {
            let outcome = ("outcome", outcome.to_owned());
            let labels = labels(name).into_iter().chain([outcome]);
            (labels.collect(), count)
        })
    });
    points.collect()
}

fn of_requests(interval: &Interval) -> Vec<Metric> {
    let requests = metric(
        "brunt.requests",
        "Requests that ended, by how they ended.",
        Unit::Count,
        Points::Counter(requests(interval)),
    );
    let failures = metric(
        "brunt.failures",
        "Requests that failed, by what happened.",
        Unit::Count,
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
        "brunt.response",
        "Intended start to done. Requests never answered are longer than any bound.",
        |totals| totals.response,
    ),
    (
        "brunt.service",
        "Sent to done, of requests that succeeded.",
        |totals| totals.service,
    ),
];

type Count = (&'static str, &'static str, Unit, fn(&NameTotals) -> u64);

const COUNTS: [Count; 4] = [
    (
        "brunt.wire_requests",
        "Requests on the wire, redirects included.",
        Unit::Count,
        |totals| totals.wire_requests,
    ),
    (
        "brunt.retries",
        "Requests that were sent again; each is one of those on the wire.",
        Unit::Count,
        |totals| totals.retries,
    ),
    (
        "brunt.sent",
        "Bytes sent, heads included.",
        Unit::Bytes,
        |totals| totals.bytes_sent,
    ),
    (
        "brunt.received",
        "Bytes received, heads included.",
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
        labels.push(("kind", kind.name().to_owned()));
        if *code > 0 {
            labels.push(("code", code.to_string()));
        }
        Some((labels, *count))
    });
    points.collect()
}

fn of_load(interval: &Interval) -> Vec<Metric> {
    let counts = &interval.part.counts;
    let one = |value: Option<f64>| {
        let point = value.map(|value| (Labels::new(), value));
        Points::Gauge(point.into_iter().collect())
    };
    let (count, seconds) = (Unit::Count, Unit::Seconds);
    vec![
        metric(
            "brunt.connections",
            "Connections opened.",
            count,
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
            count,
            one(counts.users.map(f64::from)),
        ),
        metric(
            "brunt.in_flight",
            "Requests in flight at the end of the second.",
            count,
            one(counts.in_flight.map(f64::from)),
        ),
        metric(
            "brunt.oldest_in_flight",
            "How long the oldest of them has waited.",
            seconds,
            one(counts.oldest_ms.map(|ms| ms as f64 / 1e3)),
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
        Unit::Count,
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
        Unit::Count,
        |process| whole(process.threads),
    ),
    (
        "brunt.process.descriptors",
        "Open descriptors.",
        Unit::Count,
        |process| whole(process.descriptors),
    ),
    (
        "brunt.process.run_delay",
        "How long its threads were ready and had no CPU, in the last second.",
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
    let beside = header.generator.beside.iter().zip(&reading.beside);
    let named = [
        ("target", reading.target.as_ref()),
        ("generator", reading.generator.as_ref()),
    ]
    .into_iter()
    .chain(beside.map(|(beside, reading)| (beside.name.as_str(), Some(reading))));
    let all: Vec<(&str, &ProcessReading)> = named
        .filter_map(|(name, reading)| Some((name, reading?)))
        .collect();
    let metric_of = |(name, help, unit, of): OfProcess| {
        let points = all.iter().filter_map(|(who, process)| {
            Some((vec![("process", (*who).to_owned())], of(process)?))
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
            "CPU that the hypervisor gave to others.",
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
