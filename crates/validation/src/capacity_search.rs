//! Searches for breaking points in virtual time, controlled like real ones, of servers whose breaking point is known.

mod token_bucket;

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use brunt_record::{
    Command, Event, FailureKind, LoadStage, Metric, RunRecord, SecondRecorder, Target,
    ThresholdKind,
};
use brunt_testbed::queue_simulation::{
    Arrivals, Gaps, Queue, ServiceDistribution, SimulatedRequest,
};
use brunt_verdict::Mark;
use brunt_verdict::search::{Search, SearchAction};
use brunt_verdict::stats::median::median;

use crate::row::{Effort, Row, in_parallel};
use crate::simulated_run;

/// Capacity of the M/M/1 queue per second.
const MU: f64 = 1_000.0;
/// Critical threshold of the p99.
const CRITICAL_S: f64 = 0.05;

/// A server with a known breaking point, and its search.
#[derive(Clone)]
struct Case {
    name: &'static str,
    service: ServiceDistribution,
    target: Target,
    breaks_at: f64,
    seconds: f64,
    /// Relative width at which the search ends.
    precision: f64,
    /// Share of the levels in which every request takes a second longer.
    disturbed: f64,
    /// Steal, which stops brunt and the server at regular intervals.
    steal: Option<Steal>,
    /// A fault that does not depend on the load.
    fault: Option<Fault>,
}

/// A fault of the server or of brunt that does not depend on the server's capacity.
#[cfg_attr(
    not(test),
    expect(dead_code, reason = "only the tests have faulty services")
)]
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    /// This share of the requests fails, at any load. A target limits errors to 5 %.
    Fails(f64),
    /// The server refuses every connection from this moment on.
    Dies(f64),
    /// brunt dispatches all requests a second late above this arrival rate.
    BruntIsLate(f64),
}

/// Whether brunt detects the steal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Steal {
    Detected,
    /// It is attributed to the service.
    Undetected,
}

/// Interval of the steal, in seconds.
const STEAL_EVERY_S: u32 = 60;
/// Duration of the steal.
const STEAL_S: f64 = 0.4;

fn p99(critical_s: f64) -> Target {
    simulated_run::critical(Metric::Percentile(0.99), critical_s * 1e3)
}

/// The p99 of an M/M/1 is ln 100 / (μ − λ).
fn mm1(seconds: f64) -> Case {
    Case {
        name: "M/M/1",
        service: ServiceDistribution::Exponential {
            servers: 1,
            mean_s: 1.0 / MU,
        },
        target: p99(CRITICAL_S),
        breaks_at: MU - 100f64.ln() / CRITICAL_S,
        seconds,
        precision: 0.05,
        disturbed: 0.0,
        steal: None,
        fault: None,
    }
}

/// A server with a capacity of 100 requests per second, whose few requests give little information about the p99.
fn slow_mm1(seconds: f64) -> Case {
    let (mu, critical_s) = (100.0, 0.3);
    Case {
        name: "M/M/1 with 100/s, p99 under 300 ms",
        service: ServiceDistribution::Exponential {
            servers: 1,
            mean_s: 1.0 / mu,
        },
        target: p99(critical_s),
        breaks_at: mu - 100f64.ln() / critical_s,
        ..mm1(seconds)
    }
}

/// Result of a search: the level that holds, the level that breaks, and the record.
struct SearchResult {
    holds: Option<f64>,
    breaks: Option<f64>,
    record: RunRecord,
}

/// Runs a search to its end, second by second.
fn search(case: &Case, seed: u64) -> SearchResult {
    let level = LoadStage {
        seconds: case.seconds,
        from: 10.0,
        to: 10.0,
    };
    let of_errors = simulated_run::critical(Metric::ErrorRate, 5.0);
    let is_faulty = matches!(case.fault, Some(Fault::Fails(_)));
    let targets = is_faulty.then_some(of_errors).into_iter();
    let targets = targets.chain([case.target.clone()]).collect();
    let mut header = simulated_run::header(vec![level], targets);
    header.load.search = Some(brunt_record::Search {
        from: 10.0,
        to: None,
        breaks_at: ThresholdKind::Critical,
        precision: case.precision,
    });
    let mut simulation = Simulation::new(case, seed, RunRecord::new(header));
    let mut search = Search::begin(&simulation.record).expect("a search");
    let mut ended_s = case.seconds;
    for second in 0..case.seconds as u32 {
        simulation.run_second(second);
        match search.step(&simulation.record, f64::from(second + 1)) {
            Some(SearchAction::SetLevel(level)) => simulation.record.events.push(Event {
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
    let record = simulated_run::ended(simulation.record, ended_s);
    let (holds, breaks) = reported(&record);
    SearchResult {
        holds,
        breaks,
        record,
    }
}

/// The level that holds and the level that breaks, as in a report. They equal those of the search.
fn reported(record: &RunRecord) -> (Option<f64>, Option<f64>) {
    let findings = brunt_verdict::judge(record).findings;
    let mut marks = findings.into_iter().flat_map(|finding| finding.marks);
    let bracket = marks.find_map(|mark| match mark {
        Mark::Bracket { holds, breaks } => Some((holds, breaks)),
        _ => None,
    });
    let reported = bracket.expect("a search has a bracket");
    let bracket = Search::of(record).expect("a search").bracket();
    assert_eq!(reported, (bracket.holds, bracket.breaks));
    reported
}

/// A server, the requests in flight, and the record of the run.
struct Simulation<'a> {
    case: &'a Case,
    seed: u64,
    queue: Queue,
    in_flight: BinaryHeap<Reverse<InFlight>>,
    recorder: SecondRecorder,
    record: RunRecord,
}

/// A request in flight, ordered by its end.
#[derive(PartialEq)]
struct InFlight(SimulatedRequest);

impl Eq for InFlight {}

impl Ord for InFlight {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.done_s.total_cmp(&other.0.done_s)
    }
}

impl PartialOrd for InFlight {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<'a> Simulation<'a> {
    fn new(case: &'a Case, seed: u64, record: RunRecord) -> Self {
        Self {
            case,
            seed,
            queue: Queue::new(case.service, seed),
            in_flight: BinaryHeap::new(),
            recorder: SecondRecorder::new(&record.header.names),
            record,
        }
    }

    fn run_second(&mut self, second: u32) {
        let begins_s = f64::from(second);
        let level = self.record.load().level_at(begins_s + 0.5);
        let number = self.record.levels().count() as u64;
        let late_s = self.late_s(number);
        // Poisson arrivals are independent of those of the previous second.
        let seed = self.seed << 20 ^ u64::from(second);
        let is_stolen = self.case.steal.is_some() && second % STEAL_EVERY_S == STEAL_EVERY_S / 2;
        if is_stolen {
            self.queue.stall(begins_s, STEAL_S);
        }
        for within_s in Arrivals::steady(level, 1.0, Gaps::Poisson, seed) {
            let mut request = self.queue.serve(begins_s + within_s);
            request.done_s += late_s;
            self.in_flight.push(Reverse(InFlight(request)));
        }
        self.recorder.start(second);
        while let Some(Reverse(InFlight(request))) = self.in_flight.peek()
            && request.done_s < begins_s + 1.0
        {
            let sample = self.sample(request);
            self.recorder.record(&sample);
            if let Some(kind) = sample.failure {
                let code = if kind == FailureKind::Status { 503 } else { 0 };
                let example = || "an example".into();
                self.recorder
                    .record_failure(sample.name, kind, code, sample.done_ns, example);
            }
            self.in_flight.pop();
        }
        let counts = self.recorder.counts_mut();
        counts.in_flight = u32::try_from(self.in_flight.len()).ok();
        if is_stolen && self.case.steal == Some(Steal::Detected) {
            counts.max_wakeup_delay_us = (STEAL_S * 1e6) as u64;
        }
        simulated_run::merge(&mut self.record, &mut self.recorder);
    }

    /// The sample of a request, with the effect of the fault.
    fn sample(&self, request: &SimulatedRequest) -> brunt_record::Sample {
        let mut sample = simulated_run::sample(request);
        match self.case.fault {
            Some(Fault::Fails(share)) => {
                // A number that is independent of the queue, from the digits of the time of arrival.
                let seed = self.seed ^ request.arrival_s.to_bits();
                let drawn = brunt_testbed::synthetic_series::noise(seed).next();
                if drawn.is_some_and(|drawn| drawn < -(1.0 - share).ln()) {
                    sample.failure = Some(FailureKind::Status);
                }
            }
            Some(Fault::Dies(at_s)) if request.arrival_s >= at_s => {
                sample.failure = Some(FailureKind::ConnectRefused);
            }
            Some(Fault::BruntIsLate(level)) => {
                let load = self.record.load();
                if load.level_at(request.arrival_s) > level {
                    sample.dispatched_ns += 1_000_000_000;
                    sample.done_ns += 1_000_000_000;
                    sample.sent_ns = Some(sample.dispatched_ns);
                }
            }
            _ => {}
        }
        sample
    }

    /// Delay of the responses at the level with this number, if it is disturbed.
    fn late_s(&self, number: u64) -> f64 {
        let drawn =
            brunt_testbed::synthetic_series::noise(self.seed ^ number.wrapping_mul(0x9e37_79b9))
                .next();
        // The share of exponential numbers below −ln (1 − s) is s.
        let is_disturbed = drawn.is_some_and(|drawn| drawn < -(1.0 - self.case.disturbed).ln());
        if is_disturbed { 1.0 } else { 0.0 }
    }
}

/// Bracket from single seconds: the highest level whose p99 met the threshold in a second, and the lowest that missed it.
fn bracket_from_seconds(record: &RunRecord, critical_s: f64) -> (f64, f64) {
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

/// Summary of many searches.
struct Searches {
    runs: u64,
    /// Share of the brackets that contain the breaking point.
    correct: f64,
    /// Median width of the brackets.
    width: f64,
    /// Share of the brackets from single seconds that contain the breaking point.
    naive: f64,
}

impl Searches {
    fn run(case: &Case, runs: u64) -> Self {
        let truth = case.breaks_at;
        let is_correct = |holds: f64, breaks: f64| holds <= truth && truth <= breaks;
        let brackets: Vec<(f64, f64, bool)> = in_parallel(runs, |seed| {
            let found = search(case, seed);
            let (holds, breaks) = bracket_from_seconds(&found.record, CRITICAL_S);
            (
                found.holds.unwrap_or(0.0),
                found.breaks.unwrap_or(f64::INFINITY),
                is_correct(holds, breaks),
            )
        });
        let correct = brackets
            .iter()
            .filter(|(holds, breaks, _)| is_correct(*holds, *breaks));
        let naive = brackets.iter().filter(|(.., naive)| *naive);
        let widths = brackets.iter();
        let mut widths: Vec<f64> = widths
            .map(|(holds, breaks, _)| breaks / holds - 1.0)
            .collect();
        Self {
            runs,
            correct: correct.count() as f64 / runs as f64,
            width: median(&mut widths).unwrap_or(f64::NAN),
            naive: naive.count() as f64 / runs as f64,
        }
    }

    fn in_words(&self) -> String {
        format!(
            "{:.0} % of {} brackets contain it; median width {:.1} %",
            self.correct * 100.0,
            self.runs,
            self.width * 100.0
        )
    }
}

/// Steal from brunt and the server must not be attributed to the service.
fn steal_row(runs: u64, width_max: f64, share_min: f64) -> Row {
    let searches = |steal| {
        let case = Case {
            steal: Some(steal),
            ..mm1(300.0)
        };
        Searches::run(&case, runs)
    };
    let detected = searches(Steal::Detected);
    let undetected = searches(Steal::Undetected);
    Row {
        method: format!(
            "breaking point: M/M/1, 5 min, both CPUs stolen for {STEAL_S} s of every {STEAL_EVERY_S} s"
        ),
        truth: format!("breaks at {:.1}/s", mm1(300.0).breaks_at),
        result: detected.in_words(),
        goal: goal(share_min, width_max),
        negative_control: format!("attributed to the service: {}", undetected.in_words()),
        holds: detected.correct >= share_min
            && detected.width <= width_max
            && undetected.width > width_max,
    }
}

/// A search that found a level that breaks also has one that holds, however few requests there are.
fn both_ends_row(seconds: f64, runs: u64, width_max: f64, share_min: f64) -> Row {
    let case = slow_mm1(seconds);
    let truth = case.breaks_at;
    let critical_s = case.target.critical.unwrap_or(f64::NAN) / 1e3;
    let brackets: Vec<(bool, f64, bool)> = in_parallel(runs, |seed| {
        let found = search(&case, seed);
        let (lower, upper) = bracket_from_seconds(&found.record, critical_s);
        let is_correct = found.holds.is_none_or(|holds| holds <= truth)
            && found.breaks.is_none_or(|breaks| truth <= breaks);
        let width = match (found.holds, found.breaks) {
            (Some(holds), Some(breaks)) => breaks / holds - 1.0,
            _ => f64::INFINITY,
        };
        (is_correct, width, lower <= truth && truth <= upper)
    });
    let mut widths: Vec<f64> = brackets.iter().map(|(_, width, _)| *width).collect();
    let both = widths.iter().filter(|width| width.is_finite()).count();
    let share = |count: usize| count as f64 / runs as f64;
    let correct = share(brackets.iter().filter(|(correct, ..)| *correct).count());
    let naive = share(brackets.iter().filter(|(.., naive)| *naive).count());
    let median = median(&mut widths).unwrap_or(f64::NAN);
    let widest = widths.iter().copied().fold(0.0, f64::max);
    Row {
        method: format!("breaking point: {}, {:.0} min", case.name, seconds / 60.0),
        truth: format!("breaks at {truth:.1}/s"),
        result: format!(
            "{both} of {runs} brackets have both ends, {:.0} % contain it; median width {:.1} %, widest {:.1} %",
            correct * 100.0,
            median * 100.0,
            widest * 100.0
        ),
        goal: format!("all have both ends; {}", goal(share_min, width_max)),
        negative_control: format!("from single seconds: {:.0} %", naive * 100.0),
        holds: both as u64 == runs && correct >= share_min && median <= width_max && naive < 0.8,
    }
}

fn goal(share_min: f64, width_max: f64) -> String {
    let (share_min, width_max) = (share_min * 100.0, width_max * 100.0);
    format!("{share_min:.0} %, median width at most {width_max:.1} %")
}

fn row(case: &Case, runs: u64, width_max: f64, share_min: f64) -> Row {
    let found = Searches::run(case, runs);
    let disturbed = if case.disturbed > 0.0 {
        format!(", {:.0} % of the levels disturbed", case.disturbed * 100.0)
    } else {
        String::new()
    };
    Row {
        method: format!(
            "breaking point: {}, {:.0} min{disturbed}",
            case.name,
            case.seconds / 60.0
        ),
        truth: format!("breaks at {:.1}/s", case.breaks_at),
        result: found.in_words(),
        goal: goal(share_min, width_max),
        negative_control: format!("from single seconds: {:.0} %", found.naive * 100.0),
        holds: found.correct >= share_min && found.width <= width_max && found.naive < 0.8,
    }
}

/// The rows of this validation.
pub fn rows(effort: Effort) -> Vec<Row> {
    let runs = effort.choose(12, 100);
    let least = effort.choose(0.75, 0.95);
    let disturbed = Case {
        disturbed: 0.05,
        ..mm1(300.0)
    };
    let mut rows = vec![
        row(&mm1(300.0), runs, effort.choose(0.2, 0.1), least),
        steal_row(runs, effort.choose(0.2, 0.12), least),
        both_ends_row(240.0, effort.choose(20, 100), 0.4, least),
        row(&disturbed, runs, effort.choose(0.2, 0.12), least),
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
        service: ServiceDistribution::TokenBucket {
            per_s: 500.0,
            burst: 20.0,
        },
        target: simulated_run::critical(Metric::ErrorRate, 5.0),
        breaks_at: token_bucket::breaks_at(0.05, 500.0, 20),
        ..mm1(300.0)
    };
    let pool = Case {
        name: "50 servers with 100 ms each",
        service: ServiceDistribution::Fixed {
            servers: 50,
            time_s: 0.1,
        },
        target: p99(0.3),
        // Replaced below.
        breaks_at: 0.0,
        ..mm1(300.0)
    };
    let retrograde = Case {
        name: "retrograde",
        service: ServiceDistribution::Retrograde {
            mean_s: 0.001,
            drag: 0.0003,
        },
        target: p99(CRITICAL_S),
        breaks_at: 0.0,
        ..mm1(300.0)
    };
    [bucket, pool, retrograde].map(|case| Case {
        breaks_at: computed_breaking_point(&case).unwrap_or(case.breaks_at),
        ..case
    })
}

/// The breaking point of a server without a known formula, by bisection with a long run of each level; `None` for an error
/// rate, for which there is one.
fn computed_breaking_point(case: &Case) -> Option<f64> {
    if case.target.metric == Metric::ErrorRate {
        return None;
    }
    let critical_s = case.target.critical? / 1e3;
    let breaks = |level: f64| {
        let mut queue = Queue::new(case.service, 7);
        let (mut missing, mut all) = (0u64, 0u64);
        for at_s in Arrivals::steady(level, 3_000.0, Gaps::Poisson, 11) {
            let request = queue.serve(at_s);
            if at_s > 20.0 {
                all += 1;
                missing += u64::from(request.done_s - at_s > critical_s);
            }
            if request.done_s - at_s > 100.0 * critical_s {
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
