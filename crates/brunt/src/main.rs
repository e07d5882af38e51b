//! brunt: is the service fast enough, where does it break, does it come back, does it leak, and did
//! this change make it worse?

mod ci_output;
mod commands;
mod compare;
mod config;
mod exit;
mod fail_on;
mod live_export;
mod machine;
mod ports;
mod results;
mod run;
mod store;
mod system;
mod terminal;
mod worker;

use std::process::ExitCode;

use brunt_scenario::{Secrets, is_sensitive_name};
use clap::error::{ContextKind, ContextValue};
use clap::{Parser, Subcommand};

use crate::exit::{Exit, Failure};

/// Load test a service: is it fast enough, where does it break, does it recover, does it leak?
#[derive(Debug, Parser)]
#[command(version, about, after_long_help = exit::EXIT_CODES, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Run load profiles against a service, and judge the results
    Run(Box<commands::run::Options>),
    /// Check a scenario file, and show what would run
    Check(commands::check::Options),
    /// Print the JSON Schema of scenario files, for completion in editors
    Schema,
    /// Write a starter scenario file
    Init(commands::init::Options),
    /// Convert curl commands, a HAR recording or an OpenAPI description to a scenario file
    Import(commands::import::Options),
    /// List the runs in this directory, oldest first, or prune them
    History(commands::history::Options),
    /// Save runs as baselines, and compare later runs with them
    Baseline(Box<commands::baseline::Options>),
    /// Run an A/B test of two builds, until it is decided whether the second is worse
    Compare(Box<commands::compare::Options>),
    /// Write the report of an earlier run, in any format
    Report(Box<commands::report::Options>),
    /// Monitor a process or the machine
    Monitor(commands::monitor::Options),
    /// Generate a share of a run's load
    #[command(hide = true)]
    Worker,
    /// Serve the Application Agent, the demo service that ships with brunt
    Agent(commands::agent::Options),
}

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return refused(&error),
    };
    let result = match cli.verb {
        Verb::Run(options) => commands::run::run(&options),
        Verb::Check(options) => commands::check::run(&options),
        Verb::Schema => commands::schema::run(),
        Verb::Init(options) => commands::init::run(&options),
        Verb::Import(options) => commands::import::run(&options),
        Verb::History(options) => commands::history::run(&options),
        Verb::Baseline(options) => commands::baseline::run(&options),
        Verb::Compare(options) => commands::compare::run(&options),
        Verb::Report(options) => commands::report::run(&options),
        Verb::Monitor(options) => commands::monitor::run(&options),
        Verb::Worker => commands::worker::run(),
        Verb::Agent(options) => commands::agent::run(options),
    };
    let exit = result.unwrap_or_else(|failure: Failure| failure.show());
    exit.into()
}

/// Shows what is wrong with the command line, without secrets of its values; or a help text.
fn refused(error: &clap::Error) -> ExitCode {
    let Some(ContextValue::String(value)) = error.get(ContextKind::InvalidValue) else {
        error.exit();
    };
    let mut secrets = Secrets::default();
    if let Some((key, value)) = value.split_once('=')
        && is_sensitive_name(key)
    {
        secrets.add(value);
    }
    let text = error.render().ansi().to_string();
    exit::note(secrets.mask(&text).trim_end());
    Exit::WrongInput.into()
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
