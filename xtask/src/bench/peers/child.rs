//! Child processes of a bench: pinned to a core, with the CPU time that they used.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, ensure};
use rustix::process::{Pid, WaitId, WaitIdOptions};

use crate::release::SERVER_CORE;

/// A program that ended, and what it took.
pub(super) struct Ended {
    pub(super) output: String,
    /// User and system time, in seconds.
    pub(super) cpu_s: f64,
    /// The largest resident memory that was seen, in KiB.
    pub(super) rss_kib_max: u64,
}

/// Runs a program on one core to its end.
pub(super) fn run_on(core: usize, program: &Path, arguments: &[String]) -> anyhow::Result<Ended> {
    let name = program.display();
    let mut child = Command::new("taskset")
        .args(["-c", &core.to_string()])
        .arg(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .with_context(|| format!("cannot run {name} by taskset"))?;
    let mut stdout = child.stdout.take().context("no output")?;
    let reading = std::thread::spawn(move || {
        let mut text = String::new();
        stdout.read_to_string(&mut text).map(|_| text)
    });
    let rss_kib_max = watch_memory(child.id())?;
    // The process has ended, and its times can be read until it is waited for.
    let cpu_s = cpu_seconds(child.id())?;
    let status = child.wait()?;
    let output = reading.join().ok().context("the output was not read")??;
    ensure!(
        status.code().is_some_and(|code| code < 4),
        "{name} failed: {status}\n{output}"
    );
    Ok(Ended {
        output,
        cpu_s,
        rss_kib_max,
    })
}

/// Looks at a process's memory until it ends.
fn watch_memory(pid: u32) -> anyhow::Result<u64> {
    let id = WaitId::Pid(raw_pid(pid)?);
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

fn raw_pid(pid: u32) -> anyhow::Result<Pid> {
    i32::try_from(pid)
        .ok()
        .and_then(Pid::from_raw)
        .context("a process id is above 0")
}

/// User and system time of a process, in seconds.
fn cpu_seconds(pid: u32) -> anyhow::Result<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name, in parentheses, may hold anything: fields are counted from its end.
    let fields: Vec<&str> = stat
        .rsplit_once(") ")
        .context("no stat")?
        .1
        .split_ascii_whitespace()
        .collect();
    let ticks = |at: usize| -> anyhow::Result<f64> {
        Ok(fields.get(at).context("a short stat")?.parse::<f64>()?)
    };
    Ok((ticks(11)? + ticks(12)?) / rustix::param::clock_ticks_per_second() as f64)
}

/// The null server in a process of its own.
pub(super) struct NullServer {
    child: Child,
    output: BufReader<ChildStdout>,
    pub(super) url: String,
}

impl NullServer {
    pub(super) fn start() -> anyhow::Result<Self> {
        let mut child = Command::new("taskset")
            .args(["-c", &SERVER_CORE.to_string()])
            .arg(std::env::current_exe()?)
            .arg("null-server")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start the null server by taskset")?;
        let mut output = BufReader::new(child.stdout.take().context("no output")?);
        let mut url = String::new();
        output.read_line(&mut url)?;
        Ok(Self {
            child,
            output,
            url: url.trim().to_owned(),
        })
    }

    /// Ends it; returns the requests that it saw, and the CPU time that it took in seconds.
    pub(super) fn stop(mut self) -> anyhow::Result<(u64, f64)> {
        let cpu_s = cpu_seconds(self.child.id())?;
        drop(self.child.stdin.take());
        let mut requests = String::new();
        self.output.read_line(&mut requests)?;
        self.child.wait()?;
        Ok((requests.trim().parse().context("no count")?, cpu_s))
    }
}

/// Serves until standard input ends, and then says how many requests there were.
pub(crate) fn null_server() -> anyhow::Result<()> {
    let server = testbed::Null::start()?;
    println!("{}", server.url());
    std::io::stdin().read_to_end(&mut Vec::new())?;
    println!("{}", server.stop()?.requests);
    Ok(())
}
