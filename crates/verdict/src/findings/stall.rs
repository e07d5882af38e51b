//! Stalls of the service: stretches of time in which requests waited and nothing was answered.
//!
//! A slow service, or one of little load, has silent seconds as well. A silence is a stall only if it is several times as
//! long as responses usually take, if several answers would have come in it at the rate around it, and if the generator
//! ran meanwhile. Nothing is timed below a second but the age of the oldest request and the response times; both ends of
//! a stall are found by these.

use std::ops::Range;

use brunt_record::{FailureKind, Measure, Outcome, PercentileValue, RunRecord, Scope, Second};

use crate::convert::whole_number;
use crate::generator::cpu_starvation::CpuStarvation;
use crate::model::finding::{Figure, Finding, FindingKind, Mark};
use crate::number;
use crate::stats::median::median;

/// A request that waits for this long shows a silence, in milliseconds.
const WAITS_MS: u64 = 1_000;
/// Silences this near to each other are one if nothing was answered in between, in seconds.
const GAP_S: usize = 5;
/// A stall is so many times as long as half of the responses take otherwise.
const TIMES: f64 = 5.0;
/// At the usual rate so many answers would have come: if several requests wait, and if only one does.
const RESPONSES: f64 = 5.0;
const RESPONSES_OF_ONE: f64 = 20.0;
/// The usual rate is that of so many seconds before and after.
const AROUND_S: usize = 30;
/// The generator did not run for so much of a silence: it is the generator's own.
const OWN_SHARE: f64 = 0.5;
/// A service that answers nothing for so long, up to the end of the run, has stopped for good, in seconds.
const FOR_GOOD_S: f64 = 10.0;
/// The number that is marked on charts: the longest.
const MARKS_MAX: usize = 40;

/// A stretch of time in which the service answered nothing though requests waited.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stall {
    /// When it began, in seconds of the run's clock.
    pub from_s: f64,
    /// When the next answer came, or the run ended.
    pub to_s: f64,
    /// The most requests that waited at the end of a second.
    pub waiting: u32,
    /// The longest response among the requests that were meant to start in it; `None` if none of them was answered.
    pub longest_ms: Option<f64>,
    /// Requests that were meant to start in it and were never answered.
    pub unanswered: u64,
    /// Whether nothing was answered any more until the end of the run.
    pub is_last: bool,
}

impl Stall {
    /// Its length.
    pub fn seconds(&self) -> f64 {
        self.to_s - self.from_s
    }
}

/// The stalls of a run, in the order of time.
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

/// The stall from which the service did not come back before the run ended. A search offers less load to see whether it
/// does, and tells by itself.
pub(crate) fn for_good(record: &RunRecord) -> Option<Stall> {
    if record.ending.is_none() || record.header.load.search.is_some() {
        return None;
    }
    let mut stalls = stalls(record).into_iter();
    stalls.find(|stall| stall.is_last && stall.seconds() >= FOR_GOOD_S)
}

/// That the service stalled, with the longest stall and where all of them are.
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
        label: "no answers",
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
        .then(|| format!("{} never answered", number::requests(stall.unanswered)));
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

/// Requests that the service, rather than the generator, left without an answer.
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

/// Stretches of seconds in which requests waited and nothing was answered, that begin while load is made.
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

/// A silence with both its ends as near as the record tells.
fn measured(record: &RunRecord, seconds: &[Second], silence: &Range<usize>) -> Stall {
    let (first, next) = (silence.start as f64, silence.end as f64);
    let oldest_s = seconds[silence.start]
        .oldest_in_flight_ms
        .map(|ms| ms as f64 / 1e3);
    // The last answer before it came in the second before, so that it is not older.
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
        // What waited longest was answered first, in the second after the silence.
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

/// Of the requests that were meant to start between two moments: the longest response in milliseconds, and how many were
/// never answered.
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

/// How the service answers when it does.
struct UsualResponses {
    /// Half of the responses take no longer.
    response_ms: Option<f64>,
    /// Of each silence: answers a second of each user, or of an open load.
    rates: Vec<(Range<usize>, f64)>,
    users: Vec<f64>,
}

impl UsualResponses {
    fn of(record: &RunRecord, seconds: &[Second], silences: &[Range<usize>]) -> Self {
        // Arrivals come however many users there are to play them.
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
        // Requests that began in the second before a silence may have met it.
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

    /// Whether so much silence is unusual.
    fn is_interrupted_by(&self, stall: &Stall, silence: &Range<usize>, load_s: f64) -> bool {
        let is_long = self
            .response_ms
            .is_none_or(|ms| stall.seconds() * 1e3 >= TIMES * ms);
        let rate = self.rates.iter().find(|(of, _)| of == silence);
        let rate = rate.map_or(0.0, |(_, rate)| *rate);
        // What is not asked for any more is not missing.
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

/// Whether the generator itself did not run for much of a silence.
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
