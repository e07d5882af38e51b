//! Command line: the clap structs, which hold what the user typed. [`crate::config`] holds what it means.

pub(crate) mod load;
pub(crate) mod output;
pub(crate) mod results;
pub(crate) mod run;
pub(crate) mod tools;
mod values;
pub(crate) mod watch;

use clap::{Parser, Subcommand};

use crate::exit::EXIT_CODES;

/// Load test a service: is it fast enough, where does it break, does it recover, does it leak?
#[derive(Debug, Parser)]
#[command(version, about, after_long_help = EXIT_CODES, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run load profiles against a service, and judge the results
    Run(Box<run::RunArgs>),
    /// Check a scenario file, and show what would run
    Check(run::CheckArgs),
    /// Print the JSON Schema of scenario files, for completion in editors
    Schema,
    /// Write a starter scenario file
    Init(tools::InitArgs),
    /// Convert curl commands, a HAR recording or an OpenAPI description to a scenario file
    Import(tools::ImportArgs),
    /// List the runs in this directory, oldest first, or prune them
    History(results::HistoryArgs),
    /// Save runs as baselines, and compare later runs with them
    Baseline(Box<results::BaselineArgs>),
    /// A/B test two builds until it is clear whether the second is worse
    Compare(Box<run::CompareArgs>),
    /// Write the report of an earlier run, in any format
    Report(Box<results::ReportArgs>),
    /// Monitor a process or the machine
    Monitor(tools::MonitorArgs),
    /// Generate a share of a run's load
    #[command(hide = true)]
    Worker,
    /// Serve the Application Agent, the demo service that ships with brunt
    Agent(tools::AgentArgs),
}

/// Command line of a worker process: the options of `brunt run` in the coordinator.
#[derive(Debug, Parser)]
pub(crate) struct WorkerCli {
    #[command(flatten)]
    pub(crate) run: run::RunArgs,
}
