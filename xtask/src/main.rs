//! Development tasks of the project, run as `cargo xtask COMMAND`.
//!
//! Contributors run `check` before a commit, and CI runs the same steps in the same order.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command-line tool prints its results"
)]

mod check;
mod fuzz;
mod tidy;
mod torture;
mod validate;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use brunt_bench::{instructions, peers};
use clap::Parser;

#[derive(Parser)]
#[command(bin_name = "cargo xtask", about = "Development tasks of the project")]
enum Task {
    /// Check formatting, lints, docs and the project's rules, and run all tests, as CI does
    Check(check::Options),
    /// Measure brunt's performance, compared with other load generators or in instructions
    #[command(subcommand)]
    Bench(Bench),
    /// Fuzz a parser; needs a C++ compiler
    Fuzz(fuzz::Options),
    /// Validate the statistics in virtual time or on real sockets; writes docs/validation.md or
    /// docs/validation-sockets.md
    Validate(validate::Options),
    /// Inject faults for up to an hour: kill processes, fail system calls, damage files; writes docs/robustness.md
    Torture(torture::Options),
}

/// Benchmarks that `cargo xtask bench` runs.
#[derive(clap::Subcommand)]
enum Bench {
    /// Compare brunt with wrk, h2load, oha, hey, goose, k6 and Locust; writes docs/benchmarks.md
    Peers(peers::Options),
    /// Count the instructions of the hot path with callgrind and compare them with the committed counts
    Instructions(instructions::Options),
}

impl Bench {
    fn run(&self, root: &Path) -> anyhow::Result<()> {
        match self {
            Self::Peers(options) => peers::run(root, options),
            Self::Instructions(options) => instructions::run(root, options),
        }
    }
}

fn main() -> ExitCode {
    let task = Task::parse();
    let result = root().and_then(|root| match task {
        Task::Check(options) => check::run(&root, &options),
        Task::Bench(benchmark) => benchmark.run(&root),
        Task::Fuzz(options) => fuzz::run(&root, &options),
        Task::Validate(options) => validate::run(&root, &options),
        Task::Torture(options) => torture::run(&root, &options),
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The root folder of the workspace, whatever the working directory.
///
/// Cargo sets `CARGO_MANIFEST_DIR` for each run. The value at compile time is only the fallback: if two clones share a
/// target folder, it may belong to the other clone.
fn root() -> anyhow::Result<PathBuf> {
    let own_folder = std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    let root = own_folder
        .parent()
        .context("the folder of the crate xtask has no parent")?;
    Ok(root.to_path_buf())
}
