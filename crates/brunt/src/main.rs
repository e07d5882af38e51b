//! brunt, a load testing tool for HTTP services: it measures whether a service is fast enough, where it breaks, whether it
//! recovers or leaks, and whether a change made it worse.
//!
//! Begin with `commands::run`, which calls all other crates: `brunt-scenario` reads the scenario file and makes a plan,
//! `brunt-engine` generates the load, `brunt-monitor` watches the process under test, `brunt-record` keeps the data of both,
//! `brunt-verdict` judges it, and `brunt-report` renders it. `ARCHITECTURE.md` is the map.

mod ci_output;
mod cli;
mod commands;
mod compare;
mod config;
mod exit;
mod live_export;
mod results;
mod run;
mod store;
mod system;
mod terminal;
mod worker;

use std::process::ExitCode;

use brunt_scenario::{Secrets, is_sensitive_name};
use clap::Parser;
use clap::error::{ContextKind, ContextValue};

use crate::cli::{Cli, Command};
use crate::exit::{Exit, Failure};

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return print_usage_error(&error),
    };
    let result = match cli.command {
        Command::Run(args) => commands::run::run(&args),
        Command::Check(args) => commands::check::run(&args),
        Command::Schema => commands::schema::run(),
        Command::Init(args) => commands::init::run(&args),
        Command::Import(args) => commands::import::run(&args),
        Command::History(args) => commands::history::run(&args),
        Command::Baseline(args) => commands::baseline::run(&args),
        Command::Compare(args) => commands::compare::run(&args),
        Command::Report(args) => commands::report::run(&args),
        Command::Monitor(args) => commands::monitor::run(&args),
        Command::Worker => commands::worker::run(),
        Command::Agent(args) => commands::agent::run(args),
    };
    let exit = result.unwrap_or_else(|failure: Failure| failure.print());
    exit.into()
}

/// Prints a usage error with secrets masked, or a help text.
fn print_usage_error(error: &clap::Error) -> ExitCode {
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
    exit::print_note(secrets.mask(&text).trim_end());
    Exit::WrongInput.into()
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
