//! `cargo xtask bench`: what brunt costs, measured side by side with wrk against the testbed's null
//! server, and written to `docs/benchmarks.md` with the commands and the machine.

mod child;
mod memory;
mod table;
mod throughput;

use std::path::Path;

use anyhow::Context;

use crate::release;

pub(crate) use child::null_server;

/// Options of `cargo xtask bench`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Pairs of runs: brunt and wrk in turn
    #[arg(long, default_value_t = 5)]
    pairs: usize,
    /// Seconds for each run
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// Users that wait, for the memory of each
    #[arg(long, default_value_t = 5000)]
    waiting_users: u32,
}

/// Runs all benches and writes the page.
pub(crate) fn run(root: &Path, options: &Options) -> anyhow::Result<()> {
    release::needed(&[("wrk", "wrk")])?;
    let brunt = release::build(root, &["brunt"])?.join("brunt");
    let folder = tempfile::tempdir().context("cannot make a folder for the runs")?;
    let pairs = throughput::pairs(&brunt, folder.path(), options.pairs, options.seconds)?;
    let memory = memory::of_waiting_users(&brunt, folder.path(), options.waiting_users)?;
    let page = table::page(root, options, &pairs, &memory)?;
    let path = root.join("docs/benchmarks.md");
    std::fs::write(&path, page).with_context(|| format!("cannot write {}", path.display()))?;
    println!("written: {}", path.display());
    Ok(())
}
