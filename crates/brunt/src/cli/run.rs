//! Options of the commands that send requests: `run`, `check`, `compare`.

use std::path::PathBuf;
use std::time::Duration;

use brunt_verdict::comparison::ComparedMetric;

use super::load::{DurationArgs, LoadArgs, NetworkArgs, ScenarioArgs, SelectionArgs};
use super::output::{CiOutputArgs, ComparisonArgs, FailOnArgs, LiveExportArgs};
use super::values::{
    compared_metric, label, positive_duration, share, whole_seconds, worker_timeout,
};
use super::watch::WatchArgs;

/// Maximum of `--processes`.
const PROCESSES_MAX: i64 = 1024;
/// Metrics that decide by default: few, since the error probability is divided among them.
const DECIDING_METRICS: &str = "throughput,error_rate,p50,p95,cpu_per_request";

/// Options of `brunt run`.
#[derive(Debug, clap::Args)]
pub(crate) struct RunArgs {
    /// Run these profiles (comma-separated) in sequence: load, stress, spike, endurance, your own, or all
    #[arg(value_name = "PROFILE", default_value = "load", value_delimiter = ',')]
    pub(crate) profiles: Vec<String>,
    #[command(flatten)]
    pub(crate) duration: DurationArgs,
    #[command(flatten)]
    pub(crate) stopping: StoppingArgs,
    #[command(flatten)]
    pub(crate) load: LoadArgs,
    /// Generate the load with this many processes
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=PROCESSES_MAX))]
    pub(crate) processes: u32,
    /// Kill a worker process that has not reported for this long (at least 3s), and stop the run
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = worker_timeout)]
    pub(crate) worker_timeout: Duration,
    /// Label the run in the history; labeled runs are never pruned
    #[arg(long, value_name = "TEXT", value_parser = label)]
    pub(crate) label: Option<String>,
    /// Write all files to this directory [default: under performance/]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Overwrite an earlier run in --out
    #[arg(long, requires = "out")]
    pub(crate) force: bool,
    /// Also write Locust's four CSV files, with names that start with this prefix
    #[arg(long, value_name = "PREFIX")]
    pub(crate) locust_csv: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) fail_on: FailOnArgs,
    /// Compare the run with this baseline; exit with code 1 if the run is worse
    #[arg(long, value_name = "NAME")]
    pub(crate) baseline: Option<String>,
    #[command(flatten)]
    pub(crate) comparison: ComparisonArgs,
    #[command(flatten, next_help_heading = "Monitoring")]
    pub(crate) watch: WatchArgs,
    #[command(flatten, next_help_heading = "Live metrics")]
    pub(crate) live_export: LiveExportArgs,
    #[command(flatten, next_help_heading = "CI output")]
    pub(crate) ci_output: CiOutputArgs,
}

/// Early stop and extension of a run.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct StoppingArgs {
    /// Stop as soon as a metric is certain to miss this threshold [default: `stop_at` of each target]
    #[arg(long, value_name = "THRESHOLD", value_enum)]
    pub(crate) stop_at: Option<StopAtArg>,
    /// Extend the run at its last level until every target is decided, up to MAX in total
    /// [default MAX: four times the planned duration]
    #[expect(
        clippy::option_option,
        reason = "an option that may be given without its value"
    )]
    #[arg(long, value_name = "MAX", num_args = 0..=1, require_equals = true, value_parser = positive_duration)]
    pub(crate) until_decided: Option<Option<Duration>>,
}

/// Value of `--stop-at`: a threshold, or `never`, which overrides the scenario.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum StopAtArg {
    Target,
    Acceptable,
    Critical,
    Never,
}

/// Options of `brunt check`.
#[derive(Debug, clap::Args)]
pub(crate) struct CheckArgs {
    #[command(flatten)]
    pub(crate) scenario: ScenarioArgs,
    /// Run a smoke test: run every task once without think time, and show the requests and responses
    #[arg(long = "try")]
    pub(crate) is_smoke_test: bool,
    #[command(flatten, next_help_heading = "Smoke test (--try)")]
    pub(crate) smoke_test: SmokeTestArgs,
}

/// Options that `--try` requires.
#[derive(Debug, clap::Args)]
pub(crate) struct SmokeTestArgs {
    #[command(flatten)]
    pub(crate) network: NetworkArgs,
    #[command(flatten)]
    pub(crate) selection: SelectionArgs,
    /// Seed all random choices with this number [default: a new one]
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
}

/// Options of `brunt compare`.
#[derive(Debug, clap::Args)]
pub(crate) struct CompareArgs {
    /// Run both builds at the highest load level of this profile
    #[arg(value_name = "PROFILE", default_value = "load")]
    pub(crate) profile: String,
    /// Compare two builds, A (current) and B (candidate), in alternating blocks
    #[arg(long)]
    pub(crate) ab: bool,
    /// Test build B at this base URL; build A is at --host
    #[arg(long, value_name = "URL")]
    pub(crate) host_b: Option<String>,
    /// Start build A with this shell command; it must listen on port $PORT, or on the address in --host
    #[arg(long, value_name = "COMMAND", requires = "command_b")]
    pub(crate) command: Option<String>,
    /// Start build B with this shell command; it must listen on port $PORT, or on the address in --host-b
    #[arg(long, value_name = "COMMAND", requires = "command")]
    pub(crate) command_b: Option<String>,
    /// Run each block for this long, in whole seconds; its first fifth is discarded as warm-up
    #[arg(long, value_name = "DURATION", value_parser = whole_seconds, default_value = "5s")]
    pub(crate) block: Duration,
    /// Stop after this long, even if the result is inconclusive
    #[arg(long, value_name = "DURATION", value_parser = positive_duration, default_value = "10m")]
    pub(crate) max_duration: Duration,
    /// Ignore differences smaller than this [default: 5%; 10% for percentiles below 1 ms]
    #[arg(long, value_name = "PERCENT", value_parser = share)]
    pub(crate) tolerance: Option<f64>,
    /// Compare the builds on these metrics (comma-separated); more metrics take longer
    #[arg(long, value_name = "METRIC", value_delimiter = ',', value_parser = compared_metric, default_value = DECIDING_METRICS)]
    pub(crate) metric: Vec<ComparedMetric>,
    #[command(flatten)]
    pub(crate) fail_on: FailOnArgs,
    /// Write all files to this directory [default: under performance/]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Overwrite an earlier run or comparison in --out
    #[arg(long, requires = "out")]
    pub(crate) force: bool,
    #[command(flatten, next_help_heading = "CI output")]
    pub(crate) ci_output: CiOutputArgs,
    #[command(flatten, next_help_heading = "Load")]
    pub(crate) load: LoadArgs,
}
