//! The workspace's programs as users build them, and the cores that they run on.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};
use serde_json::Value;

/// The core of the server, and that of the client.
pub(crate) const SERVER_CORE: usize = 1;
pub(crate) const CLIENT_CORE: usize = 0;

/// Builds these packages as they ship, and gives the folder of their programs.
pub(crate) fn build(root: &Path, packages: &[&str]) -> anyhow::Result<PathBuf> {
    let mut command = cargo(root);
    command.args(["build", "--profile", "dist", "--locked"]);
    for package in packages {
        command.args(["--package", package]);
    }
    let status = command.status().context("cannot run cargo")?;
    ensure!(status.success(), "{} does not build", packages.join(", "));
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    Ok(target.join("dist"))
}

/// Builds a program of a package's `benches/`, and says where it is.
pub(crate) fn build_bench(root: &Path, package: &str, bench: &str) -> anyhow::Result<PathBuf> {
    let output = cargo(root)
        .args([
            "bench",
            "--no-run",
            "--locked",
            "--package",
            package,
            "--all-features",
        ])
        .args([
            "--bench",
            bench,
            "--message-format",
            "json-render-diagnostics",
        ])
        .stderr(Stdio::inherit())
        .output()
        .context("cannot run cargo")?;
    ensure!(
        output.status.success(),
        "the bench {bench} of {package} does not build"
    );
    let text = String::from_utf8(output.stdout)?;
    let mut built = text.lines().filter_map(|line| {
        let message: Value = serde_json::from_str(line).ok()?;
        let is_it = message["target"]["name"] == bench;
        let program = message["executable"].as_str().filter(|_| is_it)?;
        Some(PathBuf::from(program))
    });
    built
        .next_back()
        .with_context(|| format!("cargo does not say where the bench {bench} of {package} is"))
}

/// The cargo that started this program, in the workspace.
fn cargo(root: &Path) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root);
    command
}

/// That there are two cores, and taskset.
pub(crate) fn needed() -> anyhow::Result<()> {
    ensure!(
        std::thread::available_parallelism()?.get() > SERVER_CORE,
        "two cores are needed: one for the server, one for the client"
    );
    ensure!(
        Command::new("taskset").arg("--version").output().is_ok(),
        "taskset is needed; on Debian: apt-get install util-linux"
    );
    Ok(())
}
