//! Starts the binary for tests.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use brunt_record::RunRecord;
use brunt_testbed::wait_until;
use serde_json::Value;
use tempfile::TempDir;

/// Maximum duration of any wait in these tests.
pub(crate) const BOUND: Duration = Duration::from_mins(1);

/// brunt with arguments, in a temporary directory.
pub(crate) struct Brunt {
    pub(crate) folder: TempDir,
    arguments: Vec<String>,
}

/// Exit code and output.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Brunt {
    pub(crate) fn new(arguments: &[&str]) -> Self {
        let arguments = arguments
            .iter()
            .map(|argument| (*argument).to_owned())
            .collect();
        Self {
            folder: tempfile::tempdir().expect("a temporary folder"),
            arguments,
        }
    }

    /// Adds arguments.
    pub(crate) fn and(mut self, arguments: &[&str]) -> Self {
        let more = arguments.iter().map(|argument| (*argument).to_owned());
        self.arguments.extend(more);
        self
    }

    /// Writes a scenario to `brunt.toml`.
    pub(crate) fn scenario(self, text: &str) -> Self {
        std::fs::write(self.folder.path().join("brunt.toml"), text).expect("a file");
        self
    }

    /// Writes the scenario that ships with brunt.
    pub(crate) fn shipped(self) -> Self {
        self.scenario(include_str!("../../../../brunt.toml"))
    }

    pub(crate) fn command(&self) -> Command {
        let arguments: Vec<&str> = self.arguments.iter().map(String::as_str).collect();
        self.command_of(&arguments)
    }

    /// Command with other arguments, in the same directory.
    pub(crate) fn command_of(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_brunt"));
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .stdin(Stdio::null());
        command.env_remove("COLUMNS");
        // Tests share no cache, neither with each other nor with the user.
        command.env("XDG_CACHE_HOME", self.path("cache"));
        command
    }

    pub(crate) fn run(&self) -> Ended {
        self.command().output().expect("brunt starts").into()
    }

    /// Runs it with environment variables.
    pub(crate) fn run_with(&self, variables: &[(&str, &str)]) -> Ended {
        let mut command = self.command();
        command.envs(variables.iter().copied());
        command.output().expect("brunt starts").into()
    }

    /// Runs it with other arguments, in the same directory.
    pub(crate) fn also(&self, arguments: &[&str]) -> Ended {
        self.command_of(arguments)
            .output()
            .expect("brunt starts")
            .into()
    }

    pub(crate) fn start(&self) -> Running {
        let child = self
            .command()
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        Running {
            child: child.expect("brunt starts"),
        }
    }

    /// Starts it from a shell, after another shell command.
    pub(crate) fn start_by_shell(&self, first: &str) -> Running {
        let own = self.command();
        let mut command = Command::new("sh");
        command
            .arg("-c")
            .arg(format!("{first}; exec \"$0\" \"$@\""))
            .arg(own.get_program())
            .args(own.get_args())
            .current_dir(self.folder.path())
            .env("XDG_CACHE_HOME", self.path("cache"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        Running {
            child: command.spawn().expect("a shell starts"),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Record of a run with `--out out`, complete or not; `None` without a record.
    pub(crate) fn record(&self) -> Option<RunRecord> {
        let bytes = std::fs::read(self.path("out/record.brunt")).ok()?;
        brunt_record::file::read(bytes.as_slice()).ok()
    }

    /// Waits until the record of a run with `--out out` holds this many seconds.
    pub(crate) fn until_recorded(&self, seconds: usize) {
        wait_until(BOUND, "seconds of the record", || {
            (self.record()?.timeline.seconds().len() >= seconds).then_some(())
        });
    }

    /// `summary.json` of a run with `--out out`.
    pub(crate) fn summary(&self) -> Value {
        read_json(&self.path("out/summary.json"))
    }
}

pub(crate) fn read_json(path: &Path) -> Value {
    let text =
        std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).expect("JSON")
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// Running brunt, which is killed if the test ends first.
pub(crate) struct Running {
    child: Child,
}

impl Running {
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("a child").is_some()
    }

    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let id = i32::try_from(self.child.id())
            .ok()
            .and_then(rustix::process::Pid::from_raw);
        rustix::process::kill_process(id.expect("an id"), signal).expect("brunt runs");
    }

    pub(crate) fn end(mut self) -> Ended {
        let status = wait_until(BOUND, "brunt to end", || {
            self.child.try_wait().expect("a child")
        });
        let (mut stdout, mut stderr) = (String::new(), String::new());
        let pipes = (self.child.stdout.take(), self.child.stderr.take());
        pipes
            .0
            .expect("piped")
            .read_to_string(&mut stdout)
            .expect("text");
        pipes
            .1
            .expect("piped")
            .read_to_string(&mut stderr)
            .expect("text");
        Ended {
            code: status.code(),
            stdout,
            stderr,
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            self.child.kill().ok();
            self.child.wait().ok();
        }
    }
}

/// Process ids of a process's children.
pub(crate) fn children(id: u32) -> Vec<u32> {
    let path = format!("/proc/{id}/task/{id}/children");
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.split_whitespace()
        .filter_map(|id| id.parse().ok())
        .collect()
}

/// Whether a process runs; a zombie does not.
pub(crate) fn runs(id: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{id}/stat")).is_ok_and(|stat| {
        !stat
            .rsplit(") ")
            .next()
            .unwrap_or_default()
            .starts_with('Z')
    })
}
