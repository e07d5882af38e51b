//! Child processes of a bench: pinned to a core, with the CPU time that they used.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use brunt_testbed::KillOnDrop;
use rustix::process::{Pid, WaitId, WaitIdOptions};

use crate::release::{CLIENT_CORE, SERVER_CORE};

/// A client that ended, and what it took.
pub(super) struct Finished {
    pub(super) status: ExitStatus,
    /// What it said, standard error included.
    pub(super) output: String,
    /// User and system time, in seconds, with its children's.
    pub(super) cpu_s: f64,
    /// From its start to its end, in seconds.
    pub(super) wall_s: f64,
    /// The largest resident memory that was seen, in KiB.
    pub(super) rss_kib_max: u64,
}

/// Runs a program on the client's core to its end; what it says goes through a file.
pub(super) fn run(program: &Path, arguments: &[String], said: &Path) -> anyhow::Result<Finished> {
    let name = program.display();
    let to = File::create(said)?;
    let begun = Instant::now();
    let child = pinned(CLIENT_CORE)
        .arg(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(to.try_clone()?)
        .stderr(to)
        .spawn()
        .with_context(|| format!("cannot run {name} by taskset"))?;
    let mut child = KillOnDrop::new(child);
    let rss_kib_max = watch_memory(child.id())?;
    let wall_s = begun.elapsed().as_secs_f64();
    // The process has ended, and its times can be read until it is waited for.
    let cpu_s = cpu_seconds(child.id())?;
    Ok(Finished {
        status: child.wait()?,
        output: String::from_utf8_lossy(&std::fs::read(said)?).into_owned(),
        cpu_s,
        wall_s,
        rss_kib_max,
    })
}

/// A command that stays on a core; what it runs is to be added.
pub(super) fn pinned(core: usize) -> Command {
    let mut command = Command::new("taskset");
    command.args(["-c", &core.to_string()]);
    command
}

/// Looks at a process's memory until it ends.
fn watch_memory(pid: u32) -> anyhow::Result<u64> {
    let raw = i32::try_from(pid).ok().and_then(Pid::from_raw);
    let id = WaitId::Pid(raw.context("a process id is above 0")?);
    let mut most = 0;
    loop {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
        if rustix::process::waitid(id.clone(), options)?.is_some() {
            return Ok(most);
        }
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let peak = peak.and_then(|text| text.trim().trim_end_matches(" kB").parse().ok());
        most = most.max(peak.unwrap_or(0));
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// User and system time of a process and of its children that ended, in seconds.
fn cpu_seconds(pid: u32) -> anyhow::Result<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name, in parentheses, may hold anything: fields are counted from its end.
    let (_, fields) = stat.rsplit_once(") ").context("no stat")?;
    let times = fields.split_ascii_whitespace().skip(11).take(4);
    let ticks: Vec<f64> = times.map(str::parse).collect::<Result<_, _>>()?;
    ensure!(ticks.len() == 4, "a short stat");
    Ok(ticks.iter().sum::<f64>() / rustix::param::clock_ticks_per_second() as f64)
}

/// A null server in a process of its own; it ends when this is dropped.
pub(super) struct Served {
    child: KillOnDrop,
    output: BufReader<ChildStdout>,
    pub(super) url: String,
}

/// What a server saw and took.
#[derive(Default)]
pub(super) struct Seen {
    pub(super) requests: u64,
    pub(super) connections: u64,
    /// By the system's monotonic clock; 0: none came.
    pub(super) first_request_ns: u64,
    /// User and system time, in seconds.
    pub(super) cpu_s: f64,
}

impl Served {
    /// The port that it listens on.
    pub(super) fn port(&self) -> anyhow::Result<u16> {
        let port = self.url.trim_end_matches('/').rsplit(':').next();
        let port = port.and_then(|port| port.parse().ok());
        port.with_context(|| format!("{} has no port", self.url))
    }

    pub(super) fn start(testbed: &Path, arguments: &[&str]) -> anyhow::Result<Self> {
        let mut child: Child = pinned(SERVER_CORE)
            .arg(testbed)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start the null server by taskset")?;
        let mut output = BufReader::new(child.stdout.take().context("no output")?);
        let child = KillOnDrop::new(child);
        let mut line = String::new();
        output.read_line(&mut line)?;
        let said = line.strip_prefix("serving at ");
        let url = said.and_then(|said| said.split_once(' '));
        let (url, _pid) = url.context("the null server did not say where it serves")?;
        Ok(Self {
            url: url.to_owned(),
            child,
            output,
        })
    }

    /// Ends it: what it saw.
    pub(super) fn stop(mut self) -> anyhow::Result<Seen> {
        let cpu_s = cpu_seconds(self.child.id())?;
        drop(self.child.stdin.take());
        let mut said = String::new();
        self.output.read_to_string(&mut said)?;
        let mut seen = Seen {
            cpu_s,
            ..Seen::default()
        };
        for line in said.lines() {
            let (name, figure) = line.split_once(' ').context("a line without a figure")?;
            let figure: u64 = figure.parse()?;
            match name {
                "requests" => seen.requests = figure,
                "connections" => seen.connections = figure,
                "first_request_ns" => seen.first_request_ns = figure,
                _ => {}
            }
        }
        Ok(seen)
    }
}
