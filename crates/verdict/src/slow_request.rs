//! The slow request: where a target of the response time is missed, the one kind of request that takes the
//! service's time while the others are fast, or wait behind it.

use record::{Measure, Metric, NameId, RunRecord, Scope};

use crate::row::Row;
use crate::{Figure, Finding, FindingKind, number};

/// A name with fewer answers tells nothing.
const ANSWERS_MIN: u64 = 20;
/// Half of its answers take so many times as long as half of all others do.
const TIMES: f64 = 10.0;
/// It takes so much of the time of all requests.
const SHARE_OF_TIME: f64 = 0.1;

/// A name, and how its answers are beside those of all others.
struct Slow {
    name: NameId,
    p50_ms: f64,
    others_p50_ms: f64,
    /// Its share of the requests.
    share: f64,
    /// Its share of the time of all requests.
    share_of_time: f64,
}

/// The slow request of a run that missed a target of the response time.
pub(crate) fn finding(record: &RunRecord, judged: &[Row]) -> Option<Finding> {
    let of_time = |row: &&Row| {
        let metric = row.judgement.target.metric;
        matches!(metric, Metric::Percentile(_) | Metric::Mean | Metric::Max)
    };
    let is_search = record.header.load.search.is_some();
    if is_search || !judged.iter().filter(of_time).any(Row::is_missed) {
        return None;
    }
    let names = record.timeline.names_in(Scope::All);
    let slow = names.filter_map(|name| beside_others(record, name));
    let slowest = slow.max_by(|a, b| a.share_of_time.total_cmp(&b.share_of_time))?;
    Some(in_words(record, &slowest))
}

/// A name beside all others, where it is slow.
fn beside_others(record: &RunRecord, name: NameId) -> Option<Slow> {
    let timeline = &record.timeline;
    let service = |name| {
        timeline
            .distribution(Scope::Name(name), Measure::Service)
            .ok
    };
    let own = service(name);
    let mut others = record::Histogram::default();
    for other in timeline.names_in(Scope::All).filter(|other| *other != name) {
        others.merge(&service(other));
    }
    if own.count().min(others.count()) < ANSWERS_MIN {
        return None;
    }
    let p50_ms = |answers: &record::Histogram| {
        let ns = answers.at_rank(answers.count().div_ceil(2))?;
        Some(ns as f64 / 1e6)
    };
    let all_ns = own.sum_ns() + others.sum_ns();
    let slow = Slow {
        name,
        p50_ms: p50_ms(&own)?,
        others_p50_ms: p50_ms(&others)?,
        share: own.count() as f64 / (own.count() + others.count()) as f64,
        share_of_time: own.sum_ns() as f64 / all_ns as f64,
    };
    let is_slow = slow.p50_ms >= TIMES * slow.others_p50_ms && slow.share_of_time >= SHARE_OF_TIME;
    is_slow.then_some(slow)
}

fn in_words(record: &RunRecord, slow: &Slow) -> Finding {
    let name = &record.timeline.names()[slow.name.index()];
    let sentence = format!(
        "{} takes the time: half of its answers take {} ms or more, half of the others {} ms; it is {} % of the \
         requests and {} % of their time.",
        name.title(),
        number::measured(slow.p50_ms),
        number::measured(slow.others_p50_ms),
        number::measured(slow.share * 100.0),
        number::measured(slow.share_of_time * 100.0),
    );
    Finding::new(FindingKind::SlowRequest, sentence)
        .with("name", Figure::Text(name.name.clone()))
        .with("method", Figure::Text(name.method.clone()))
        .with("p50_ms", Figure::Number(slow.p50_ms))
        .with("others_p50_ms", Figure::Number(slow.others_p50_ms))
        .with("share", Figure::Number(slow.share))
        .with("share_of_time", Figure::Number(slow.share_of_time))
}
