//! A/B runner: runs two builds in alternating blocks, in random order, until it is decided which is worse.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use brunt_record::{LoadStage, RunRecord, StoppedBy};
use brunt_scenario::{Plan, Scenario};
use brunt_verdict::comparison::{
    AbTest, ComparedMetric, Limit, RunMetrics, Side, TestDecision, order,
};
use brunt_verdict::{AbSummary, RunResult};

use crate::compare::managed_service::ManagedService;
use crate::config::RunConfig;
use crate::exit::Failure;
use crate::run::environment::TestEnvironment;
use crate::system::interrupts::Interrupts;
use crate::terminal::ProgressLine;

/// The warm-up is this fraction of a block, 1/n, rounded down to whole seconds.
const WARM_UP_FRACTION: u64 = 5;

/// Two builds and the load of their blocks.
pub(crate) struct AbRunner<'a> {
    pub(crate) config: &'a RunConfig,
    pub(crate) scenario: &'a Scenario,
    pub(crate) profile: &'a str,
    pub(crate) blocks: BlockLoad,
    /// A and B.
    pub(crate) environments: [TestEnvironment; 2],
    /// Builds that brunt started.
    pub(crate) services: Vec<ManagedService>,
    pub(crate) interrupts: &'a Interrupts,
    pub(crate) seed: u64,
    /// Metrics that decide.
    pub(crate) tested: &'a [ComparedMetric],
    /// Differences smaller than this share are ignored.
    pub(crate) tolerance: Option<f64>,
    pub(crate) max_duration: Duration,
}

/// The load of a block.
pub(crate) struct BlockLoad {
    /// Plan of the trial block, with the setup.
    trial: Arc<Plan>,
    plan: Arc<Plan>,
    seconds: u64,
}

/// Outcome of an A/B test.
pub(crate) struct AbOutcome {
    pub(crate) ab_summary: AbSummary,
    /// Whether a second Ctrl-C aborted it.
    pub(crate) aborted: bool,
}

/// Result of a block.
struct Block {
    figures: RunMetrics,
    /// False if the generator or its machine distorted the measurement.
    is_valid: bool,
    aborted: bool,
}

impl BlockLoad {
    /// Load of a block of this many seconds, at the highest level of a plan.
    pub(crate) fn new(mut plan: Plan, seconds: u64) -> Self {
        let ramp_s = warm_up_s(seconds) as f64;
        let stages = plan.load.stages.iter();
        let level = stages.fold(0.0, |most: f64, stage| most.max(stage.from).max(stage.to));
        let hold = |seconds, from| LoadStage {
            seconds,
            from,
            to: level,
        };
        let stages = [hold(ramp_s, 0.0), hold(seconds as f64 - ramp_s, level)];
        plan.load.stages = stages
            .into_iter()
            .filter(|stage| stage.seconds > 0.0)
            .collect();
        let mut later = plan.clone();
        // Values that the setup provides to all users are needed in every block.
        if !later.shares_values {
            later.setup = Vec::new();
        }
        later.teardown = Vec::new();
        Self {
            trial: Arc::new(plan),
            plan: Arc::new(later),
            seconds,
        }
    }

    /// Plan of a block.
    pub(crate) fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Seconds of warm-up in each block, which are not compared.
    pub(crate) fn warm_up_s(&self) -> u64 {
        warm_up_s(self.seconds)
    }
}

fn warm_up_s(seconds: u64) -> u64 {
    seconds / WARM_UP_FRACTION
}

impl AbRunner<'_> {
    /// Runs a trial block of each build, and then pairs of blocks until the result is decided, the time is up, or the user
    /// interrupts.
    pub(crate) fn run(mut self, mut live: ProgressLine) -> Result<AbOutcome, Failure> {
        let started = Instant::now();
        let trials = [self.run_trial(Side::A)?, self.run_trial(Side::B)?];
        let pair_s = 2.0 * self.blocks.seconds as f64;
        // The last pair must also end within the limit.
        let remaining_s =
            self.max_duration.as_secs_f64() - started.elapsed().as_secs_f64() - pair_s;
        let limit = Limit {
            pairs: usize::MAX,
            seconds: remaining_s.max(f64::MIN_POSITIVE),
        };
        let mut test = AbTest::new([&trials[0], &trials[1]], self.tested, self.tolerance, limit);
        let mut requests = Vec::new();
        let (mut number, mut aborted) = (0, false);
        while test.decision() == TestDecision::Continue && self.interrupts.count() == 0 {
            aborted = self.run_pair(number, &mut test, &mut requests)?;
            number += 1;
            let elapsed = started.elapsed();
            live.show(elapsed.as_secs(), |width| {
                brunt_report::ab_progress_line(
                    test.pairs(),
                    elapsed.as_secs_f64(),
                    self.max_duration.as_secs_f64(),
                    &test.tested_rows(),
                    width,
                )
            });
        }
        live.clear();
        let is_stopped = test.decision() == TestDecision::Continue;
        let measurement = test.measurement();
        if measurement.pairs + measurement.left_out == 0 {
            let message =
                "stopped before the first pair of blocks was complete; there is no result";
            return Err(Failure::Stopped(message.into()));
        }
        let ab_summary = AbSummary {
            hosts: self.environments.each_ref().map(TestEnvironment::host),
            measurement,
            is_stopped,
            requests_per_block: median(requests),
        };
        Ok(AbOutcome {
            ab_summary,
            aborted,
        })
    }

    /// Runs a block that is not compared, to check that the build responds, and returns its metrics.
    fn run_trial(&mut self, side: Side) -> Result<RunMetrics, Failure> {
        let plan = self.blocks.trial.clone();
        let block = self.run_block(side, plan, self.seed)?;
        let p50 = block
            .figures
            .row(None)
            .and_then(|all| all.series(ComparedMetric::P50));
        if p50.is_none() && self.interrupts.count() == 0 {
            let host = self.environment(side).host();
            return Err(Failure::NothingMeasured(format!(
                "no successful response from {} at {host} in {} s; run it alone with `brunt run` to see the reason",
                name(side),
                self.blocks.seconds
            )));
        }
        Ok(block.figures)
    }

    /// Runs a pair of blocks with the same seed. Returns true if a second Ctrl-C aborted it. An interrupted pair is not
    /// compared.
    fn run_pair(
        &mut self,
        number: usize,
        test: &mut AbTest,
        requests: &mut Vec<u64>,
    ) -> Result<bool, Failure> {
        let started = Instant::now();
        let seed = self.seed.wrapping_add(1 + number as u64);
        let order = order(number, self.seed);
        let mut blocks = Vec::new();
        for side in order {
            let block = self.run_block(side, self.blocks.plan.clone(), seed)?;
            if self.interrupts.count() > 0 {
                return Ok(block.aborted);
            }
            blocks.push(block);
        }
        for service in &mut self.services {
            service.check_running()?;
        }
        let seconds = started.elapsed().as_secs_f64();
        if blocks.iter().any(|block| !block.is_valid) {
            test.leave_out(seconds);
            return Ok(false);
        }
        let of = |side: Side| &blocks[usize::from(order[0] != side)].figures;
        test.add(of(Side::A), of(Side::B), seconds);
        let all = blocks.iter().filter_map(|block| block.figures.row(None));
        requests.extend(all.map(|row| row.requests));
        Ok(false)
    }

    fn environment(&mut self, side: Side) -> &mut TestEnvironment {
        &mut self.environments[usize::from(side == Side::B)]
    }

    fn run_block(&mut self, side: Side, plan: Arc<Plan>, seed: u64) -> Result<Block, Failure> {
        let (config, scenario, profile) = (self.config, self.scenario, self.profile);
        let interrupts = self.interrupts;
        let (from_s, to_s) = (self.blocks.warm_up_s() as f64, self.blocks.seconds as f64);
        let environment = self.environment(side);
        let mut header = environment.header(config, scenario, profile, &plan, "");
        header.seed = seed;
        let silent = ProgressLine::new(true);
        let outcome = environment.run(plan, header, None, interrupts, silent, None)?;
        check_complete(&outcome.record, name(side))?;
        Ok(Block {
            figures: RunMetrics::between(&outcome.record, from_s, to_s),
            is_valid: brunt_verdict::judge(&outcome.record).result != RunResult::Invalid,
            aborted: outcome.aborted,
        })
    }
}

/// Checks that a block shows how fast a build is.
fn check_complete(record: &RunRecord, name: &str) -> Result<(), Failure> {
    let ending = record
        .ending
        .as_ref()
        .context("the record of the block is incomplete")?;
    let reason = ending.stop_reason.clone().unwrap_or_default();
    match ending.stopped_by {
        StoppedBy::SetupFailed | StoppedBy::TargetEnded => {
            Err(Failure::NothingMeasured(format!("{name}: {reason}")))
        }
        StoppedBy::InternalError | StoppedBy::WorkerLost => {
            Err(anyhow::anyhow!("{name}: {reason}").into())
        }
        _ => Ok(()),
    }
}

fn name(side: Side) -> &'static str {
    match side {
        Side::A => "build A",
        Side::B => "build B",
    }
}

fn median(mut counts: Vec<u64>) -> f64 {
    counts.sort_unstable();
    counts
        .get(counts.len() / 2)
        .map_or(0.0, |count| *count as f64)
}

#[cfg(test)]
mod tests {
    use brunt_scenario::Overrides;

    use super::*;

    #[test]
    fn block_holds_the_highest_level_after_a_short_ramp() {
        let text = "host = \"http://localhost\"\n[users.u]\n[[users.u.tasks]]\nget = \"/\"\n[[setup]]\nget = \"/\"\n\
                    [profiles.p]\nusers = 12\nspawn_rate = 1\nduration = \"5m\"\n";
        let scenario = Scenario::read("brunt.toml", text).unwrap();
        let plan = || Plan::new(&scenario, "p", &Overrides::default(), &[]).unwrap();
        let blocks = BlockLoad::new(plan(), 10);
        let stages = &blocks.plan().load.stages;
        assert_eq!((stages.len(), blocks.warm_up_s()), (2, 2));
        assert_eq!(
            (stages[0].from, stages[0].to, stages[1].from),
            (0.0, 12.0, 12.0)
        );
        assert_eq!((blocks.trial.setup.len(), blocks.plan.setup.len()), (1, 0));
        let short = BlockLoad::new(plan(), 2);
        assert_eq!(short.plan().load.stages.len(), 1);
    }
}
