//! What the check needs beside cargo: toolchain components, and programs that some tests run.
//!
//! A missing program is installed where that needs no question (Debian, as root or with a `sudo` that asks nothing);
//! elsewhere the tests that need it skip themselves.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, bail};

use super::python;
use super::strictness::Strictness;
use brunt_bench::apt::{self, is_on_path};

/// A program that some tests run, and the Debian package that brings it.
struct Tool {
    package: &'static str,
    program: &'static str,
    needed_by: &'static str,
}

const TOOLS: &[Tool] = &[
    Tool {
        package: "chromium",
        program: "chromium",
        needed_by: "the tests that open an HTML report in a browser",
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
        package: "iproute2",
        program: "ip",
        needed_by: "the test of a machine that runs out of ports",
    },
    Tool {
        package: "strace",
        program: "strace",
        needed_by: "the tests in which calls of the system fail",
    },
    Tool {
        package: "python3-venv",
        program: "python3",
        needed_by: "the tests against Python's servers",
    },
    Tool {
        package: "python3-dev",
        program: "python3-config",
        needed_by: "the test with rotel, which is linked to Python's library",
    },
];

/// Checks the toolchain's components and provides every program of [`TOOLS`] that is missing.
pub(super) fn provide(root: &Path, strictness: Strictness) -> anyhow::Result<()> {
    component("rustfmt", "fmt")?;
    component("clippy", "clippy")?;
    programs(strictness)?;
    python::provide(root, strictness)
}

fn programs(strictness: Strictness) -> anyhow::Result<()> {
    let missing: Vec<&Tool> = TOOLS
        .iter()
        .filter(|tool| !is_on_path(tool.program))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let packages: Vec<&str> = missing.iter().map(|tool| tool.package).collect();
    let why_not = apt::install(&packages).err();
    let still_missing: Vec<&Tool> = missing
        .into_iter()
        .filter(|tool| !is_on_path(tool.program))
        .collect();
    settle(&still_missing, why_not, strictness)
}

fn component(name: &str, verb: &str) -> anyhow::Result<()> {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.args([verb, "--version"]);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let status = command
        .status()
        .with_context(|| format!("cannot run `cargo {verb}`"))?;
    if !status.success() {
        bail!("{name} is not installed: run `rustup component add {name}`");
    }
    Ok(())
}

/// Says what a missing program costs: tests on a user's machine, the whole check under CI.
fn settle(
    missing: &[&Tool],
    why_not: Option<anyhow::Error>,
    strictness: Strictness,
) -> anyhow::Result<()> {
    if missing.is_empty() {
        return Ok(());
    }
    let why = why_not.map_or_else(
        || "the package was installed and did not bring the program".to_owned(),
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
        Strictness::NothingSkipped => bail!("{}; {why}", lines.join("; ")),
        Strictness::SkipsAllowed => {
            for line in lines {
                println!("    {line} and will be skipped by name; {why}");
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
    fn under_ci_a_missing_program_fails_and_names_what_needs_it() {
        let why = Some(anyhow::anyhow!("this user is not root"));
        let error = settle(&[&WRK], why, Strictness::NothingSkipped)
            .unwrap_err()
            .to_string();
        let expected = "wrk is not installed (Debian package wrk): the comparison with wrk cannot run; \
                        this user is not root";
        assert_eq!(error, expected);
    }

    #[test]
    fn on_a_users_machine_a_missing_program_does_not_fail() {
        let why = Some(anyhow::anyhow!("this user is not root"));
        assert!(settle(&[&WRK], why, Strictness::SkipsAllowed).is_ok());
    }

    #[test]
    fn a_missing_component_names_the_command_that_adds_it() {
        let error = component("nothing", "no-such-verb")
            .unwrap_err()
            .to_string();
        assert_eq!(
            error,
            "nothing is not installed: run `rustup component add nothing`"
        );
    }
}
