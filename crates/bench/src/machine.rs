//! What figures were made with: the machine and the commit.

use std::path::Path;
use std::process::Command;

use anyhow::Context;

/// The processor, its cores, and the system.
pub fn machine(root: &Path) -> anyhow::Result<String> {
    let cpu = std::fs::read_to_string("/proc/cpuinfo")?;
    let cpu = cpu
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .unwrap_or(": unknown");
    Ok(format!(
        "{}, {} cores, {}",
        cpu.trim_start_matches([':', ' ', '\t']),
        std::thread::available_parallelism()?,
        output(root, "uname", &["-sr"])?
    ))
}

/// The commit, and whether there is more than it.
pub fn commit(root: &Path) -> anyhow::Result<String> {
    output(root, "git", &["describe", "--always", "--dirty"])
}

/// What a program prints, whether or not it fails.
pub fn output(root: &Path, program: &str, arguments: &[&str]) -> anyhow::Result<String> {
    let output = Command::new(program)
        .current_dir(root)
        .args(arguments)
        .output()
        .with_context(|| format!("cannot run {program}"))?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
