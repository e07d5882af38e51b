//! A server under test that runs until it is dropped.

use std::net::{TcpListener, TcpStream};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use brunt_testbed::wait_until;

use crate::site::{Mode, Site};

/// Timeout for the start of a server and for its log.
const WAIT_MAX: Duration = Duration::from_secs(20);

pub(crate) struct Running {
    pub(crate) name: &'static str,
    port: u16,
    tls: bool,
    seen: Seen,
    _held: Held,
}

/// The source of a server's request count.
pub(crate) enum Seen {
    /// A log with one line per request.
    Log(PathBuf),
    Count(Arc<AtomicU64>),
}

/// Resources that are released with the server.
#[expect(dead_code, reason = "kept until the server is dropped")]
pub(crate) enum Held {
    Process(Process),
    Thread(tokio::sync::oneshot::Sender<()>),
}

/// A process that is killed by its id when dropped.
pub(crate) struct Process(pub(crate) Child);

impl Drop for Process {
    fn drop(&mut self) {
        // Neither fails for a child that was not reaped.
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

impl Running {
    pub(crate) fn new(name: &'static str, port: u16, mode: Mode, seen: Seen, held: Held) -> Self {
        Self {
            name,
            port,
            tls: mode.tls,
            seen,
            _held: held,
        }
    }

    /// Starts a server that needs a port number. If another process took the port in the meantime, tries another one.
    pub(crate) fn on_free_port(
        name: &'static str,
        site: &Site,
        mode: Mode,
        command: impl Fn(u16) -> Command,
    ) -> Self {
        for _ in 0..5 {
            let port = {
                let free = TcpListener::bind("127.0.0.1:0").unwrap();
                free.local_addr().unwrap().port()
            };
            let mut process = Process(
                command(port)
                    .stdin(Stdio::null())
                    .stdout(Stdio::null())
                    .spawn()
                    .unwrap(),
            );
            wait_until(WAIT_MAX, "the server to listen or exit", || {
                let ended = process.0.try_wait().unwrap().is_some();
                (ended || TcpStream::connect(("127.0.0.1", port)).is_ok()).then_some(())
            });
            if process.0.try_wait().unwrap().is_none() {
                let seen = Seen::Log(site.folder().join("access.log"));
                return Self::new(name, port, mode, seen, Held::Process(process));
            }
        }
        panic!("{name} does not listen");
    }

    /// Base URL.
    pub(crate) fn url(&self) -> String {
        let scheme = if self.tls { "https" } else { "http" };
        format!("{scheme}://localhost:{}", self.port)
    }

    /// Checks that it has counted exactly this number of requests.
    pub(crate) fn counts(&self, requests: u64) {
        self.counts_within(requests..=requests);
    }

    /// Checks that the number of requests it has counted is within a range.
    pub(crate) fn counts_within(&self, requests: RangeInclusive<u64>) {
        let what = format!("{} to log {requests:?} requests", self.name);
        let least = *requests.start();
        wait_until(WAIT_MAX, &what, || (self.seen() >= least).then_some(()));
        // Additional requests would be logged soon.
        std::thread::sleep(Duration::from_millis(50));
        let seen = self.seen();
        assert!(requests.contains(&seen), "{}: {seen}", self.name);
    }

    fn seen(&self) -> u64 {
        match &self.seen {
            Seen::Log(path) => std::fs::read_to_string(path).unwrap().lines().count() as u64,
            Seen::Count(count) => count.load(Ordering::Acquire),
        }
    }
}
