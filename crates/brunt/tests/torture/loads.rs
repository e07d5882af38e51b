//! Runs of brunt under a program that limits its resources or makes its system calls fail.

use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use brunt_testbed::{KillOnDrop, Response, Routes, Server};

use crate::brunt::Brunt;

/// Codes of docs/exit-codes.md.
const CODES: [i32; 9] = [0, 1, 2, 3, 4, 5, 70, 130, 143];
/// Interval of checks for the exit and the memory.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// Scenario with users that request `/`.
pub(crate) fn scenario(users: u32, seconds: u32) -> String {
    format!(
        "[users.u]\nwait = \"20ms\"\n[[users.u.tasks]]\nget = \"/\"\n\
         [profiles.load]\nusers = {users}\nduration = \"{seconds}s\"\n"
    )
}

/// Service for the scenario.
pub(crate) fn service() -> Server {
    Server::start(Routes::new().at("/", Response::ok("hello"))).expect("a server")
}

/// Run with its files in `out`.
pub(crate) fn run(host: &str) -> Brunt {
    run_without_host().and(&["--out", "out", "--host", host])
}

/// Run without `--out` and `--host`.
pub(crate) fn run_without_host() -> Brunt {
    Brunt::new(&["run", "load", "--headless", "--stop-timeout", "2s"])
}

/// Outcome of a run.
pub(crate) struct Outcome {
    pub(crate) status: ExitStatus,
    pub(crate) output: String,
    /// Peak memory of the process in MiB.
    pub(crate) peak_mib: u64,
}

impl Outcome {
    /// Checks for a documented exit code and no panic.
    pub(crate) fn is_documented(&self) -> Result<(), String> {
        if self.output.contains("panicked") || self.output.contains("overflowed its stack") {
            return Err(format!("panicked\n{}", self.output));
        }
        match self.status.code() {
            Some(code) if CODES.contains(&code) => Ok(()),
            _ => Err(format!("ended with {}\n{}", self.status, self.output)),
        }
    }
}

/// Runs brunt, under a wrapper program if there is one, for at most `bound`.
pub(crate) fn outcome(brunt: &Brunt, wrapper: &[&str], bound: Duration) -> Result<Outcome, String> {
    let shown = |error: std::io::Error| error.to_string();
    let own = brunt.command();
    let mut command = match wrapper.split_first() {
        None => Command::new(own.get_program()),
        Some((program, arguments)) => {
            let mut command = Command::new(program);
            command.args(arguments).arg(own.get_program());
            command
        }
    };
    let path = brunt.path("output");
    let output = std::fs::File::create(&path).map_err(shown)?;
    command
        .args(own.get_args())
        .current_dir(brunt.folder.path())
        .env_remove("COLUMNS")
        .env("XDG_CACHE_HOME", brunt.path("cache"))
        .stdin(Stdio::null())
        .stdout(output.try_clone().map_err(shown)?)
        .stderr(output);
    let mut child = KillOnDrop::new(command.spawn().map_err(shown)?);
    let start = Instant::now();
    let mut peak_mib = 0;
    let status = loop {
        peak_mib = peak_mib.max(peak_of(child.id()).unwrap_or(0));
        if let Some(status) = child.try_wait().map_err(shown)? {
            break status;
        }
        if start.elapsed() > bound {
            let output = std::fs::read_to_string(&path).unwrap_or_default();
            return Err(format!("still runs after {bound:?}\n{output}"));
        }
        std::thread::sleep(POLL_INTERVAL);
    };
    Ok(Outcome {
        status,
        output: String::from_utf8_lossy(&std::fs::read(&path).map_err(shown)?).into_owned(),
        peak_mib,
    })
}

fn peak_of(id: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib >> 10)
}

/// Checks that the existing files of a run with `--out out` are complete.
pub(crate) fn check_files_complete(brunt: &Brunt) -> Result<(), String> {
    if let Ok(summary) = std::fs::read_to_string(brunt.path("out/summary.json")) {
        let summary = serde_json::from_str::<serde_json::Value>(&summary);
        summary.map_err(|error| format!("incomplete summary: {error}"))?;
    }
    if let Ok(page) = std::fs::read_to_string(brunt.path("out/report.html"))
        && !page.trim_end().ends_with("</html>")
    {
        return Err("incomplete HTML report".into());
    }
    if let Ok(bytes) = std::fs::read(brunt.path("out/record.brunt"))
        && bytes.len() > 2_000
    {
        let record = brunt_record::file::read(bytes.as_slice());
        record.map_err(|error| format!("unreadable record: {error}"))?;
    }
    Ok(())
}
