//! A child process that does not outlive its test.

use std::io::Write;
use std::ops::{Deref, DerefMut};
use std::process::{Child, ExitStatus};
use std::time::Duration;
use std::{io, thread};

use rustix::process::{Pid, kill_process};

pub use rustix::process::Signal;

use crate::wait_until;

/// A child process that is killed by its id and reaped when dropped.
#[derive(Debug)]
pub struct KillOnDrop(Child);

impl KillOnDrop {
    /// Takes ownership of the process.
    pub fn new(child: Child) -> Self {
        Self(child)
    }

    /// Sends a signal to the process, but not to its children.
    ///
    /// # Errors
    /// If the process was already reaped, or cannot be signaled.
    pub fn signal(&mut self, signal: Signal) -> io::Result<()> {
        // A reaped process has no id any more: another process may have it.
        if let Some(status) = self.0.try_wait()? {
            return Err(io::Error::other(format!("the process ended: {status}")));
        }
        Ok(kill_process(Pid::from_child(&self.0), signal)?)
    }

    /// Waits for the process to end by itself.
    ///
    /// # Panics
    /// If it still runs after `bound`.
    #[track_caller]
    pub fn wait_within(&mut self, bound: Duration) -> ExitStatus {
        let what = format!("the end of process {}", self.0.id());
        wait_until(bound, &what, || self.0.try_wait().transpose())
            .unwrap_or_else(|error| panic!("cannot wait for {what}: {error}"))
    }
}

impl Deref for KillOnDrop {
    type Target = Child;

    fn deref(&self) -> &Child {
        &self.0
    }
}

impl DerefMut for KillOnDrop {
    fn deref_mut(&mut self) -> &mut Child {
        &mut self.0
    }
}

impl Drop for KillOnDrop {
    fn drop(&mut self) {
        // `kill` does nothing to a child that was reaped.
        let ended = self.0.kill().and_then(|()| self.0.wait());
        if let Err(error) = ended {
            let text = format!("cannot end process {}: {error}\n", self.0.id());
            let said = io::stderr().write_all(text.as_bytes());
            assert!(thread::panicking() || said.is_ok(), "{text}");
        }
    }
}
