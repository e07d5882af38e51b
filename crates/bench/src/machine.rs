//! The machine and the commit that measurements come from.

use std::path::Path;
use std::process::Command;

use anyhow::Context;

/// The processor's model, the number of cores, and the kernel, such as `AMD EPYC, 2 cores, Linux 6.18.44`.
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

/// The abbreviated commit, followed by `-dirty` if there are uncommitted changes.
pub fn commit(root: &Path) -> anyhow::Result<String> {
    output(root, "git", &["describe", "--always", "--dirty"])
}

/// The trimmed standard output of a program, whatever its exit status.
///
/// # Errors
///
/// If the program cannot be started.
pub fn output(root: &Path, program: &str, arguments: &[&str]) -> anyhow::Result<String> {
    let output = Command::new(program)
        .current_dir(root)
        .args(arguments)
        .output()
        .with_context(|| format!("cannot run {program}"))?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
