//! Options of the commands that read earlier runs: `baseline`, `history`, `report`.

use std::path::PathBuf;
use std::time::Duration;

use super::load::{DurationArgs, LoadArgs};
use super::output::{CiOutputArgs, ComparisonArgs, FailOnArgs};
use super::watch::WatchArgs;
use crate::results::{HISTORY_PAGE, LATEST};
use crate::store::Column;

/// Options of `brunt baseline`.
#[derive(Debug, clap::Args)]
pub(crate) struct BaselineArgs {
    #[command(subcommand)]
    pub(crate) command: BaselineCommand,
}

#[derive(Debug, clap::Subcommand)]
pub(crate) enum BaselineCommand {
    /// Save runs as a baseline
    Save(Box<BaselineSaveArgs>),
    /// List the saved baselines
    List,
    /// Show the contents of a baseline
    Show {
        /// Name of the baseline, or path of its .json file
        name: String,
    },
    /// Compare a run with a baseline; exit with code 1 if the run is worse
    Compare(BaselineCompareArgs),
    /// Delete a baseline
    Delete {
        /// Name of the baseline, or path of its .json file
        name: String,
    },
}

#[derive(Debug, clap::Args)]
pub(crate) struct BaselineCompareArgs {
    /// Name of the baseline, or path of its .json file
    pub(crate) name: String,
    /// The run: its directory, its name, or latest
    #[arg(default_value = LATEST)]
    pub(crate) run: String,
    #[command(flatten)]
    pub(crate) comparison: ComparisonArgs,
    #[command(flatten)]
    pub(crate) fail_on: FailOnArgs,
    /// Write report.html and summary.json with the comparison to this directory
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Write to --out even if it holds a run
    #[arg(long, requires = "out")]
    pub(crate) force: bool,
    #[command(flatten, next_help_heading = "CI output")]
    pub(crate) ci_output: CiOutputArgs,
}

/// Options of `brunt baseline save`.
#[derive(Debug, clap::Args)]
pub(crate) struct BaselineSaveArgs {
    /// Name of the baseline; an existing baseline with this name is replaced
    pub(crate) name: String,
    /// The runs: directories, names, or latest; use three or more to measure the noise between runs [default: latest]
    #[arg(value_name = "RUN")]
    pub(crate) saved_runs: Vec<String>,
    /// Run the profile this many times, and save these runs
    #[arg(long, value_name = "N", conflicts_with = "saved_runs", value_parser = clap::value_parser!(u32).range(1..=20))]
    pub(crate) runs: Option<u32>,
    /// Use this profile for the new runs
    #[arg(long, requires = "runs", default_value = "load")]
    pub(crate) profile: String,
    /// Save runs even if they are invalid or incomplete
    #[arg(long)]
    pub(crate) allow_invalid: bool,
    /// Save runs together even if their conditions differ, such as the machine or the scenario
    #[arg(long)]
    pub(crate) allow_mismatch: bool,
    #[command(flatten, next_help_heading = "Load of the new runs")]
    pub(crate) duration: DurationArgs,
    #[command(flatten, next_help_heading = "Load of the new runs")]
    pub(crate) load: LoadArgs,
    #[command(flatten)]
    pub(crate) watch: WatchArgs,
}

/// Options of `brunt history`.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct HistoryArgs {
    #[command(subcommand)]
    pub(crate) command: Option<HistoryCommand>,
    /// List only runs of this profile
    #[arg(long, value_name = "PROFILE")]
    pub(crate) profile: Option<String>,
    /// Show this metric of each run
    #[arg(long, value_enum, value_name = "METRIC", default_value_t = Column::P95)]
    pub(crate) metric: Column,
    /// Show the metric of this request, such as /items or "GET /items" [default: all requests]
    #[arg(long, value_name = "NAME")]
    pub(crate) request: Option<String>,
    /// List only the newest N runs
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) last: u32,
    /// Also write an HTML page with charts that link to the reports
    /// [default: performance/reports/history.html]
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = HISTORY_PAGE)]
    pub(crate) html: Option<PathBuf>,
    /// Rebuild the history from the records under performance/results
    #[arg(long, conflicts_with_all = ["profile", "metric", "request", "last", "html"])]
    pub(crate) rebuild: bool,
}

#[derive(Debug, clap::Subcommand)]
pub(crate) enum HistoryCommand {
    /// Delete old runs, except those that are labeled or in a baseline
    Prune(HistoryPruneArgs),
}

/// Options of `brunt history prune`.
#[derive(Debug, clap::Args)]
pub(crate) struct HistoryPruneArgs {
    /// Keep this many of the newest runs, in addition to runs that are labeled or in a baseline
    #[arg(long, value_name = "N", required_unless_present = "older_than")]
    pub(crate) keep: Option<usize>,
    /// Delete only runs older than this, such as 90d
    #[arg(long, value_name = "DURATION", value_parser = brunt_scenario::duration)]
    pub(crate) older_than: Option<Duration>,
    /// Show what would be deleted, and delete nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// Options of `brunt report`.
#[derive(Debug, clap::Args)]
pub(crate) struct ReportArgs {
    /// The run: its directory, its name, its record.brunt, or latest
    #[arg(value_name = "RUN", default_value = LATEST)]
    pub(crate) run: String,
    #[command(flatten)]
    pub(crate) format: ReportFormatArgs,
    /// Write to this file [default: standard output]
    #[arg(short = 'o', long, value_name = "FILE", conflicts_with_all = ["csv", "locust_csv"])]
    pub(crate) output: Option<PathBuf>,
    /// In the --markdown summary, link to this HTML report [default: the run's own report, if it exists]
    #[arg(long, value_name = "URL", requires = "markdown")]
    pub(crate) report_url: Option<String>,
    #[command(flatten, next_help_heading = "Grading")]
    pub(crate) fail_on: FailOnArgs,
}

/// The format of a report; by default the text for a terminal.
#[expect(clippy::struct_excessive_bools, reason = "a flag for each format")]
#[derive(Debug, clap::Args)]
#[group(multiple = false)]
pub(crate) struct ReportFormatArgs {
    /// Write the report as shown in the terminal (the default)
    #[arg(long)]
    pub(crate) text: bool,
    /// Write the HTML report
    #[arg(long)]
    pub(crate) html: bool,
    /// Write summary.json
    #[arg(long)]
    pub(crate) json: bool,
    /// Write a Markdown summary for a pull request comment
    #[arg(long)]
    pub(crate) markdown: bool,
    /// Write the result of each check as JUnit XML
    #[arg(long)]
    pub(crate) junit: bool,
    /// Write requests.csv, timeline.csv, failures.csv and resources.csv to this directory
    #[arg(long, value_name = "DIR")]
    pub(crate) csv: Option<PathBuf>,
    /// Write Locust's four CSV files, with names that start with this prefix
    #[arg(long, value_name = "PREFIX")]
    pub(crate) locust_csv: Option<PathBuf>,
}
