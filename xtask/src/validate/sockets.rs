//! Proofs on real sockets: brunt as it ships, on one core, against a server whose truth is known, on the
//! other.

mod agents;
mod baselines;
mod breaking;
mod doors;
mod memory;
mod page;
mod recovery;
mod regressions;
mod run;
mod stall;
mod stand;

use std::path::Path;

use anyhow::bail;
use clap::builder::PossibleValuesParser;

use self::stand::Stand;
use crate::machine;

/// What a proof came to.
struct Row {
    /// What is proved.
    method: String,
    /// What is true of the server.
    truth: String,
    /// What was reached.
    reached: String,
    /// What had to be.
    goal: String,
    /// What the variant that is deliberately wrong reached.
    broken: String,
    /// The goal was reached, and the broken variant did not.
    holds: bool,
}

type Proof = fn(&Stand) -> anyhow::Result<Vec<Row>>;

const PROOFS: [(&str, Proof); 9] = [
    ("stall", stall::rows),
    ("breaking", breaking::rows),
    ("breaking-long", breaking::long_rows),
    ("recovery", recovery::rows),
    ("memory", memory::rows),
    ("doors", doors::rows),
    ("agents", agents::rows),
    ("baselines", baselines::rows),
    ("regressions", regressions::rows),
];

/// The proofs that can be asked for.
pub(super) fn names() -> PossibleValuesParser {
    PossibleValuesParser::new(PROOFS.map(|(name, _)| name))
}

/// Runs the proofs that were asked for, or all, and writes the section of each.
pub(super) fn run(root: &Path, only: &[String], short: bool) -> anyhow::Result<()> {
    let stand = Stand::build(root, short)?;
    let commit = machine::commit(root)?;
    let machine = machine::machine(root)?;
    let mut failed = Vec::new();
    for (name, proof) in PROOFS {
        if !only.is_empty() && !only.iter().any(|asked| asked == name) {
            continue;
        }
        println!("{name}:");
        let rows = proof(&stand)?;
        let section = page::section(name, &commit, &machine, &rows);
        println!("\n{section}");
        // As soon as it is there: the next one may take long, or fail.
        if !short {
            page::page(root).put(name, &section)?;
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
