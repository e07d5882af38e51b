//! `cargo xtask fuzz`: coverage-guided fuzzing of the parsers with the stable compiler.
//!
//! The minimized corpus of HTTP/1.1 responses is written to `crates/engine/tests/oracle/corpus.txt`, which the tests read.

mod corpus;
mod parser;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};

use parser::Parser;

/// Options of `cargo xtask fuzz`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Fuzz this parser
    #[arg(value_enum, default_value = "response")]
    parser: Parser,
    /// Stop after this many minutes
    #[arg(long, default_value_t = 30)]
    minutes: u32,
}

/// Largest entry of the minimized corpus, in bytes.
const ENTRY_BYTES_MAX: &str = "120";
/// Compiler flags for the coverage instrumentation that libFuzzer reads.
const FLAGS: &[&str] = &[
    "--cfg fuzzing",
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Ccodegen-units=1",
];

/// Fuzzes a parser, starting from its seeds. If its corpus is kept, writes the minimized corpus.
///
/// # Errors
///
/// If the fuzzer does not build or finds an input that fails.
pub(crate) fn run(root: &Path, options: &Options) -> anyhow::Result<()> {
    let parser = options.parser;
    let fuzzer = build(root, parser)?;
    let work = tempfile::tempdir()?;
    let corpus = work.path().join("corpus");
    let minimized = work.path().join("minimized");
    fs::create_dir(&corpus)?;
    fs::create_dir(&minimized)?;
    let dictionary = work.path().join("dictionary");
    let entries: Vec<String> = parser
        .dictionary()
        .iter()
        .map(|entry| format!("\"{entry}\""))
        .collect();
    fs::write(&dictionary, entries.join("\n"))?;
    for (number, seed) in parser.seeds(root)?.iter().enumerate() {
        fs::write(corpus.join(format!("seed-{number}")), seed)?;
    }
    let seconds = options.minutes * 60;
    let mut fuzzing = Command::new(&fuzzer);
    fuzzing
        .current_dir(root)
        .arg(&corpus)
        .arg(format!("-dict={}", dictionary.display()))
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-max_len={}", parser.bytes_max()))
        .arg("-print_final_stats=1");
    run_command(
        &mut fuzzing,
        "the fuzzer found an input that fails: see its last lines and the file that they name",
    )?;
    let Some(path) = parser.corpus() else {
        return Ok(());
    };
    let mut merging = Command::new(&fuzzer);
    merging
        .arg("-merge=1")
        .arg(format!("-max_len={ENTRY_BYTES_MAX}"))
        .args([&minimized, &corpus]);
    run_command(&mut merging, "cannot minimize the corpus")?;
    let lines = corpus::lines_of(&minimized)?;
    fs::write(root.join(path), lines.concat())?;
    println!("wrote {} entries to {path}", lines.len());
    Ok(())
}

/// Builds the fuzzer in its own target folder and returns its path. With `--target`, build scripts are not instrumented.
fn build(root: &Path, parser: Parser) -> anyhow::Result<PathBuf> {
    let target = root.join("target/fuzz");
    let host = host()?;
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo
        .current_dir(root.join("fuzz"))
        .args([
            "build",
            "--release",
            "--target",
            &host,
            "--bin",
            parser.target(),
        ])
        .env("CARGO_TARGET_DIR", &target)
        .env("RUSTFLAGS", FLAGS.join(" "));
    run_command(&mut cargo, "cannot build the fuzzer")?;
    Ok(target.join(host).join("release").join(parser.target()))
}

/// The target triple of this machine.
fn host() -> anyhow::Result<String> {
    let output = Command::new("rustc").arg("-vV").output()?;
    let text = String::from_utf8(output.stdout)?;
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("`rustc -vV` printed no host")?.to_owned())
}

/// Runs a command and fails with `message` unless its exit status is 0.
fn run_command(command: &mut Command, message: &str) -> anyhow::Result<()> {
    let status = command
        .status()
        .with_context(|| format!("cannot run {command:?}"))?;
    if !status.success() {
        bail!("{message} ({status})");
    }
    Ok(())
}
