//! `cargo xtask torture`: faults on purpose, in the long form, and its table in `docs/robustness.md`.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail};
use brunt_bench::command::run_shown;
use brunt_bench::machine;

const PAGE: &str = "docs/robustness.md";
/// The tests append their rows to the file that this names, and take their long form.
const TABLE: &str = "BRUNT_TORTURE_TABLE";
const HEAD: &str = "# Robustness\n\n\
    What brunt promises while its processes, its files, the calls of the system and the service fail, and how each promise is\n\
    tried. `cargo xtask torture` makes the faults on loopback, with random choices, for at most an hour, and writes this page;\n\
    a short form with fixed choices is part of `cargo xtask check`. A trial that fails names its seed and number.\n\n";
const TABLE_HEAD: &str = "| promise | how | n | result |\n| --- | --- | ---: | --- |\n";

/// Options of `cargo xtask torture`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// How long to try, at most
    #[arg(long, default_value_t = 60)]
    minutes: u32,
    /// Only the tests whose names contain this; no page is written
    only: Option<String>,
}

pub(crate) fn run(root: &Path, options: &Options) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let rows = folder.path().join("rows");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut tests = Command::new(cargo);
    tests
        .current_dir(root)
        .args(["test", "--workspace", "--locked", "--test", "torture", "--"])
        .args(["--test-threads", "1", "--nocapture"])
        .args(&options.only)
        .env(TABLE, &rows)
        .env("BRUNT_TORTURE_MINUTES", options.minutes.to_string());
    let result = run_shown(&mut tests, "cargo test --workspace --test torture");
    let rows = std::fs::read_to_string(&rows).context("no promise was tried")?;
    println!("{TABLE_HEAD}{rows}");
    if options.only.is_none() {
        let page = format!(
            "{HEAD}Made by `cargo xtask torture --minutes {}` at commit {} on {}.\n\n{TABLE_HEAD}{rows}",
            options.minutes,
            machine::commit(root)?,
            machine::machine(root)?
        );
        std::fs::write(root.join(PAGE), page)?;
        println!("written: {PAGE}");
    }
    if result.is_err() {
        bail!("a promise does not hold");
    }
    Ok(())
}
