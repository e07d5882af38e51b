//! A Python virtual environment in the target folder, with the `PyPI` packages that some tests use as servers and as
//! readers of brunt's output.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;
use cargo_metadata::MetadataCommand;

use super::strictness::Strictness;
use brunt_bench::command::run_shown;

/// Pinned packages, so that the tests are reproducible.
const PACKAGES: [&str; 6] = [
    "opentelemetry-proto==1.45.2",
    "pandas==3.1.1",
    "prometheus-client==0.26.0",
    "protobuf==7.36.2",
    // An OpenTelemetry collector as a binary wheel, which is only published for these platforms.
    "rotel==0.0.1a15; sys_platform == 'linux' and python_version < '3.14'",
    "uvicorn==0.54.0",
];

/// Creates the environment unless it exists and has the right packages. If that fails and skips are allowed, the tests
/// that need it are skipped.
pub(super) fn install(root: &Path, strictness: Strictness) -> anyhow::Result<()> {
    let folder = folder(root)?;
    let marker = folder.join("installed-packages");
    let packages = PACKAGES.join("\n");
    if std::fs::read_to_string(&marker).is_ok_and(|installed| installed == packages) {
        return Ok(());
    }
    match create(&folder) {
        Ok(()) => Ok(std::fs::write(&marker, packages)?),
        Err(error) if strictness == Strictness::SkipsAllowed => {
            println!("    tests that need Python packages will be skipped and named: {error:#}");
            Ok(())
        }
        Err(error) => Err(error),
    }
}

/// The folder in which the tests expect the environment: `python/` in the target folder.
fn folder(root: &Path) -> anyhow::Result<PathBuf> {
    let metadata = MetadataCommand::new()
        .current_dir(root)
        .no_deps()
        .exec()
        .context("cannot get the target folder from cargo")?;
    Ok(metadata.target_directory.join("python").into())
}

/// Replaces the environment.
fn create(folder: &Path) -> anyhow::Result<()> {
    let shown = folder.display();
    let mut environment = Command::new("python3");
    environment.args(["-m", "venv", "--clear"]).arg(folder);
    run_shown(
        &mut environment,
        &format!("python3 -m venv --clear {shown}"),
    )?;
    let mut install = Command::new(folder.join("bin/python"));
    let arguments = [
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
    ];
    install.args(arguments).args(PACKAGES);
    run_shown(
        &mut install,
        &format!("{shown}/bin/python -m pip install {}", PACKAGES.join(" ")),
    )
}
