//! Builds: services that brunt starts by their commands, so that two of them can be played in turns.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream, ToSocketAddrs};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context;
use rustix::process::{Pid, Signal, kill_process_group};
use url::Url;

use crate::exit::Failure;
use crate::results;
use crate::system::child_processes::{Registration, register_group};

/// How long a build may take until it serves, unless `--wait-ready` says otherwise.
const SERVES_WITHIN: Duration = Duration::from_secs(30);
/// How long it may take to end by itself.
const ENDS_WITHIN: Duration = Duration::from_secs(3);
/// Longest log that is kept of a build.
const LOG_BYTES_MAX: usize = 16 << 20;
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A build while it runs: the shell that was given its command, and all that it started. It ends when this is
/// dropped.
pub(crate) struct ManagedService {
    /// What it is called.
    side: &'static str,
    child: Child,
    /// It is killed with brunt; `None`: it was waited for.
    registration: Option<Registration>,
    url: Url,
    log: PathBuf,
}

impl ManagedService {
    /// Starts a command by the shell, with a free port in `PORT`, and waits until something serves at `url`; else
    /// at that port of the loopback. What the command says goes into a file.
    pub(crate) fn start(
        side: &'static str,
        command: &str,
        url: Option<Url>,
        patience: Option<Duration>,
        log: PathBuf,
    ) -> Result<Self, Failure> {
        let port = free_port()?;
        let url = match url {
            Some(url) => url,
            None => Url::parse(&format!("http://127.0.0.1:{port}/"))
                .context("cannot name a port of the loopback")?,
        };
        let file =
            results::create_new(&log).with_context(|| format!("cannot write {}", log.display()))?;
        let (output, said) = std::io::pipe().context("cannot make a pipe")?;
        let also = said.try_clone().context("cannot share a pipe")?;
        std::thread::Builder::new()
            .name("log".into())
            .spawn(move || keep(output, file))
            .context("cannot start a thread")?;
        // In a process group of its own: Ctrl-C reaches brunt alone, and all of it can be ended.
        let child = Command::new("sh")
            .args(["-c", command])
            .env("PORT", port.to_string())
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(said)
            .stderr(also)
            .spawn()
            .context("cannot start a shell")?;
        let registration = Some(register_group(&child));
        let mut build = Self {
            side,
            child,
            registration,
            url,
            log,
        };
        build.wait_until_it_serves(patience.unwrap_or(SERVES_WITHIN))?;
        Ok(build)
    }

    /// Where it serves.
    pub(crate) fn url(&self) -> &Url {
        &self.url
    }

    /// Refuses to go on where it has ended.
    pub(crate) fn still_runs(&mut self) -> Result<(), Failure> {
        let ended = self.child.try_wait().context("cannot wait for a command")?;
        let Some(status) = ended else {
            return Ok(());
        };
        Err(Failure::NothingMeasured(format!(
            "the command of {} ended ({status}); what it said is in {}",
            self.side,
            self.log.display()
        )))
    }

    fn wait_until_it_serves(&mut self, patience: Duration) -> Result<(), Failure> {
        let until = Instant::now() + patience;
        while !accepts(&self.url) {
            self.still_runs()?;
            if Instant::now() >= until {
                return Err(Failure::NothingMeasured(format!(
                    "the command of {} does not serve at {} after {} s; it has to serve at the port in $PORT, or where \
                     --host and --host-b say; what it said is in {}",
                    self.side,
                    self.url,
                    patience.as_secs_f64(),
                    self.log.display()
                )));
            }
            std::thread::sleep(LOOK_EVERY);
        }
        Ok(())
    }

    fn signal(&self, signal: Signal) {
        let group = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        if let Some(group) = group {
            // It may be gone already.
            kill_process_group(group, signal).ok();
        }
    }
}

impl Drop for ManagedService {
    fn drop(&mut self) {
        self.signal(Signal::TERM);
        let until = Instant::now() + ENDS_WITHIN;
        while Instant::now() < until {
            if !matches!(self.child.try_wait(), Ok(None)) {
                break;
            }
            std::thread::sleep(LOOK_EVERY);
        }
        // From here on its id may be another's.
        self.registration = None;
        // What the shell left behind, too. Neither can fail for a child that was not waited for.
        self.signal(Signal::KILL);
        self.child.wait().ok();
    }
}

/// Writes the first [`LOG_BYTES_MAX`] of what a build says, and reads the rest, so that the build never waits. What cannot be
/// written is lost: the build goes on.
fn keep(mut from: impl Read, mut to: impl Write) {
    let mut piece = vec![0; 1 << 16];
    let mut left = LOG_BYTES_MAX;
    while let Ok(length @ 1..) = from.read(&mut piece) {
        let kept = length.min(left);
        to.write_all(&piece[..kept]).ok();
        if left > 0 && kept == left {
            let most = LOG_BYTES_MAX >> 20;
            writeln!(to, "\nbrunt: the log ends here, at {most} MiB").ok();
        }
        left -= kept;
    }
}

/// Where a log of a build goes.
pub(crate) fn log_of(folder: &Path, side: &str) -> PathBuf {
    folder.join(format!("{}.log", side.to_lowercase()))
}

fn free_port() -> anyhow::Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0").context("there is no free port")?;
    Ok(listener
        .local_addr()
        .context("a port without a number")?
        .port())
}

fn accepts(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let port = url.port_or_known_default().unwrap_or(80);
    let addresses = (host, port).to_socket_addrs();
    addresses.is_ok_and(|mut addresses| {
        addresses.any(|address| TcpStream::connect_timeout(&address, LOOK_EVERY * 10).is_ok())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_is_bounded_and_what_follows_is_still_read() {
        let mut from = std::io::repeat(b'x').take(LOG_BYTES_MAX as u64 + 5_000_000);
        let mut log = Vec::new();
        keep(&mut from, &mut log);
        assert_eq!(from.limit(), 0, "all of it is read");
        let text = String::from_utf8(log).unwrap();
        assert!(text.len() < LOG_BYTES_MAX + 100);
        assert!(text.ends_with("the log ends here, at 16 MiB\n"));
        let mut short = Vec::new();
        keep(&b"a line\n"[..], &mut short);
        assert_eq!(short, b"a line\n");
    }
}
