//! The environment: brunt on one core, servers on the other.

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

/// How much longer than its load a run of brunt may take.
const SLACK: Duration = Duration::from_mins(2);

/// The programs, and a folder for what they leave.
pub(super) struct Environment {
    programs: PathBuf,
    folder: TempDir,
    short: bool,
    /// The scenario that ships with brunt.
    pub(super) shipped: String,
}

impl Environment {
    pub(super) fn build(root: &Path, short: bool) -> anyhow::Result<Self> {
        release::needed()?;
        Ok(Self {
            programs: release::build(root, &["brunt", "brunt-testbed"])?,
            folder: tempfile::tempdir().context("cannot make a folder for the runs")?,
            short,
            shipped: std::fs::read_to_string(root.join("brunt.toml"))?,
        })
    }

    /// One of two values: of a run that shows that it works, and of one that proves.
    pub(super) fn choose<T>(&self, short: T, full: T) -> T {
        if self.short { short } else { full }
    }

    /// Starts a server of the testbed.
    pub(super) fn serve(&self, arguments: &str) -> anyhow::Result<Served> {
        let child = pinned(SERVER_CORE)
            .arg(self.programs.join("testbed"))
            .args(arguments.split(' '))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start a server by taskset")?;
        Served::hear(child).with_context(|| format!("testbed {arguments} did not serve"))
    }

    /// Plays the profile `p` of a scenario against a server that it watches. The load takes so long.
    pub(super) fn play(
        &self,
        scenario: &str,
        seconds: u64,
        server: &Served,
    ) -> anyhow::Result<Run> {
        self.begin(scenario, seconds, server)?.end()
    }

    /// The same beside a spinner on brunt's core, which comes first: the kernel would give brunt, which needs
    /// little, its turn at once otherwise.
    pub(super) fn play_beside_a_spinner(
        &self,
        scenario: &str,
        seconds: u64,
        server: &Served,
    ) -> anyhow::Result<Run> {
        let spinner = pinned(CLIENT_CORE)
            .args(["sh", "-c", "while :; do :; done"])
            .stdin(Stdio::null())
            .spawn()
            .context("cannot start a spinner by taskset")?;
        let spinner = KillOnDrop::new(spinner);
        let last = ["nice", "-n", "19"];
        let run = self.start(&last, scenario, seconds, server)?.end()?;
        drop(spinner);
        Ok(run)
    }

    /// The same, to be ended later: light runs go side by side.
    pub(super) fn begin(
        &self,
        scenario: &str,
        seconds: u64,
        server: &Served,
    ) -> anyhow::Result<Playing> {
        self.start(&[], scenario, seconds, server)
    }

    /// Plays two servers in turns under the profile `p` of a scenario, within so many seconds: what
    /// `comparison.json` says of them.
    pub(super) fn compare(
        &self,
        scenario: &str,
        seconds: u64,
        [a, b]: [&Served; 2],
        arguments: &[&str],
    ) -> anyhow::Result<Value> {
        let out = self.folder.path().join(a.child.id().to_string());
        let file = out.with_extension("toml");
        std::fs::write(&file, scenario)?;
        let said = std::fs::File::create(out.with_extension("txt"))?;
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
            .stdout(said.try_clone()?)
            .stderr(said)
            .spawn()
            .context("cannot run brunt by taskset")?;
        let status = KillOnDrop::new(child).wait_within(Duration::from_secs(seconds) + SLACK);
        ensure!(
            matches!(status.code(), Some(0 | 1 | 3 | 5)),
            "brunt failed: {status}\n{}",
            std::fs::read_to_string(out.with_extension("txt")).unwrap_or_default()
        );
        let text = std::fs::read_to_string(out.join("comparison.json"))?;
        Ok(serde_json::from_str(&text)?)
    }

    /// Saves runs as a baseline: its file.
    pub(super) fn save_baseline(&self, name: &str, runs: &[PathBuf]) -> anyhow::Result<PathBuf> {
        let file = self.folder.path().join(format!("{name}.json"));
        let mut command = pinned(CLIENT_CORE);
        command
            .arg(self.programs.join("brunt"))
            .args(["baseline", "save"])
            .arg(&file)
            .args(runs);
        self.end(command, name, &[0])?;
        Ok(file)
    }

    /// Compares a run with a baseline: what `summary.json` says of it.
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
        self.end(command, "compare", &[0, 1, 5])?;
        Run::read(&out)?.comparison()
    }

    /// Runs a command that takes no time to its end.
    fn end(&self, mut command: Command, name: &str, codes: &[i32]) -> anyhow::Result<()> {
        let said = self.folder.path().join(format!("{name}.txt"));
        let file = std::fs::File::create(&said)?;
        let child = command
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            .spawn()
            .context("cannot run brunt by taskset")?;
        let status = KillOnDrop::new(child).wait_within(SLACK);
        ensure!(
            status.code().is_some_and(|code| codes.contains(&code)),
            "brunt failed: {status}\n{}",
            std::fs::read_to_string(said).unwrap_or_default()
        );
        Ok(())
    }

    fn start(
        &self,
        by: &[&str],
        scenario: &str,
        seconds: u64,
        server: &Served,
    ) -> anyhow::Result<Playing> {
        let out = self.folder.path().join(server.child.id().to_string());
        let file = out.with_extension("toml");
        std::fs::write(&file, scenario)?;
        let said = out.with_extension("txt");
        let child = pinned(CLIENT_CORE)
            .args(by)
            .arg(self.programs.join("brunt"))
            .args(["run", "p", "--headless", "--host", &server.url, "--file"])
            .arg(&file)
            .args(["--pid", &server.child.id().to_string()])
            .arg("--force")
            .arg("--out")
            .arg(&out)
            .stdin(Stdio::null())
            .stdout(std::fs::File::create(&said)?)
            .stderr(std::fs::OpenOptions::new().append(true).open(&said)?)
            .spawn()
            .context("cannot run brunt by taskset")?;
        Ok(Playing {
            brunt: KillOnDrop::new(child),
            bound: Duration::from_secs(seconds) + SLACK,
            out,
        })
    }
}

/// A command that stays on a core; what it runs is to be added.
fn pinned(core: usize) -> Command {
    let mut command = Command::new("taskset");
    command.args(["-c", &core.to_string()]);
    command
}

/// A server of the testbed; it ends when this is dropped.
pub(super) struct Served {
    child: KillOnDrop,
    output: BufReader<ChildStdout>,
    url: String,
}

impl Served {
    fn hear(mut child: Child) -> anyhow::Result<Self> {
        let output = child.stdout.take().context("no output")?;
        let mut output = BufReader::new(output);
        let child = KillOnDrop::new(child);
        let mut line = String::new();
        output.read_line(&mut line)?;
        let url = line.strip_prefix("serving at ");
        let (url, _pid) = url
            .and_then(|said| said.trim().split_once(" pid "))
            .context("it did not say where it serves")?;
        Ok(Self {
            url: url.to_owned(),
            child,
            output,
        })
    }

    /// Ends it: the figure of this name, of those that it says at its end.
    pub(super) fn end_with(mut self, name: &str) -> anyhow::Result<f64> {
        drop(self.child.stdin.take());
        let mut said = String::new();
        self.output.read_to_string(&mut said)?;
        let figure = said.lines().find_map(|line| line.strip_prefix(name));
        let figure = figure.with_context(|| format!("the server said no {name}: {said}"))?;
        Ok(figure.trim().parse()?)
    }
}

/// A run under way.
pub(super) struct Playing {
    brunt: KillOnDrop,
    bound: Duration,
    out: PathBuf,
}

impl Playing {
    /// Waits for its end.
    pub(super) fn end(mut self) -> anyhow::Result<Run> {
        let status = self.brunt.wait_within(self.bound);
        let said = std::fs::read_to_string(self.out.with_extension("txt")).unwrap_or_default();
        ensure!(
            matches!(status.code(), Some(0 | 1 | 3 | 5)),
            "brunt failed: {status}\n{said}"
        );
        Run::read(&self.out)
    }
}
