//! Loads that brunt makes behind a program that limits it or lets its calls of the system fail.

use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use brunt_testbed::{KillOnDrop, Response, Routes, Server};

use crate::brunt::Brunt;

/// Codes of docs/exit-codes.md.
const CODES: [i32; 9] = [0, 1, 2, 3, 4, 5, 70, 130, 143];
const LOOKS_AFTER: Duration = Duration::from_millis(20);

/// A scenario of a few users that ask for `/`, for some seconds.
pub(crate) fn scenario(users: u32, seconds: u32) -> String {
    format!(
        "[users.u]\nwait = \"20ms\"\n[[users.u.tasks]]\nget = \"/\"\n\
         [profiles.load]\nusers = {users}\nduration = \"{seconds}s\"\n"
    )
}

/// A service that answers it.
pub(crate) fn service() -> Server {
    Server::start(Routes::new().at("/", Response::ok("hello"))).expect("a server")
}

/// A run of it with its files in `out`.
pub(crate) fn run(host: &str) -> Brunt {
    unaddressed().and(&["--out", "out", "--host", host])
}

/// A run whose files and host are said by its scenario, or later.
pub(crate) fn unaddressed() -> Brunt {
    Brunt::new(&["run", "load", "--headless", "--stop-timeout", "2s"])
}

/// What came of a run.
pub(crate) struct Outcome {
    pub(crate) status: ExitStatus,
    pub(crate) output: String,
    /// The most memory that the process had, in MiB.
    pub(crate) peak_mib: u64,
}

impl Outcome {
    /// It ended with a documented exit code and without a panic.
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

/// Runs brunt behind a program with its arguments, if there is one, for at most so long.
pub(crate) fn outcome(brunt: &Brunt, behind: &[&str], bound: Duration) -> Result<Outcome, String> {
    let shown = |error: std::io::Error| error.to_string();
    let own = brunt.command();
    let mut command = match behind.split_first() {
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
        std::thread::sleep(LOOKS_AFTER);
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

/// What a run with `--out out` left is whole, as far as it is there.
pub(crate) fn are_whole(brunt: &Brunt) -> Result<(), String> {
    if let Ok(summary) = std::fs::read_to_string(brunt.path("out/summary.json")) {
        let summary = serde_json::from_str::<serde_json::Value>(&summary);
        summary.map_err(|error| format!("a part of a summary: {error}"))?;
    }
    if let Ok(page) = std::fs::read_to_string(brunt.path("out/report.html"))
        && !page.trim_end().ends_with("</html>")
    {
        return Err("a part of a page".into());
    }
    if let Ok(bytes) = std::fs::read(brunt.path("out/record.brunt"))
        && bytes.len() > 2_000
    {
        let record = brunt_record::file::read(bytes.as_slice());
        record.map_err(|error| format!("a record that cannot be read: {error}"))?;
    }
    Ok(())
}
