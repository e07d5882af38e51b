//! `cargo xtask validate --sockets`: validates the statistics with real runs of the release build on one core, against
//! servers whose behavior is known on the other.

mod attribution;
mod baselines;
mod breaking_point;
mod environment;
mod faulty_agents;
mod memory;
mod page;
mod recovery;
mod run;
mod sequential_ab;
mod stall;

use std::path::Path;

use anyhow::bail;
use clap::builder::PossibleValuesParser;

use self::environment::Environment;
use self::page::ValidationRow;
use crate::machine;

/// Runs a validation and returns its rows of the table.
type Validation = fn(&Environment) -> anyhow::Result<Vec<ValidationRow>>;

/// The validations in the order of the page.
const VALIDATIONS: [(&str, Validation); 9] = [
    ("stall", stall::rows),
    ("breaking-point", breaking_point::rows),
    ("breaking-point-long", breaking_point::long_rows),
    ("recovery", recovery::rows),
    ("memory", memory::rows),
    ("attribution", attribution::rows),
    ("faulty-agents", faulty_agents::rows),
    ("baselines", baselines::rows),
    ("sequential-ab", sequential_ab::rows),
];

/// Parser of the names that [`run`] accepts.
pub fn names() -> PossibleValuesParser {
    PossibleValuesParser::new(VALIDATIONS.map(|(name, _)| name))
}

/// Runs the validations named in `only`, or all if it is empty, and writes the section of each to the page. Short runs only
/// show that everything works, and are not written.
///
/// # Errors
///
/// If a requirement is missing, a program cannot be built or run, or a validation does not hold.
pub fn run(root: &Path, only: &[String], short: bool) -> anyhow::Result<()> {
    let environment = Environment::build(root, short)?;
    let commit = machine::commit(root)?;
    let machine = machine::machine(root)?;
    let mut failed = Vec::new();
    for (name, validate) in VALIDATIONS {
        if !only.is_empty() && !only.iter().any(|selected| selected == name) {
            continue;
        }
        println!("{name}:");
        let rows = validate(&environment)?;
        let section = page::section(name, &commit, &machine, &rows);
        println!("\n{section}");
        // Written before the next validation runs, which may fail.
        if !short {
            page::page(root, &VALIDATIONS.map(|(name, _)| name)).write_section(name, &section)?;
        }
        if rows.iter().any(|row| !row.holds) {
            failed.push(name);
        }
    }
    if !failed.is_empty() {
        bail!("validations do not hold: {}", failed.join(", "));
    }
    Ok(())
}
