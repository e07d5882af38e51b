//! `brunt init`: writes a starter scenario file.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};

use anyhow::Context;

use crate::cli::tools::InitArgs;
use crate::exit::{Exit, Failure};
use crate::terminal;

/// Starter scenario.
const STARTER: &str = include_str!("starter.toml");

pub(crate) fn run(args: &InitArgs) -> Result<Exit, Failure> {
    let name = args.file.display();
    let mut file = match OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&args.file)
    {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            let message = format!(
                "cannot write {name}: it already exists; choose another file, or delete it"
            );
            return Err(Failure::Input(message));
        }
        Err(error) => return Err(Failure::Input(format!("cannot write {name}: {error}"))),
    };
    file.write_all(STARTER.as_bytes())
        .with_context(|| format!("cannot write {name}"))?;
    let next = "describe your users in it, then run: brunt check -f";
    terminal::print(&format!("wrote {name}; {next} {name}\n"));
    Ok(Exit::Passed)
}

#[cfg(test)]
mod tests {
    #[test]
    fn starter_scenario_is_valid() {
        let scenario = brunt_scenario::Scenario::read("starter.toml", super::STARTER);
        assert!(
            scenario.is_ok(),
            "{:?}",
            miette::Report::new(scenario.unwrap_err())
        );
    }
}
