//! The project's own rules, which neither rustfmt nor clippy checks. Each rule is in a file of its own.
//!
//! A rule is a pure function from files or metadata to findings. This file reads the tree and applies all rules.

mod banned_code;
mod crate_direction;
mod duplicate_versions;
mod file_length;
mod finding;
mod import_cycles;
mod licenses;
mod links;
mod manifests;
mod modules;
mod names;
mod orphans;
mod prose;
mod tokens;
mod tracked_files;
mod tree;
mod wording;

use std::path::Path;

use anyhow::{Context, bail};
use cargo_metadata::{Metadata, MetadataCommand};

use finding::Finding;
use tree::Tree;

/// Platform whose dependencies are checked. It is Linux because brunt reads `/proc`, and fixed so that every machine has the
/// same findings.
const PLATFORM: &str = "x86_64-unknown-linux-gnu";

/// Applies every rule to the tree at `root` and prints all findings.
///
/// # Errors
///
/// If there are findings, or the tree or the metadata cannot be read.
pub(crate) fn run(root: &Path) -> anyhow::Result<()> {
    let tree = Tree::read(root)?;
    let metadata = metadata(root)?;
    let mut count = 0_usize;
    for (rule, mut findings) in findings_by_rule(&tree, &metadata)? {
        findings.sort();
        count += findings.len();
        for finding in findings {
            println!("tidy[{rule}]: {finding}");
        }
    }
    match count {
        0 => Ok(()),
        1 => bail!("tidy has one finding"),
        many => bail!("tidy has {many} findings"),
    }
}

/// The findings of each rule, with its name.
fn findings_by_rule(
    tree: &Tree,
    metadata: &Metadata,
) -> anyhow::Result<Vec<(&'static str, Vec<Finding>)>> {
    let sources = tree.sources();
    let edges = crate_direction::edges(metadata);
    let members = crate_direction::members(metadata);
    Ok(vec![
        (
            "file-length",
            file_length::check(&tree.files, file_length::LONGER),
        ),
        ("crate-direction", crate_direction::check(&members, &edges)),
        ("import-cycles", import_cycles::check(&tree.files)),
        ("orphans", orphans::check(&tree.files)),
        ("names", names::check(&tree.files, &sources)),
        ("banned-code", banned_code::check(&sources)),
        ("licenses", licenses::check(&licenses::packages(metadata))),
        (
            "duplicate-versions",
            duplicate_versions::check(
                &duplicate_versions::shipped(metadata)?,
                duplicate_versions::ALLOWED,
            ),
        ),
        ("manifests", manifests::check(&tree.files)),
        ("links", links::check(&tree.files)?),
        ("tracked-files", tracked_files::check(&tree.files)),
        ("wording", wording::check(&tree.files, &sources)?),
        ("readable-rust", tree.unreadable()),
    ])
}

fn metadata(root: &Path) -> anyhow::Result<Metadata> {
    let options = ["--locked", "--filter-platform", PLATFORM].map(str::to_owned);
    MetadataCommand::new()
        .manifest_path(root.join("Cargo.toml"))
        .other_options(options)
        .exec()
        .context("cannot read `cargo metadata --locked`")
}
