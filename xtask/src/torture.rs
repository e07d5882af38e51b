//! `cargo xtask torture`: runs the fault-injection tests in their long form and writes `docs/robustness.md`.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail};
use brunt_bench::command::run_shown;
use brunt_bench::machine;

const PAGE: &str = "docs/robustness.md";
/// Environment variable with the path of a file. If it is set, the tests run in their long form and append their rows of
/// the table to the file.
const TABLE_VARIABLE: &str = "BRUNT_TORTURE_TABLE";
const HEADER: &str = "# Robustness\n\n\
    The guarantees that brunt gives if its processes, its files, system calls or the service fail, and the tests of each.\n\
    `cargo xtask torture` injects random faults on the loopback interface for up to an hour and writes this page. A short form\n\
    with fixed seeds is part of `cargo xtask check`. A trial that fails prints its seed and number.\n\n";
const TABLE_HEADER: &str = "| guarantee | test | n | result |\n| --- | --- | ---: | --- |\n";

/// Options of `cargo xtask torture`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Stop after this many minutes
    #[arg(long, default_value_t = 60)]
    minutes: u32,
    /// Run only the tests whose names contain this; writes no page
    only: Option<String>,
}

/// Runs the tests, prints the table, and writes the page unless only some tests were selected.
///
/// # Errors
///
/// If a guarantee does not hold, or no test ran.
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
        .env(TABLE_VARIABLE, &rows)
        .env("BRUNT_TORTURE_MINUTES", options.minutes.to_string());
    let result = run_shown(&mut tests, "cargo test --workspace --test torture");
    let rows = std::fs::read_to_string(&rows).context("no test wrote a row of the table")?;
    println!("{TABLE_HEADER}{rows}");
    if options.only.is_none() {
        let page = format!(
            "{HEADER}Made by `cargo xtask torture --minutes {}` at commit {} on {}.\n\n{TABLE_HEADER}{rows}",
            options.minutes,
            machine::commit(root)?,
            machine::machine(root)?
        );
        std::fs::write(root.join(PAGE), page)?;
        println!("wrote {PAGE}");
    }
    if result.is_err() {
        bail!("a guarantee does not hold");
    }
    Ok(())
}
