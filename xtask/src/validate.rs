//! `cargo xtask validate`: validates the statistics and writes the results: in virtual time with all seeds to
//! `docs/validation.md`, on real sockets to `docs/validation-sockets.md`.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, bail};
use brunt_bench::{machine, sockets};

const PAGE: &str = "docs/validation.md";

/// Options of `cargo xtask validate`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Run brunt and a server on one core each instead of simulating both
    #[arg(long)]
    sockets: bool,
    /// Run each only briefly to check that it works; the results mean nothing, and no page is written
    #[arg(long, requires = "sockets")]
    short: bool,
    /// Run only these validations on sockets
    #[arg(value_name = "NAME", requires = "sockets", value_parser = sockets::names())]
    only: Vec<String>,
}

/// Runs the validations and writes their page.
///
/// # Errors
///
/// If a program cannot be built or run, or a validation does not hold.
pub(crate) fn run(root: &Path, options: &Options) -> anyhow::Result<()> {
    if options.sockets {
        sockets::run(root, &options.only, options.short)
    } else {
        in_virtual_time(root)
    }
}

fn in_virtual_time(root: &Path) -> anyhow::Result<()> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut validations = Command::new(cargo);
    validations
        .current_dir(root)
        .args([
            "run",
            "--release",
            "--quiet",
            "--package",
            "brunt-validation",
        ])
        .stderr(Stdio::inherit());
    let output = validations
        .output()
        .context("cannot run brunt-validation")?;
    let table = String::from_utf8(output.stdout)?;
    print!("{table}");
    let page = format!(
        "# Validation in virtual time\n\n\
         Simulated runs, whose true values are known, pass through brunt's record and verdict like real runs.\n\
         [methodology.md](methodology.md) describes the methods. A negative control is a variant that is deliberately wrong; a row holds\n\
         only if the variant misses the goal.\n\n\
         Made by `cargo xtask validate` at commit {}.\n\n{table}",
        machine::commit(root)?
    );
    std::fs::write(root.join(PAGE), page)?;
    println!("wrote {PAGE}");
    if !output.status.success() {
        bail!("a validation does not hold");
    }
    Ok(())
}
