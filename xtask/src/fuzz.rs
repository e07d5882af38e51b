//! `cargo xtask fuzz`: coverage-guided fuzzing of the reader of answers, with the stable compiler.
//!
//! What it keeps goes to `crates/engine/tests/oracle/corpus.txt`, which the tests play again.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};

/// What `cargo xtask fuzz` takes.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// How long to fuzz.
    #[arg(long, default_value_t = 30)]
    minutes: u32,
}

/// Answers are never longer: what breaks a parser is short.
const BYTES_MAX: &str = "600";
/// Entries of the corpus that are kept are never longer.
const KEPT_BYTES_MAX: &str = "120";
/// Where the tests read the corpus.
const CORPUS: &str = "crates/engine/tests/oracle/corpus.txt";
/// What stands in answers.
const WORDS: &[&str] = &[
    "HTTP/1.1 ",
    "HTTP/1.0 ",
    "\\x0d\\x0a",
    "\\x0d\\x0a\\x0d\\x0a",
    "Content-Length: ",
    "Transfer-Encoding: ",
    "chunked",
    "Connection: ",
    "close",
    "keep-alive",
    "Location: ",
    "Content-Encoding: ",
    "gzip",
    "deflate",
    "100 ",
    "101 ",
    "204 ",
    "304 ",
    "200 ",
    "0\\x0d\\x0a\\x0d\\x0a",
];
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
    let fuzzer = build(root)?;
    let work = tempfile::tempdir()?;
    let (corpus, kept) = (work.path().join("corpus"), work.path().join("kept"));
    fs::create_dir(&corpus)?;
    fs::create_dir(&kept)?;
    let dictionary = work.path().join("words");
    let words: Vec<String> = WORDS.iter().map(|word| format!("\"{word}\"")).collect();
    fs::write(&dictionary, words.join("\n"))?;
    let known = fs::read_to_string(root.join(CORPUS))?;
    for (number, line) in known.lines().enumerate() {
        fs::write(corpus.join(format!("known-{number}")), unescaped(line)?)?;
    }
    let seconds = options.minutes * 60;
    let mut fuzzing = Command::new(&fuzzer);
    fuzzing
        .current_dir(root)
        .arg(&corpus)
        .arg(format!("-dict={}", dictionary.display()))
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-max_len={BYTES_MAX}"))
        .arg("-print_final_stats=1");
    succeed(
        &mut fuzzing,
        "the fuzzer found something: see its last lines, and the file it left",
    )?;
    let mut merging = Command::new(&fuzzer);
    merging
        .arg("-merge=1")
        .arg(format!("-max_len={KEPT_BYTES_MAX}"))
        .args([&kept, &corpus]);
    succeed(&mut merging, "the corpus could not be made smaller")?;
    let lines = lines_of(&kept)?;
    fs::write(root.join(CORPUS), lines.concat())?;
    println!("{} entries in {CORPUS}", lines.len());
    Ok(())
}

/// Builds the fuzzer beside what is built for tests; only what runs is instrumented.
fn build(root: &Path) -> anyhow::Result<PathBuf> {
    let target = root.join("target/fuzz");
    let host = host()?;
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo
        .current_dir(root.join("fuzz"))
        .args(["build", "--release", "--target", &host])
        .env("CARGO_TARGET_DIR", &target)
        .env("RUSTFLAGS", FLAGS.join(" "));
    succeed(&mut cargo, "the fuzzer could not be built")?;
    Ok(target.join(host).join("release/answer"))
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

/// The entries of a corpus, a line each, in an order that does not change.
fn lines_of(folder: &Path) -> anyhow::Result<Vec<String>> {
    let mut lines = Vec::new();
    for entry in fs::read_dir(folder)? {
        let bytes = fs::read(entry?.path())?;
        if !bytes.is_empty() {
            lines.push(escaped(&bytes) + "\n");
        }
    }
    lines.sort();
    Ok(lines)
}

/// Bytes that can be read stay as they are; all others are a backslash and two hexadecimal digits.
fn escaped(bytes: &[u8]) -> String {
    let mut line = String::new();
    for byte in bytes {
        match byte {
            b' '..=b'~' if *byte != b'\\' => line.push(char::from(*byte)),
            // Writing to a text does not fail.
            _ => write!(line, "\\{byte:02x}").unwrap_or_default(),
        }
    }
    line
}

fn unescaped(line: &str) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut rest = line;
    while let Some((before, after)) = rest.split_once('\\') {
        bytes.extend_from_slice(before.as_bytes());
        let digits = after.get(..2).context("a backslash without two digits")?;
        bytes.push(u8::from_str_radix(digits, 16)?);
        rest = &after[2..];
    }
    bytes.extend_from_slice(rest.as_bytes());
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_comes_back_from_its_line() {
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(unescaped(&escaped(&all)).unwrap(), all);
        assert_eq!(escaped(b"HTTP/1.1 200\r\n\\"), "HTTP/1.1 200\\0d\\0a\\5c");
        assert!(unescaped("\\0").is_err());
    }
}
