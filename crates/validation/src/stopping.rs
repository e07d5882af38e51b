//! Stopping in time: runs that would have passed are not stopped, and those that fail are, soon. Each run is recorded
//! second by second and looked at as `brunt run` does.

mod services;

use brunt_record::{Metric, RunRecord, Sample};
use brunt_verdict::stats::batch_means::{Block, ProportionEstimate, estimate};
use brunt_verdict::stopping::EarlyStopping;
use brunt_verdict::stopping::UntilDecided;
use brunt_verdict::{Grade, judge};

use crate::{Effort, Row, in_parallel, reckoned};
use services::{Case, failing, flat, passing, queue};

/// The largest share of the runs that pass and are stopped.
const STOPPED_MAX: f64 = 0.01;
/// The least share of those that fail and are stopped within a quarter of the planned time.
const FOUND_MIN: f64 = 0.95;
const QUARTER: f64 = 0.25;
/// The risk of the judgement, one-sided.
const RISK: f64 = 0.05;

impl Case {
    fn samples(&self, seed: u64) -> Vec<Sample> {
        (self.visits)(seed).iter().map(reckoned::sample).collect()
    }

    /// When a run is stopped; `None` if it is not.
    fn stopped_s(&self, seed: u64) -> Option<u32> {
        let mut stopping = EarlyStopping::new(&self.header()).expect("a target that stops");
        let mut stopped_s = None;
        reckoned::record_watched(self.samples(seed), self.header(), |record, recorded_s| {
            if stopped_s.is_none()
                && f64::from(recorded_s) < self.seconds()
                && stopping.look(record, recorded_s).is_some()
            {
                stopped_s = Some(recorded_s);
            }
            stopped_s.is_some()
        });
        stopped_s
    }

    /// Second by second, requests that miss the threshold.
    fn blocks(&self, seed: u64) -> Vec<Block> {
        let mut blocks = vec![Block::default(); self.seconds() as usize];
        for visit in (self.visits)(seed) {
            let block = &mut blocks[visit.arrival_s as usize];
            block.all += 1.0;
            let waited_ms = (visit.done_s - visit.arrival_s) * 1e3;
            let is_over = self.target.critical.is_some_and(|level| waited_ms > level);
            let is_missed = match self.target.metric {
                Metric::Percentile(_) => is_over,
                _ => visit.failed,
            };
            block.missing += if is_missed { 1.0 } else { 0.0 };
        }
        blocks
    }

    /// The share that misses in the first seconds of a run.
    fn share(&self, seed: u64, seconds: f64) -> f64 {
        let blocks = self.blocks(seed);
        let first = || blocks.iter().take(seconds as usize);
        first().map(|block| block.missing).sum::<f64>()
            / first().map(|block| block.all).sum::<f64>()
    }

    /// Whether a run would be stopped by the test that judges it, asked at each second as if it were the last. That
    /// one is careful with a spike, so there requests are taken as independent.
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

/// The proofs of this page.
pub fn rows(effort: Effort) -> Vec<Row> {
    let mut rows = Vec::new();
    for case in passing(effort) {
        rows.push(passes(&case, effort));
    }
    for case in failing(effort) {
        rows.push(fails(&case, effort));
    }
    for load in effort.choose(&[0.8][..], &[0.5, 0.8, 0.9]) {
        rows.push(decides(*load, effort));
    }
    rows.push(is_decided(effort));
    rows
}

/// In how many runs something is so.
fn count(runs: u64, is_so: impl Fn(u64) -> bool + Sync) -> usize {
    let found = in_parallel(runs, is_so).into_iter();
    found.filter(|is_so| *is_so).count()
}

fn passes(case: &Case, effort: Effort) -> Row {
    let (runs, naive_runs) = (effort.choose(60, 1_000), effort.choose(60, 200));
    let stopped = count(runs, |seed| case.stopped_s(seed).is_some());
    let naive = count(naive_runs, |seed| case.is_stopped_naively(seed)) as f64 / naive_runs as f64;
    let broken = if case.is_spike() {
        "requests taken as independent"
    } else {
        "the judgement's own test"
    };
    Row {
        method: format!("stop_at, a run that passes: {}", case.name),
        truth: "not stopped".into(),
        reached: format!("{stopped} of {runs} stopped"),
        goal: "1 % at most".into(),
        broken: format!("{broken}, each second: {:.0} %", naive * 100.0),
        holds: stopped as f64 <= STOPPED_MAX * runs as f64 && naive > 3.0 * STOPPED_MAX,
    }
}

fn fails([case, at_threshold]: &[Case; 2], effort: Effort) -> Row {
    let (runs, few_runs) = (effort.choose(60, 1_000), effort.choose(60, 200));
    let quarter_s = QUARTER * case.seconds();
    let soon = |case: &Case, runs: u64| {
        let is_soon = |at_s: u32| f64::from(at_s) <= quarter_s;
        count(runs, |seed| case.stopped_s(seed).is_some_and(is_soon)) as f64 / runs as f64
    };
    let (found, passing) = (soon(case, runs), soon(at_threshold, few_runs));
    // That there is something to find: of a test of one look at that time, which knows how such a service varies.
    let shares = |case: &Case| in_parallel(few_runs, |seed| case.share(seed, quarter_s));
    let mut by_chance = shares(at_threshold);
    by_chance.sort_by(f64::total_cmp);
    let most = by_chance[((1.0 - RISK) * few_runs as f64) as usize];
    let is_found = |share: &&f64| **share > most;
    let once = shares(case).iter().filter(is_found).count() as f64 / few_runs as f64;
    Row {
        method: format!("stop_at, a run that fails critically: {}", case.name),
        truth: format!(
            "stopped: a single test after a quarter that knew its spread finds {:.1} % of {few_runs}",
            once * 100.0
        ),
        reached: format!(
            "{:.1} % of {runs} stopped within a quarter of the planned time",
            found * 100.0
        ),
        goal: "95 %".into(),
        broken: format!(
            "the same service at its threshold: {:.1} %",
            passing * 100.0
        ),
        holds: found >= effort.choose(0.9, FOUND_MIN) && once >= 0.98 && passing < 0.05,
    }
}

/// How a run ended that goes on until it is decided.
struct Decided {
    grade: Grade,
    seconds: f64,
}

/// Plays a run of a minute that may go on for four, until its target is decided. The broken variant judges each
/// time as if it were the only one.
fn until_decided(case: &Case, seed: u64, is_broken: bool) -> Decided {
    let longest_s = case.seconds();
    let mut header = case.header();
    header.targets[0].stop_at = None;
    header.load.stages = flat(longest_s / 4.0);
    header.load.until_decided_s = Some(longest_s);
    let mut watch = UntilDecided::new(&header).expect("a run that goes on");
    let once = |record: &RunRecord, seconds: f64| {
        let mut record = record.clone();
        record.header.load.stages = flat(seconds);
        record.header.load.until_decided_s = None;
        judge(&reckoned::ended(record, seconds)).judgements[0].grade
    };
    let mut decided = None;
    let record = reckoned::record_watched(case.samples(seed), header, |record, recorded_s| {
        if decided.is_some() || f64::from(recorded_s) > longest_s {
            return true;
        }
        let Some(open) = watch.look(record, recorded_s) else {
            return false;
        };
        let seconds = f64::from(recorded_s);
        let grade = is_broken.then(|| once(record, seconds));
        let is_open = grade.map_or(!open.is_empty(), |grade| grade == Grade::Inconclusive);
        if is_open {
            return false;
        }
        decided = Some((seconds, grade));
        true
    });
    let (seconds, grade) = decided.unwrap_or((longest_s, None));
    let grade = grade.unwrap_or_else(|| {
        let record = reckoned::ended(record, seconds);
        judge(&record).judgements[0].grade
    });
    Decided { grade, seconds }
}

/// Right at its threshold, a p95 is neither met nor missed.
fn decides(load: f64, effort: Effort) -> Row {
    let runs: u64 = effort.choose(60, 1_000);
    let wrong = |runs: u64, is_broken: bool| {
        [Grade::Good, Grade::Critical].map(|lie| {
            let case = queue(load, 240.0, 1_000.0, 1.0);
            let lies = count(runs, |seed| {
                until_decided(&case, seed, is_broken).grade == lie
            });
            lies as f64 / runs as f64
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
    let most = effort.choose(0.1, 0.05);
    Row {
        method: format!("--until-decided, a p95 that is its threshold, load {load}, 60 to 240 s"),
        truth: "neither good nor missed".into(),
        reached: format!("wrong: {} of {runs}", in_words(found)),
        goal: "wrong in 5 % at most each".into(),
        broken: format!("each look as if it were the only one: {}", in_words(naive)),
        holds: found.iter().all(|share| *share <= most) && naive.iter().any(|share| *share > 0.05),
    }
}

/// What a run of the planned time leaves open is decided in the end, and what is clear ends as planned.
fn is_decided(effort: Effort) -> Row {
    let runs: u64 = effort.choose(40, 400);
    let case = queue(0.8, 240.0, 3_000.0, 1.25);
    let found = in_parallel(runs, |seed| until_decided(&case, seed, false));
    let share = |is_so: fn(&Decided) -> bool| {
        found.iter().filter(|found| is_so(found)).count() as f64 / runs as f64
    };
    let good = share(|found| found.grade == Grade::Good);
    let as_planned = share(|found| found.grade == Grade::Good && found.seconds < 61.0);
    Row {
        method: "--until-decided, a p95 that is 20 % under its threshold, load 0.8, 60 to 240 s"
            .into(),
        truth: "good".into(),
        reached: format!("good in {:.1} % of {runs}", good * 100.0),
        goal: "95 %".into(),
        broken: format!("ended as planned: {:.1} %", as_planned * 100.0),
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
