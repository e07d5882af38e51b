//! Release builds of the workspace's programs, and the cores that they are pinned to.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};
use serde_json::Value;

/// Core of the server.
pub(crate) const SERVER_CORE: usize = 1;
/// Core of the client.
pub(crate) const CLIENT_CORE: usize = 0;

/// Builds packages with the profile of the releases, `dist`, and returns the folder of their programs.
pub(crate) fn build(root: &Path, packages: &[&str]) -> anyhow::Result<PathBuf> {
    let mut command = cargo(root);
    command.args(["build", "--profile", "dist", "--locked"]);
    for package in packages {
        command.args(["--package", package]);
    }
    let status = command.status().context("cannot run cargo")?;
    ensure!(status.success(), "cannot build {}", packages.join(", "));
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    Ok(target.join("dist"))
}

/// Builds a program of a package's `benches/` and returns its path.
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
        "cannot build the benchmark {bench} of {package}"
    );
    let text = String::from_utf8(output.stdout)?;
    let mut built = text.lines().filter_map(|line| {
        let message: Value = serde_json::from_str(line).ok()?;
        let is_bench = message["target"]["name"] == bench;
        let program = message["executable"].as_str().filter(|_| is_bench)?;
        Some(PathBuf::from(program))
    });
    built.next_back().with_context(|| {
        format!("cargo did not report the path of the benchmark {bench} of {package}")
    })
}

/// The cargo that started this program, with the workspace as its working directory.
fn cargo(root: &Path) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root);
    command
}

/// Checks that the machine has two cores and `taskset`.
pub(crate) fn check_requirements() -> anyhow::Result<()> {
    ensure!(
        std::thread::available_parallelism()?.get() > SERVER_CORE,
        "the machine has one core, but the server and the client need one each"
    );
    ensure!(
        Command::new("taskset").arg("--version").output().is_ok(),
        "cannot run taskset: on Debian, install it with `apt-get install util-linux`"
    );
    Ok(())
}
