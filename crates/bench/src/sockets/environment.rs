//! The environment of the validations: runs of brunt on one core, servers of the testbed on the other.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, ensure};
use brunt_testbed::KillOnDrop;
use serde_json::Value;
use tempfile::TempDir;

use super::run::Run;
use crate::release::{self, CLIENT_CORE, SERVER_CORE};

/// Time that a run may take in addition to its load.
const GRACE: Duration = Duration::from_mins(2);

/// Release builds and a temporary folder for their output.
pub(super) struct Environment {
    programs: PathBuf,
    folder: TempDir,
    /// Whether runs are short and only show that everything works.
    short: bool,
    /// Text of the scenario that ships with brunt, `brunt.toml`.
    pub(super) shipped: String,
}

impl Environment {
    /// Checks the requirements and builds brunt and the testbed.
    pub(super) fn build(root: &Path, short: bool) -> anyhow::Result<Self> {
        release::check_requirements()?;
        Ok(Self {
            programs: release::build(root, &["brunt", "brunt-testbed"])?,
            folder: tempfile::tempdir().context("cannot create a temporary folder")?,
            short,
            shipped: std::fs::read_to_string(root.join("brunt.toml"))?,
        })
    }

    /// `short` for short runs, otherwise `full`.
    pub(super) fn choose<T>(&self, short: T, full: T) -> T {
        if self.short { short } else { full }
    }

    /// Starts the testbed with these arguments and waits until it listens.
    pub(super) fn serve(&self, arguments: &str) -> anyhow::Result<TestbedServer> {
        let child = pinned(SERVER_CORE)
            .arg(self.programs.join("testbed"))
            .args(arguments.split(' '))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start a server with taskset")?;
        TestbedServer::listening(child)
            .with_context(|| format!("cannot start `testbed {arguments}`"))
    }

    /// Runs the profile `p` of a scenario, whose load takes `seconds`, against a server that brunt monitors.
    pub(super) fn run(
        &self,
        scenario: &str,
        seconds: u64,
        server: &TestbedServer,
    ) -> anyhow::Result<Run> {
        self.start(scenario, seconds, server)?.wait()
    }

    /// Like [`Self::run`], with a busy loop on brunt's core. brunt's priority is lower: otherwise, the scheduler would
    /// prefer it, since it uses little CPU time.
    pub(super) fn run_contended(
        &self,
        scenario: &str,
        seconds: u64,
        server: &TestbedServer,
    ) -> anyhow::Result<Run> {
        let busy_loop = pinned(CLIENT_CORE)
            .args(["sh", "-c", "while :; do :; done"])
            .stdin(Stdio::null())
            .spawn()
            .context("cannot start a busy loop with taskset")?;
        let busy_loop = KillOnDrop::new(busy_loop);
        let nice = ["nice", "-n", "19"];
        let run = self.spawn(&nice, scenario, seconds, server)?.wait()?;
        drop(busy_loop);
        Ok(run)
    }

    /// Like [`Self::run`], without waiting: several light runs may run in parallel.
    pub(super) fn start(
        &self,
        scenario: &str,
        seconds: u64,
        server: &TestbedServer,
    ) -> anyhow::Result<ActiveRun> {
        self.spawn(&[], scenario, seconds, server)
    }

    /// Runs an A/B test of two servers with the profile `p` of a scenario for at most `seconds`. Returns
    /// `comparison.json`.
    pub(super) fn ab_test(
        &self,
        scenario: &str,
        seconds: u64,
        [a, b]: [&TestbedServer; 2],
        arguments: &[&str],
    ) -> anyhow::Result<Value> {
        let out = self.folder.path().join(a.child.id().to_string());
        let file = out.with_extension("toml");
        std::fs::write(&file, scenario)?;
        let log = std::fs::File::create(out.with_extension("txt"))?;
        let child = pinned(CLIENT_CORE)
            .arg(self.programs.join("brunt"))
            .args(["compare", "p", "--ab", "--headless", "--host", &a.url])
            .args(["--host-b", &b.url, "--max-duration", &format!("{seconds}s")])
            .args(arguments)
            .arg("--file")
            .arg(&file)
            .arg("--force")
            .arg("--out")
            .arg(&out)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .context("cannot run brunt by taskset")?;
        let status = KillOnDrop::new(child).wait_within(Duration::from_secs(seconds) + GRACE);
        ensure!(
            matches!(status.code(), Some(0 | 1 | 3 | 5)),
            "brunt failed: {status}\n{}",
            std::fs::read_to_string(out.with_extension("txt")).unwrap_or_default()
        );
        let text = std::fs::read_to_string(out.join("comparison.json"))?;
        Ok(serde_json::from_str(&text)?)
    }

    /// Saves runs as a baseline and returns its file.
    pub(super) fn save_baseline(&self, name: &str, runs: &[PathBuf]) -> anyhow::Result<PathBuf> {
        let file = self.folder.path().join(format!("{name}.json"));
        let mut command = pinned(CLIENT_CORE);
        command
            .arg(self.programs.join("brunt"))
            .args(["baseline", "save"])
            .arg(&file)
            .args(runs);
        self.run_command(command, name, &[0])?;
        Ok(file)
    }

    /// Compares a run with a baseline. Returns `comparison` of `summary.json`.
    pub(super) fn compare_with_baseline(
        &self,
        baseline: &Path,
        run: &Path,
    ) -> anyhow::Result<Value> {
        let out = run.with_extension("compared");
        let mut command = pinned(CLIENT_CORE);
        command
            .arg(self.programs.join("brunt"))
            .args(["baseline", "compare"])
            .arg(baseline)
            .arg(run)
            .arg("--out")
            .arg(&out);
        self.run_command(command, "compare", &[0, 1, 5])?;
        Run::read(&out)?.comparison()
    }

    /// Runs a command of brunt that makes no load, and fails unless its exit code is one of `codes`.
    fn run_command(&self, mut command: Command, name: &str, codes: &[i32]) -> anyhow::Result<()> {
        let log = self.folder.path().join(format!("{name}.txt"));
        let file = std::fs::File::create(&log)?;
        let child = command
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            .spawn()
            .context("cannot run brunt by taskset")?;
        let status = KillOnDrop::new(child).wait_within(GRACE);
        ensure!(
            status.code().is_some_and(|code| codes.contains(&code)),
            "brunt failed: {status}\n{}",
            std::fs::read_to_string(log).unwrap_or_default()
        );
        Ok(())
    }

    /// Starts a run, by the command `wrapper` unless it is empty.
    fn spawn(
        &self,
        wrapper: &[&str],
        scenario: &str,
        seconds: u64,
        server: &TestbedServer,
    ) -> anyhow::Result<ActiveRun> {
        let out = self.folder.path().join(server.child.id().to_string());
        let file = out.with_extension("toml");
        std::fs::write(&file, scenario)?;
        let log = out.with_extension("txt");
        let child = pinned(CLIENT_CORE)
            .args(wrapper)
            .arg(self.programs.join("brunt"))
            .args(["run", "p", "--headless", "--host", &server.url, "--file"])
            .arg(&file)
            .args(["--pid", &server.child.id().to_string()])
            .arg("--force")
            .arg("--out")
            .arg(&out)
            .stdin(Stdio::null())
            .stdout(std::fs::File::create(&log)?)
            .stderr(std::fs::OpenOptions::new().append(true).open(&log)?)
            .spawn()
            .context("cannot run brunt by taskset")?;
        Ok(ActiveRun {
            brunt: KillOnDrop::new(child),
            timeout: Duration::from_secs(seconds) + GRACE,
            out,
        })
    }
}

/// A `taskset` command that pins to a core. The caller appends the program and its arguments.
fn pinned(core: usize) -> Command {
    let mut command = Command::new("taskset");
    command.args(["-c", &core.to_string()]);
    command
}

/// A server of the testbed in its own process, which is killed on drop.
pub(super) struct TestbedServer {
    child: KillOnDrop,
    output: BufReader<ChildStdout>,
    url: String,
}

impl TestbedServer {
    /// Waits until a process has printed its address.
    fn listening(mut child: Child) -> anyhow::Result<Self> {
        let output = child
            .stdout
            .take()
            .context("the server has no standard output")?;
        let mut output = BufReader::new(output);
        let child = KillOnDrop::new(child);
        let mut line = String::new();
        output.read_line(&mut line)?;
        let url = line.strip_prefix("serving at ");
        let (url, _pid) = url
            .and_then(|rest| rest.trim().split_once(" pid "))
            .context("the server did not print its address")?;
        Ok(Self {
            url: url.to_owned(),
            child,
            output,
        })
    }

    /// Stops the server and returns the value of this name from those that it prints when it stops.
    pub(super) fn stop_and_read(mut self, name: &str) -> anyhow::Result<f64> {
        drop(self.child.stdin.take());
        let mut printed = String::new();
        self.output.read_to_string(&mut printed)?;
        let value = printed.lines().find_map(|line| line.strip_prefix(name));
        let value = value.with_context(|| format!("the server did not print {name}: {printed}"))?;
        Ok(value.trim().parse()?)
    }
}

/// A run that has started. brunt is killed on drop.
pub(super) struct ActiveRun {
    brunt: KillOnDrop,
    timeout: Duration,
    out: PathBuf,
}

impl ActiveRun {
    /// Waits until brunt exits and reads the results of the run.
    ///
    /// # Errors
    ///
    /// If brunt fails. Missed targets (1), an invalid run (3) and an inconclusive one (5) are results.
    pub(super) fn wait(mut self) -> anyhow::Result<Run> {
        let status = self.brunt.wait_within(self.timeout);
        let log = std::fs::read_to_string(self.out.with_extension("txt")).unwrap_or_default();
        ensure!(
            matches!(status.code(), Some(0 | 1 | 3 | 5)),
            "brunt failed: {status}\n{log}"
        );
        Run::read(&self.out)
    }
}
