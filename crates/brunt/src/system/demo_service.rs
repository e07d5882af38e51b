//! Embedded target: the Application Agent as a child process of brunt.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context;
use brunt_scenario::HostUrl;
use url::Url;

use crate::system::child_processes::{self, Registration};

/// Prefix of the line in which the agent prints its address.
pub(crate) const SERVING_AT: &str = "serving at ";

/// Time between the end of its input and SIGKILL.
const EXIT_TIMEOUT: Duration = Duration::from_secs(3);

/// Running agent. It exits when this is dropped, and when brunt exits in any other way, since its standard input then
/// closes.
pub(crate) struct DemoService {
    child: Child,
    /// Kills the process if brunt has to exit at once; `None` once it was waited for.
    registration: Option<Registration>,
    input: Option<ChildStdin>,
    url: HostUrl,
}

impl DemoService {
    /// Starts the agent on a free port of the loopback interface, with its state in memory, pinned to these cores (empty: not
    /// pinned).
    pub(crate) fn start(cores: &[usize]) -> anyhow::Result<Self> {
        let own = std::env::current_exe().context("cannot find brunt's own program file")?;
        let mut command = Command::new(own);
        command.args(["agent", "--port", "0", "--memory", "--until-stdin-closes"]);
        for core in cores {
            command.arg(format!("--core={core}"));
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let (mut child, registration) =
            child_processes::spawn(&mut command).context("cannot start the embedded agent")?;
        let registration = Some(registration);
        let input = child.stdin.take();
        let output = child
            .stdout
            .take()
            .context("the embedded agent has no output")?;
        let mut line = String::new();
        BufReader::new(output)
            .read_line(&mut line)
            .context("cannot read the address of the embedded agent")?;
        let url = line
            .trim()
            .strip_prefix(SERVING_AT)
            .and_then(|url| Url::parse(url).ok());
        let Some(url) = url else {
            // The agent has printed the reason to standard error.
            drop(registration);
            child.wait().context("cannot wait for the embedded agent")?;
            anyhow::bail!("the embedded agent failed to start");
        };
        Ok(Self {
            child,
            registration,
            input,
            url: url.into(),
        })
    }

    /// Base URL.
    pub(crate) fn url(&self) -> &HostUrl {
        &self.url
    }

    /// Process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Whether it has exited.
    pub(crate) fn has_ended(&self) -> bool {
        child_processes::has_ended(&self.child)
    }
}

impl Drop for DemoService {
    fn drop(&mut self) {
        drop(self.input.take());
        let until = Instant::now() + EXIT_TIMEOUT;
        while !self.has_ended() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(5));
        }
        // After the wait the process id may be reused.
        self.registration = None;
        // Neither call can fail for a child that was not waited for.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
