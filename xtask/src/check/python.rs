//! A Python of the check's own, beside the build, with the packages of `PyPI` that some tests serve with, and read what
//! brunt writes.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;
use cargo_metadata::MetadataCommand;

use super::strictness::Strictness;
use brunt_bench::command::run_shown;

/// With their versions: what was tested yesterday is tested today.
const PACKAGES: [&str; 6] = [
    "opentelemetry-proto==1.45.2",
    "pandas==3.1.1",
    "prometheus-client==0.26.0",
    "protobuf==7.36.2",
    // A collector, whose program is in its wheel; there is none for other machines.
    "rotel==0.0.1a15; sys_platform == 'linux' and python_version < '3.14'",
    "uvicorn==0.54.0",
];

/// Makes the environment where it is missing, or where it was made for other packages.
pub(super) fn provide(root: &Path, strictness: Strictness) -> anyhow::Result<()> {
    let folder = folder(root)?;
    let made_for = folder.join("made-for");
    let wanted = PACKAGES.join("\n");
    if std::fs::read_to_string(&made_for).is_ok_and(|found| found == wanted) {
        return Ok(());
    }
    match make(&folder) {
        Ok(()) => Ok(std::fs::write(&made_for, wanted)?),
        Err(error) if strictness == Strictness::SkipsAllowed => {
            println!(
                "    the tests with Python's servers and readers will be skipped by name: {error:#}"
            );
            Ok(())
        }
        Err(error) => Err(error),
    }
}

/// Where the tests look for it: `python/` in the target folder.
fn folder(root: &Path) -> anyhow::Result<PathBuf> {
    let metadata = MetadataCommand::new()
        .current_dir(root)
        .no_deps()
        .exec()
        .context("cannot ask cargo for the target folder")?;
    Ok(metadata.target_directory.join("python").into())
}

fn make(folder: &Path) -> anyhow::Result<()> {
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
