//! A shell script that runs as a child, in a process group of its own, and is ended with all it
//! started when it goes out of scope.

#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test file uses the part that it needs"
)]

use std::io::Write;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use procfs::process::{Process, Stat};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};

/// Far more than anything here takes, even on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// Asks again and again until there is an answer.
pub fn poll<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(begun.elapsed() < PATIENCE, "waited in vain for {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// That CPU seconds are those that the kernel tells. The goal is 2 %; the truth itself is told in ticks: 20 ms
/// at each end.
pub fn assert_close(seconds: f64, truth_s: f64) {
    let off = (seconds - truth_s).abs();
    assert!(
        off <= 0.02 * truth_s + 0.04,
        "{seconds} s by the monitor, {truth_s} s in truth"
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

    /// Starts a command that ends up as a shell.
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

    /// What the kernel tells of the shell and the children it waited for; 10 ms fine.
    pub fn stat(&self) -> Stat {
        let process = Process::new(self.pid().as_raw_nonzero().get()).expect("shell");
        process.stat().expect("stat of the shell")
    }

    /// CPU seconds of the shell and the children it waited for.
    pub fn cpu_seconds(&self) -> f64 {
        let stat = self.stat();
        let ticks = (stat.utime + stat.stime) as f64 + (stat.cutime + stat.cstime) as f64;
        ticks / procfs::ticks_per_second() as f64
    }

    /// Waits until it has stopped itself (`kill -STOP $$`) or was stopped.
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

    /// Sends it a line to read.
    pub fn say(&mut self, line: &str) {
        let input = self.child.stdin.as_mut().expect("piped");
        writeln!(input, "{line}").expect("write to the shell");
    }

    /// Its output, which is read by nobody otherwise.
    pub fn output(&mut self) -> ChildStdout {
        self.child.stdout.take().expect("piped")
    }

    /// Ends it and takes it out of the table of processes.
    pub fn end(&mut self) {
        // Fails where the whole group has ended and was waited for: nothing is left then.
        kill_process_group(self.pid(), Signal::KILL).ok();
        self.child.wait().expect("wait for the shell");
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        self.end();
    }
}
