//! `cargo xtask check`: the steps every change passes, in order, up to the first that fails.

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

/// What `cargo xtask check` takes.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Run these steps alone; they keep their order.
    #[arg(long, value_name = "STEP", num_args = 1.., value_delimiter = ',')]
    only: Vec<Step>,
}

/// One step of the check, in the order they run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Step {
    /// Programs the tests need: installed where that is possible
    Tools,
    /// rustfmt changes nothing
    Format,
    /// clippy, with warnings denied
    Clippy,
    /// rustdoc, with warnings denied
    Docs,
    /// The project's own rules
    Tidy,
    /// All tests, doctests included
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
            Self::Tools => tools::provide(root, strictness),
            Self::Format => cargo(root, &["fmt", "--all", "--check"], &[])
                .context("the code is not formatted: run `cargo fmt --all`"),
            Self::Clippy => {
                const ARGUMENTS: [&str; 7] = [
                    "clippy",
                    "--workspace",
                    "--all-targets",
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

/// Runs the steps and prints how each ended; the last line sums up.
pub(crate) fn run(root: &Path, options: &Options) -> anyhow::Result<()> {
    let strictness = Strictness::of_this_run();
    let skips = Skips::start()?;
    let steps = chosen(&options.only);
    let began = Instant::now();
    for step in &steps {
        let step_began = Instant::now();
        println!("==> {}", step.name());
        let result = step.run(root, strictness, &skips);
        let took = seconds(step_began.elapsed());
        if let Err(error) = result {
            skips.print()?;
            return Err(error.context(format!("check failed at {} after {took}", step.name())));
        }
        println!("==> {}: passed in {took}", step.name());
    }
    let skipped = skips.print()?;
    if strictness == Strictness::NothingSkipped && !skipped.is_empty() {
        bail!(
            "check failed: under CI=true every test must run, and {} did not",
            skipped.len()
        );
    }
    println!(
        "check passed in {}: {}; {}",
        seconds(began.elapsed()),
        names(&steps),
        counted(&skipped)
    );
    Ok(())
}

fn chosen(only: &[Step]) -> Vec<Step> {
    let all = Step::value_variants().iter().copied();
    all.filter(|step| only.is_empty() || only.contains(step))
        .collect()
}

fn names(steps: &[Step]) -> String {
    steps
        .iter()
        .map(|step| step.name())
        .collect::<Vec<_>>()
        .join(", ")
}

fn counted(skipped: &[skips::Skip]) -> String {
    match skipped {
        [] => "no test skipped".to_owned(),
        [one] => format!("1 test skipped: {}", one.test),
        many => {
            let tests: Vec<&str> = many.iter().map(|skip| skip.test.as_str()).collect();
            format!("{} tests skipped: {}", many.len(), tests.join(", "))
        }
    }
}

fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}

/// Runs the cargo that started this program, at the workspace's root, its output shown as it comes.
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
    fn cargo_run_has_brunt_alone_to_run() {
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
    fn without_a_choice_all_steps_run_in_order() {
        assert_eq!(
            names(&chosen(&[])),
            "tools, format, clippy, docs, tidy, tests"
        );
    }

    #[test]
    fn chosen_steps_keep_the_order_of_the_check() {
        assert_eq!(
            names(&chosen(&[Step::Tests, Step::Format])),
            "format, tests"
        );
    }
}
