//! Each call of the system fails in turn: brunt ends in time, with a documented exit code, and what it wrote is whole.
//! strace makes the calls fail.

use std::ops::RangeInclusive;
use std::process::{Command, Stdio};
use std::time::Duration;

use rand::RngExt;

use crate::brunt::Brunt;
use crate::loads;
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
const PATIENCE: Duration = Duration::from_secs(40);

#[test]
fn run_ends_whole_whatever_call_of_the_system_fails() {
    if Command::new("strace")
        .arg("-V")
        .stdout(Stdio::null())
        .status()
        .is_err()
    {
        brunt_testbed::skip(
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
        bound: Duration::from_mins(8),
    };
    let server = loads::service();
    // Without a fault it is a run: what would refuse it would make all trials hold.
    let control = loads::run(&server.url()).scenario(&loads::scenario(2, 1));
    ends_whole(&control, "write", "write:error=EIO:when=65535").expect("a run without a fault");
    let summary = control.summary();
    assert_eq!(summary["stopped_by"], "finished", "{summary}");
    promise.hold(|number, random| {
        let (call, error, calls) = &FAULTS[number as usize % FAULTS.len()];
        let at = random.random_range(calls.clone());
        let brunt = loads::run(&server.url()).scenario(&loads::scenario(2, 1));
        let fault = format!("{call}:error={error}:when={at}");
        ends_whole(&brunt, call, &fault).map_err(|wrong| format!("{fault}: {wrong}"))
    });
}

fn ends_whole(brunt: &Brunt, call: &str, fault: &str) -> Result<(), String> {
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
    loads::outcome(brunt, &strace, PATIENCE)?.is_documented()?;
    loads::are_whole(brunt)
}
