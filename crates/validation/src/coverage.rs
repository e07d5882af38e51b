//! Coverage of confidence intervals: the p99 of an M/M/1 queue is ln 100 / (μ − λ), and 95 of 100 intervals must contain it.

use brunt_record::{Metric, Scope};
use brunt_testbed::queue_simulation::{
    Arrivals, Gaps, Queue, ServiceDistribution, SimulatedRequest,
};
use brunt_verdict::stats::batch_means::{Block, ProportionEstimate, estimate_with_slow};
use brunt_verdict::stats::median::median;
use brunt_verdict::{Grade, judge};

use crate::row::{Effort, Row};
use crate::simulated_run;

/// Duration of a run in seconds.
pub(crate) const SECONDS: f64 = 300.0;
/// Share of the requests above the p99.
pub(crate) const LIMIT: f64 = 0.01;
/// Risk on each side of an interval of 95 %.
const RISK: f64 = 0.025;

/// An M/M/1 queue under a load, with the rate for which the run has a given number of relaxation times.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mm1 {
    mu: f64,
    lambda: f64,
    seconds: f64,
}

impl Mm1 {
    /// The relaxation time is 1 / (√μ − √λ)² (Cohen, The Single Server Queue, 1982).
    pub(crate) fn new(load: f64, relaxations: f64) -> Self {
        Self::lasting(load, relaxations, SECONDS)
    }

    /// A queue whose run takes this number of seconds.
    pub(crate) fn lasting(load: f64, relaxations: f64, seconds: f64) -> Self {
        let mu = relaxations / seconds / (1.0 - load.sqrt()).powi(2);
        Self {
            mu,
            lambda: load * mu,
            seconds,
        }
    }

    /// Response time in seconds that this share of the requests exceeds.
    pub(crate) fn exceeded_by(self, share: f64) -> f64 {
        -share.ln() / (self.mu - self.lambda)
    }

    pub(crate) fn requests(self, seed: u64) -> impl Iterator<Item = SimulatedRequest> {
        let service = ServiceDistribution::Exponential {
            servers: 1,
            mean_s: 1.0 / self.mu,
        };
        let mut queue = Queue::new(service, seed).in_steady_state(self.lambda);
        Arrivals::steady(self.lambda, self.seconds, Gaps::Poisson, seed)
            .map(move |arrival_s| queue.serve(arrival_s))
    }

    /// The share of the requests of a run above the true p99, with the precision from the run, and with the precision of
    /// independent requests.
    fn run(self, seed: u64) -> Option<(ProportionEstimate, ProportionEstimate)> {
        let blocks = self.blocks(seed);
        let seen = estimate_with_slow(&blocks[0], &blocks[1])?;
        let naive = ProportionEstimate {
            effective_size: blocks[0].iter().map(|block| block.all).sum(),
            ..seen
        };
        Some((seen, naive))
    }

    /// Blocks of a second: requests above the true p99, and above the true p90.
    fn blocks(self, seed: u64) -> [Vec<Block>; 2] {
        let limits_s = [LIMIT, 0.1].map(|share| self.exceeded_by(share));
        let mut blocks = [(); 2].map(|()| vec![Block::default(); self.seconds as usize]);
        for request in self.requests(seed) {
            for (blocks, limit_s) in blocks.iter_mut().zip(limits_s) {
                let block = &mut blocks[request.arrival_s as usize];
                block.all += 1.0;
                if request.done_s - request.arrival_s > limit_s {
                    block.missing += 1.0;
                }
            }
        }
        blocks
    }
}

/// Coverage of the intervals of many runs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Coverage {
    /// Share of the runs with an interval.
    pub given: f64,
    /// Share of these intervals that contain the truth.
    pub covered: f64,
    /// Share of the runs whose interval from independent requests contains it.
    pub naive: f64,
}

/// Coverage under a load, for runs of a number of relaxation times.
pub fn coverage(load: f64, relaxations: f64, runs: u64) -> Coverage {
    let queue = Mm1::new(load, relaxations);
    let contains = |seen: &ProportionEstimate| seen.low(RISK) <= LIMIT && seen.high(RISK) >= LIMIT;
    let (mut given, mut covered, mut naive_covered) = (0u32, 0u32, 0u32);
    for (seen, naive) in (0..runs).filter_map(|seed| queue.run(seed)) {
        naive_covered += u32::from(contains(&naive));
        given += u32::from(seen.is_settled);
        covered += u32::from(seen.is_settled && contains(&seen));
    }
    Coverage {
        given: f64::from(given) / runs as f64,
        covered: f64::from(covered) / f64::from(given.max(1)),
        naive: f64::from(naive_covered) / runs as f64,
    }
}

/// The rows of this validation.
pub fn rows(effort: Effort) -> Vec<Row> {
    let runs = effort.choose(150, 1_000);
    // Three standard errors of a share of 95 % with reduced effort.
    let chance = effort.choose(0.05, 0.0);
    let mut rows = Vec::new();
    for load in effort.choose(&[0.8][..], &[0.3, 0.5, 0.8, 0.9]) {
        for relaxations in effort.choose(&[300.0, 1_000.0][..], &[100.0, 300.0, 1_000.0, 3_000.0]) {
            rows.push(coverage_row(*load, *relaxations, runs, chance));
        }
    }
    rows.push(grades_row(effort));
    rows.push(far_row(effort));
    rows.push(bootstrap_row(effort));
    rows
}

fn coverage_row(load: f64, relaxations: f64, runs: u64, chance: f64) -> Row {
    let found = coverage(load, relaxations, runs);
    // In a run that is short compared with its own fluctuations, intervals may be wide, but must not miss.
    let most = if relaxations < 1_000.0 {
        1.0
    } else {
        0.97 + chance
    };
    let least = 0.93 - chance;
    let fails = load < 0.8 || found.naive < 0.6;
    Row {
        method: format!("interval of a p99, load {load}, {relaxations:.0} relaxation times"),
        truth: "95 % contain ln 100 / (μ − λ)".into(),
        result: format!(
            "{:.1} % of {runs} runs; {:.1} % inconclusive",
            found.covered * 100.0,
            (1.0 - found.given) * 100.0
        ),
        goal: format!("{:.0} to {:.0} %", least * 100.0, most * 100.0),
        negative_control: format!(
            "requests treated as independent: {:.1} %",
            found.naive * 100.0
        ),
        holds: (least..=most).contains(&found.covered) && fails,
    }
}

/// A service that is 5 % slower than its target must not pass, and one that is 5 % faster must not fail.
fn grades_row(effort: Effort) -> Row {
    let runs: u64 = effort.choose(60, 400);
    let queue = Mm1::new(0.8, 300.0);
    let p99_ms = queue.exceeded_by(LIMIT) * 1e3;
    let (mut wrong, mut decided, mut naive_wrong) = (0u32, 0u32, 0u32);
    for seed in 0..runs {
        for (factor, wrong_grade) in [(1.0 / 1.05, Grade::Good), (1.05, Grade::Poor)] {
            let target = simulated_run::target(Metric::Percentile(0.99), p99_ms * factor);
            let record = simulated_run::record(queue.requests(seed), SECONDS, vec![target]);
            let grade = judge(&record).judgments[0].grade;
            decided += u32::from(grade != Grade::Inconclusive);
            wrong += u32::from(grade == wrong_grade);
            let measure = brunt_record::Measure::Response;
            let measured = record
                .timeline
                .distribution(Scope::All, measure)
                .percentile(0.99);
            let is_under = measured
                .and_then(brunt_record::PercentileValue::ms)
                .is_some_and(|ms| ms < p99_ms * factor);
            naive_wrong += u32::from(is_under == (wrong_grade == Grade::Good));
        }
    }
    let share = |count: u32| f64::from(count) / (2.0 * runs as f64);
    Row {
        method: "grade of a p99 whose target is 5 % off, load 0.8".into(),
        truth: "poor if the target is too low, good if it is too high".into(),
        result: format!(
            "wrong in {:.1} %, decided in {:.0} %",
            share(wrong) * 100.0,
            share(decided) * 100.0
        ),
        goal: "wrong in at most 5 %".into(),
        negative_control: format!(
            "from the measured p99 alone: wrong in {:.1} %",
            share(naive_wrong) * 100.0
        ),
        holds: share(wrong) <= effort.choose(0.1, 0.05) && share(naive_wrong) > 0.2,
    }
}

/// Even a run that is short compared with its fluctuations decides a target that is far off, and does not call a target met
/// that is just missed.
fn far_row(effort: Effort) -> Row {
    let runs: u64 = effort.choose(60, 1_000);
    let queue = Mm1::new(0.9, 100.0);
    let p95_ms = queue.exceeded_by(0.05) * 1e3;
    let good = |factor: f64| {
        let target = simulated_run::target(Metric::Percentile(0.95), p95_ms * factor);
        let is_good = |seed: &u64| {
            let requests = queue.requests(*seed);
            let record = simulated_run::record(requests, SECONDS, vec![target.clone()]);
            judge(&record).judgments[0].grade == Grade::Good
        };
        (0..runs).filter(is_good).count() as f64 / runs as f64
    };
    let (far, just_missed) = (good(3.0), good(1.0 / 1.05));
    Row {
        method:
            "grade of a p95 whose target is three times the true value, load 0.9, 100 relaxation times"
                .into(),
        truth: "good".into(),
        result: format!("good in {:.1} % of {runs}", far * 100.0),
        goal: "95 %".into(),
        negative_control: format!("target 5 % too low: good in {:.1} %", just_missed * 100.0),
        holds: far >= effort.choose(0.9, 0.95) && just_missed <= effort.choose(0.1, 0.05),
    }
}

/// Number of neighboring blocks that are drawn together.
const DRAWN_TOGETHER: usize = 10;
/// Number of bootstrap samples.
const DRAWS: usize = 400;

/// Interval of 95 % from a moving-block bootstrap (Künsch, Annals of Statistics 17, 1989).
fn bootstrapped(blocks: &[Block], together: usize, seed: u64) -> (f64, f64) {
    // Exponential numbers, transformed to uniform ones from 0 to 1.
    let mut uniform = brunt_testbed::synthetic_series::noise(seed).map(|drawn| (-drawn).exp());
    let mut shares: Vec<f64> = (0..DRAWS)
        .map(|_| {
            let starts = uniform.by_ref().take(blocks.len() / together);
            let (mut missing, mut all) = (0.0, 0.0);
            for start in starts {
                let at = (start * (blocks.len() - together + 1) as f64) as usize;
                for block in &blocks[at..at + together] {
                    missing += block.missing;
                    all += block.all;
                }
            }
            missing / all
        })
        .collect();
    shares.sort_by(f64::total_cmp);
    let at = |share: f64| shares[(share * DRAWS as f64) as usize];
    (at(RISK), at(1.0 - RISK))
}

/// The interval of a share, compared with one that needs no formula.
fn bootstrap_row(effort: Effort) -> Row {
    let runs: u64 = effort.choose(40, 400);
    let queue = Mm1::new(0.8, 3_000.0);
    let mut ratios = [Vec::new(), Vec::new()];
    for seed in 0..runs {
        let blocks = queue.blocks(seed);
        let Some(seen) = estimate_with_slow(&blocks[0], &blocks[1]) else {
            continue;
        };
        let width = seen.high(RISK) - seen.low(RISK);
        let naive = ProportionEstimate {
            effective_size: blocks[0].iter().map(|block| block.all).sum(),
            ..seen
        };
        let (low, high) = bootstrapped(&blocks[0], DRAWN_TOGETHER, seed);
        ratios[0].push(width / (high - low));
        ratios[1].push((naive.high(RISK) - naive.low(RISK)) / (high - low));
    }
    let [ratio, naive] = ratios.map(|mut ratios| median(&mut ratios).unwrap_or(f64::NAN));
    Row {
        method:
            "interval of the share above the p99, load 0.8, compared with a moving-block bootstrap"
                .into(),
        truth: "about the same width".into(),
        result: format!("{ratio:.2} times the width, median of {runs}"),
        goal: "0.90 to 1.35 times: a bootstrap underestimates the effect of rare blocks".into(),
        negative_control: format!("requests treated as independent: {naive:.2} times"),
        holds: (0.9..=1.35).contains(&ratio) && naive < 0.7,
    }
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
