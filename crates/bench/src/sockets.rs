//! Proofs on real sockets: brunt as it ships, on one core, against a server whose truth is known, on the
//! other.

mod attribution;
mod baselines;
mod breaking_point;
mod environment;
mod faulty_agents;
mod memory;
mod page;
mod recovery;
mod row;
mod run;
mod sequential_ab;
mod stall;

use std::path::Path;

use anyhow::bail;
use clap::builder::PossibleValuesParser;

use self::environment::Environment;
use self::row::Row;
use crate::machine;

type Proof = fn(&Environment) -> anyhow::Result<Vec<Row>>;

const PROOFS: [(&str, Proof); 9] = [
    ("stall", stall::rows),
    ("breaking", breaking_point::rows),
    ("breaking-long", breaking_point::long_rows),
    ("recovery", recovery::rows),
    ("memory", memory::rows),
    ("attribution", attribution::rows),
    ("agents", faulty_agents::rows),
    ("baselines", baselines::rows),
    ("regressions", sequential_ab::rows),
];

/// The proofs that can be asked for.
pub fn names() -> PossibleValuesParser {
    PossibleValuesParser::new(PROOFS.map(|(name, _)| name))
}

/// Runs the proofs that were asked for, or all, and writes the section of each.
pub fn run(root: &Path, only: &[String], short: bool) -> anyhow::Result<()> {
    let environment = Environment::build(root, short)?;
    let commit = machine::commit(root)?;
    let machine = machine::machine(root)?;
    let mut failed = Vec::new();
    for (name, proof) in PROOFS {
        if !only.is_empty() && !only.iter().any(|asked| asked == name) {
            continue;
        }
        println!("{name}:");
        let rows = proof(&environment)?;
        let section = page::section(name, &commit, &machine, &rows);
        println!("\n{section}");
        // As soon as it is there: the next one may take long, or fail.
        if !short {
            page::page(root, &PROOFS.map(|(name, _)| name)).put(name, &section)?;
        }
        if rows.iter().any(|row| !row.holds) {
            failed.push(name);
        }
    }
    if !failed.is_empty() {
        bail!("a proof does not hold: {}", failed.join(", "));
    }
    Ok(())
}
