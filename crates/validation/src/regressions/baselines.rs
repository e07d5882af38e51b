//! Runs compared with a stored baseline: the same service again, and a slower one.

use brunt_record::{Measure, PercentileValue, ProcessReading, Reading, RunRecord, Scope};
use brunt_testbed::queue_simulation::{Arrivals, Gaps, SimulatedRequest};
use brunt_verdict::comparison::{ComparedMetric, Comparison, Outcome, RunMetrics, compare};
use brunt_verdict::stats::batch_means::ProportionEstimate;

use super::trials::{SEEDS_FROM, SLOWER, TOLERANCE, normals, percent};
use crate::row::{Effort, Row};
use crate::simulated_run;

const PER_S: f64 = 100.0;
/// Median response time.
const LEVEL_S: f64 = 0.02;
/// Standard deviation of the logarithm of response times.
const BETWEEN_REQUESTS: f64 = 0.1;
/// CPU use of the service, in percent of a core.
const CPU_PERCENT: f64 = 30.0;
/// Standard deviation of the logarithm of the CPU use between runs.
const CPU_BETWEEN_RUNS: f64 = 0.1;
/// Risk on each side of an interval of 95 %.
const RISK: f64 = 0.025;

/// Variation of the response times on a machine: standard deviations of logarithms.
#[derive(Clone, Copy)]
struct Machine {
    name: &'static str,
    /// Between runs.
    between: f64,
    /// Between seconds.
    within: f64,
    /// Correlation from second to second.
    correlation: f64,
}

const QUIET: Machine = Machine {
    name: "quiet machine",
    between: 0.002,
    within: 0.01,
    correlation: 0.5,
};
const NOISY: Machine = Machine {
    name: "noisy machine",
    between: 0.02,
    within: 0.1,
    correlation: 0.9,
};

/// Runs of a baseline, and the tolerance of comparisons with it.
#[derive(Clone, Copy)]
struct Plan {
    runs: u64,
    seconds: usize,
    tolerance: Option<f64>,
}

const FIVE_LONG: Plan = Plan {
    runs: 5,
    seconds: 120,
    tolerance: Some(TOLERANCE),
};
const THREE_SHORT: Plan = Plan {
    runs: 3,
    seconds: 30,
    tolerance: None,
};

impl Machine {
    fn run(self, seconds: usize, slower: f64, seed: u64) -> RunRecord {
        let own = normals(self.between, 0.0, 1, seed * 4 + 1)[0];
        let of_seconds = normals(self.within, self.correlation, seconds, seed * 4 + 2);
        let count = seconds * PER_S as usize;
        let of_requests = normals(BETWEEN_REQUESTS, 0.0, count, seed * 4 + 3);
        let cpu = normals(CPU_BETWEEN_RUNS, 0.0, 1, seed * 4 + 4)[0];
        let requests = Arrivals::steady(PER_S, seconds as f64, Gaps::Poisson, seed)
            .zip(of_requests.into_iter().cycle())
            .map(|(arrival_s, of_request)| {
                let deviation = own + of_seconds[arrival_s as usize] + of_request;
                SimulatedRequest {
                    arrival_s,
                    done_s: arrival_s + LEVEL_S * slower * deviation.exp(),
                    failed: false,
                }
            });
        let mut record = simulated_run::record(requests, seconds as f64, Vec::new());
        let busy = CPU_PERCENT * slower * cpu.exp();
        record.readings = (0..seconds)
            .map(|second| reading(second, busy * of_seconds[second].exp()))
            .collect();
        record
    }

    /// The runs of a baseline, and the next seed.
    fn baseline(self, plan: Plan, at: u64, runs_per_seed: u64) -> (Vec<RunRecord>, u64) {
        let first = at * runs_per_seed;
        let seeds = first..first + plan.runs;
        let end = seeds.end;
        (
            seeds
                .map(|seed| self.run(plan.seconds, 1.0, seed))
                .collect(),
            end,
        )
    }

    /// Shares of the runs that are called worse than a baseline by brunt, and by a naive test.
    fn called_worse(self, plan: Plan, slower: f64, runs: u64, is_worse: NaiveTest) -> [f64; 2] {
        let (mut worse, mut naive) = (0u32, 0u32);
        for at in SEEDS_FROM..SEEDS_FROM + runs {
            let (baseline, next) = self.baseline(plan, at, plan.runs + 1);
            let run = self.run(plan.seconds, slower, next);
            worse += u32::from(comparison(&baseline, &run, plan.tolerance).is_worse());
            naive += u32::from(is_worse(&baseline, &run));
        }
        [worse, naive].map(|count| f64::from(count) / runs as f64)
    }
}

/// The reading of the process under test at the end of a second.
fn reading(second: usize, cpu_percent: f64) -> Reading {
    Reading {
        at_ms: (second as u64 + 1) * 1_000 + 500,
        target: Some(ProcessReading {
            cpu_percent: Some(cpu_percent),
            cores: Some(1.0),
            ..ProcessReading::default()
        }),
        ..Reading::default()
    }
}

fn comparison(baseline: &[RunRecord], run: &RunRecord, tolerance: Option<f64>) -> Comparison {
    let figures: Vec<RunMetrics> = baseline.iter().map(RunMetrics::of).collect();
    compare(&figures, &RunMetrics::of(run), tolerance)
}

/// A naive test of whether a run is worse than a baseline.
type NaiveTest = fn(&[RunRecord], &RunRecord) -> bool;

fn median_ms(record: &RunRecord) -> Option<f64> {
    let distribution = record.timeline.distribution(Scope::All, Measure::Response);
    distribution.percentile(0.5).and_then(PercentileValue::ms)
}

/// Whether the median exceeds that of the first run by more than a tenth.
fn is_worse_by_a_tenth(baseline: &[RunRecord], run: &RunRecord) -> bool {
    median_ms(&baseline[0])
        .zip(median_ms(run))
        .is_some_and(|(before, after)| after > before * 1.1)
}

/// Whether significantly more than half of the requests exceed the first run's median and the tolerance, with each request
/// as an independent sample.
fn is_worse_by_requests(baseline: &[RunRecord], run: &RunRecord) -> bool {
    let of = |record: &RunRecord| {
        let timeline = &record.timeline;
        timeline.distribution(Scope::All, Measure::Response)
    };
    let median_ms = of(&baseline[0])
        .percentile(0.5)
        .and_then(PercentileValue::ms);
    let allowed_ms = median_ms.unwrap_or(0.0) * (1.0 + TOLERANCE);
    let distribution = of(run);
    let share = distribution.share_above(brunt_record::seconds_to_ns(allowed_ms / 1e3));
    let naive = ProportionEstimate {
        share: share.unwrap_or(0.0),
        effective_size: distribution.count() as f64,
        is_long_enough: true,
        is_settled: true,
    };
    naive.low(RISK) > 0.5
}

/// Whether a tested metric is worse by more than 5 %, without regard to the variation between runs.
fn is_worse_by_figures(found: &Comparison) -> bool {
    let mut tested = found.tested();
    tested.any(|row| {
        let (Some(before), Some(after)) = (row.baseline, row.run) else {
            return false;
        };
        row.metric != ComparedMetric::ErrorRate && {
            let worse = if row.metric.is_better_when_higher() {
                before / after
            } else {
                after / before
            };
            worse > 1.05
        }
    })
}

/// Whether the median is worse by Student's t-test with the baseline's runs alone, with the same share of the risk.
fn is_worse_by_runs_alone(baseline: &[RunRecord], run: &RunRecord, tested: usize) -> bool {
    let logarithm = |record: &RunRecord| median_ms(record).map_or(0.0, f64::ln);
    let before: Vec<f64> = baseline.iter().map(logarithm).collect();
    let runs = before.len() as f64;
    let mean = before.iter().sum::<f64>() / runs;
    let squares: f64 = before.iter().map(|value| (value - mean).powi(2)).sum();
    let error = (squares / (runs - 1.0) * (1.0 + 1.0 / runs)).sqrt();
    // The quantile of Student's distribution with two degrees of freedom has a closed form.
    let risk = RISK / tested as f64;
    let quantile = (1.0 - 2.0 * risk) / (2.0 * risk * (1.0 - risk)).sqrt();
    logarithm(run) - mean - quantile * error > 1.05f64.ln()
}

pub(super) fn rows(effort: Effort) -> Vec<Row> {
    let mut rows = three_runs(effort);
    rows.extend(five_runs(effort));
    rows
}

/// Baselines of five long runs, with a small tolerance.
fn five_runs(effort: Effort) -> Vec<Row> {
    let runs = effort.choose(30, 1_000);
    let [worse, naive] = NOISY.called_worse(FIVE_LONG, 1.0, runs, is_worse_by_requests);
    let same = Row {
        method: format!("regression: baseline of five runs of 120 s, {}", NOISY.name),
        truth: "the same service".into(),
        result: format!("{} of {runs} called worse, tolerance 2 %", percent(worse)),
        goal: "at most 1 %".into(),
        negative_control: format!(
            "requests as samples, compared with one run: {}",
            percent(naive)
        ),
        holds: worse <= effort.choose(0.034, 0.01) && naive > 0.02,
    };
    let [found, naive] = QUIET.called_worse(FIVE_LONG, SLOWER, runs, is_worse_by_a_tenth);
    let slower = Row {
        method: format!("regression: baseline of five runs of 120 s, {}", QUIET.name),
        truth: "5 % slower".into(),
        result: format!("{} of {runs} found, tolerance 2 %", percent(found)),
        goal: "95 %".into(),
        negative_control: format!("an increase of more than 10 % is worse: {}", percent(naive)),
        holds: found >= effort.choose(0.9, 0.95) && naive < 0.5,
    };
    vec![same, slower]
}

/// Goals on a machine with this variation between runs.
struct Goal {
    between: f64,
    /// Smallest shares of services 20 % and 10 % slower that must be found; `None`: no goal.
    found: [Option<f64>; 2],
}

const GOALS: [Goal; 4] = [
    Goal {
        between: 0.003,
        found: [Some(0.95), Some(0.95)],
    },
    Goal {
        between: 0.01,
        found: [Some(0.95), Some(0.5)],
    },
    Goal {
        between: 0.02,
        found: [Some(0.9), None],
    },
    Goal {
        between: 0.04,
        found: [Some(0.5), None],
    },
];

/// Numbers of comparisons on one machine.
#[derive(Default)]
struct Counts {
    /// Called worse: the same service, one 20 % slower, one 10 % slower.
    worse: [u32; 3],
    /// The same service called worse by figures without intervals.
    by_figures: u32,
    /// The service 20 % slower called worse by the runs alone.
    by_runs: u32,
    /// CPU per request of the same service called worse.
    cpu: u32,
    /// The service 20 % slower: anything decided with a baseline of only the first run.
    by_one: u32,
}

/// Baselines of three short runs, on machines whose level varies from run to run.
fn three_runs(effort: Effort) -> Vec<Row> {
    let trials = effort.choose(30, 1_000);
    GOALS
        .iter()
        .flat_map(|goal| {
            let machine = Machine {
                name: "",
                between: goal.between,
                ..QUIET
            };
            let counts = machine.count(trials);
            rows_of(goal, &counts, trials, effort)
        })
        .collect()
}

impl Machine {
    fn count(self, trials: u64) -> Counts {
        let mut counts = Counts::default();
        for at in SEEDS_FROM..SEEDS_FROM + trials {
            let (baseline, next) = self.baseline(THREE_SHORT, at, THREE_SHORT.runs + 3);
            let figures: Vec<RunMetrics> = baseline.iter().map(RunMetrics::of).collect();
            for (number, slower) in [1.0, 1.2, 1.1].into_iter().enumerate() {
                let run = self.run(THREE_SHORT.seconds, slower, next + number as u64);
                let of_run = RunMetrics::of(&run);
                let found = compare(&figures, &of_run, THREE_SHORT.tolerance);
                counts.worse[number] += u32::from(found.is_worse());
                if number == 0 {
                    counts.by_figures += u32::from(is_worse_by_figures(&found));
                    let mut cpu = found
                        .tested()
                        .filter(|row| row.metric == ComparedMetric::CpuPerRequest);
                    counts.cpu += u32::from(cpu.any(|row| row.outcome() == Outcome::Worse));
                } else if number == 1 {
                    let tested = found.tested().count();
                    counts.by_runs += u32::from(is_worse_by_runs_alone(&baseline, &run, tested));
                    let of_one = compare(&figures[..1], &of_run, THREE_SHORT.tolerance);
                    counts.by_one += u32::from(of_one.tells_anything());
                }
            }
        }
        counts
    }
}

fn rows_of(goal: &Goal, counts: &Counts, trials: u64, effort: Effort) -> Vec<Row> {
    let share = |count: u32| f64::from(count) / trials as f64;
    let method = format!(
        "regression: baseline of three runs of 30 s, which vary by {} %",
        goal.between * 100.0
    );
    let [same, by_fifth, by_tenth] = counts.worse.map(share);
    let naive = share(counts.by_figures);
    let mut rows = vec![Row {
        method: method.clone(),
        truth: "the same service; CPU per request varies by 10 %".into(),
        result: format!(
            "{} of {trials} called worse, by CPU per request {}",
            percent(same),
            percent(share(counts.cpu))
        ),
        goal: "at most 1 %".into(),
        negative_control: format!("an increase of more than 5 % is worse: {}", percent(naive)),
        holds: same <= effort.choose(0.034, 0.01) && naive > 0.02,
    }];
    // With few seeds, three standard errors are allowed.
    let chance = |least: f64| 3.0 * (least * (1.0 - least) / trials as f64).sqrt();
    let slack = |least: f64| effort.choose(chance(least), 0.0);
    let by_runs = share(counts.by_runs);
    let by_one = share(counts.by_one);
    rows.push(Row {
        method: method.clone(),
        truth: "20 % slower".into(),
        result: format!(
            "{} of {trials} found; decided with a baseline of one run: {}",
            percent(by_fifth),
            percent(by_one)
        ),
        goal: goal.found[0].map_or("–".into(), percent),
        negative_control: format!("p50 by a t-test of the three runs: {}", percent(by_runs)),
        // If runs hardly vary, every test finds the difference.
        holds: goal.found[0].is_none_or(|least| by_fifth >= least - slack(least))
            && by_one <= 0.0
            && (by_runs < by_fifth || goal.between < 0.01),
    });
    if let Some(least) = goal.found[1] {
        rows.push(Row {
            method,
            truth: "10 % slower".into(),
            result: format!("{} of {trials} found", percent(by_tenth)),
            goal: percent(least),
            negative_control: "–".into(),
            holds: by_tenth >= least - slack(least),
        });
    }
    rows
}
