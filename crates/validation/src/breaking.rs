//! Breaking points: searches in virtual time, steered as real ones are, of servers that are known to
//! break at one level.

mod token_bucket;

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use brunt_record::{
    Command, Ending, Event, FailureKind, LoadStage, Metric, RunRecord, Search as Asked,
    SecondRecorder, StoppedBy, Target, ThresholdKind,
};
use brunt_testbed::queue_simulation::{
    Arrivals, Gaps, Queue, ServiceDistribution, SimulatedRequest,
};
use brunt_verdict::Mark;
use brunt_verdict::search::{Search, SearchAction};

use crate::{Effort, Row, in_parallel, reckoned};

/// What an M/M/1 serves a second.
const MU: f64 = 1_000.0;
/// The critical threshold of the p99.
const CRITICAL_S: f64 = 0.05;

/// A server that breaks at one level.
#[derive(Clone)]
struct Case {
    name: &'static str,
    law: ServiceDistribution,
    target: Target,
    breaks_at: f64,
    seconds: f64,
    /// Narrow enough.
    precision: f64,
    /// In this share of the stretches of a level, everything takes a second longer.
    spoilt: f64,
    /// The machine is taken from brunt and the server now and then.
    taken: Option<Taken>,
    /// Something else than the load is wrong.
    fault: Option<Fault>,
}

/// What is wrong with a server, or with brunt, that is no matter of how much the server can take.
#[cfg_attr(
    not(test),
    expect(dead_code, reason = "faulty services are played by the tests below")
)]
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    /// This share of the requests fails, at any load; a target limits errors to 5 %.
    Fails(f64),
    /// From this moment on the server refuses every connection.
    Dies(f64),
    /// Above this many arrivals a second, brunt dispatches all of them a second late.
    BruntIsLate(f64),
}

/// Whether brunt sees that its machine is taken from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Taken {
    Seen,
    /// As if it were the service.
    Unseen,
}

/// So often, and for so long.
const TAKEN_EACH: u32 = 60;
const TAKEN_S: f64 = 0.4;

fn p99(critical_s: f64) -> Target {
    reckoned::critical(Metric::Percentile(0.99), critical_s * 1e3)
}

/// The p99 of an M/M/1 is ln 100 / (μ − λ).
fn mm1(seconds: f64) -> Case {
    Case {
        name: "M/M/1",
        law: ServiceDistribution::Exponential {
            servers: 1,
            mean_s: 1.0 / MU,
        },
        target: p99(CRITICAL_S),
        breaks_at: MU - 100f64.ln() / CRITICAL_S,
        seconds,
        precision: 0.05,
        spoilt: 0.0,
        taken: None,
        fault: None,
    }
}

/// A server of low rate, which serves 100 a second in line: few requests tell little of a p99.
fn fifo(seconds: f64) -> Case {
    let (mu, critical_s) = (100.0, 0.3);
    Case {
        name: "M/M/1 of 100/s, p99 under 300 ms",
        law: ServiceDistribution::Exponential {
            servers: 1,
            mean_s: 1.0 / mu,
        },
        target: p99(critical_s),
        breaks_at: mu - 100f64.ln() / critical_s,
        ..mm1(seconds)
    }
}

/// What a search found, and a record of it.
struct Found {
    holds: Option<f64>,
    breaks: Option<f64>,
    record: RunRecord,
}

/// Plays a search to its end, second by second.
fn search(case: &Case, seed: u64) -> Found {
    let level = LoadStage {
        seconds: case.seconds,
        from: 10.0,
        to: 10.0,
    };
    let of_errors = reckoned::critical(Metric::ErrorRate, 5.0);
    let is_faulty = matches!(case.fault, Some(Fault::Fails(_)));
    let targets = is_faulty.then_some(of_errors).into_iter();
    let targets = targets.chain([case.target.clone()]).collect();
    let mut header = reckoned::header(vec![level], targets);
    header.load.search = Some(Asked {
        from: 10.0,
        to: None,
        breaks_at: ThresholdKind::Critical,
        precision: case.precision,
    });
    let mut world = World::new(case, seed, RunRecord::new(header));
    let mut search = Search::begin(&world.record).expect("a search");
    let mut ended_s = case.seconds;
    for second in 0..case.seconds as u32 {
        world.play(second);
        match search.step(&world.record, f64::from(second + 1)) {
            Some(SearchAction::SetLevel(level)) => world.record.events.push(Event {
                at_ms: u64::from(second + 1) * 1_000,
                command: Command::Level(level),
            }),
            Some(SearchAction::Stop) => {
                ended_s = f64::from(second + 1);
                break;
            }
            None => {}
        }
    }
    let ended_ms = (ended_s * 1e3) as u64;
    world.record.ending = Some(Ending {
        stopped_by: StoppedBy::Finished,
        load_ended_ms: ended_ms,
        ended_ms,
        stop_reason: None,
        missed_targets: Vec::new(),
        unavailable: brunt_record::Unavailable::default(),
    });
    let (holds, breaks) = reported(&world.record);
    Found {
        holds,
        breaks,
        record: world.record,
    }
}

/// The level that holds, and the one that breaks, as a report says: those that the search came to.
fn reported(record: &RunRecord) -> (Option<f64>, Option<f64>) {
    let found = brunt_verdict::judge(record).findings;
    let mut marks = found.into_iter().flat_map(|finding| finding.marks);
    let bracket = marks.find_map(|mark| match mark {
        Mark::Bracket { holds, breaks } => Some((holds, breaks)),
        _ => None,
    });
    let reported = bracket.expect("a search has a bracket");
    let bracket = Search::of(record).expect("a search").bracket();
    assert_eq!(reported, (bracket.holds, bracket.breaks));
    reported
}

/// A server, those whom it serves, and what is recorded of it.
struct World<'a> {
    case: &'a Case,
    seed: u64,
    queue: Queue,
    under_way: BinaryHeap<Reverse<Done>>,
    delta: SecondRecorder,
    record: RunRecord,
}

/// Ordered by when it is done.
#[derive(PartialEq)]
struct Done(SimulatedRequest);

impl Eq for Done {}

impl Ord for Done {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.done_s.total_cmp(&other.0.done_s)
    }
}

impl PartialOrd for Done {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<'a> World<'a> {
    fn new(case: &'a Case, seed: u64, record: RunRecord) -> Self {
        Self {
            case,
            seed,
            queue: Queue::new(case.law, seed),
            under_way: BinaryHeap::new(),
            delta: SecondRecorder::new(&record.header.names),
            record,
        }
    }

    fn play(&mut self, second: u32) {
        let begins_s = f64::from(second);
        let level = self.record.load().level_at(begins_s + 0.5);
        let number = self.record.levels().count() as u64;
        let late_s = self.late_s(number);
        // Poisson arrivals know nothing of the second before.
        let seed = self.seed << 20 ^ u64::from(second);
        let is_taken = self.case.taken.is_some() && second % TAKEN_EACH == TAKEN_EACH / 2;
        if is_taken {
            self.queue.stall(begins_s, TAKEN_S);
        }
        for within_s in Arrivals::steady(level, 1.0, Gaps::Poisson, seed) {
            let mut visit = self.queue.serve(begins_s + within_s);
            visit.done_s += late_s;
            self.under_way.push(Reverse(Done(visit)));
        }
        self.delta.start(second);
        while let Some(Reverse(Done(visit))) = self.under_way.peek()
            && visit.done_s < begins_s + 1.0
        {
            let sample = self.sample(visit);
            self.delta.record(&sample);
            if let Some(kind) = sample.failure {
                let code = if kind == FailureKind::Status { 503 } else { 0 };
                let example = || "an example".into();
                self.delta
                    .record_failure(sample.name, kind, code, sample.done_ns, example);
            }
            self.under_way.pop();
        }
        let counts = self.delta.counts_mut();
        counts.in_flight = u32::try_from(self.under_way.len()).ok();
        if is_taken && self.case.taken == Some(Taken::Seen) {
            counts.max_wakeup_delay_us = (TAKEN_S * 1e6) as u64;
        }
        let increment = self.delta.to_snapshot();
        self.record
            .timeline
            .merge(&increment)
            .expect("names that it knows");
    }

    /// A request as brunt records it, with what is wrong.
    fn sample(&self, visit: &SimulatedRequest) -> brunt_record::Sample {
        let mut sample = reckoned::sample(visit);
        match self.case.fault {
            Some(Fault::Fails(share)) => {
                // A number that knows nothing of the queue: of the digits of the moment of arrival.
                let seed = self.seed ^ visit.arrival_s.to_bits();
                let drawn = brunt_testbed::synthetic_series::noise(seed).next();
                if drawn.is_some_and(|drawn| drawn < -(1.0 - share).ln()) {
                    sample.failure = Some(FailureKind::Status);
                }
            }
            Some(Fault::Dies(at_s)) if visit.arrival_s >= at_s => {
                sample.failure = Some(FailureKind::ConnectRefused);
            }
            Some(Fault::BruntIsLate(level)) => {
                let load = self.record.load();
                if load.level_at(visit.arrival_s) > level {
                    sample.dispatched_ns += 1_000_000_000;
                    sample.done_ns += 1_000_000_000;
                    sample.sent_ns = Some(sample.dispatched_ns);
                }
            }
            _ => {}
        }
        sample
    }

    /// By how much the answers of the present level are late, where it is spoilt.
    fn late_s(&self, number: u64) -> f64 {
        let drawn =
            brunt_testbed::synthetic_series::noise(self.seed ^ number.wrapping_mul(0x9e37_79b9))
                .next();
        // The share of exponential numbers below −ln (1 − s) is s.
        let is_spoilt = drawn.is_some_and(|drawn| drawn < -(1.0 - self.case.spoilt).ln());
        if is_spoilt { 1.0 } else { 0.0 }
    }
}

/// What a careless search would say: the highest second whose p99 was in time, and the lowest over it.
fn careless(record: &RunRecord, critical_s: f64) -> (f64, f64) {
    let load = record.load();
    let (mut holds, mut breaks) = (0.0, f64::INFINITY);
    for second in 0..record.timeline.intervals() {
        let level = load.level_at(second as f64 + 0.5);
        let (missing, all) = record.timeline.missing_at(
            second,
            brunt_record::Scope::All,
            brunt_record::Measure::Response,
            |ns| ns as f64 / 1e9 <= critical_s,
        );
        if missing as f64 > 0.01 * all as f64 {
            breaks = f64::min(breaks, level);
        } else if level < breaks {
            holds = f64::max(holds, level);
        }
    }
    (holds, breaks)
}

/// What many searches came to.
struct Searches {
    /// In this share of them the bracket holds the truth.
    told: f64,
    /// Its width, median.
    width: f64,
    /// In this share, what a careless search would say does.
    careless: f64,
}

impl Searches {
    fn of(case: &Case, runs: u64) -> Self {
        let truth = case.breaks_at;
        let holds_truth = |holds: f64, breaks: f64| holds <= truth && truth <= breaks;
        let found: Vec<(f64, f64, bool)> = in_parallel(runs, |seed| {
            let found = search(case, seed);
            let (holds, breaks) = careless(&found.record, CRITICAL_S);
            (
                found.holds.unwrap_or(0.0),
                found.breaks.unwrap_or(f64::INFINITY),
                holds_truth(holds, breaks),
            )
        });
        let told = found
            .iter()
            .filter(|(holds, breaks, _)| holds_truth(*holds, *breaks));
        let careless = found.iter().filter(|(.., careless)| *careless);
        let mut widths: Vec<f64> = found
            .iter()
            .map(|(holds, breaks, _)| breaks / holds - 1.0)
            .collect();
        widths.sort_by(f64::total_cmp);
        Self {
            told: told.count() as f64 / runs as f64,
            width: widths[widths.len() / 2],
            careless: careless.count() as f64 / runs as f64,
        }
    }

    fn in_words(&self) -> String {
        format!(
            "the bracket holds it in {:.0} %; median width {:.1} %",
            self.told * 100.0,
            self.width * 100.0
        )
    }
}

/// Where the machine is taken from brunt and the server, it is not the service that breaks.
fn taken_row(runs: u64, width_max: f64, least: f64) -> Row {
    let searches = |taken| {
        let case = Case {
            taken: Some(taken),
            ..mm1(300.0)
        };
        Searches::of(&case, runs)
    };
    let (seen, unseen) = (searches(Taken::Seen), searches(Taken::Unseen));
    Row {
        method: format!(
            "breaking point: M/M/1, a search of 5 min, the machine taken for {TAKEN_S} s of {TAKEN_EACH} s"
        ),
        truth: format!("breaks at {:.1}/s", mm1(300.0).breaks_at),
        reached: format!("{}, of {runs}", seen.in_words()),
        goal: goal(least, width_max),
        broken: format!("as if it were the service: {}", unseen.in_words()),
        holds: seen.told >= least && seen.width <= width_max && unseen.width > width_max,
    }
}

/// A search that saw a break has a level that holds as well, however few requests there are.
fn both_ends_row(seconds: f64, runs: u64, width_max: f64, least: f64) -> Row {
    let case = fifo(seconds);
    let truth = case.breaks_at;
    let critical_s = case.target.critical.unwrap_or(f64::NAN) / 1e3;
    let mut found: Vec<(bool, f64, bool)> = in_parallel(runs, |seed| {
        let found = search(&case, seed);
        let (lower, upper) = careless(&found.record, critical_s);
        let holds_truth = found.holds.is_none_or(|holds| holds <= truth)
            && found.breaks.is_none_or(|breaks| truth <= breaks);
        let width = match (found.holds, found.breaks) {
            (Some(holds), Some(breaks)) => breaks / holds - 1.0,
            _ => f64::INFINITY,
        };
        (holds_truth, width, lower <= truth && truth <= upper)
    });
    found.sort_by(|a, b| a.1.total_cmp(&b.1));
    let both = found
        .iter()
        .filter(|(_, width, _)| width.is_finite())
        .count();
    let told = found
        .iter()
        .filter(|(holds_truth, ..)| *holds_truth)
        .count() as f64
        / runs as f64;
    let careless = found.iter().filter(|(.., careless)| *careless).count() as f64 / runs as f64;
    let median = found[found.len() / 2].1;
    let widest = found[found.len() - 1].1;
    Row {
        method: format!(
            "breaking point: {}, a search of {:.0} min",
            case.name,
            seconds / 60.0
        ),
        truth: format!("breaks at {truth:.1}/s"),
        reached: format!(
            "{both} of {runs} brackets have both ends, {:.0} % hold it; median width {:.1} %, widest {:.1} %",
            told * 100.0,
            median * 100.0,
            widest * 100.0
        ),
        goal: format!("all have both ends, {}", goal(least, width_max)),
        broken: format!("by single seconds: {:.0} %", careless * 100.0),
        holds: both as u64 == runs && told >= least && median <= width_max && careless < 0.8,
    }
}

fn goal(least: f64, width_max: f64) -> String {
    let (least, width_max) = (least * 100.0, width_max * 100.0);
    format!("{least:.0} %, at most {width_max:.1} % wide")
}

fn row(case: &Case, runs: u64, width_max: f64, least: f64) -> Row {
    let found = Searches::of(case, runs);
    let spoilt = if case.spoilt > 0.0 {
        format!(", {:.0} % of its levels spoilt", case.spoilt * 100.0)
    } else {
        String::new()
    };
    Row {
        method: format!(
            "breaking point: {}, a search of {:.0} min{spoilt}",
            case.name,
            case.seconds / 60.0
        ),
        truth: format!("breaks at {:.1}/s", case.breaks_at),
        reached: format!("{}, of {runs}", found.in_words()),
        goal: goal(least, width_max),
        broken: format!("by single seconds: {:.0} %", found.careless * 100.0),
        holds: found.told >= least && found.width <= width_max && found.careless < 0.8,
    }
}

/// The proofs of this page.
pub fn rows(effort: Effort) -> Vec<Row> {
    let runs = effort.choose(12, 100);
    let least = effort.choose(0.75, 0.95);
    let spoilt = Case {
        spoilt: 0.05,
        ..mm1(300.0)
    };
    let mut rows = vec![
        row(&mm1(300.0), runs, effort.choose(0.2, 0.1), least),
        taken_row(runs, effort.choose(0.2, 0.12), least),
        both_ends_row(240.0, effort.choose(20, 100), 0.4, least),
        row(&spoilt, runs, effort.choose(0.2, 0.12), least),
    ];
    if effort == Effort::Full {
        rows.push(both_ends_row(600.0, runs, 0.15, least));
        rows.push(row(&mm1(900.0), runs, 0.05, least));
        let long = Case {
            precision: 0.02,
            ..mm1(7_200.0)
        };
        rows.push(row(&long, 25, 0.02, 0.9));
        rows.extend(others().iter().map(|case| row(case, runs, 0.2, least)));
    }
    rows
}

fn others() -> [Case; 3] {
    let bucket = Case {
        name: "token bucket",
        law: ServiceDistribution::TokenBucket {
            per_s: 500.0,
            burst: 20.0,
        },
        target: reckoned::critical(Metric::ErrorRate, 5.0),
        breaks_at: token_bucket::breaks_at(0.05, 500.0, 20),
        ..mm1(300.0)
    };
    let pool = Case {
        name: "a pool of 50 that takes 100 ms each",
        law: ServiceDistribution::Fixed {
            servers: 50,
            time_s: 0.1,
        },
        target: p99(0.3),
        // Beyond 500/s the line grows; the p99 reaches 300 ms just before (reckoned, below).
        breaks_at: 489.0,
        ..mm1(300.0)
    };
    let retrograde = Case {
        name: "retrograde",
        law: ServiceDistribution::Retrograde {
            mean_s: 0.001,
            drag: 0.0003,
        },
        target: p99(CRITICAL_S),
        breaks_at: 0.0,
        ..mm1(300.0)
    };
    [bucket, pool, retrograde].map(|case| Case {
        breaks_at: reckoned_break(&case).unwrap_or(case.breaks_at),
        ..case
    })
}

/// Where a server breaks that no formula is known for: by halving, each level for long.
fn reckoned_break(case: &Case) -> Option<f64> {
    if case.target.metric == Metric::ErrorRate {
        return None;
    }
    let critical_s = case.target.critical? / 1e3;
    let breaks = |level: f64| {
        let mut queue = Queue::new(case.law, 7);
        let (mut missing, mut all) = (0u64, 0u64);
        for at_s in Arrivals::steady(level, 3_000.0, Gaps::Poisson, 11) {
            let visit = queue.serve(at_s);
            if at_s > 20.0 {
                all += 1;
                missing += u64::from(visit.done_s - at_s > critical_s);
            }
            if visit.done_s - at_s > 100.0 * critical_s {
                return true;
            }
        }
        missing as f64 > 0.01 * all as f64
    };
    let (mut low, mut high) = (10.0, 2_000.0);
    while high / low > 1.001 {
        let middle = f64::sqrt(low * high);
        if breaks(middle) {
            high = middle;
        } else {
            low = middle;
        }
    }
    Some(f64::sqrt(low * high))
}

#[cfg(test)]
mod tests;
