//! `cargo xtask fuzz`: coverage-guided fuzzing of the parsers, with the stable compiler.
//!
//! What it keeps of answers goes to `crates/engine/tests/oracle/corpus.txt`, which the tests play again.

mod corpus;
mod parser;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};

use parser::Parser;

/// What `cargo xtask fuzz` takes.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// What to fuzz.
    #[arg(value_enum, default_value = "answer")]
    parser: Parser,
    /// How long to fuzz.
    #[arg(long, default_value_t = 30)]
    minutes: u32,
}

/// Entries of the corpus that are kept are never longer.
const KEPT_BYTES_MAX: &str = "120";
/// The compiler's own instrumentation for coverage, which libFuzzer reads.
const FLAGS: &[&str] = &[
    "--cfg fuzzing",
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Ccodegen-units=1",
];

pub(crate) fn run(root: &Path, options: &Options) -> anyhow::Result<()> {
    let parser = options.parser;
    let fuzzer = build(root, parser)?;
    let work = tempfile::tempdir()?;
    let (corpus, kept) = (work.path().join("corpus"), work.path().join("kept"));
    fs::create_dir(&corpus)?;
    fs::create_dir(&kept)?;
    let dictionary = work.path().join("words");
    let words: Vec<String> = parser
        .words()
        .iter()
        .map(|word| format!("\"{word}\""))
        .collect();
    fs::write(&dictionary, words.join("\n"))?;
    for (number, seed) in parser.seeds(root)?.iter().enumerate() {
        fs::write(corpus.join(format!("known-{number}")), seed)?;
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
    succeed(
        &mut fuzzing,
        "the fuzzer found something: see its last lines, and the file it left",
    )?;
    let Some(path) = parser.corpus() else {
        return Ok(());
    };
    let mut merging = Command::new(&fuzzer);
    merging
        .arg("-merge=1")
        .arg(format!("-max_len={KEPT_BYTES_MAX}"))
        .args([&kept, &corpus]);
    succeed(&mut merging, "the corpus could not be made smaller")?;
    let lines = corpus::lines_of(&kept)?;
    fs::write(root.join(path), lines.concat())?;
    println!("{} entries in {path}", lines.len());
    Ok(())
}

/// Builds the fuzzer beside what is built for tests; only what runs is instrumented.
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
    succeed(&mut cargo, "the fuzzer could not be built")?;
    Ok(target.join(host).join("release").join(parser.target()))
}

fn host() -> anyhow::Result<String> {
    let output = Command::new("rustc").arg("-vV").output()?;
    let text = String::from_utf8(output.stdout)?;
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host
        .context("rustc does not say what it builds for")?
        .to_owned())
}

fn succeed(command: &mut Command, what: &str) -> anyhow::Result<()> {
    let status = command.status().with_context(|| format!("{command:?}"))?;
    if !status.success() {
        bail!("{what} ({status})");
    }
    Ok(())
}
