//! Services that brunt starts with a shell command, for A/B tests.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context;
use brunt_scenario::HostUrl;
use rustix::process::{Pid, Signal, kill_process_group};
use url::Url;

use crate::exit::Failure;
use crate::results;
use crate::system::child_processes::{Registration, spawn_group};

/// Default of `--wait-ready` for a service that brunt starts.
const READY_TIMEOUT: Duration = Duration::from_secs(30);
/// Time between SIGTERM and SIGKILL.
const TERM_TIMEOUT: Duration = Duration::from_secs(3);
/// Maximum size of a log file.
const LOG_BYTES_MAX: usize = 16 << 20;
/// Interval of checks for readiness and exit.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// Running service: a shell with its command, and all child processes. Dropping it ends all of them.
pub(crate) struct ManagedService {
    /// "A" or "B".
    side: &'static str,
    child: Child,
    /// Kills the process group if brunt has to exit at once; `None` once the child was waited for.
    registration: Option<Registration>,
    url: HostUrl,
    log: PathBuf,
}

impl ManagedService {
    /// Starts a shell command with a free port in `PORT`, and waits until it accepts connections at `url`, or on this port
    /// of the loopback interface. Its output is written to `log`.
    pub(crate) fn start(
        side: &'static str,
        command: &str,
        url: Option<HostUrl>,
        ready_timeout: Option<Duration>,
        log: PathBuf,
    ) -> Result<Self, Failure> {
        let port = free_port()?;
        let url = match url {
            Some(url) => url,
            None => Url::parse(&format!("http://127.0.0.1:{port}/"))
                .context("cannot build the URL of the service")?
                .into(),
        };
        let file =
            results::create_new(&log).with_context(|| format!("cannot write {}", log.display()))?;
        let (output, stdout) = std::io::pipe().context("cannot create a pipe")?;
        let stderr = stdout.try_clone().context("cannot duplicate a pipe")?;
        std::thread::Builder::new()
            .name("log".into())
            .spawn(move || write_log(output, file))
            .context("cannot start a thread")?;
        let mut shell = Command::new("sh");
        shell
            .args(["-c", command])
            .env("PORT", port.to_string())
            .stdin(Stdio::null())
            .stdout(stdout)
            .stderr(stderr);
        let (child, registration) = spawn_group(&mut shell).context("cannot start a shell")?;
        let registration = Some(registration);
        let mut service = Self {
            side,
            child,
            registration,
            url,
            log,
        };
        service.wait_until_ready(ready_timeout.unwrap_or(READY_TIMEOUT))?;
        Ok(service)
    }

    /// Base URL.
    pub(crate) fn url(&self) -> &HostUrl {
        &self.url
    }

    /// Fails if the command has exited.
    pub(crate) fn check_running(&mut self) -> Result<(), Failure> {
        let ended = self.child.try_wait().context("cannot wait for a command")?;
        let Some(status) = ended else {
            return Ok(());
        };
        Err(Failure::NothingMeasured(format!(
            "the command of build {} exited ({status}); its output is in {}",
            self.side,
            self.log.display()
        )))
    }

    fn wait_until_ready(&mut self, timeout: Duration) -> Result<(), Failure> {
        let until = Instant::now() + timeout;
        while !accepts(&self.url) {
            self.check_running()?;
            if Instant::now() >= until {
                return Err(Failure::NothingMeasured(format!(
                    "the command of build {} does not accept connections at {} after {} s; it must listen on the port \
                     in $PORT, or at --host and --host-b; its output is in {}",
                    self.side,
                    self.url,
                    timeout.as_secs_f64(),
                    self.log.display()
                )));
            }
            std::thread::sleep(POLL_INTERVAL);
        }
        Ok(())
    }

    fn signal(&self, signal: Signal) {
        let group = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        if let Some(group) = group {
            // The group may have ended already.
            kill_process_group(group, signal).ok();
        }
    }
}

impl Drop for ManagedService {
    fn drop(&mut self) {
        self.signal(Signal::TERM);
        let until = Instant::now() + TERM_TIMEOUT;
        while Instant::now() < until {
            if !matches!(self.child.try_wait(), Ok(None)) {
                break;
            }
            std::thread::sleep(POLL_INTERVAL);
        }
        // After the wait the process id may be reused.
        self.registration = None;
        // Kill remaining child processes of the shell. Neither call can fail for a child that was not waited for.
        self.signal(Signal::KILL);
        self.child.wait().ok();
    }
}

/// Writes the first [`LOG_BYTES_MAX`] of a service's output, and discards the rest, so that the service never blocks. Output
/// that cannot be written is discarded.
fn write_log(mut from: impl Read, mut to: impl Write) {
    let mut buffer = vec![0; 1 << 16];
    let mut left = LOG_BYTES_MAX;
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        let kept = length.min(left);
        to.write_all(&buffer[..kept]).ok();
        if left > 0 && kept == left {
            let most = LOG_BYTES_MAX >> 20;
            writeln!(to, "\nbrunt: the log ends here, at {most} MiB").ok();
        }
        left -= kept;
    }
}

/// Path of the log of a build.
pub(crate) fn log_of(folder: &Path, side: &str) -> PathBuf {
    folder.join(format!("{}.log", side.to_lowercase()))
}

fn free_port() -> anyhow::Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0").context("cannot find a free port")?;
    Ok(listener
        .local_addr()
        .context("cannot find a free port")?
        .port())
}

fn accepts(url: &HostUrl) -> bool {
    let host = url.host_str().unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let zone = url.zone().map_or(String::new(), |zone| format!("%{zone}"));
    let port = url.port_or_known_default().unwrap_or(80);
    let addresses = (format!("{host}{zone}").as_str(), port).to_socket_addrs();
    addresses.is_ok_and(|mut addresses| {
        addresses.any(|address| TcpStream::connect_timeout(&address, POLL_INTERVAL * 10).is_ok())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_is_bounded_and_further_output_is_discarded() {
        let mut from = std::io::repeat(b'x').take(LOG_BYTES_MAX as u64 + 5_000_000);
        let mut log = Vec::new();
        write_log(&mut from, &mut log);
        assert_eq!(from.limit(), 0, "all of it is read");
        let text = String::from_utf8(log).unwrap();
        assert!(text.len() < LOG_BYTES_MAX + 100);
        assert!(text.ends_with("the log ends here, at 16 MiB\n"));
        let mut short = Vec::new();
        write_log(&b"a line\n"[..], &mut short);
        assert_eq!(short, b"a line\n");
    }
}
