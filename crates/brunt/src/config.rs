//! Configuration of runs: the resolved options of a command. Only commands use the clap structs; all other code uses these
//! types.

pub(crate) mod load_config;
pub(crate) mod network_config;
pub(crate) mod scenario_source;
pub(crate) mod stopping_config;
pub(crate) mod watch_config;

use std::time::Duration;

use brunt_scenario::{Plan, Scenario};
use brunt_verdict::FailOn;

use crate::ci_output::CiOutputs;
use crate::cli::output::{CiOutputArgs, FailOnArg, FailOnArgs, LiveExportArgs};
use crate::cli::results::BaselineSaveArgs;
use crate::cli::run::{CompareArgs, RunArgs};
use crate::exit::Failure;
use crate::live_export::LiveExportConfig;
use load_config::LoadConfig;
use stopping_config::StoppingConfig;
use watch_config::WatchConfig;

/// Default of `--worker-timeout`.
const WORKER_TIMEOUT: Duration = Duration::from_secs(10);

/// Configuration shared by all runs of one command.
#[derive(Debug, Clone)]
pub(crate) struct RunConfig {
    pub(crate) load: LoadConfig,
    pub(crate) stopping: StoppingConfig,
    /// Number of processes that generate the load; 1: this process alone.
    pub(crate) processes: u32,
    /// Maximum time without a message from a worker process.
    pub(crate) worker_timeout: Duration,
    pub(crate) watch: WatchConfig,
    /// Label of the runs in the history.
    pub(crate) label: Option<String>,
    /// Hides the progress line.
    pub(crate) is_headless: bool,
    /// Grade at which a run fails.
    pub(crate) fail_on: FailOn,
}

impl RunConfig {
    /// Configuration of `brunt run`.
    pub(crate) fn from_run(args: &RunArgs) -> Result<Self, Failure> {
        Ok(Self {
            load: LoadConfig::new(&args.load, args.duration.duration)?,
            stopping: args.stopping.into(),
            processes: args.processes,
            worker_timeout: args.worker_timeout,
            watch: (&args.watch).into(),
            label: args.label.clone(),
            is_headless: args.load.headless,
            fail_on: args.fail_on.into(),
        })
    }

    /// Configuration of the new runs of `brunt baseline save`, which are not judged.
    pub(crate) fn from_baseline_save(args: &BaselineSaveArgs) -> Result<Self, Failure> {
        Ok(Self {
            load: LoadConfig::new(&args.load, args.duration.duration)?,
            stopping: StoppingConfig::default(),
            processes: 1,
            worker_timeout: WORKER_TIMEOUT,
            watch: (&args.watch).into(),
            label: None,
            is_headless: args.load.headless,
            fail_on: FailOn::Never,
        })
    }

    /// Configuration of the blocks of `brunt compare`.
    pub(crate) fn from_compare(args: &CompareArgs) -> Result<Self, Failure> {
        Ok(Self {
            load: LoadConfig::new(&args.load, None)?,
            stopping: StoppingConfig::default(),
            processes: 1,
            worker_timeout: WORKER_TIMEOUT,
            watch: WatchConfig::default(),
            label: None,
            is_headless: args.load.headless,
            fail_on: args.fail_on.into(),
        })
    }

    /// Compiles a profile.
    pub(crate) fn plan(&self, scenario: &Scenario, profile: &str) -> Result<Plan, Failure> {
        let mut plan = self.load.plan(scenario, profile, self.processes)?;
        self.stopping.apply(&mut plan, profile)?;
        Ok(plan)
    }
}

impl From<FailOnArgs> for FailOn {
    fn from(args: FailOnArgs) -> Self {
        match args.fail_on {
            FailOnArg::Poor => Self::Poor,
            FailOnArg::Critical => Self::Critical,
            FailOnArg::Never => Self::Never,
        }
    }
}

impl From<&CiOutputArgs> for CiOutputs {
    fn from(args: &CiOutputArgs) -> Self {
        Self {
            markdown: args.markdown.clone(),
            junit: args.junit.clone(),
            is_github: args.github,
        }
    }
}

impl From<&LiveExportArgs> for LiveExportConfig {
    fn from(args: &LiveExportArgs) -> Self {
        Self {
            prometheus_address: args.prometheus_port,
            otlp: args.otlp.clone(),
            json_lines: args.jsonl.clone(),
        }
    }
}
