//! Early stopping: runs that would pass are not stopped, and runs that fail are stopped soon. Each run is recorded second by
//! second and tested like in `brunt run`.

mod services;

use brunt_record::{Metric, RunRecord, Sample};
use brunt_verdict::stats::batch_means::{Block, ProportionEstimate, estimate};
use brunt_verdict::stopping::EarlyStopping;
use brunt_verdict::stopping::UntilDecided;
use brunt_verdict::{Grade, judge};

use crate::row::{Effort, Row, in_parallel};
use crate::simulated_run;
use services::{Case, failing, flat, passing, queue};

/// Largest share of the passing runs that may be stopped.
const STOPPED_MAX: f64 = 0.01;
/// Smallest share of the failing runs that must be stopped within a quarter of the planned time.
const FOUND_MIN: f64 = 0.95;
const QUARTER: f64 = 0.25;
/// Risk of the final judgment, one-sided.
const RISK: f64 = 0.05;

impl Case {
    fn samples(&self, seed: u64) -> Vec<Sample> {
        let requests = (self.requests)(seed);
        requests.iter().map(simulated_run::sample).collect()
    }

    /// Second at which a run is stopped; `None` if it is not.
    fn stopped_s(&self, seed: u64) -> Option<u32> {
        let mut stopping = EarlyStopping::new(&self.header()).expect("a target that stops");
        let mut stopped_s = None;
        simulated_run::record_until(self.samples(seed), self.header(), |record, completed_s| {
            if stopped_s.is_none()
                && f64::from(completed_s) < self.seconds()
                && stopping.look(record, completed_s).is_some()
            {
                stopped_s = Some(completed_s);
            }
            stopped_s.is_some()
        });
        stopped_s
    }

    /// Blocks of a second: requests that miss the threshold.
    fn blocks(&self, seed: u64) -> Vec<Block> {
        let mut blocks = vec![Block::default(); self.seconds() as usize];
        for request in (self.requests)(seed) {
            let block = &mut blocks[request.arrival_s as usize];
            block.all += 1.0;
            let response_ms = (request.done_s - request.arrival_s) * 1e3;
            let critical_ms = self.target.critical;
            let is_over = critical_ms.is_some_and(|critical_ms| response_ms > critical_ms);
            let is_missed = match self.target.metric {
                Metric::Percentile(_) => is_over,
                _ => request.failed,
            };
            block.missing += if is_missed { 1.0 } else { 0.0 };
        }
        blocks
    }

    /// Share of the requests that miss the threshold in the first seconds of a run.
    fn share(&self, seed: u64, seconds: f64) -> f64 {
        let blocks = self.blocks(seed);
        let first = || blocks.iter().take(seconds as usize);
        first().map(|block| block.missing).sum::<f64>()
            / first().map(|block| block.all).sum::<f64>()
    }

    /// Whether a run would be stopped by the final test, applied at each second as if it were the last one. That test accounts
    /// for a spike, so requests of a spike are treated as independent.
    fn is_stopped_naively(&self, seed: u64) -> bool {
        let limit = match self.target.metric {
            Metric::Percentile(q) => 1.0 - q,
            _ => self.target.critical.unwrap_or(0.0) / 100.0,
        };
        let blocks = self.blocks(seed);
        (1..blocks.len()).any(|seconds| {
            let seen = estimate(&blocks[..seconds]);
            let requests = blocks[..seconds].iter().map(|block| block.all).sum();
            let seen = seen.map(|seen| ProportionEstimate {
                effective_size: if self.is_spike() {
                    requests
                } else {
                    seen.effective_size
                },
                ..seen
            });
            seen.is_some_and(|seen| seen.low(RISK) > limit)
        })
    }
}

/// The rows of this validation.
pub fn rows(effort: Effort) -> Vec<Row> {
    let mut rows = Vec::new();
    for case in passing(effort) {
        rows.push(passing_row(&case, effort));
    }
    for case in failing(effort) {
        rows.push(failing_row(&case, effort));
    }
    for load in effort.choose(&[0.8][..], &[0.5, 0.8, 0.9]) {
        rows.push(at_threshold_row(*load, effort));
    }
    rows.push(extended_row(effort));
    rows
}

/// Number of runs that meet a condition.
fn count(runs: u64, is_met: impl Fn(u64) -> bool + Sync) -> usize {
    let results = in_parallel(runs, is_met).into_iter();
    results.filter(|is_met| *is_met).count()
}

fn passing_row(case: &Case, effort: Effort) -> Row {
    let (runs, naive_runs) = (effort.choose(60, 1_000), effort.choose(60, 200));
    let stopped = count(runs, |seed| case.stopped_s(seed).is_some());
    let naive = count(naive_runs, |seed| case.is_stopped_naively(seed)) as f64 / naive_runs as f64;
    let naive_test = if case.is_spike() {
        "a test with independent requests"
    } else {
        "the final test"
    };
    Row {
        method: format!("stop_at, a run that passes: {}", case.name),
        truth: "not stopped".into(),
        result: format!("{stopped} of {runs} stopped"),
        goal: "at most 1 %".into(),
        negative_control: format!("{naive_test} at each second: {:.0} %", naive * 100.0),
        holds: stopped as f64 <= STOPPED_MAX * runs as f64 && naive > 3.0 * STOPPED_MAX,
    }
}

fn failing_row([case, at_threshold]: &[Case; 2], effort: Effort) -> Row {
    let (runs, few_runs) = (effort.choose(60, 1_000), effort.choose(60, 200));
    let quarter_s = QUARTER * case.seconds();
    let soon = |case: &Case, runs: u64| {
        let is_soon = |at_s: u32| f64::from(at_s) <= quarter_s;
        count(runs, |seed| case.stopped_s(seed).is_some_and(is_soon)) as f64 / runs as f64
    };
    let (found, passing) = (soon(case, runs), soon(at_threshold, few_runs));
    // The data of a quarter suffices: a single test at that time finds the miss if it knows how such a service varies.
    let shares = |case: &Case| in_parallel(few_runs, |seed| case.share(seed, quarter_s));
    let mut by_chance = shares(at_threshold);
    by_chance.sort_by(f64::total_cmp);
    let limit = by_chance[((1.0 - RISK) * few_runs as f64) as usize];
    let is_found = |share: &&f64| **share > limit;
    let once = shares(case).iter().filter(is_found).count() as f64 / few_runs as f64;
    Row {
        method: format!("stop_at, a run that fails critically: {}", case.name),
        truth: format!(
            "stopped; a single test after a quarter, with known variance, finds {:.1} % of {few_runs}",
            once * 100.0
        ),
        result: format!(
            "{:.1} % of {runs} stopped within a quarter of the planned time",
            found * 100.0
        ),
        goal: "95 %".into(),
        negative_control: format!(
            "the same service at its threshold: {:.1} %",
            passing * 100.0
        ),
        holds: found >= effort.choose(0.9, FOUND_MIN) && once >= 0.98 && passing < 0.05,
    }
}

/// Grade and duration of a run that is extended until its target is decided.
struct ExtendedRun {
    grade: Grade,
    seconds: f64,
}

/// Simulates a run of a minute that may be extended to four minutes, until its target is decided. With `is_naive`, each test
/// is made as if it were the only one.
fn until_decided(case: &Case, seed: u64, is_naive: bool) -> ExtendedRun {
    let longest_s = case.seconds();
    let mut header = case.header();
    header.targets[0].stop_at = None;
    header.load.stages = flat(longest_s / 4.0);
    header.load.until_decided_s = Some(longest_s);
    let mut watch = UntilDecided::new(&header).expect("a run that is extended");
    let final_grade = |record: &RunRecord, seconds: f64| {
        let mut record = record.clone();
        record.header.load.stages = flat(seconds);
        record.header.load.until_decided_s = None;
        judge(&simulated_run::ended(record, seconds)).judgments[0].grade
    };
    let mut decided = None;
    let record = simulated_run::record_until(case.samples(seed), header, |record, completed_s| {
        if decided.is_some() || f64::from(completed_s) > longest_s {
            return true;
        }
        let Some(open) = watch.look(record, completed_s) else {
            return false;
        };
        let seconds = f64::from(completed_s);
        let grade = is_naive.then(|| final_grade(record, seconds));
        let is_open = grade.map_or(!open.is_empty(), |grade| grade == Grade::Inconclusive);
        if is_open {
            return false;
        }
        decided = Some((seconds, grade));
        true
    });
    let (seconds, grade) = decided.unwrap_or((longest_s, None));
    let grade = grade.unwrap_or_else(|| {
        let record = simulated_run::ended(record, seconds);
        judge(&record).judgments[0].grade
    });
    ExtendedRun { grade, seconds }
}

/// A p95 that equals its threshold is neither met nor missed.
fn at_threshold_row(load: f64, effort: Effort) -> Row {
    let runs: u64 = effort.choose(60, 1_000);
    let wrong = |runs: u64, is_naive: bool| {
        [Grade::Good, Grade::Critical].map(|wrong_grade| {
            let case = queue(load, 240.0, 1_000.0, 1.0);
            let wrong = count(runs, |seed| {
                until_decided(&case, seed, is_naive).grade == wrong_grade
            });
            wrong as f64 / runs as f64
        })
    };
    let found = wrong(runs, false);
    let naive = wrong(effort.choose(60, 400), true);
    let in_words = |shares: [f64; 2]| {
        format!(
            "good in {:.1} %, missed in {:.1} %",
            shares[0] * 100.0,
            shares[1] * 100.0
        )
    };
    let limit = effort.choose(0.1, 0.05);
    Row {
        method: format!("--until-decided, a p95 equal to its threshold, load {load}, 60 to 240 s"),
        truth: "neither good nor missed".into(),
        result: format!("wrong: {} of {runs}", in_words(found)),
        goal: "each wrong in at most 5 %".into(),
        negative_control: format!("each test as if it were the only one: {}", in_words(naive)),
        holds: found.iter().all(|share| *share <= limit) && naive.iter().any(|share| *share > 0.05),
    }
}

/// A target that is inconclusive after the planned time is decided by the extension, and a clear one ends as planned.
fn extended_row(effort: Effort) -> Row {
    let runs: u64 = effort.choose(40, 400);
    let case = queue(0.8, 240.0, 3_000.0, 1.25);
    let found = in_parallel(runs, |seed| until_decided(&case, seed, false));
    let share = |is_met: fn(&ExtendedRun) -> bool| {
        found.iter().filter(|found| is_met(found)).count() as f64 / runs as f64
    };
    let good = share(|found| found.grade == Grade::Good);
    let as_planned = share(|found| found.grade == Grade::Good && found.seconds < 61.0);
    Row {
        method: "--until-decided, a p95 20 % below its threshold, load 0.8, 60 to 240 s".into(),
        truth: "good".into(),
        result: format!("good in {:.1} % of {runs}", good * 100.0),
        goal: "95 %".into(),
        negative_control: format!("without extension: {:.1} %", as_planned * 100.0),
        holds: good >= effort.choose(0.9, 0.95) && as_planned < 0.9,
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
