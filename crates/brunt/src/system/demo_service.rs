//! The embedded target: the Application Agent as a child process of brunt.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context;
use url::Url;

use crate::system::child_processes::{self, Registration};

/// What the agent prints before the address it serves at.
pub(crate) const SERVING_AT: &str = "serving at ";

/// How long the agent may take to end by itself.
const END_WITHIN: Duration = Duration::from_secs(3);

/// The agent, while it runs. It ends when this is dropped, and when brunt ends in any other way,
/// since it then sees the end of its standard input.
pub(crate) struct DemoService {
    child: Child,
    /// It is killed with brunt; `None`: it was waited for.
    registration: Option<Registration>,
    input: Option<ChildStdin>,
    url: Url,
}

impl DemoService {
    /// Starts the agent on a free port of the loopback, its state in memory, pinned to these cores
    /// (empty: to none).
    pub(crate) fn start(cores: &[usize]) -> anyhow::Result<Self> {
        let own = std::env::current_exe().context("cannot find brunt's own program file")?;
        let mut command = Command::new(own);
        command.args(["agent", "--port", "0", "--memory", "--until-stdin-closes"]);
        for core in cores {
            command.arg(format!("--core={core}"));
        }
        // In a process group of its own, Ctrl-C reaches brunt alone, and the agent serves to the end.
        let mut child = command
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start the embedded agent")?;
        let registration = Some(child_processes::register(&child));
        let input = child.stdin.take();
        let output = child
            .stdout
            .take()
            .context("the embedded agent has no output")?;
        let mut line = String::new();
        BufReader::new(output)
            .read_line(&mut line)
            .context("cannot hear the embedded agent")?;
        let url = line
            .trim()
            .strip_prefix(SERVING_AT)
            .and_then(|url| Url::parse(url).ok());
        let Some(url) = url else {
            // It has said on standard error why it could not serve.
            drop(registration);
            child.wait().context("cannot wait for the embedded agent")?;
            anyhow::bail!("the embedded agent did not begin to serve");
        };
        Ok(Self {
            child,
            registration,
            input,
            url,
        })
    }

    /// Where it serves.
    pub(crate) fn url(&self) -> &Url {
        &self.url
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Whether it has ended by itself.
    pub(crate) fn has_ended(&self) -> bool {
        child_processes::has_ended(&self.child)
    }
}

impl Drop for DemoService {
    fn drop(&mut self) {
        drop(self.input.take());
        let until = Instant::now() + END_WITHIN;
        while !self.has_ended() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(5));
        }
        // From here on its id may be another's.
        self.registration = None;
        // Neither can fail for a child that was not waited for.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
