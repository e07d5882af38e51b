//! `brunt init`: writes a scenario file to start from.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::PathBuf;

use anyhow::Context;

use crate::exit::{Exit, Failure};
use crate::terminal;

/// The file that is written.
const STARTER: &str = include_str!("starter.toml");

/// Options of `brunt init`.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Write to this file
    #[arg(value_name = "FILE", default_value = "brunt.toml")]
    file: PathBuf,
}

pub(crate) fn run(options: &Options) -> Result<Exit, Failure> {
    let name = options.file.display();
    let mut file = match OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&options.file)
    {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            let message = format!("{name} is there already; name another file, or remove it first");
            return Err(Failure::Input(message));
        }
        Err(error) => return Err(Failure::Input(format!("cannot write {name}: {error}"))),
    };
    file.write_all(STARTER.as_bytes())
        .with_context(|| format!("cannot write {name}"))?;
    let next = "say in it what your users do, then: brunt check -f";
    terminal::say(&format!("{name} is written; {next} {name}\n"));
    Ok(Exit::Passed)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_starter_is_a_scenario() {
        let scenario = brunt_scenario::Scenario::read("starter.toml", super::STARTER);
        assert!(
            scenario.is_ok(),
            "{:?}",
            miette::Report::new(scenario.unwrap_err())
        );
    }
}
