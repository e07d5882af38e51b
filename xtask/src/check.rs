//! `cargo xtask check`: the steps that every change must pass. They run in order until one fails.

mod python;
mod skips;
mod strictness;
mod tools;

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use brunt_bench::command::run_shown;
use clap::ValueEnum;

use crate::tidy;
use skips::Skips;
use strictness::Strictness;

/// Options of `cargo xtask check`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Run only these steps, in the usual order
    #[arg(long, value_name = "STEP", num_args = 1.., value_delimiter = ',')]
    only: Vec<Step>,
}

/// A step of the check. The variants are in the order in which the steps run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Step {
    /// Install the programs that tests need
    Tools,
    /// Check the formatting with rustfmt
    Format,
    /// Run clippy and deny warnings
    Clippy,
    /// Run rustdoc and deny warnings
    Docs,
    /// Check the project's own rules
    Tidy,
    /// Run all tests, including doctests
    Tests,
}

impl Step {
    fn name(self) -> &'static str {
        match self {
            Self::Tools => "tools",
            Self::Format => "format",
            Self::Clippy => "clippy",
            Self::Docs => "docs",
            Self::Tidy => "tidy",
            Self::Tests => "tests",
        }
    }

    fn run(self, root: &Path, strictness: Strictness, skips: &Skips) -> anyhow::Result<()> {
        match self {
            Self::Tools => tools::install_missing(root, strictness),
            Self::Format => cargo(root, &["fmt", "--all", "--check"], &[])
                .context("the code is not formatted: run `cargo fmt --all`"),
            Self::Clippy => {
                const ARGUMENTS: [&str; 8] = [
                    "clippy",
                    "--workspace",
                    "--all-targets",
                    "--all-features",
                    "--locked",
                    "--",
                    "-D",
                    "warnings",
                ];
                cargo(root, &ARGUMENTS, &[])
            }
            Self::Docs => {
                const ARGUMENTS: [&str; 4] = ["doc", "--workspace", "--no-deps", "--locked"];
                cargo(root, &ARGUMENTS, &[("RUSTDOCFLAGS", "-D warnings".into())])
            }
            Self::Tidy => tidy::run(root),
            Self::Tests => {
                const ARGUMENTS: [&str; 4] = ["test", "--workspace", "--locked", "--no-fail-fast"];
                cargo(root, &ARGUMENTS, &[(skips::VARIABLE, skips.path().into())])
            }
        }
    }
}

/// Runs the selected steps and prints the result of each, and a summary with the skipped tests.
///
/// # Errors
///
/// If a step fails, or if tests are skipped in CI.
pub(crate) fn run(root: &Path, options: &Options) -> anyhow::Result<()> {
    let strictness = Strictness::from_environment();
    let skips = Skips::start()?;
    let steps = selected_steps(&options.only);
    let started_at = Instant::now();
    for step in &steps {
        let step_started_at = Instant::now();
        println!("==> {}", step.name());
        let result = step.run(root, strictness, &skips);
        let duration = format_seconds(step_started_at.elapsed());
        if let Err(error) = result {
            skips.print()?;
            return Err(error.context(format!("check failed at {} after {duration}", step.name())));
        }
        println!("==> {}: passed in {duration}", step.name());
    }
    let skipped = skips.print()?;
    if strictness == Strictness::NothingSkipped && !skipped.is_empty() {
        bail!(
            "check failed: with CI=true every test must run, and {} were skipped",
            skipped.len()
        );
    }
    println!(
        "check passed in {}: {}; {}",
        format_seconds(started_at.elapsed()),
        step_names(&steps),
        describe_skips(&skipped)
    );
    Ok(())
}

/// The steps in `only` in the order of the check, or all steps if it is empty.
fn selected_steps(only: &[Step]) -> Vec<Step> {
    let all = Step::value_variants().iter().copied();
    all.filter(|step| only.is_empty() || only.contains(step))
        .collect()
}

fn step_names(steps: &[Step]) -> String {
    steps
        .iter()
        .map(|step| step.name())
        .collect::<Vec<_>>()
        .join(", ")
}

fn describe_skips(skipped: &[skips::Skip]) -> String {
    match skipped {
        [] => "no test skipped".to_owned(),
        [one] => format!("1 test skipped: {}", one.test),
        many => {
            let tests: Vec<&str> = many.iter().map(|skip| skip.test.as_str()).collect();
            format!("{} tests skipped: {}", many.len(), tests.join(", "))
        }
    }
}

fn format_seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}

/// Runs a subcommand of the cargo that started this program in the root folder, with its output shown.
fn cargo(root: &Path, arguments: &[&str], variables: &[(&str, OsString)]) -> anyhow::Result<()> {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.current_dir(root).args(arguments);
    for (name, value) in variables {
        command.env(name, value);
    }
    run_shown(&mut command, &format!("cargo {}", arguments.join(" ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn default_members_have_brunt_as_their_only_binary() {
        let metadata = cargo_metadata::MetadataCommand::new()
            .manifest_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml"))
            .no_deps()
            .exec()
            .unwrap();
        let packages = metadata.workspace_default_packages();
        let targets = packages.iter().flat_map(|package| &package.targets);
        let programs = targets.filter(|target| target.is_bin());
        let names: Vec<&str> = programs.map(|target| target.name.as_str()).collect();
        assert_eq!(names, ["brunt"]);
    }

    #[test]
    fn without_a_selection_all_steps_run_in_order() {
        assert_eq!(
            step_names(&selected_steps(&[])),
            "tools, format, clippy, docs, tidy, tests"
        );
    }

    #[test]
    fn selected_steps_keep_the_order_of_the_check() {
        assert_eq!(
            step_names(&selected_steps(&[Step::Tests, Step::Format])),
            "format, tests"
        );
    }
}
