//! Inconclusive targets: they are not called good, and the interval that is shown with a grade agrees with the grade.

use brunt_record::{Metric, RunRecord};
use brunt_testbed::queue_simulation::{Arrivals, Gaps, SimulatedRequest};
use brunt_verdict::{Grade, RunResult, judge};

use crate::coverage::{LIMIT, Mm1, coverage};
use crate::row::{Effort, Row};
use crate::simulated_run::{self, target};

/// Duration of a run with independent requests.
const SECONDS: f64 = 60.0;
/// Duration of a short run.
const SHORT_S: f64 = 5.0;
/// Period of fluctuations that are too slow to appear in a short run.
const PERIOD_S: f64 = 40.0;

/// The rows of this validation.
pub fn rows(effort: Effort) -> Vec<Row> {
    vec![
        inconclusive_row(effort),
        interval_row(effort),
        throughput_row(effort),
        short_row(effort),
    ]
}

/// Runs with a p99 target near the true value, and a p50 target that is certainly met.
fn inconclusive_row(effort: Effort) -> Row {
    let wanted: u64 = effort.choose(60, 1_000);
    let queue = Mm1::new(0.8, 300.0);
    let (mut inconclusive, mut good, mut worst_is_good) = (0u64, 0u64, 0u64);
    let mut runs = 0;
    for seed in 0..wanted * 4 {
        let p99_ms = queue.exceeded_by(LIMIT) * 1e3;
        // From just missed to just met.
        let factor = 0.9 + 0.2 * (seed % 11) as f64 / 10.0;
        let targets = vec![
            target(Metric::Percentile(0.99), p99_ms * factor),
            target(Metric::Percentile(0.5), p99_ms * 3.0),
        ];
        let requests = queue.requests(seed);
        let record = simulated_run::record(requests, crate::coverage::SECONDS, targets);
        let verdict = judge(&record);
        runs += 1;
        let grades = || verdict.judgments.iter().map(|row| row.grade);
        if grades().all(Grade::is_decided) {
            continue;
        }
        inconclusive += 1;
        good += u64::from(verdict.result == RunResult::Graded(Grade::Good));
        let worst = grades().filter(|grade| grade.is_decided()).max();
        worst_is_good += u64::from(worst == Some(Grade::Good));
        if inconclusive == wanted {
            break;
        }
    }
    Row {
        method: "result of a run with an inconclusive p99 and a good p50".into(),
        truth: "not good".into(),
        result: format!("good in {good} of {inconclusive} inconclusive runs ({runs} in total)"),
        goal: "0".into(),
        negative_control: format!("from the worst decided grade: good in {worst_is_good}"),
        holds: inconclusive == wanted && good == 0 && worst_is_good > wanted / 2,
    }
}

/// The interval that is shown with a grade whose target is the true value. It agrees with the grade, which is correct in 19
/// of 20 runs.
fn interval_row(effort: Effort) -> Row {
    let runs: u64 = effort.choose(100, 1_000);
    let (load, relaxations) = (0.8, 1_000.0);
    let queue = Mm1::new(load, relaxations);
    let p99_ms = queue.exceeded_by(LIMIT) * 1e3;
    let (mut given, mut covered) = (0u32, 0u32);
    for seed in 0..runs {
        let targets = vec![target(Metric::Percentile(0.99), p99_ms)];
        let requests = queue.requests(seed);
        let record = simulated_run::record(requests, crate::coverage::SECONDS, targets);
        let row = judge(&record).judgments.remove(0);
        let Some((low, high)) = row
            .interval
            .and_then(|shown| Some((shown.low, shown.high?)))
        else {
            continue;
        };
        given += 1;
        // Durations are rounded to a thousandth.
        covered += u32::from(low * 0.999 <= p99_ms && p99_ms <= high * 1.001);
    }
    let share = f64::from(covered) / f64::from(given.max(1));
    let naive = coverage(load, relaxations, runs).naive;
    let least = effort.choose(0.875, 0.925);
    Row {
        method: "interval with the grade of a p99 whose target is the true value, load 0.8".into(),
        truth: "95 % contain the true value, 92.5 % if it equals the threshold".into(),
        result: format!("{:.1} % of {given} intervals of {runs} runs", share * 100.0),
        goal: format!("at least {:.1} %", least * 100.0),
        negative_control: format!("requests treated as independent: {:.1} %", naive * 100.0),
        holds: share >= least && given > 0 && naive < 0.6,
    }
}

/// Poisson arrivals with immediate responses, whose rate is the target.
fn throughput_row(effort: Effort) -> Row {
    let runs: u64 = effort.choose(200, 2_000);
    let rate = 20.0;
    let (mut decided, mut good, mut value_is_over) = (0u32, 0u32, 0u32);
    for seed in 0..runs {
        let arrivals = Arrivals::steady(rate, SECONDS, Gaps::Poisson, seed);
        let requests = arrivals.map(|arrival_s| request(arrival_s, false));
        let targets = vec![target(Metric::Throughput, rate)];
        let record = simulated_run::record(requests, SECONDS, targets);
        let row = judge(&without_plan(record));
        let row = &row.judgments[0];
        decided += u32::from(row.grade.is_decided());
        good += u32::from(row.grade == Grade::Good);
        value_is_over += u32::from(row.value.known().is_some_and(|value| value > rate));
    }
    let share = |count: u32| f64::from(count) / runs as f64;
    Row {
        method: "grade of a throughput whose target is the true value".into(),
        truth: "not above the target".into(),
        result: format!(
            "good in {:.1} %, decided in {:.1} % of {runs}",
            share(good) * 100.0,
            share(decided) * 100.0
        ),
        goal: "good in at most 5 %".into(),
        negative_control: format!(
            "from the measured throughput alone: good in {:.1} %",
            share(value_is_over) * 100.0
        ),
        // Three standard errors of 5 %.
        holds: share(good) <= effort.choose(0.1, 0.065) && share(value_is_over) > 0.4,
    }
}

/// A run of five seconds, which the scenario allows to pass, of a service whose error rate equals the target. By setting a
/// short `min_duration`, the scenario states that the service has no slower fluctuations.
fn short_row(effort: Effort) -> Row {
    let runs: u64 = effort.choose(200, 2_000);
    let percent = 1.0;
    let good = |fluctuates: bool| {
        let is_good = |seed: &u64| {
            let mut uniform =
                brunt_testbed::synthetic_series::noise(*seed ^ 0x5eed).map(|drawn| (-drawn).exp());
            let phase = uniform.next().unwrap_or(0.0);
            let arrivals = Arrivals::steady(400.0, SHORT_S, Gaps::Poisson, *seed);
            let requests = arrivals.map(|arrival_s| {
                let turn = (phase + arrival_s / PERIOD_S) * std::f64::consts::TAU;
                let factor = if fluctuates { 1.0 + turn.sin() } else { 1.0 };
                let failed = uniform.next().unwrap_or(1.0) < percent / 100.0 * factor;
                request(arrival_s, failed)
            });
            let targets = vec![target(Metric::ErrorRate, percent)];
            let mut record = simulated_run::record(requests, SHORT_S, targets);
            record.header.min_duration_s = Some(SHORT_S);
            judge(&without_plan(record)).judgments[0].grade == Grade::Good
        };
        (0..runs).filter(is_good).count() as f64 / runs as f64
    };
    let (steady, fluctuating) = (good(false), good(true));
    Row {
        method: "grade of an error rate equal to its target, 5 s with min_duration = 5 s".into(),
        truth: "not below the target".into(),
        result: format!("good in {:.1} % of {runs}", steady * 100.0),
        goal: "good in at most 5 %".into(),
        negative_control: format!(
            "fluctuations with a period of {PERIOD_S} s, which the scenario rules out: good in {:.1} %",
            fluctuating * 100.0
        ),
        holds: steady <= effort.choose(0.1, 0.065) && fluctuating > 0.2,
    }
}

/// A request that takes a millisecond.
fn request(arrival_s: f64, failed: bool) -> SimulatedRequest {
    SimulatedRequest {
        arrival_s,
        done_s: arrival_s + 1e-3,
        failed,
    }
}

/// Removes the planned arrivals, which would bound the throughput.
fn without_plan(mut record: RunRecord) -> RunRecord {
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
