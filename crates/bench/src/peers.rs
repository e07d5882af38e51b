//! `cargo xtask bench peers`: brunt side by side with other load generators, against the testbed's null server
//! in the same minutes, and what its users ask of one beside that; written to `docs/benchmarks.md`.

mod application_agent;
mod child;
mod client;
mod environment;
mod idle_users;
mod long_run;
mod many_users;
mod open_model;
mod page_header;
mod plain_get;
mod rounds;
mod section;
mod summary_stats;
mod time_to_first_request;
mod tools;

use std::path::{Path, PathBuf};

use clap::builder::PossibleValuesParser;

use self::environment::Environment;
use self::section::Section;
use crate::machine;
use crate::page::Page;

/// Options of `cargo xtask bench peers`.
#[derive(clap::Args)]
pub struct Options {
    /// Only this section, and no other; may be given again
    #[arg(long, value_name = "NAME", value_parser = PossibleValuesParser::new(SECTIONS.map(|(name, _)| name)))]
    only: Vec<String>,
    /// Rounds: in each, all clients have their turn
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    pairs: u32,
    /// Seconds for each turn
    #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(u64).range(1..))]
    seconds: u64,
    /// The page to write
    #[arg(long, value_name = "FILE", default_value = "docs/benchmarks.md")]
    page: PathBuf,
}

type Measure = fn(&Environment) -> anyhow::Result<Section>;

/// The sections of the page, in its order.
const SECTIONS: [(&str, Measure); 10] = [
    ("plain", plain_get::in_the_clear),
    ("agent", application_agent::as_shipped),
    ("checks", application_agent::with_checks),
    ("tls", plain_get::by_tls),
    ("http2", plain_get::by_http2),
    ("open", open_model::lateness),
    ("waiting", idle_users::users),
    ("start", time_to_first_request::first_request),
    ("crowd", many_users::in_processes),
    ("day", long_run::of_one_run),
];

/// Measures what was asked for, or all, and writes the section of each.
pub fn run(root: &Path, options: &Options) -> anyhow::Result<()> {
    let environment = Environment::build(root, options.pairs, options.seconds)?;
    let commit = machine::commit(root)?;
    let machine = machine::machine(root)?;
    let page = Page {
        path: root.join(&options.page),
        head: page_header::HEAD,
        order: SECTIONS.map(|(name, _)| name).to_vec(),
    };
    let mut short = Vec::new();
    for (name, measure) in SECTIONS {
        if !options.only.is_empty() && !options.only.iter().any(|asked| asked == name) {
            continue;
        }
        println!("{name}:");
        let section = measure(&environment)?;
        let text = format!(
            "## {name}\n\n{}\nMade by `cargo xtask bench peers --only {name} --pairs {} --seconds {}` at commit {commit} \
             on {machine}.\n",
            section.text, options.pairs, options.seconds
        );
        println!("\n{text}");
        // As soon as it is there: the next one may take long, or fail.
        page.put(name, &text)?;
        short.extend(
            section
                .short
                .into_iter()
                .map(|what| format!("{name}: {what}")),
        );
    }
    if short.is_empty() {
        println!("every goal was reached");
    } else {
        println!("short of its goal:\n  {}", short.join("\n  "));
    }
    Ok(())
}
