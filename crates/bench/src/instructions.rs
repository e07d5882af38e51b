//! `cargo xtask bench instructions`: what pieces of the hot path execute, counted by callgrind, against the counts
//! that were committed for the same compiler. A count does not depend on what else the machine does.

mod counts;

use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail, ensure};

use self::counts::Counts;
use crate::{apt, release};

const PATH: &str = "crates/engine/benches/instructions/counts.toml";
/// A piece is done so many times more in the second run than in the first.
const TIMES: [u64; 2] = [1_000, 6_000];
/// Pieces that take long, as it were a second each.
const TIMES_OF_SECONDS: [u64; 2] = [5, 25];
/// A piece that takes so much more than was committed is complained of, in percent.
const MORE_PERCENT_MAX: f64 = 2.0;

/// Options of `cargo xtask bench instructions`.
#[derive(clap::Args)]
pub struct Options {
    /// Write the counts down as those to compare with
    #[arg(long)]
    keep: bool,
}

/// Counts the instructions of every piece and compares them with the committed counts.
///
/// # Errors
///
/// If valgrind is missing and cannot be installed, a piece does not build or run, or takes more than is allowed.
pub fn run(root: &Path, options: &Options) -> anyhow::Result<()> {
    if !apt::is_on_path("valgrind") {
        apt::install(&["valgrind"]).context("valgrind is needed")?;
    }
    let program = release::build_bench(root, "brunt-engine", "instructions")?;
    let listed = Command::new(&program)
        .output()
        .context("cannot run the bench")?;
    let names = String::from_utf8(listed.stdout)?;
    let compiler = compiler()?;
    let path = root.join(PATH);
    let mut committed = Counts::read(&path)?;
    let known = committed.of(&compiler).cloned();
    let (mut counted, mut more) = (Vec::new(), Vec::new());
    println!("instructions each, with {compiler}:");
    for name in names.lines() {
        let count = instructions_of(&program, name)?;
        let before = known.as_ref().and_then(|known| known.get(name).copied());
        let change = before.map(|before| (count / before - 1.0) * 100.0);
        match change {
            Some(percent) => println!("{count:>12.1}  {percent:+6.2} %  {name}"),
            None => println!("{count:>12.1}        –   {name}"),
        }
        if change.is_some_and(|percent| percent > MORE_PERCENT_MAX) {
            more.push(name);
        }
        counted.push((name.to_owned(), count));
    }
    if options.keep {
        committed.keep(&compiler, counted);
        std::fs::write(&path, committed.text())?;
        println!("written: {PATH}");
        return Ok(());
    }
    match known {
        None => println!(
            "nothing to compare with: {PATH} has counts of {}; `--keep` adds these",
            committed.compilers()
        ),
        Some(_) if more.is_empty() => {
            println!("nothing takes {MORE_PERCENT_MAX} % more than was committed");
        }
        Some(_) => bail!(
            "more than {MORE_PERCENT_MAX} % above what was committed: {}; where that is meant, `--keep` it",
            more.join(", ")
        ),
    }
    Ok(())
}

/// What a piece takes each time: preparations are in both runs, and fall out.
fn instructions_of(program: &Path, name: &str) -> anyhow::Result<f64> {
    let times = if name.contains("a second of") {
        TIMES_OF_SECONDS
    } else {
        TIMES
    };
    let few = executed(program, name, times[0])?;
    let many = executed(program, name, times[1])?;
    ensure!(many > few, "{name} takes no instructions: {few} and {many}");
    Ok((many - few) as f64 / (times[1] - times[0]) as f64)
}

/// What a run executes, preparations included.
fn executed(program: &Path, name: &str, times: u64) -> anyhow::Result<u64> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(program)
        .args([name, &times.to_string()])
        // Where it lies on the stack would move what is copied fast and what is not.
        .env_clear()
        .output()
        .context("cannot run valgrind")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{name} failed: {said}");
    let collected = said
        .lines()
        .find_map(|line| line.split_once("Collected : "));
    let (_, collected) = collected.with_context(|| format!("callgrind counted nothing: {said}"))?;
    Ok(collected.trim().parse()?)
}

/// The compiler, and what it builds for.
fn compiler() -> anyhow::Result<String> {
    let output = Command::new("rustc").arg("-vV").output()?;
    let text = String::from_utf8(output.stdout)?;
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    let version = text.lines().next().context("rustc says nothing")?;
    Ok(format!(
        "{version}, {}",
        host.context("rustc names no host")?
    ))
}
