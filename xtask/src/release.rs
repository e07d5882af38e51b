//! The workspace's programs as users build them, and the cores that they run on.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};

/// The core of the server, and that of the client.
pub(crate) const SERVER_CORE: usize = 1;
pub(crate) const CLIENT_CORE: usize = 0;

/// Builds these packages, and gives the folder of their programs.
pub(crate) fn build(root: &Path, packages: &[&str]) -> anyhow::Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command
        .current_dir(root)
        .args(["build", "--release", "--locked"]);
    for package in packages {
        command.args(["--package", package]);
    }
    let status = command.status().context("cannot run cargo")?;
    ensure!(status.success(), "{} does not build", packages.join(", "));
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    Ok(target.join("release"))
}

/// That there are two cores, and these programs beside taskset, each with its package.
pub(crate) fn needed(programs: &[(&str, &str)]) -> anyhow::Result<()> {
    ensure!(
        std::thread::available_parallelism()?.get() > SERVER_CORE,
        "two cores are needed: one for the server, one for the client"
    );
    for (program, package) in programs.iter().chain(&[("taskset", "util-linux")]) {
        ensure!(
            Command::new(program).arg("-v").output().is_ok(),
            "{program} is needed; on Debian: apt-get install {package}"
        );
    }
    Ok(())
}
