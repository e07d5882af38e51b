//! Each call of the system fails in turn: brunt ends in time, with a documented exit code, and what it wrote is whole.
//! strace makes the calls fail.

use std::ops::RangeInclusive;
use std::process::{Command, Stdio};
use std::time::Duration;

use rand::RngExt;
use testbed::{Answer, Ended, Routes, Server, until};

use crate::brunt::Brunt;
use crate::trials::Promise;

/// A call, the error it returns, and which of its calls is tried. The first ones are those of the dynamic loader and of
/// Rust's start, before brunt runs.
const FAULTS: [(&str, &str, RangeInclusive<u32>); 16] = [
    ("write", "ENOSPC", 1..=60),
    ("write", "EIO", 1..=60),
    ("openat", "EMFILE", 5..=120),
    ("openat", "EACCES", 5..=120),
    ("read", "EIO", 5..=150),
    ("socket", "EMFILE", 1..=12),
    ("connect", "EADDRNOTAVAIL", 1..=12),
    ("connect", "ETIMEDOUT", 1..=12),
    ("bind", "EADDRINUSE", 1..=4),
    ("mkdir", "ENOSPC", 1..=4),
    ("rename", "EACCES", 1..=6),
    ("fsync", "EIO", 1..=4),
    ("epoll_wait", "EINTR", 1..=60),
    ("clone3", "EAGAIN", 1..=6),
    ("mmap", "ENOMEM", 25..=80),
    ("sendto", "ECONNRESET", 1..=60),
];
/// Codes of docs/exit-codes.md.
const CODES: [i32; 9] = [0, 1, 2, 3, 4, 5, 70, 130, 143];
const PATIENCE: Duration = Duration::from_secs(40);

const SCENARIO: &str = r#"
stop_timeout = "1s"
[users.u]
wait = "20ms"
[[users.u.tasks]]
get = "/"
[profiles.load]
users = 2
duration = "1s"
[targets]
error_rate = { critical = "5%" }
"#;

#[test]
fn run_ends_whole_whatever_call_of_the_system_fails() {
    if Command::new("strace")
        .arg("-V")
        .stdout(Stdio::null())
        .status()
        .is_err()
    {
        testbed::skip(
            "system_calls::run_ends_whole_whatever_call_of_the_system_fails",
            "strace is not installed",
        );
        return;
    }
    let promise = Promise {
        says: "a run ends in time, with a documented exit code and whole files",
        how: "one call of the system (write, openat, read, socket, connect, bind, mkdir, rename, fsync, epoll_wait, \
              clone3, mmap, sendto) fails, the n-th of a run of 1 s",
        short: 16,
        long: 900,
        bound: Duration::from_mins(20),
    };
    let server = Server::start(Routes::new().at("/", Answer::ok("hello"))).expect("a server");
    promise.hold(|number, random| {
        let (call, error, calls) = &FAULTS[number as usize % FAULTS.len()];
        let at = random.random_range(calls.clone());
        let host = server.url();
        let brunt = Brunt::new(&["run", "load", "--headless", "--out", "out", "--host", &host])
            .scenario(SCENARIO);
        ends_whole(&brunt, &format!("{call}:error={error}:when={at}"))
    });
}

fn ends_whole(brunt: &Brunt, fault: &str) -> Result<(), String> {
    let own = brunt.command();
    let call = fault.split(':').next().unwrap_or_default();
    let output = std::fs::File::create(brunt.path("output")).map_err(|error| error.to_string())?;
    let mut traced = Command::new("strace");
    traced
        .args(["-f", "-qq", "-o", "/dev/null", "-e"])
        .arg(format!("trace={call}"))
        .arg("-e")
        .arg(format!("inject={fault}"))
        .arg(own.get_program())
        .args(own.get_args())
        .current_dir(brunt.folder.path())
        .env_remove("COLUMNS")
        .env("XDG_CACHE_HOME", brunt.path("cache"))
        .stdin(Stdio::null())
        .stdout(output.try_clone().map_err(|error| error.to_string())?)
        .stderr(output);
    let mut child = Ended::new(traced.spawn().map_err(|error| error.to_string())?);
    let status = until(PATIENCE, fault, || child.try_wait().expect("a child"));
    let output = std::fs::read_to_string(brunt.path("output")).unwrap_or_default();
    let wrong = |what: &str| Err(format!("{fault}: {what}\n{output}"));
    if output.contains("panicked") || output.contains("overflowed its stack") {
        return wrong("panicked");
    }
    match status.code() {
        Some(code) if CODES.contains(&code) => {}
        _ => return wrong(&format!("ended with {status}")),
    }
    if let Ok(summary) = std::fs::read_to_string(brunt.path("out/summary.json"))
        && serde_json::from_str::<serde_json::Value>(&summary).is_err()
    {
        return wrong("a part of a summary");
    }
    if let Ok(bytes) = std::fs::read(brunt.path("out/record.brunt"))
        && bytes.len() > 2_000
        && record::file::read(bytes.as_slice()).is_err()
    {
        return wrong("a record that cannot be read");
    }
    Ok(())
}
