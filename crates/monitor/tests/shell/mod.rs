//! Shell scripts that run as child processes, each in a process group of its own, which is killed when the value is dropped.

#![allow(dead_code, unreachable_pub, reason = "each test file uses only a part")]

use std::io::Write;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use procfs::process::{Process, Stat};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};

/// Timeout of [`poll`]: far longer than any condition takes, even on a busy machine.
const TIMEOUT: Duration = Duration::from_mins(1);

/// Calls a function until it returns a value.
pub fn poll<T>(what: &str, mut function: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(value) = function() {
            return value;
        }
        assert!(started.elapsed() < TIMEOUT, "timeout: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// Asserts that CPU seconds agree with those of the kernel. The goal is 2 %; the kernel counts in ticks, which adds 20 ms at
/// each end.
pub fn assert_close(seconds: f64, truth_s: f64) {
    let error_s = (seconds - truth_s).abs();
    assert!(
        error_s <= 0.02 * truth_s + 0.04,
        "{seconds} s by the monitor, {truth_s} s by the kernel"
    );
}

/// A running script.
pub struct Shell {
    child: Child,
}

impl Shell {
    /// Starts `sh -c script`.
    pub fn start(script: &str) -> Self {
        Self::run(Command::new("sh").args(["-c", script]))
    }

    /// Starts a command that runs a shell.
    pub fn run(command: &mut Command) -> Self {
        use std::os::unix::process::CommandExt;
        let command = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .process_group(0);
        Self {
            child: command.spawn().expect("start a shell"),
        }
    }

    pub fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Statistics of the shell and the children that it waited for, with a resolution of 10 ms.
    pub fn stat(&self) -> Stat {
        let process = Process::new(self.pid().as_raw_nonzero().get()).expect("shell");
        process.stat().expect("stat of the shell")
    }

    /// CPU seconds of the shell and the children that it waited for.
    pub fn cpu_seconds(&self) -> f64 {
        let stat = self.stat();
        let ticks = (stat.utime + stat.stime) as f64 + (stat.cutime + stat.cstime) as f64;
        ticks / procfs::ticks_per_second() as f64
    }

    /// Waits until the shell is stopped, for example by itself (`kill -STOP $$`).
    pub fn wait_until_stopped(&self) {
        self.wait_for_state('T');
    }

    pub fn wait_for_state(&self, state: char) {
        poll("the shell's state", || {
            (self.stat().state == state).then_some(())
        });
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).expect("signal the shell");
    }

    /// Sends a line to its standard input.
    pub fn send(&mut self, line: &str) {
        let input = self.child.stdin.as_mut().expect("piped");
        writeln!(input, "{line}").expect("write to the shell");
    }

    /// Takes its standard output, which is not read otherwise.
    pub fn output(&mut self) -> ChildStdout {
        self.child.stdout.take().expect("piped")
    }

    /// Kills the process group and waits for the shell.
    pub fn end(&mut self) {
        // Fails if all processes of the group have ended and were waited for.
        kill_process_group(self.pid(), Signal::KILL).ok();
        self.child.wait().expect("wait for the shell");
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        self.end();
    }
}
