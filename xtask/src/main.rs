//! The project's chores, run as `cargo xtask VERB`.
//!
//! `check` is what a contributor runs before a commit and what CI runs: the same steps in the same order.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line tool: its output is its work"
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
#[command(bin_name = "cargo xtask", about = "The project's chores")]
enum Verb {
    /// Formatting, lints, docs, tidy rules and all tests: what CI runs.
    Check(check::Options),
    /// What brunt costs, side by side with other load generators or in instructions.
    #[command(subcommand)]
    Bench(Bench),
    /// Fuzzes the reader of answers, and keeps what it found worth keeping; needs a C++ compiler.
    Fuzz(fuzz::Options),
    /// Every proof that the verdict tells the truth, with all seeds, in virtual time or on real sockets; writes
    /// docs/validation.md or docs/validation-sockets.md.
    Validate(validate::Options),
    /// Faults on purpose, for at most an hour: processes killed, calls of the system that fail, files damaged; writes
    /// docs/robustness.md.
    Torture(torture::Options),
}

/// The kinds of benchmark.
#[derive(clap::Subcommand)]
enum Bench {
    /// Side by side with wrk, h2load, oha, hey, goose, k6 and Locust; writes docs/benchmarks.md
    Peers(peers::Options),
    /// Instructions of the hot path, by callgrind, against those that were committed
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
    let result = match Verb::parse() {
        Verb::Check(options) => root().and_then(|root| check::run(&root, &options)),
        Verb::Bench(verb) => root().and_then(|root| verb.run(&root)),
        Verb::Fuzz(options) => root().and_then(|root| fuzz::run(&root, &options)),
        Verb::Validate(options) => root().and_then(|root| validate::run(&root, &options)),
        Verb::Torture(options) => root().and_then(|root| torture::run(&root, &options)),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The folder of the workspace, wherever the command was given.
///
/// Cargo names this crate's folder anew at each run. The one known when it was compiled comes second: with a target
/// folder that two clones share, it may be the other clone's.
fn root() -> anyhow::Result<PathBuf> {
    let own_folder = std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    let root = own_folder
        .parent()
        .context("the folder of xtask has no parent")?;
    Ok(root.to_path_buf())
}
