//! `cargo xtask bench`: what brunt costs, measured side by side with wrk against the testbed's null
//! server, and written to `docs/benchmarks.md` with the commands and the machine.

mod child;
mod memory;
mod table;
mod throughput;

use std::path::Path;
use std::process::Command;

use anyhow::{Context, ensure};

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

/// The core of the server, and that of the client.
const SERVER_CORE: usize = 1;
const CLIENT_CORE: usize = 0;

/// Runs all benches and writes the page.
pub(crate) fn run(root: &Path, options: &Options) -> anyhow::Result<()> {
    ensure!(
        std::thread::available_parallelism()?.get() > SERVER_CORE,
        "a bench needs two cores: one for the server, one for the client"
    );
    for (program, package) in [("wrk", "wrk"), ("taskset", "util-linux")] {
        ensure!(
            Command::new(program).arg("-v").output().is_ok(),
            "a bench needs {program}; on Debian: apt-get install {package}"
        );
    }
    let brunt = build(root)?;
    let folder = tempfile::tempdir().context("cannot make a folder for the runs")?;
    let pairs = throughput::pairs(&brunt, folder.path(), options.pairs, options.seconds)?;
    let memory = memory::of_waiting_users(&brunt, folder.path(), options.waiting_users)?;
    let page = table::page(root, options, &pairs, &memory)?;
    let path = root.join("docs/benchmarks.md");
    std::fs::write(&path, page).with_context(|| format!("cannot write {}", path.display()))?;
    println!("written: {}", path.display());
    Ok(())
}

/// Builds brunt as users do, and gives its path.
fn build(root: &Path) -> anyhow::Result<std::path::PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .current_dir(root)
        .args(["build", "--release", "--locked", "--package", "brunt"])
        .status()
        .context("cannot run cargo")?;
    ensure!(status.success(), "brunt does not build");
    let target = std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| root.join("target"), std::path::PathBuf::from);
    Ok(target.join("release/brunt"))
}
