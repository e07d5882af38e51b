//! `cargo xtask bench peers`: compares brunt with other load generators against the testbed's null server, measures
//! brunt's memory, lag and startup time, and writes `docs/benchmarks.md`.

mod application_agent;
mod child;
mod client;
mod environment;
mod idle_users;
mod long_run;
mod many_users;
mod open_model;
mod page;
mod plain_get;
mod rounds;
mod summary_stats;
mod time_to_first_request;
mod tools;

use std::path::{Path, PathBuf};

use clap::builder::PossibleValuesParser;

use self::environment::Environment;
use self::page::Section;
use crate::machine;
use crate::page::Page;

/// Options of `cargo xtask bench peers`.
#[derive(clap::Args)]
pub struct Options {
    /// Run only this section; can be repeated
    #[arg(long, value_name = "NAME", value_parser = PossibleValuesParser::new(SECTIONS.map(|(name, _)| name)))]
    only: Vec<String>,
    /// Number of rounds; each client runs once per round
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Duration of each run, in seconds
    #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(u64).range(1..))]
    seconds: u64,
    /// Write this page
    #[arg(long, value_name = "FILE", default_value = "docs/benchmarks.md")]
    page: PathBuf,
}

/// Runs the benchmarks of a section.
type Measure = fn(&Environment) -> anyhow::Result<Section>;

/// The sections in the order of the page.
const SECTIONS: [(&str, Measure); 10] = [
    ("plain", plain_get::over_tcp),
    ("agent", application_agent::as_shipped),
    ("checks", application_agent::with_checks),
    ("tls", plain_get::over_tls),
    ("http2", plain_get::over_http2),
    ("open-model", open_model::lag),
    ("idle-users", idle_users::memory_and_lag),
    (
        "first-request",
        time_to_first_request::startup_time_and_size,
    ),
    ("many-users", many_users::in_several_processes),
    ("long-run", long_run::memory_and_disk),
];

/// Runs the selected sections, or all, and writes each to the page as soon as it is complete.
///
/// # Errors
///
/// If a requirement is missing, brunt cannot be built, or one of its runs fails. Another load generator that is not
/// available or fails is named in the table.
pub fn run(root: &Path, options: &Options) -> anyhow::Result<()> {
    let environment = Environment::build(root, options.rounds, options.seconds)?;
    let commit = machine::commit(root)?;
    let machine = machine::machine(root)?;
    let page = Page {
        path: root.join(&options.page),
        header: page::HEADER,
        order: SECTIONS.map(|(name, _)| name).to_vec(),
    };
    let mut missed_goals = Vec::new();
    for (name, measure) in SECTIONS {
        if !options.only.is_empty() && !options.only.iter().any(|selected| selected == name) {
            continue;
        }
        println!("{name}:");
        let section = measure(&environment)?;
        let text = format!(
            "## {name}\n\n{}\nMade by `cargo xtask bench peers --only {name} --rounds {} --seconds {}` at commit {commit} \
             on {machine}.\n",
            section.text, options.rounds, options.seconds
        );
        println!("\n{text}");
        // Written before the next section runs, which may fail.
        page.write_section(name, &text)?;
        missed_goals.extend(
            section
                .missed_goals
                .into_iter()
                .map(|goal| format!("{name}: {goal}")),
        );
    }
    if missed_goals.is_empty() {
        println!("all goals are reached");
    } else {
        println!("missed goals:\n  {}", missed_goals.join("\n  "));
    }
    Ok(())
}
