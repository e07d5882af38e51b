//! A run beside a stored baseline: the same service again, and one that is slower.

use brunt_record::{Measure, PercentileValue, ProcessReading, Reading, RunRecord, Scope};
use brunt_testbed::queue_simulation::{Arrivals, Gaps, SimulatedRequest};
use brunt_verdict::comparison::{ComparedMetric, Comparison, Outcome, RunMetrics, compare};
use brunt_verdict::stats::batch_means::ProportionEstimate;

use super::{SEEDS_FROM, SLOWER, THETA, normals, percent};
use crate::{Effort, Row, reckoned};

const PER_S: f64 = 100.0;
/// The median time of a request, and how requests differ, as a logarithm.
const LEVEL_S: f64 = 0.02;
const REQUESTS: f64 = 0.1;
/// CPU time of a request, as a share of a core, and how runs differ in it, as a logarithm.
const CPU_PERCENT: f64 = 30.0;
const CPU_BETWEEN: f64 = 0.1;
/// Two-sided, 95 %.
const RISK: f64 = 0.025;

/// How the times of a machine go up and down, in logarithms.
#[derive(Clone, Copy)]
struct Machine {
    name: &'static str,
    /// From run to run.
    between: f64,
    /// From second to second.
    within: f64,
    /// The share of it that a second keeps of the one before.
    memory: f64,
}

const QUIET: Machine = Machine {
    name: "a quiet machine",
    between: 0.002,
    within: 0.01,
    memory: 0.5,
};
const ROUGH: Machine = Machine {
    name: "a rough machine",
    between: 0.02,
    within: 0.1,
    memory: 0.9,
};

/// How a baseline is made.
#[derive(Clone, Copy)]
struct Plan {
    runs: u64,
    seconds: usize,
    theta: Option<f64>,
}

const FIVE_LONG: Plan = Plan {
    runs: 5,
    seconds: 120,
    theta: Some(THETA),
};
const THREE_SHORT: Plan = Plan {
    runs: 3,
    seconds: 30,
    theta: None,
};

impl Machine {
    fn run(self, seconds: usize, slower: f64, seed: u64) -> RunRecord {
        let own = normals(self.between, 0.0, 1, seed * 4 + 1)[0];
        let of_seconds = normals(self.within, self.memory, seconds, seed * 4 + 2);
        let of_requests = normals(REQUESTS, 0.0, seconds * PER_S as usize, seed * 4 + 3);
        let cpu = normals(CPU_BETWEEN, 0.0, 1, seed * 4 + 4)[0];
        let visits = Arrivals::steady(PER_S, seconds as f64, Gaps::Poisson, seed)
            .zip(of_requests.into_iter().cycle())
            .map(|(arrival_s, of_request)| {
                let off = own + of_seconds[arrival_s as usize] + of_request;
                SimulatedRequest {
                    arrival_s,
                    done_s: arrival_s + LEVEL_S * slower * off.exp(),
                    failed: false,
                }
            });
        let mut record = reckoned::record(visits, seconds as f64, Vec::new());
        let busy = CPU_PERCENT * slower * cpu.exp();
        record.readings = (0..seconds)
            .map(|second| reading(second, busy * of_seconds[second].exp()))
            .collect();
        record
    }

    /// The runs of a baseline, and the first seed after theirs.
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

    /// The share of runs that are called worse than those of a baseline, and the share by a wrong way.
    fn called_worse(self, plan: Plan, slower: f64, runs: u64, wrong: Wrong) -> [f64; 2] {
        let (mut worse, mut naive) = (0u32, 0u32);
        for at in SEEDS_FROM..SEEDS_FROM + runs {
            let (baseline, next) = self.baseline(plan, at, plan.runs + 1);
            let run = self.run(plan.seconds, slower, next);
            worse += u32::from(compared(&baseline, &run, plan.theta).is_worse());
            naive += u32::from(wrong(&baseline, &run));
        }
        [worse, naive].map(|count| f64::from(count) / runs as f64)
    }
}

/// A second's reading of the process under test.
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

fn compared(baseline: &[RunRecord], run: &RunRecord, theta: Option<f64>) -> Comparison {
    let figures: Vec<RunMetrics> = baseline.iter().map(RunMetrics::of).collect();
    compare(&figures, &RunMetrics::of(run), theta)
}

/// A way to call a run worse than others.
type Wrong = fn(&[RunRecord], &RunRecord) -> bool;

fn median_ms(record: &RunRecord) -> Option<f64> {
    let seen = record.timeline.distribution(Scope::All, Measure::Response);
    seen.percentile(0.5).and_then(PercentileValue::ms)
}

/// Whether the median is more than that of the first by a tenth.
fn is_worse_by_a_tenth(baseline: &[RunRecord], run: &RunRecord) -> bool {
    median_ms(&baseline[0])
        .zip(median_ms(run))
        .is_some_and(|(before, after)| after > before * 1.1)
}

/// Whether surely more than half of the requests take longer than the first run's median and what is
/// allowed, were each of them a sample.
fn is_worse_by_requests(baseline: &[RunRecord], run: &RunRecord) -> bool {
    let of = |record: &RunRecord| {
        let timeline = &record.timeline;
        timeline.distribution(Scope::All, Measure::Response)
    };
    let median_ms = of(&baseline[0])
        .percentile(0.5)
        .and_then(PercentileValue::ms);
    let allowed_ms = median_ms.unwrap_or(0.0) * (1.0 + THETA);
    let seen = of(run);
    let share = seen.share_above(brunt_record::seconds_to_ns(allowed_ms / 1e3));
    let naive = ProportionEstimate {
        share: share.unwrap_or(0.0),
        effective_size: seen.count() as f64,
        is_long_enough: true,
        is_settled: true,
    };
    naive.low(RISK) > 0.5
}

/// Whether a tested measure is worse by more than is allowed, however much runs differ.
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

/// Whether the median is worse by Student's test of the baseline's runs alone, with the same part of the risk.
fn is_worse_by_runs_alone(baseline: &[RunRecord], run: &RunRecord, tested: usize) -> bool {
    let logarithm = |record: &RunRecord| median_ms(record).map_or(0.0, f64::ln);
    let before: Vec<f64> = baseline.iter().map(logarithm).collect();
    let runs = before.len() as f64;
    let mean = before.iter().sum::<f64>() / runs;
    let squares: f64 = before.iter().map(|value| (value - mean).powi(2)).sum();
    let error = (squares / (runs - 1.0) * (1.0 + 1.0 / runs)).sqrt();
    // Student's quantile of two degrees of freedom has a closed form.
    let risk = RISK / tested as f64;
    let quantile = (1.0 - 2.0 * risk) / (2.0 * risk * (1.0 - risk)).sqrt();
    logarithm(run) - mean - quantile * error > 1.05f64.ln()
}

pub(super) fn rows(effort: Effort) -> Vec<Row> {
    let mut rows = three_runs(effort);
    rows.extend(five_runs(effort));
    rows
}

/// Baselines of five long runs, with a tolerance that is narrow.
fn five_runs(effort: Effort) -> Vec<Row> {
    let runs = effort.choose(30, 1_000);
    let [worse, naive] = ROUGH.called_worse(FIVE_LONG, 1.0, runs, is_worse_by_requests);
    let alike = Row {
        method: format!("regression: a stored baseline of five runs, {}", ROUGH.name),
        truth: "as the five runs before it".into(),
        reached: format!("{} of {runs} called worse, θ = 2 %", percent(worse)),
        goal: "1 % at most".into(),
        broken: format!("requests as samples, beside one run: {}", percent(naive)),
        holds: worse <= effort.choose(0.034, 0.01) && naive > 0.02,
    };
    let [found, naive] = QUIET.called_worse(FIVE_LONG, SLOWER, runs, is_worse_by_a_tenth);
    let slower = Row {
        method: format!("regression: a stored baseline of five runs, {}", QUIET.name),
        truth: "5 % slower than the five runs before it".into(),
        reached: format!("{} of {runs} found, θ = 2 %", percent(found)),
        goal: "95 %".into(),
        broken: format!("a tenth more is worse: {}", percent(naive)),
        holds: found >= effort.choose(0.9, 0.95) && naive < 0.5,
    };
    vec![alike, slower]
}

/// What has to be reached on a machine whose runs differ by so much.
struct Drift {
    between: f64,
    /// The least shares of builds 20 % and 10 % slower that are to be found; `None`: nothing is promised.
    found: [Option<f64>; 2],
}

const DRIFTS: [Drift; 4] = [
    Drift {
        between: 0.003,
        found: [Some(0.95), Some(0.95)],
    },
    Drift {
        between: 0.01,
        found: [Some(0.95), Some(0.5)],
    },
    Drift {
        between: 0.02,
        found: [Some(0.9), None],
    },
    Drift {
        between: 0.04,
        found: [Some(0.5), None],
    },
];

/// Of so many comparisons with one machine.
#[derive(Default)]
struct Counts {
    /// Called worse: of the same service, of one 20 % slower, of one 10 % slower.
    worse: [u32; 3],
    /// The same by figures without intervals, of the same service.
    by_figures: u32,
    /// The service 20 % slower, by the runs alone.
    by_runs: u32,
    /// CPU per request of the same service, called worse.
    cpu: u32,
    /// A baseline of the first run alone, of the service 20 % slower: anything decided.
    by_one: u32,
}

/// Baselines of three short runs, on machines whose level differs from run to run.
fn three_runs(effort: Effort) -> Vec<Row> {
    let trials = effort.choose(30, 1_000);
    DRIFTS
        .iter()
        .flat_map(|drift| {
            let machine = Machine {
                name: "",
                between: drift.between,
                ..QUIET
            };
            let counts = machine.counted(trials);
            rows_of(drift, &counts, trials, effort)
        })
        .collect()
}

impl Machine {
    fn counted(self, trials: u64) -> Counts {
        let mut counts = Counts::default();
        for at in SEEDS_FROM..SEEDS_FROM + trials {
            let (baseline, next) = self.baseline(THREE_SHORT, at, THREE_SHORT.runs + 3);
            let figures: Vec<RunMetrics> = baseline.iter().map(RunMetrics::of).collect();
            for (number, slower) in [1.0, 1.2, 1.1].into_iter().enumerate() {
                let run = self.run(THREE_SHORT.seconds, slower, next + number as u64);
                let of_run = RunMetrics::of(&run);
                let found = compare(&figures, &of_run, THREE_SHORT.theta);
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
                    let of_one = compare(&figures[..1], &of_run, THREE_SHORT.theta);
                    counts.by_one += u32::from(of_one.tells_anything());
                }
            }
        }
        counts
    }
}

fn rows_of(drift: &Drift, counts: &Counts, trials: u64, effort: Effort) -> Vec<Row> {
    let share = |count: u32| f64::from(count) / trials as f64;
    let method = format!(
        "regression: a stored baseline of three runs of 30 s, which differ by {} %",
        drift.between * 100.0
    );
    let [alike, by_fifth, by_tenth] = counts.worse.map(share);
    let naive = share(counts.by_figures);
    let mut rows = vec![Row {
        method: method.clone(),
        truth: "as the three runs before it; CPU per request differs by 10 %".into(),
        reached: format!(
            "{} of {trials} called worse, for CPU per request {}",
            percent(alike),
            percent(share(counts.cpu))
        ),
        goal: "1 % at most".into(),
        broken: format!("more than 5 % is worse: {}", percent(naive)),
        holds: alike <= effort.choose(0.034, 0.01) && naive > 0.02,
    }];
    // Few seeds stray by chance: three standard errors are granted.
    let chance = |least: f64| 3.0 * (least * (1.0 - least) / trials as f64).sqrt();
    let slack = |least: f64| effort.choose(chance(least), 0.0);
    let by_runs = share(counts.by_runs);
    let by_one = share(counts.by_one);
    rows.push(Row {
        method: method.clone(),
        truth: "20 % slower than the three runs before it".into(),
        reached: format!(
            "{} of {trials} found; beside one run of them decided: {}",
            percent(by_fifth),
            percent(by_one)
        ),
        goal: drift.found[0].map_or("–".into(), percent),
        broken: format!("p50 by the three runs alone: {}", percent(by_runs)),
        // Runs that hardly differ are told apart in any way.
        holds: drift.found[0].is_none_or(|least| by_fifth >= least - slack(least))
            && by_one <= 0.0
            && (by_runs < by_fifth || drift.between < 0.01),
    });
    if let Some(least) = drift.found[1] {
        rows.push(Row {
            method,
            truth: "10 % slower than the three runs before it".into(),
            reached: format!("{} of {trials} found", percent(by_tenth)),
            goal: percent(least),
            broken: "–".into(),
            holds: by_tenth >= least - slack(least),
        });
    }
    rows
}
