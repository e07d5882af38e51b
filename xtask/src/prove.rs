//! `cargo xtask prove`: every proof, with all seeds, and the table for `docs/proofs.md`.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, bail};

const PAGE: &str = "docs/proofs.md";

pub(crate) fn run(root: &Path) -> anyhow::Result<()> {
    let commit = output(
        Command::new("git")
            .current_dir(root)
            .args(["describe", "--always", "--dirty"]),
    )?;
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut proofs = Command::new(cargo);
    proofs
        .current_dir(root)
        .args(["run", "--release", "--quiet", "--package", "proofs"])
        .stderr(Stdio::inherit());
    let output = proofs.output().context("cannot run the proofs")?;
    let table = String::from_utf8(output.stdout)?;
    print!("{table}");
    let page = format!(
        "# Proofs\n\nRuns of a known truth in virtual time, put through brunt's record and verdict as real runs are; what each method\n\
         is, stands in [truth.md](truth.md). Where a row names a variant that is deliberately wrong, it is caught.\n\n\
         Made by `cargo xtask prove` at commit {}.\n\n{table}",
        commit.trim()
    );
    std::fs::write(root.join(PAGE), page)?;
    println!("written: {PAGE}");
    if !output.status.success() {
        bail!("a proof does not hold");
    }
    Ok(())
}

fn output(command: &mut Command) -> anyhow::Result<String> {
    let output = command.output().with_context(|| format!("{command:?}"))?;
    Ok(String::from_utf8(output.stdout)?)
}
