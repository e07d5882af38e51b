//! The dominant request: if a target of the response time is missed, the kind of request that takes most of the
//! service's time while the others are fast, or wait for it.
//!
//! Every request counts, whatever its outcome: one without a response took longer than any response, and a failed one
//! took its time. Proportions are of all requests of the run.

use brunt_record::{
    Distribution, Histogram, Measure, NameId, Outcome, PercentileValue, RunRecord, Scope,
};

use crate::model::finding::{Figure, Finding, FindingKind};
use crate::number;

/// The smallest number of requests of a name, and of all others, for a comparison.
const REQUESTS_MIN: u64 = 20;
/// The smallest factor between its median and that of all other requests.
const TIMES: f64 = 10.0;
/// The smallest proportion of the time of all requests.
const SHARE_OF_TIME: f64 = 0.1;

/// Requests, and their service times.
#[derive(Debug, Clone, Default)]
struct ServiceTimes {
    /// Successful requests, and those without a response.
    ranked: Distribution,
    /// Failed requests that got a response.
    failed: u64,
    /// The total time.
    all_ns: u128,
}

impl ServiceTimes {
    fn of(record: &RunRecord, name: NameId) -> Self {
        let histogram = |measure, outcome| {
            let timeline = &record.timeline;
            timeline.histogram(Scope::Name(name), measure, outcome)
        };
        let service = Outcome::ALL.map(|outcome| histogram(Measure::Service, outcome));
        let [ok, ..] = &service;
        let count = |outcome| histogram(Measure::Response, outcome).count();
        Self {
            all_ns: service.iter().map(Histogram::sum_ns).sum(),
            ranked: Distribution {
                ok: ok.clone(),
                // Some of them were never sent.
                unanswered: count(Outcome::Unanswered),
            },
            failed: count(Outcome::Failed),
        }
    }

    fn add(&mut self, other: &Self) {
        self.ranked.ok.merge(&other.ranked.ok);
        self.ranked.unanswered += other.ranked.unanswered;
        self.failed += other.failed;
        self.all_ns += other.all_ns;
    }

    fn requests(&self) -> u64 {
        self.ranked.count() + self.failed
    }

    /// The median; `None` if there are too few requests, or if most failed: the duration of a rejection says nothing
    /// about the request.
    fn median(&self) -> Option<PercentileValue> {
        let is_representative =
            self.ranked.count() >= REQUESTS_MIN && self.failed < self.ranked.count();
        self.ranked.percentile(0.5).filter(|_| is_representative)
    }
}

/// A name, and how its requests compare with all others.
struct SlowRequest {
    name: NameId,
    /// The median of its requests; `None`: it got no response.
    p50_ms: Option<f64>,
    others_p50_ms: f64,
    /// Its proportion of the requests.
    share: f64,
    /// Its proportion of the time of all requests.
    share_of_time: f64,
}

/// The slow request of a run; `is_too_slow` is whether a target of the response time is missed.
pub(crate) fn finding(record: &RunRecord, is_too_slow: bool) -> Option<Finding> {
    if record.header.load.search.is_some() || !is_too_slow {
        return None;
    }
    let names = record.timeline.names_in(Scope::All);
    let times: Vec<(NameId, ServiceTimes)> = names
        .map(|name| (name, ServiceTimes::of(record, name)))
        .collect();
    let slow = times.iter().filter_map(|(name, own)| {
        let mut others = ServiceTimes::default();
        let rest = times.iter().filter(|(other, _)| other != name);
        rest.for_each(|(_, times)| others.add(times));
        compared(*name, own, &others)
    });
    let slowest = slow.max_by(|a, b| a.share_of_time.total_cmp(&b.share_of_time))?;
    Some(in_words(record, &slowest))
}

/// Compares a name with all others; `None` if it is not slow.
fn compared(name: NameId, own: &ServiceTimes, others: &ServiceTimes) -> Option<SlowRequest> {
    let (median, others_median) = (own.median()?, others.median()?);
    let all_ns = own.all_ns + others.all_ns;
    let slow = SlowRequest {
        name,
        p50_ms: median.ms(),
        // If the median of the others got no response, they are not faster.
        others_p50_ms: others_median.ms()?,
        share: own.requests() as f64 / (own.requests() + others.requests()) as f64,
        share_of_time: own.all_ns as f64 / all_ns.max(1) as f64,
    };
    let is_far = slow
        .p50_ms
        .is_none_or(|p50_ms| p50_ms >= TIMES * slow.others_p50_ms);
    (is_far && slow.share_of_time >= SHARE_OF_TIME).then_some(slow)
}

fn in_words(record: &RunRecord, slow: &SlowRequest) -> Finding {
    let name = &record.timeline.names()[slow.name.index()];
    let median = match slow.p50_ms {
        Some(p50_ms) => format!("its median is {}", number::measured_in(p50_ms, "ms")),
        None => "at least half of its requests got no response".to_owned(),
    };
    let sentence = format!(
        "{} is slow: {median}, the median of the other requests is {}; it is {} % of the requests and takes {} % of their time.",
        record.header.title_of(name),
        number::measured_in(slow.others_p50_ms, "ms"),
        number::measured(slow.share * 100.0),
        number::measured(slow.share_of_time * 100.0),
    );
    Finding::new(FindingKind::SlowRequest, sentence)
        .with("name", Figure::Text(name.name.clone()))
        .with("method", Figure::Text(name.method.clone()))
        .with("p50_ms", slow.p50_ms.map_or(Figure::Null, Figure::Number))
        .with("others_p50_ms", Figure::Number(slow.others_p50_ms))
        .with("share_of_requests", Figure::Number(slow.share))
        .with("share_of_time", Figure::Number(slow.share_of_time))
}
