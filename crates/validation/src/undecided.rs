//! What is not decided is not called good, and what is shown beside a decided grade agrees with it.

use brunt_record::{Metric, RunRecord};
use brunt_testbed::queue_simulation::{Arrivals, Gaps, SimulatedRequest};
use brunt_verdict::{Grade, RunResult, judge};

use crate::coverage::{LIMIT, Mm1, coverage};
use crate::reckoned::target;
use crate::{Effort, Row, reckoned};

/// Seconds of a run of independent requests.
const SECONDS: f64 = 60.0;
/// Seconds of a run that is shorter than usual, and of the ups and downs that do not show in it.
const SHORT_S: f64 = 5.0;
const UPS_AND_DOWNS_S: f64 = 40.0;

/// The proofs of this page.
pub fn rows(effort: Effort) -> Vec<Row> {
    vec![
        undecided_row(effort),
        shown_row(effort),
        throughput_row(effort),
        short_row(effort),
    ]
}

/// Runs whose p99 target is near the truth, beside a p50 target that is surely met.
fn undecided_row(effort: Effort) -> Row {
    let wanted: u64 = effort.choose(60, 1_000);
    let queue = Mm1::new(0.8, 300.0);
    let (mut undecided, mut good, mut worst_is_good) = (0u64, 0u64, 0u64);
    let mut runs = 0;
    for seed in 0..wanted * 4 {
        let p99_ms = queue.exceeded_by(LIMIT) * 1e3;
        // From just missed to just met.
        let factor = 0.9 + 0.2 * (seed % 11) as f64 / 10.0;
        let targets = vec![
            target(Metric::Percentile(0.99), p99_ms * factor),
            target(Metric::Percentile(0.5), p99_ms * 3.0),
        ];
        let record = reckoned::record(queue.visits(seed), crate::coverage::SECONDS, targets);
        let verdict = judge(&record);
        runs += 1;
        let grades = || verdict.judgements.iter().map(|row| row.grade);
        if grades().all(Grade::is_decided) {
            continue;
        }
        undecided += 1;
        good += u64::from(verdict.result == RunResult::Graded(Grade::Good));
        let worst = grades().filter(|grade| grade.is_decided()).max();
        worst_is_good += u64::from(worst == Some(Grade::Good));
        if undecided == wanted {
            break;
        }
    }
    Row {
        method: "result of a run with an undecided p99 and a p50 that is met".into(),
        truth: "not good".into(),
        reached: format!("good in {good} of {undecided} undecided runs ({runs} in all)"),
        goal: "none".into(),
        broken: format!("the worst decided grade: good in {worst_is_good}"),
        holds: undecided == wanted && good == 0 && worst_is_good > wanted / 2,
    }
}

/// The interval beside a grade whose target is the truth, where it agrees with a grade that is right in 19 of 20.
fn shown_row(effort: Effort) -> Row {
    let runs: u64 = effort.choose(100, 1_000);
    let (load, relaxations) = (0.8, 1_000.0);
    let queue = Mm1::new(load, relaxations);
    let p99_ms = queue.exceeded_by(LIMIT) * 1e3;
    let (mut given, mut covered) = (0u32, 0u32);
    for seed in 0..runs {
        let targets = vec![target(Metric::Percentile(0.99), p99_ms)];
        let record = reckoned::record(queue.visits(seed), crate::coverage::SECONDS, targets);
        let row = judge(&record).judgements.remove(0);
        let Some((low, high)) = row
            .interval
            .and_then(|shown| Some((shown.low, shown.high?)))
        else {
            continue;
        };
        given += 1;
        // Durations are kept to a thousandth.
        covered += u32::from(low * 0.999 <= p99_ms && p99_ms <= high * 1.001);
    }
    let share = f64::from(covered) / f64::from(given.max(1));
    let naive = coverage(load, relaxations, runs).naive;
    let least = effort.choose(0.875, 0.925);
    Row {
        method: "interval beside the grade of a p99 whose target is the truth, load 0.8".into(),
        truth: "the truth lies in 95 %, and in 92.5 % right at the threshold".into(),
        reached: format!("{:.1} % of {given} intervals of {runs} runs", share * 100.0),
        goal: format!("{:.1} % at least", least * 100.0),
        broken: format!("requests taken as independent: {:.1} %", naive * 100.0),
        holds: share >= least && given > 0 && naive < 0.6,
    }
}

/// Poisson arrivals that are all answered at once, whose rate is the target.
fn throughput_row(effort: Effort) -> Row {
    let runs: u64 = effort.choose(200, 2_000);
    let rate = 20.0;
    let (mut decided, mut good, mut value_is_over) = (0u32, 0u32, 0u32);
    for seed in 0..runs {
        let arrivals = Arrivals::steady(rate, SECONDS, Gaps::Poisson, seed);
        let visits = arrivals.map(|arrival_s| answered(arrival_s, false));
        let targets = vec![target(Metric::Throughput, rate)];
        let row = judge(&unbounded(reckoned::record(visits, SECONDS, targets)));
        let row = &row.judgements[0];
        decided += u32::from(row.grade.is_decided());
        good += u32::from(row.grade == Grade::Good);
        value_is_over += u32::from(row.value.known().is_some_and(|value| value > rate));
    }
    let share = |count: u32| f64::from(count) / runs as f64;
    Row {
        method: "grade of a throughput whose target is the truth".into(),
        truth: "not over it".into(),
        reached: format!(
            "good in {:.1} %, decided in {:.1} % of {runs}",
            share(good) * 100.0,
            share(decided) * 100.0
        ),
        goal: "good in 5 % at most".into(),
        broken: format!(
            "the measured one alone: good in {:.1} %",
            share(value_is_over) * 100.0
        ),
        // Three standard errors of 5 %.
        holds: share(good) <= effort.choose(0.1, 0.065) && share(value_is_over) > 0.4,
    }
}

/// A run of five seconds that the scenario lets pass, of a service that just breaks an error rate: what it claims is
/// that there are no longer ups and downs.
fn short_row(effort: Effort) -> Row {
    let runs: u64 = effort.choose(200, 2_000);
    let percent = 1.0;
    let good = |ups_and_downs: bool| {
        let is_good = |seed: &u64| {
            let mut even =
                brunt_testbed::synthetic_series::noise(*seed ^ 0x5eed).map(|drawn| (-drawn).exp());
            let phase = even.next().unwrap_or(0.0);
            let arrivals = Arrivals::steady(400.0, SHORT_S, Gaps::Poisson, *seed);
            let visits = arrivals.map(|arrival_s| {
                let turn = (phase + arrival_s / UPS_AND_DOWNS_S) * std::f64::consts::TAU;
                let factor = if ups_and_downs { 1.0 + turn.sin() } else { 1.0 };
                let failed = even.next().unwrap_or(1.0) < percent / 100.0 * factor;
                answered(arrival_s, failed)
            });
            let targets = vec![target(Metric::ErrorRate, percent)];
            let mut record = reckoned::record(visits, SHORT_S, targets);
            record.header.min_duration_s = Some(SHORT_S);
            judge(&unbounded(record)).judgements[0].grade == Grade::Good
        };
        (0..runs).filter(is_good).count() as f64 / runs as f64
    };
    let (steady, moving) = (good(false), good(true));
    Row {
        method: "grade of an error rate at its limit in a run of 5 s, with min_duration = 5 s"
            .into(),
        truth: "not under it".into(),
        reached: format!("good in {:.1} % of {runs}", steady * 100.0),
        goal: "5 % at most".into(),
        broken: format!(
            "a service with ups and downs of {UPS_AND_DOWNS_S} s, which the scenario rules out: good in {:.1} %",
            moving * 100.0
        ),
        holds: steady <= effort.choose(0.1, 0.065) && moving > 0.2,
    }
}

/// A request that takes a millisecond.
fn answered(arrival_s: f64, failed: bool) -> SimulatedRequest {
    SimulatedRequest {
        arrival_s,
        done_s: arrival_s + 1e-3,
        failed,
    }
}

/// Without a bound on what was offered.
fn unbounded(mut record: RunRecord) -> RunRecord {
    record.header.load.open = None;
    record
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_holds() {
        for row in rows(Effort::Reduced) {
            assert!(row.holds, "{row:#?}");
        }
    }
}
