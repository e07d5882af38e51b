//! Live metrics of a run for other programs: an interval for each second, which is final once it is published.
//!
//! A request belongs to the interval in which it was done, its response time as well, since a published second cannot
//! be corrected. (Reports put response times into the second of the intended start.) The setup is excluded, except failed
//! requests of `on_start`, which are among all requests.

mod json_lines;
mod metrics;
mod otlp;
mod prometheus;

use std::collections::BTreeMap;
use std::sync::Arc;

use brunt_record::{
    Distribution, FailureKind, Histogram, Measure, MetricsSnapshot, NameKind, Outcome, Reading,
    RequestName, Second,
};

pub use json_lines::{json_of_ending, json_of_interval, json_of_run};
pub use otlp::{otlp, otlp_refusal};
pub use prometheus::{PROMETHEUS_TYPE, prometheus};

/// Upper bounds of the histogram buckets of durations, in nanoseconds.
const BOUNDS_NS: [u64; 16] = [
    500_000,
    1_000_000,
    2_500_000,
    5_000_000,
    10_000_000,
    25_000_000,
    50_000_000,
    100_000_000,
    250_000_000,
    500_000_000,
    1_000_000_000,
    2_500_000_000,
    5_000_000_000,
    10_000_000_000,
    30_000_000_000,
    60_000_000_000,
];

/// One second of a run, and the totals up to its end.
#[derive(Debug, Clone)]
pub struct Interval {
    second: u32,
    names: Arc<[RequestName]>,
    part: Part,
    /// Up to the interval's end.
    totals: Totals,
    /// Latest reading of the monitor.
    reading: Option<Reading>,
}

/// Aggregates the increments of the load threads into intervals.
#[derive(Debug)]
pub struct StreamAggregator {
    names: Arc<[RequestName]>,
    /// Intervals that are not complete yet, by their second.
    open: BTreeMap<u32, Part>,
    totals: Totals,
    next: u32,
    reading: Option<Reading>,
}

/// Counts of one second.
#[derive(Debug, Clone, Default)]
struct Part {
    counts: Second,
    response: Distribution,
    service: Histogram,
    lag: Histogram,
    by_name: Vec<NamePart>,
    failures: BTreeMap<FailureKey, u64>,
}

#[derive(Debug, Clone, Default)]
struct NamePart {
    counts: Counts,
    response: Distribution,
    response_buckets: Buckets,
    service_buckets: Buckets,
    wire_requests: u64,
    retries: u64,
    bytes_sent: u64,
    bytes_received: u64,
}

/// Counts since the start of the run.
#[derive(Debug, Clone, Default)]
struct Totals {
    by_name: Vec<NameTotals>,
    lag: Buckets,
    connections: u64,
    failures: BTreeMap<FailureKey, u64>,
}

#[derive(Debug, Clone, Default)]
struct NameTotals {
    counts: Counts,
    response: Buckets,
    service: Buckets,
    wire_requests: u64,
    retries: u64,
    bytes_sent: u64,
    bytes_received: u64,
}

/// Index of a name, kind of failure, and code.
type FailureKey = (usize, FailureKind, u16);

#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    ok: u64,
    failed: u64,
    unanswered: u64,
}

/// Durations in the buckets of [`BOUNDS_NS`].
#[derive(Debug, Clone, Copy, Default)]
struct Buckets {
    /// One more bucket than bounds.
    counts: [u64; BOUNDS_NS.len() + 1],
    sum_ns: u128,
}

/// Whether failures of a name are among those of all requests, though the name belongs to the setup.
fn is_start(name: &RequestName) -> bool {
    name.setup && name.is_judged_as(Outcome::Failed)
}

/// The method of a name; what is not a request has its kind instead.
fn method_of(name: &RequestName) -> &str {
    match name.kind {
        NameKind::Group => "group",
        NameKind::Metric => "metric",
        NameKind::Request | NameKind::Start => &name.method,
    }
}

impl StreamAggregator {
    /// For a run of requests of these names.
    pub fn new(names: &[RequestName]) -> Self {
        Self {
            names: names.into(),
            open: BTreeMap::new(),
            totals: Totals {
                by_name: vec![NameTotals::default(); names.len()],
                ..Totals::default()
            },
            next: 0,
            reading: None,
        }
    }

    /// Adds what a thread recorded in a second.
    pub fn add_increment(&mut self, increment: &MetricsSnapshot) {
        let Some((second, _)) = increment.seconds.first() else {
            return;
        };
        let part = self.open.entry(*second).or_default();
        part.by_name
            .resize_with(self.names.len(), NamePart::default);
        part.add(increment, &self.names);
    }

    /// Sets the latest reading of the monitor.
    pub fn set_reading(&mut self, reading: &Reading) {
        self.reading = Some(reading.clone());
    }

    /// Removes and returns the complete intervals: all up to a second that every thread has reported, or all that are left
    /// if all threads have ended (`None`).
    pub fn take_complete(&mut self, reported_s: Option<u32>) -> Vec<Interval> {
        let end = reported_s.unwrap_or_else(|| {
            let last = self.open.last_key_value();
            last.map_or(0, |(second, _)| second + 1)
        });
        let mut complete = Vec::new();
        while self.next < end {
            let mut part = self.open.remove(&self.next).unwrap_or_default();
            part.by_name
                .resize_with(self.names.len(), NamePart::default);
            self.totals.add(&part);
            complete.push(Interval {
                second: self.next,
                names: self.names.clone(),
                part,
                totals: self.totals.clone(),
                reading: self.reading.clone(),
            });
            self.next += 1;
        }
        complete
    }
}

impl Part {
    fn add(&mut self, increment: &MetricsSnapshot, names: &[RequestName]) {
        for (_, counts) in &increment.seconds {
            self.counts.merge(counts);
        }
        for totals in &increment.totals {
            if let Some(name) = self.by_name.get_mut(totals.name.index()) {
                name.wire_requests += totals.wire_requests;
                name.retries += totals.retries;
                name.bytes_sent += totals.bytes_sent;
                name.bytes_received += totals.bytes_received;
            }
        }
        for failure in increment
            .failures
            .iter()
            .filter(|failure| failure.count > 0)
        {
            let key = (failure.name.index(), failure.kind, failure.code);
            *self.failures.entry(key).or_default() += failure.count;
        }
        for entry in &increment.histograms {
            let at = entry.name.index();
            let Some(named) = names.get(at) else {
                continue;
            };
            // Groups and metrics have rows of their own, and are not among all requests.
            let is_judged = named.is_judged_as(entry.outcome);
            if named.setup && !is_judged {
                continue;
            }
            let name = &mut self.by_name[at];
            let count = entry.histogram.count();
            match (entry.measure, entry.outcome) {
                (Measure::Response, Outcome::Ok) => {
                    name.counts.ok += count;
                    name.response.ok.merge_compact(&entry.histogram);
                    name.response_buckets.add(&entry.histogram);
                    if is_judged {
                        self.response.ok.merge_compact(&entry.histogram);
                    }
                }
                (Measure::Response, Outcome::Failed) => name.counts.failed += count,
                (Measure::Response, Outcome::Unanswered) => {
                    name.counts.unanswered += count;
                    name.response.unanswered += count;
                    name.response_buckets.add_endless(count);
                    if is_judged {
                        self.response.unanswered += count;
                    }
                }
                (Measure::Service, Outcome::Ok) => {
                    name.service_buckets.add(&entry.histogram);
                    self.service.merge_compact(&entry.histogram);
                }
                (Measure::Lag, _) => self.lag.merge_compact(&entry.histogram),
                _ => {}
            }
        }
    }
}

impl Totals {
    fn add(&mut self, part: &Part) {
        for (total, part) in self.by_name.iter_mut().zip(&part.by_name) {
            total.counts.ok += part.counts.ok;
            total.counts.failed += part.counts.failed;
            total.counts.unanswered += part.counts.unanswered;
            total.response.merge(&part.response_buckets);
            total.service.merge(&part.service_buckets);
            total.wire_requests += part.wire_requests;
            total.retries += part.retries;
            total.bytes_sent += part.bytes_sent;
            total.bytes_received += part.bytes_received;
        }
        self.lag
            .add(&brunt_record::CompactHistogram::from(&part.lag));
        self.connections += part.counts.connections;
        for (key, count) in &part.failures {
            *self.failures.entry(*key).or_default() += count;
        }
    }
}

impl Buckets {
    fn add(&mut self, sparse: &brunt_record::CompactHistogram) {
        sparse.count_between(&BOUNDS_NS, &mut self.counts);
        self.sum_ns = self.sum_ns.saturating_add(sparse.sum_ns());
    }

    /// Adds requests without a response: longer than any bound.
    fn add_endless(&mut self, count: u64) {
        if let Some(last) = self.counts.last_mut() {
            *last += count;
        }
    }

    fn merge(&mut self, other: &Self) {
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count += more;
        }
        self.sum_ns = self.sum_ns.saturating_add(other.sum_ns);
    }

    fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    fn sum_s(&self) -> f64 {
        self.sum_ns as f64 / 1e9
    }
}

impl Interval {
    /// Index of the second in the run.
    pub fn second(&self) -> u32 {
        self.second
    }
}
