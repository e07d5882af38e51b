//! `cargo xtask bench instructions`: the number of instructions that parts of the hot path execute, measured by
//! callgrind and compared with the committed counts of the same compiler.
//!
//! Instruction counts do not depend on the load of the machine.

mod counts;

use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail, ensure};

use self::counts::Counts;
use crate::{apt, release};

const PATH: &str = "crates/engine/benches/instructions/counts.toml";
/// Iterations of the first and of the second run of a benchmark.
const ITERATIONS: [u64; 2] = [1_000, 6_000];
/// Iterations of benchmarks that simulate a second of load in each iteration.
const ITERATIONS_OF_SECONDS: [u64; 2] = [5, 25];
/// Largest increase over the committed count that passes, in percent.
const INCREASE_PERCENT_MAX: f64 = 2.0;

/// Options of `cargo xtask bench instructions`.
#[derive(clap::Args)]
pub struct Options {
    /// Write the counts as the new baseline instead of comparing them
    #[arg(long)]
    keep: bool,
}

/// Counts the instructions of every benchmark and compares them with the committed counts.
///
/// # Errors
///
/// If valgrind is missing and cannot be installed, the benchmarks do not build or run, or a count has increased by more
/// than 2 %.
pub fn run(root: &Path, options: &Options) -> anyhow::Result<()> {
    if !apt::is_on_path("valgrind") {
        apt::install(&["valgrind"]).context("valgrind is needed")?;
    }
    let program = release::build_bench(root, "brunt-engine", "instructions")?;
    let listed = Command::new(&program)
        .output()
        .context("cannot run the benchmarks")?;
    let names = String::from_utf8(listed.stdout)?;
    let compiler = compiler()?;
    let path = root.join(PATH);
    let mut committed = Counts::read(&path)?;
    let baseline = committed.of(&compiler).cloned();
    let (mut counted, mut increased) = (Vec::new(), Vec::new());
    println!("instructions per iteration, with {compiler}:");
    for name in names.lines() {
        let count = instructions_per_iteration(&program, name)?;
        let before = baseline
            .as_ref()
            .and_then(|counts| counts.get(name).copied());
        let change = before.map(|before| (count / before - 1.0) * 100.0);
        match change {
            Some(percent) => println!("{count:>12.1}  {percent:+6.2} %  {name}"),
            None => println!("{count:>12.1}        –   {name}"),
        }
        if change.is_some_and(|percent| percent > INCREASE_PERCENT_MAX) {
            increased.push(name);
        }
        counted.push((name.to_owned(), count));
    }
    if options.keep {
        committed.replace(&compiler, counted);
        std::fs::write(&path, committed.to_string())?;
        println!("wrote {PATH}");
        return Ok(());
    }
    match baseline {
        None => println!(
            "no counts to compare with: {PATH} has counts of {}; add these with `--keep`",
            committed.compilers()
        ),
        Some(_) if increased.is_empty() => {
            println!("no count is more than {INCREASE_PERCENT_MAX} % above the committed one");
        }
        Some(_) => bail!(
            "more than {INCREASE_PERCENT_MAX} % above the committed counts: {}; if that is intended, update them with `--keep`",
            increased.join(", ")
        ),
    }
    Ok(())
}

/// Instructions per iteration of a benchmark: the difference of two runs, so that its setup does not count.
fn instructions_per_iteration(program: &Path, name: &str) -> anyhow::Result<f64> {
    let iterations = if name.contains("a second of") {
        ITERATIONS_OF_SECONDS
    } else {
        ITERATIONS
    };
    let few = instructions_of_run(program, name, iterations[0])?;
    let many = instructions_of_run(program, name, iterations[1])?;
    ensure!(
        many > few,
        "{name} executes no instructions: {few} in {} iterations, {many} in {}",
        iterations[0],
        iterations[1]
    );
    Ok((many - few) as f64 / (iterations[1] - iterations[0]) as f64)
}

/// Number of instructions that a run executes, its setup included.
fn instructions_of_run(program: &Path, name: &str, iterations: u64) -> anyhow::Result<u64> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(program)
        .args([name, &iterations.to_string()])
        // The size of the environment moves the stack, whose alignment changes the instructions of a copy.
        .env_clear()
        .output()
        .context("cannot run valgrind")?;
    let log = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{name} failed: {log}");
    let collected = log.lines().find_map(|line| line.split_once("Collected : "));
    let (_, collected) =
        collected.with_context(|| format!("callgrind reported no count: {log}"))?;
    Ok(collected.trim().parse()?)
}

/// The compiler's version and host, such as `rustc 1.95.0 (…), x86_64-unknown-linux-gnu`.
fn compiler() -> anyhow::Result<String> {
    let output = Command::new("rustc").arg("-vV").output()?;
    let text = String::from_utf8(output.stdout)?;
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    let version = text.lines().next().context("`rustc -vV` printed nothing")?;
    Ok(format!(
        "{version}, {}",
        host.context("`rustc -vV` printed no host")?
    ))
}
