//! Child processes that end with their test.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::process::Command;

use brunt_testbed::{KillOnDrop, Signal};

use crate::client::BOUND;

fn sleeper() -> KillOnDrop {
    KillOnDrop::new(Command::new("sleep").arg("3600").spawn().unwrap())
}

#[test]
fn child_is_killed_and_reaped_when_dropped() {
    let child = sleeper();
    let id = child.id();
    let parent = fs::read_to_string(format!("/proc/{id}/stat")).unwrap();
    assert!(parent.contains(&format!(" {} ", std::process::id())));
    drop(child);
    // A child that was killed and not reaped would still be listed.
    let listed = fs::read_to_string(format!("/proc/{id}/stat"));
    assert!(listed.is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound));
}

#[test]
fn child_can_be_signaled_until_it_has_ended() {
    let mut child = sleeper();
    child.signal(Signal::TERM).unwrap();
    let status = child.wait_within(BOUND);
    assert_eq!(status.signal(), Some(Signal::TERM.as_raw()));
    let error = child.signal(Signal::TERM).unwrap_err();
    assert!(error.to_string().starts_with("the process ended"));
}
