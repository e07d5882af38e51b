//! System calls that fail, injected by strace: brunt ends in time, with a documented exit code and complete files.

use std::ops::RangeInclusive;
use std::process::{Command, Stdio};
use std::time::Duration;

use rand::RngExt;

use crate::brunt::Brunt;
use crate::loads;
use crate::trials::Promise;

/// System call, its error, and the range of the failing call's number. The first calls are those of the dynamic loader and
/// the Rust runtime.
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
const BOUND: Duration = Duration::from_secs(40);

#[test]
fn run_ends_with_complete_files_if_a_system_call_fails() {
    if Command::new("strace")
        .arg("-V")
        .stdout(Stdio::null())
        .status()
        .is_err()
    {
        brunt_testbed::skip(
            "system_calls::run_ends_with_complete_files_if_a_system_call_fails",
            "strace is not installed",
        );
        return;
    }
    let promise = Promise {
        says: "a run ends in time, with a documented exit code and complete files",
        how: "one system call (write, openat, read, socket, connect, bind, mkdir, rename, fsync, epoll_wait, \
              clone3, mmap, sendto) fails, the n-th of a run of 1 s",
        short: 16,
        long: 900,
        bound: Duration::from_mins(8),
    };
    let server = loads::service();
    // Control without a fault: a refused run would satisfy all trials.
    let control = loads::run(&server.url()).scenario(&loads::scenario(2, 1));
    check_run(&control, "write", "write:error=EIO:when=65535").expect("a run without a fault");
    let summary = control.summary();
    assert_eq!(summary["stopped_by"], "finished", "{summary}");
    promise.hold(|number, random| {
        let (call, error, calls) = &FAULTS[number as usize % FAULTS.len()];
        let at = random.random_range(calls.clone());
        let brunt = loads::run(&server.url()).scenario(&loads::scenario(2, 1));
        let fault = format!("{call}:error={error}:when={at}");
        check_run(&brunt, call, &fault).map_err(|wrong| format!("{fault}: {wrong}"))
    });
}

fn check_run(brunt: &Brunt, call: &str, fault: &str) -> Result<(), String> {
    let (trace, inject) = (format!("trace={call}"), format!("inject={fault}"));
    let strace = [
        "strace",
        "-f",
        "-qq",
        "-o",
        "/dev/null",
        "-e",
        &trace,
        "-e",
        &inject,
    ];
    loads::outcome(brunt, &strace, BOUND)?.is_documented()?;
    loads::check_files_complete(brunt)
}
