//! `cargo xtask validate`: every proof, and its table: in virtual time with all seeds for `docs/validation.md`, on
//! real sockets for `docs/validation-sockets.md`.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, bail};
use brunt_bench::{machine, sockets};

const PAGE: &str = "docs/validation.md";

/// Options of `cargo xtask validate`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Real runs of brunt against real servers, on a core each, instead of virtual time
    #[arg(long)]
    sockets: bool,
    /// Short runs, to see that all of it works: the figures mean nothing, and no page is written
    #[arg(long, requires = "sockets")]
    short: bool,
    /// Only these proofs on sockets
    #[arg(value_name = "PROOF", requires = "sockets", value_parser = sockets::names())]
    only: Vec<String>,
}

pub(crate) fn run(root: &Path, options: &Options) -> anyhow::Result<()> {
    if options.sockets {
        sockets::run(root, &options.only, options.short)
    } else {
        in_virtual_time(root)
    }
}

fn in_virtual_time(root: &Path) -> anyhow::Result<()> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut proofs = Command::new(cargo);
    proofs
        .current_dir(root)
        .args([
            "run",
            "--release",
            "--quiet",
            "--package",
            "brunt-validation",
        ])
        .stderr(Stdio::inherit());
    let output = proofs.output().context("cannot run the proofs")?;
    let table = String::from_utf8(output.stdout)?;
    print!("{table}");
    let page = format!(
        "# Proofs\n\nRuns of a known truth in virtual time, put through brunt's record and verdict as real runs are; what each method\n\
         is, stands in [methodology.md](methodology.md). Where a row names a variant that is deliberately wrong, it is caught.\n\n\
         Made by `cargo xtask validate` at commit {}.\n\n{table}",
        machine::commit(root)?
    );
    std::fs::write(root.join(PAGE), page)?;
    println!("written: {PAGE}");
    if !output.status.success() {
        bail!("a proof does not hold");
    }
    Ok(())
}
