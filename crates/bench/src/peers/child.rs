//! Child processes of the benchmarks, pinned to a core, with the CPU time and memory that they use.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use brunt_testbed::KillOnDrop;
use rustix::process::{Pid, WaitId, WaitIdOptions};

use crate::release::{CLIENT_CORE, SERVER_CORE};

/// A client's run that has ended, and the resources that it used.
pub(super) struct ClientRun {
    pub(super) status: ExitStatus,
    /// Standard output and standard error.
    pub(super) output: String,
    /// User and system time of the client and its children, in seconds.
    pub(super) cpu_s: f64,
    /// Time from start to exit, in seconds.
    pub(super) wall_s: f64,
    /// Peak resident set size, in KiB.
    pub(super) rss_kib_max: u64,
}

/// Runs a program on the client's core and waits for it. Its output is written to the file `log`.
///
/// # Errors
///
/// If the program cannot be started, or its CPU time cannot be read. Its exit status is not checked.
pub(super) fn run(program: &Path, arguments: &[String], log: &Path) -> anyhow::Result<ClientRun> {
    let name = program.display();
    let output = File::create(log)?;
    let started_at = Instant::now();
    let child = pinned(CLIENT_CORE)
        .arg(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(output.try_clone()?)
        .stderr(output)
        .spawn()
        .with_context(|| format!("cannot run {name} with taskset"))?;
    let mut child = KillOnDrop::new(child);
    let rss_kib_max = peak_rss_kib(child.id())?;
    let wall_s = started_at.elapsed().as_secs_f64();
    // The process is a zombie: `/proc` has its CPU time until it is waited for.
    let cpu_s = cpu_seconds(child.id())?;
    Ok(ClientRun {
        status: child.wait()?,
        output: String::from_utf8_lossy(&std::fs::read(log)?).into_owned(),
        cpu_s,
        wall_s,
        rss_kib_max,
    })
}

/// A `taskset` command that pins to a core. The caller appends the program and its arguments.
pub(super) fn pinned(core: usize) -> Command {
    let mut command = Command::new("taskset");
    command.args(["-c", &core.to_string()]);
    command
}

/// Polls a child's peak resident set size, in KiB, until it ends. Does not wait for it, so it stays a zombie.
fn peak_rss_kib(pid: u32) -> anyhow::Result<u64> {
    let raw = i32::try_from(pid).ok().and_then(Pid::from_raw);
    let id = WaitId::Pid(raw.context("invalid process ID")?);
    let mut max_kib = 0;
    loop {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
        if rustix::process::waitid(id.clone(), options)?.is_some() {
            return Ok(max_kib);
        }
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let peak = peak.and_then(|text| text.trim().trim_end_matches(" kB").parse().ok());
        max_kib = max_kib.max(peak.unwrap_or(0));
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// User and system time of a process and of its children that have been waited for, in seconds.
fn cpu_seconds(pid: u32) -> anyhow::Result<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The second field is the name in parentheses and may contain anything, so fields are counted after it.
    let malformed = || format!("/proc/{pid}/stat is malformed");
    let (_, fields) = stat.rsplit_once(") ").with_context(malformed)?;
    let times = fields.split_ascii_whitespace().skip(11).take(4);
    let ticks: Vec<f64> = times.map(str::parse).collect::<Result<_, _>>()?;
    ensure!(ticks.len() == 4, malformed());
    Ok(ticks.iter().sum::<f64>() / rustix::param::clock_ticks_per_second() as f64)
}

/// A null server in its own process, which is killed on drop.
pub(super) struct NullServer {
    child: KillOnDrop,
    output: BufReader<ChildStdout>,
    pub(super) url: String,
}

/// Counters of a null server and the CPU time that it used.
#[derive(Default)]
pub(super) struct ServerStats {
    pub(super) requests: u64,
    pub(super) connections: u64,
    /// Time of the first request on the system's monotonic clock, in nanoseconds; 0 if there was no request.
    pub(super) first_request_ns: u64,
    /// User and system time, in seconds.
    pub(super) cpu_s: f64,
}

impl NullServer {
    /// Port that the server listens on.
    pub(super) fn port(&self) -> anyhow::Result<u16> {
        let port = self.url.trim_end_matches('/').rsplit(':').next();
        let port = port.and_then(|port| port.parse().ok());
        port.with_context(|| format!("{} has no port", self.url))
    }

    /// Starts `testbed` on the server's core and waits until it listens.
    pub(super) fn start(testbed: &Path, arguments: &[&str]) -> anyhow::Result<Self> {
        let mut child: Child = pinned(SERVER_CORE)
            .arg(testbed)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start the null server with taskset")?;
        let mut output = BufReader::new(
            child
                .stdout
                .take()
                .context("the null server has no standard output")?,
        );
        let child = KillOnDrop::new(child);
        let mut line = String::new();
        output.read_line(&mut line)?;
        let address = line.strip_prefix("serving at ");
        let address = address.and_then(|rest| rest.split_once(' '));
        let (url, _pid) = address.context("the null server did not print its address")?;
        Ok(Self {
            url: url.to_owned(),
            child,
            output,
        })
    }

    /// Stops the server and returns its counters.
    pub(super) fn stop(mut self) -> anyhow::Result<ServerStats> {
        let cpu_s = cpu_seconds(self.child.id())?;
        drop(self.child.stdin.take());
        let mut printed = String::new();
        self.output.read_to_string(&mut printed)?;
        let mut stats = ServerStats {
            cpu_s,
            ..ServerStats::default()
        };
        for line in printed.lines() {
            let counter = line.split_once(' ');
            let (name, value) = counter.with_context(|| {
                format!("the null server printed `{line}` instead of a counter")
            })?;
            let value: u64 = value.parse()?;
            match name {
                "requests" => stats.requests = value,
                "connections" => stats.connections = value,
                "first_request_ns" => stats.first_request_ns = value,
                _ => {}
            }
        }
        Ok(stats)
    }
}
