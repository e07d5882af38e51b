//! `cargo xtask bench`: what brunt costs. `peers` plays it side by side with other load generators and writes
//! `docs/benchmarks.md`; `instructions` counts what the hot path executes, to see a change that no clock shows.

mod instructions;
mod peers;

use std::path::Path;

/// What is measured.
#[derive(clap::Subcommand)]
pub(crate) enum Verb {
    /// Side by side with wrk, h2load, oha, hey, goose, k6 and Locust; writes docs/benchmarks.md
    Peers(peers::Options),
    /// Instructions of the hot path, by callgrind, against those that were committed
    Instructions(instructions::Options),
}

pub(crate) fn run(root: &Path, verb: &Verb) -> anyhow::Result<()> {
    match verb {
        Verb::Peers(options) => peers::run(root, options),
        Verb::Instructions(options) => instructions::run(root, options),
    }
}
