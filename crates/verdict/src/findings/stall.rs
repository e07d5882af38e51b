//! Stalls of the service: times in which requests waited and there was no response.
//!
//! A slow service, or one with little load, has silent seconds as well. A silence is a stall only if it is several
//! times as long as typical responses, if several responses would have arrived during it at the usual rate, and if
//! the generator was running. Only the age of the oldest request and the response times are known more precisely than
//! to a second; they determine both ends of a stall.

use std::ops::Range;

use brunt_record::{FailureKind, Measure, Outcome, PercentileValue, RunRecord, Scope, Second};

use crate::convert::whole_number;
use crate::generator::cpu_starvation::CpuStarvation;
use crate::model::finding::{Figure, Finding, FindingKind, Mark};
use crate::number;
use crate::stats::median::median;

/// The age of a request that makes a second silent, in milliseconds.
const WAITS_MS: u64 = 1_000;
/// Silences this close to each other are one if there was no response in between, in seconds.
const GAP_S: usize = 5;
/// The smallest length of a stall, relative to the median response time.
const TIMES: f64 = 5.0;
/// The number of responses that would have arrived at the usual rate: if several requests wait, and if only one does.
const RESPONSES: f64 = 5.0;
const RESPONSES_OF_ONE: f64 = 20.0;
/// The number of seconds before and after that determine the usual rate.
const AROUND_S: usize = 30;
/// The proportion of a silence without a running generator from which the generator is its cause.
const OWN_SHARE: f64 = 0.5;
/// The length of a silence at the end of a run from which the service has stopped for good, in seconds.
const FOR_GOOD_S: f64 = 10.0;
/// The number of stalls that charts show: the longest ones.
const MARKS_MAX: usize = 40;

/// A time in which the service sent no response although requests were waiting.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stall {
    /// Its start, in seconds since the start of the run.
    pub from_s: f64,
    /// The next response, or the end of the run.
    pub to_s: f64,
    /// The largest number of waiting requests at the end of a second.
    pub waiting: u32,
    /// The longest response to a request with an intended start during the stall; `None` without a response.
    pub longest_ms: Option<f64>,
    /// Requests with an intended start during the stall that got no response.
    pub unanswered: u64,
    /// Whether there was no further response until the end of the run.
    pub is_last: bool,
}

impl Stall {
    /// Its length.
    pub fn seconds(&self) -> f64 {
        self.to_s - self.from_s
    }
}

/// The stalls of a run, in chronological order.
pub fn stalls(record: &RunRecord) -> Vec<Stall> {
    let seconds: Vec<Second> = record.timeline.seconds().iter().collect();
    let silences = silences(&seconds, record.duration_s());
    if silences.is_empty() {
        return Vec::new();
    }
    let usual_responses = UsualResponses::of(record, &seconds, &silences);
    let stalls = silences.iter().filter_map(|silence| {
        let stall = measured(record, &seconds, silence);
        let is_stall = usual_responses.is_interrupted_by(&stall, silence, record.duration_s())
            && !is_caused_by_generator(record, &seconds, silence, stall.seconds());
        is_stall.then_some(stall)
    });
    stalls.collect()
}

/// The stall from which the service did not recover before the run ended. A search reduces the load to find out
/// whether it does, and reports it by itself.
pub(crate) fn for_good(record: &RunRecord) -> Option<Stall> {
    if record.ending.is_none() || record.header.load.search.is_some() {
        return None;
    }
    let mut stalls = stalls(record).into_iter();
    stalls.find(|stall| stall.is_last && stall.seconds() >= FOR_GOOD_S)
}

/// The finding on stalls, with the longest one and the times of all.
pub(crate) fn finding(record: &RunRecord) -> Option<Finding> {
    let mut stalls = stalls(record);
    stalls.sort_by(|a, b| b.seconds().total_cmp(&a.seconds()));
    let longest = *stalls.first()?;
    let total_s = stalls.iter().map(Stall::seconds).sum::<f64>();
    let (from, length) = (seconds(longest.from_s), seconds(longest.seconds()));
    let to = if longest.is_last {
        "the end of the run".to_owned()
    } else {
        seconds(longest.to_s)
    };
    let when = format!("from {from} to {to} ({length})");
    let what = what_waited(&longest);
    let sentence = match stalls.len() {
        1 => format!("The service sent no response {when}: {what}."),
        count => format!(
            "The service stalled {count} times and sent no response for {} in all, at the longest {when}: {what}.",
            seconds(total_s)
        ),
    };
    let marks = stalls.iter().take(MARKS_MAX).map(|stall| Mark::Span {
        label: "no response",
        from_s: stall.from_s,
        to_s: stall.to_s,
    });
    let finding = Finding::new(FindingKind::Stall, sentence)
        .with("from_s", Figure::Number(longest.from_s))
        .with("to_s", Figure::Number(longest.to_s))
        .with("max_waiting", Figure::Count(longest.waiting.into()))
        .with(
            "max_response_ms",
            longest.longest_ms.map_or(Figure::Null, Figure::Number),
        )
        .with("unanswered", Figure::Count(longest.unanswered))
        .with("count", Figure::Count(stalls.len() as u64))
        .with("total_s", Figure::Number(total_s));
    Some(marks.fold(finding, Finding::with_mark))
}

fn what_waited(stall: &Stall) -> String {
    let waited = match stall.waiting {
        0 => None,
        1 => Some("1 request waited".to_owned()),
        many => Some(format!("{} requests waited", number::count(many.into()))),
    };
    let never = (stall.unanswered > 0)
        .then(|| format!("{} got no response", number::requests(stall.unanswered)));
    let longest = stall
        .longest_ms
        .map(|ms| format!("the longest response took {}", seconds(ms / 1e3)));
    let said: Vec<String> = [waited, never, longest].into_iter().flatten().collect();
    said.join(", ")
}

fn seconds(seconds: f64) -> String {
    number::seconds(seconds)
}

fn responses_in(second: &Second) -> u64 {
    second.ok + second.failed
}

/// Requests without a response because of the service, not the generator.
fn unanswered_by_service(second: &Second) -> u64 {
    let own = second.failures.iter();
    let own = own.filter(|(kind, _)| kind.is_generator_fault() || *kind == FailureKind::Aborted);
    let own: u64 = own.map(|(_, count)| count).sum();
    second.unanswered.saturating_sub(own)
}

fn waits(second: &Second) -> bool {
    let is_old = second.oldest_in_flight_ms.is_some_and(|ms| ms >= WAITS_MS);
    responses_in(second) == 0 && (is_old || unanswered_by_service(second) > 0)
}

/// Times in which requests waited and there was no response, if they begin during the load.
fn silences(seconds: &[Second], load_s: f64) -> Vec<Range<usize>> {
    let mut silences: Vec<Range<usize>> = Vec::new();
    for (at, _) in seconds
        .iter()
        .enumerate()
        .filter(|(_, second)| waits(second))
    {
        match silences.last_mut() {
            Some(last)
                if at - last.end < GAP_S
                    && seconds[last.end..at]
                        .iter()
                        .all(|quiet| responses_in(quiet) == 0) =>
            {
                last.end = at + 1;
            }
            _ => silences.push(at..at + 1),
        }
    }
    silences.retain(|silence| (silence.start as f64) < load_s);
    silences
}

/// A silence with both ends as precise as the record allows.
fn measured(record: &RunRecord, seconds: &[Second], silence: &Range<usize>) -> Stall {
    let (first, next) = (silence.start as f64, silence.end as f64);
    let oldest_s = seconds[silence.start]
        .oldest_in_flight_ms
        .map(|ms| ms as f64 / 1e3);
    // The last response before it arrived in the previous second, so the stall does not begin earlier.
    let from_s = oldest_s.map_or(first, |oldest_s| {
        (first + 1.0 - oldest_s).clamp((first - 1.0).max(0.0), first + 1.0)
    });
    let is_last = !seconds[silence.end..]
        .iter()
        .any(|later| responses_in(later) > 0);
    let (oldest_took_ms, _) = responses(record, from_s, from_s);
    let to_s = if is_last {
        let ended_s = record
            .ending
            .as_ref()
            .map(|ending| ending.ended_ms as f64 / 1e3);
        ended_s.map_or(next, |ended_s| ended_s.clamp(from_s, next))
    } else {
        // The oldest request gets the first response, in the second after the silence.
        oldest_took_ms.map_or(next, |ms| (from_s + ms / 1e3).clamp(next, next + 1.0))
    };
    let (longest_ms, unanswered) = responses(record, from_s, to_s);
    let waiting = seconds[silence.clone()].iter();
    Stall {
        from_s,
        to_s,
        waiting: waiting
            .filter_map(|second| second.in_flight)
            .max()
            .unwrap_or(0),
        longest_ms,
        unanswered,
        is_last,
    }
}

/// For requests with an intended start between two times: the longest response in milliseconds, and the number
/// without a response.
fn responses(record: &RunRecord, from_s: f64, to_s: f64) -> (Option<f64>, u64) {
    let width_s = f64::from(record.timeline.width_s());
    let intervals = whole_number(from_s / width_s)..whole_number(to_s / width_s) + 1;
    let (mut longest_ns, mut unanswered) = (None, 0);
    let names = record.timeline.names();
    for (name, measure, outcome, durations) in
        intervals.flat_map(|interval| record.timeline.cells(interval))
    {
        if measure != Measure::Response || !names[name.index()].is_judged() {
            continue;
        }
        if outcome == Outcome::Unanswered {
            unanswered += durations.count();
        } else {
            longest_ns = longest_ns.max(durations.max_ns());
        }
    }
    (longest_ns.map(|ns| ns as f64 / 1e6), unanswered)
}

/// Usual behavior of the service.
struct UsualResponses {
    /// Median response time.
    response_ms: Option<f64>,
    /// For each silence: responses per second and user, or per second for an open load.
    rates: Vec<(Range<usize>, f64)>,
    users: Vec<f64>,
}

impl UsualResponses {
    fn of(record: &RunRecord, seconds: &[Second], silences: &[Range<usize>]) -> Self {
        // Arrivals do not depend on the number of users.
        let is_open = record.header.load.open.is_some();
        let users = seconds.iter().map(|second| match second.users {
            Some(users) if !is_open => f64::from(users).max(1.0),
            _ => 1.0,
        });
        let users: Vec<f64> = users.collect();
        let is_silent = |at: usize| silences.iter().any(|silence| silence.contains(&at));
        let rate = |silence: &Range<usize>| {
            let near =
                silence.start.saturating_sub(AROUND_S)..(silence.end + AROUND_S).min(seconds.len());
            let near = near.filter(|at| !is_silent(*at) && seconds[*at].users.is_some());
            let rates = near.map(|at| responses_in(&seconds[at]) as f64 / users[at]);
            median(&mut rates.collect::<Vec<_>>())
        };
        let rates = silences.iter();
        let rates = rates.map(|silence| (silence.clone(), rate(silence).unwrap_or(0.0)));
        let width_s = record.timeline.width_s() as usize;
        // Requests that started in the second before a silence may have been affected.
        let is_apart = |interval: &usize| {
            let mut own = interval * width_s..(interval + 1) * width_s + 1;
            !own.any(is_silent)
        };
        let apart = (0..record.timeline.intervals()).filter(is_apart);
        let medians = apart.filter_map(|interval| {
            let responses =
                record
                    .timeline
                    .distribution_at(interval, Scope::All, Measure::Response);
            median_ms(&responses.ok)
        });
        let all = || {
            let ok = record
                .timeline
                .histogram(Scope::All, Measure::Response, Outcome::Ok);
            median_ms(&ok)
        };
        Self {
            response_ms: median(&mut medians.collect::<Vec<_>>()).or_else(all),
            rates: rates.collect(),
            users,
        }
    }

    /// Returns whether such a silence is unusual.
    fn is_interrupted_by(&self, stall: &Stall, silence: &Range<usize>, load_s: f64) -> bool {
        let is_long = self
            .response_ms
            .is_none_or(|ms| stall.seconds() * 1e3 >= TIMES * ms);
        let rate = self.rates.iter().find(|(of, _)| of == silence);
        let rate = rate.map_or(0.0, |(_, rate)| *rate);
        // Requests that are no longer sent are not missing.
        let length_s = stall.to_s.min(load_s) - stall.from_s;
        let users = self.users[silence.clone()].iter().sum::<f64>() / silence.len() as f64;
        let needed = if u64::from(stall.waiting) + stall.unanswered > 1 {
            RESPONSES
        } else {
            RESPONSES_OF_ONE
        };
        is_long && rate * users * length_s >= needed
    }
}

fn median_ms(answers: &brunt_record::Histogram) -> Option<f64> {
    let all = brunt_record::Distribution {
        ok: answers.clone(),
        unanswered: 0,
    };
    all.percentile(0.5).and_then(PercentileValue::ms)
}

/// Returns whether the generator itself did not run for much of a silence.
fn is_caused_by_generator(
    record: &RunRecord,
    seconds: &[Second],
    silence: &Range<usize>,
    length_s: f64,
) -> bool {
    let near = silence.start.saturating_sub(1)..(silence.end + 1).min(seconds.len());
    let still_ms: u64 = seconds[near.clone()]
        .iter()
        .map(|second| second.generator_stall_ms)
        .sum();
    let threads = f64::from(record.header.generator.threads.max(1));
    let starvation = CpuStarvation::in_seconds(record, near);
    let kept_ms = starvation.waited_ms + starvation.throttled_ms + starvation.stolen_ms;
    let own_ms = still_ms as f64 + kept_ms / threads + starvation.suspended_ms;
    starvation.was_suspended() || own_ms >= OWN_SHARE * length_s * 1e3
}
