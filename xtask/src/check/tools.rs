//! Toolchain components that the check needs, and programs that some tests run.
//!
//! A missing program is installed if that needs no password (on Debian, as root or with `sudo`). Otherwise, the tests that
//! need it are skipped.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, bail};

use super::python;
use super::strictness::Strictness;
use brunt_bench::apt::{self, is_on_path};

/// A program that some tests run, and the Debian package that contains it.
struct Tool {
    package: &'static str,
    program: &'static str,
    /// The tests that need the program.
    needed_by: &'static str,
}

const TOOLS: &[Tool] = &[
    Tool {
        package: "chromium",
        program: "chromium",
        needed_by: "the tests that open an HTML report in a browser",
    },
    Tool {
        package: "curl",
        program: "curl",
        needed_by: "the test that compares imported curl commands with curl",
    },
    Tool {
        package: "nginx",
        program: "nginx",
        needed_by: "the test against nginx",
    },
    Tool {
        package: "apache2-bin",
        program: "apache2",
        needed_by: "the test against Apache",
    },
    Tool {
        package: "nodejs",
        program: "node",
        needed_by: "the test against Node",
    },
    Tool {
        package: "curl",
        program: "curl",
        needed_by: "the comparison of requests with those of curl",
    },
    Tool {
        package: "iproute2",
        program: "ip",
        needed_by: "the test of a machine that runs out of ports",
    },
    Tool {
        package: "strace",
        program: "strace",
        needed_by: "the tests in which system calls fail",
    },
    Tool {
        package: "python3-venv",
        program: "python3",
        needed_by: "the tests against Python servers and Python's cookie jar",
    },
    Tool {
        package: "python3-dev",
        program: "python3-config",
        needed_by: "the test with rotel, which is linked against the Python library",
    },
];

/// Checks the toolchain's components and installs the missing programs of [`TOOLS`] and the Python packages.
///
/// # Errors
///
/// If a component is missing, or, in CI, if a program or package cannot be installed.
pub(super) fn install_missing(root: &Path, strictness: Strictness) -> anyhow::Result<()> {
    check_component("rustfmt", "fmt")?;
    check_component("clippy", "clippy")?;
    install_programs(strictness)?;
    python::install(root, strictness)
}

fn install_programs(strictness: Strictness) -> anyhow::Result<()> {
    let missing: Vec<&Tool> = TOOLS
        .iter()
        .filter(|tool| !is_on_path(tool.program))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let packages: Vec<&str> = missing.iter().map(|tool| tool.package).collect();
    let error = apt::install(&packages).err();
    let still_missing: Vec<&Tool> = missing
        .into_iter()
        .filter(|tool| !is_on_path(tool.program))
        .collect();
    report_missing(&still_missing, error, strictness)
}

/// Checks that the cargo subcommand of a toolchain component runs.
fn check_component(name: &str, subcommand: &str) -> anyhow::Result<()> {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.args([subcommand, "--version"]);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let status = command
        .status()
        .with_context(|| format!("cannot run `cargo {subcommand}`"))?;
    if !status.success() {
        bail!("{name} is not installed: run `rustup component add {name}`");
    }
    Ok(())
}

/// Reports programs that are still missing: as an error in CI, otherwise as a line per program. `error` is the reason
/// why the installation failed.
fn report_missing(
    missing: &[&Tool],
    error: Option<anyhow::Error>,
    strictness: Strictness,
) -> anyhow::Result<()> {
    if missing.is_empty() {
        return Ok(());
    }
    let reason = error.map_or_else(
        || "the package was installed but does not contain the program".to_owned(),
        |error| format!("{error:#}"),
    );
    let lines: Vec<String> = missing
        .iter()
        .map(|tool| {
            format!(
                "{} is not installed (Debian package {}): {} cannot run",
                tool.program, tool.package, tool.needed_by
            )
        })
        .collect();
    match strictness {
        Strictness::NothingSkipped => bail!("{}; {reason}", lines.join("; ")),
        Strictness::SkipsAllowed => {
            for line in lines {
                println!("    {line} and will be skipped; {reason}");
            }
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WRK: Tool = Tool {
        package: "wrk",
        program: "wrk",
        needed_by: "the comparison with wrk",
    };

    #[test]
    fn missing_program_in_ci_fails_and_names_the_tests() {
        let reason = Some(anyhow::anyhow!("this user is not root"));
        let error = report_missing(&[&WRK], reason, Strictness::NothingSkipped)
            .unwrap_err()
            .to_string();
        let expected = "wrk is not installed (Debian package wrk): the comparison with wrk cannot run; \
                        this user is not root";
        assert_eq!(error, expected);
    }

    #[test]
    fn missing_program_outside_ci_does_not_fail() {
        let reason = Some(anyhow::anyhow!("this user is not root"));
        assert!(report_missing(&[&WRK], reason, Strictness::SkipsAllowed).is_ok());
    }

    #[test]
    fn missing_component_names_the_command_that_adds_it() {
        let error = check_component("nothing", "no-such-subcommand")
            .unwrap_err()
            .to_string();
        assert_eq!(
            error,
            "nothing is not installed: run `rustup component add nothing`"
        );
    }
}
