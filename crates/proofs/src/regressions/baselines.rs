//! A run beside a stored baseline: the same service again, and one that is slower.

use record::{Measure, RunRecord, Scope, Waited};
use testbed::virtual_time::{Arrivals, Gaps, Visit};
use verdict::blocks::Sureness;
use verdict::comparison::{Figures, compare};

use super::{SEEDS_FROM, SLOWER, THETA, normals, percent};
use crate::{Effort, Row, reckoned};

const SECONDS: usize = 120;
const PER_S: f64 = 100.0;
/// The median time of a request, and how requests differ, as a logarithm.
const LEVEL_S: f64 = 0.02;
const REQUESTS: f64 = 0.1;
/// Runs of a baseline.
const BASELINE: u64 = 5;
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

impl Machine {
    fn run(self, slower: f64, seed: u64) -> RunRecord {
        let own = normals(self.between, 0.0, 1, seed * 4 + 1)[0];
        let of_seconds = normals(self.within, self.memory, SECONDS, seed * 4 + 2);
        let of_requests = normals(REQUESTS, 0.0, SECONDS * PER_S as usize, seed * 4 + 3);
        let visits = Arrivals::steady(PER_S, SECONDS as f64, Gaps::Poisson, seed)
            .zip(of_requests.into_iter().cycle())
            .map(move |(arrival_s, of_request)| {
                let off = own + of_seconds[arrival_s as usize] + of_request;
                Visit {
                    arrival_s,
                    done_s: arrival_s + LEVEL_S * slower * off.exp(),
                    failed: false,
                }
            });
        reckoned::record(visits, SECONDS as f64, Vec::new())
    }

    /// The share of runs that are called worse than five others, and the share by a wrong way.
    fn called_worse(self, slower: f64, runs: u64, wrong: Wrong) -> [f64; 2] {
        let (mut worse, mut naive) = (0u32, 0u32);
        for at in SEEDS_FROM..SEEDS_FROM + runs {
            let seeds = at * (BASELINE + 1)..at * (BASELINE + 1) + BASELINE;
            let baseline: Vec<RunRecord> = seeds.clone().map(|seed| self.run(1.0, seed)).collect();
            let run = self.run(slower, seeds.end);
            let figures: Vec<Figures> = baseline.iter().map(Figures::of).collect();
            let found = compare(&figures, &Figures::of(&run), Some(THETA));
            worse += u32::from(found.is_worse());
            naive += u32::from(wrong(&baseline[0], &run));
        }
        [worse, naive].map(|count| f64::from(count) / runs as f64)
    }
}

/// A way to call a run worse than one other.
type Wrong = fn(&RunRecord, &RunRecord) -> bool;

/// Whether anything is more beyond the noise of blocks, however little, and however runs differ.
fn is_worse_at_all(baseline: &RunRecord, run: &RunRecord) -> bool {
    compare(&[Figures::of(baseline)], &Figures::of(run), Some(0.0)).is_worse()
}

/// Whether the median is more by a tenth.
fn is_worse_by_a_tenth(baseline: &RunRecord, run: &RunRecord) -> bool {
    let median_ms = |record: &RunRecord| {
        let seen = record.timeline.distribution(Scope::All, Measure::Response);
        seen.percentile(0.5).and_then(Waited::ms)
    };
    median_ms(baseline)
        .zip(median_ms(run))
        .is_some_and(|(before, after)| after > before * 1.1)
}

/// Whether surely more than half of the requests take longer than the other run's median and what is
/// allowed, were each of them a sample.
fn is_worse_by_requests(baseline: &RunRecord, run: &RunRecord) -> bool {
    let of = |record: &RunRecord| {
        let timeline = &record.timeline;
        timeline.distribution(Scope::All, Measure::Response)
    };
    let median_ms = of(baseline).percentile(0.5).and_then(Waited::ms);
    let allowed_ms = median_ms.unwrap_or(0.0) * (1.0 + THETA);
    let seen = of(run);
    let share = seen.share_above(reckoned::nanoseconds(allowed_ms / 1e3));
    let naive = Sureness {
        share: share.unwrap_or(0.0),
        effective: seen.count() as f64,
        is_long_enough: true,
        is_settled: true,
    };
    naive.low(RISK) > 0.5
}

pub(super) fn rows(effort: Effort) -> Vec<Row> {
    let runs = effort.choose(30, 1_000);
    let mut rows = Vec::new();
    let ways: [(Machine, Wrong, &str); 2] = [
        (QUIET, is_worse_at_all, "no θ, beside one run"),
        (
            ROUGH,
            is_worse_by_requests,
            "requests as samples, beside one run",
        ),
    ];
    for (machine, wrong, way) in ways {
        let [worse, naive] = machine.called_worse(1.0, runs, wrong);
        // Few runs of a quiet machine do not show what is wrong in one of twenty.
        let is_rare = machine.within < ROUGH.within && effort == Effort::Reduced;
        rows.push(Row {
            method: format!("regression: a stored baseline, {}", machine.name),
            truth: "as five runs before it".into(),
            reached: format!("{} of {runs} called worse", percent(worse)),
            goal: "1 % at most".into(),
            broken: format!("{way}: {}", percent(naive)),
            holds: worse <= effort.choose(0.034, 0.01) && (naive > 0.02 || is_rare),
        });
    }
    let [found, naive] = QUIET.called_worse(SLOWER, runs, is_worse_by_a_tenth);
    rows.push(Row {
        method: format!("regression: a stored baseline, {}", QUIET.name),
        truth: "5 % slower than five runs before it".into(),
        reached: format!("{} of {runs} found, θ = 2 %", percent(found)),
        goal: "95 %".into(),
        broken: format!("a tenth more is worse: {}", percent(naive)),
        holds: found >= effort.choose(0.9, 0.95) && naive < 0.5,
    });
    rows
}
