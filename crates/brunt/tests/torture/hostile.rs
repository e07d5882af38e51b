//! Hostile service: each port violates the protocol in one way. A run sends requests to all ports and to a healthy service.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use brunt_testbed::Server;
use rand::{RngExt, SeedableRng};
use rustix::net::sockopt::set_socket_linger;
use serde_json::Value;

use crate::brunt::Brunt;
use crate::loads;
use crate::trials::Random;

/// Maximum duration of a run of all cases, with a load of 4 s.
const BOUND: Duration = Duration::from_secs(30);
/// Maximum number of runs, if the machine disturbs them.
const ATTEMPTS: u32 = 4;
/// Headline of a disturbed run.
const STALLED: &str = "brunt itself stalled";
/// Maximum memory of brunt, with any responses.
const MEMORY_MAX_MIB: u64 = 256;
/// Timeout of the threads of a port.
const TIMEOUT: Duration = Duration::from_secs(20);

/// Action on a connection, which is closed after the last one.
#[derive(Debug, Clone)]
pub(crate) enum Act {
    Send(Vec<u8>),
    /// Sends the bytes repeatedly until the client is gone.
    Endless(Vec<u8>),
    /// Sends one byte after the other, 30 ms apart.
    Drip(Vec<u8>),
    /// Sends a random proper prefix.
    Cut(Vec<u8>),
    /// Keeps the connection open, and sends nothing more.
    Hold,
    Reset,
    /// Reads the next request.
    Next,
}

/// Kinds of failures of a case; empty: its requests succeed.
pub(crate) type Kinds = &'static [&'static str];

/// A port, and the expected outcome of its requests.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) url: String,
    /// Permitted kinds of failures, of which the first must occur.
    pub(crate) kinds: Kinds,
    /// Additional lines of its task.
    pub(crate) task: &'static str,
}

/// Port that violates a protocol.
pub(crate) struct HostilePort {
    pub(crate) url: String,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl HostilePort {
    /// Starts a port that runs `dialog` with each client; an error ends the connection.
    pub(crate) fn start(
        seed: u64,
        dialog: impl Fn(&TcpStream, &mut Random) -> io::Result<()> + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let url = format!("http://{}", listener.local_addr()?);
        let stop = Arc::new(AtomicBool::new(false));
        let stops = stop.clone();
        let dialog = Arc::new(dialog);
        let thread = std::thread::spawn(move || {
            let mut number = 0;
            while let Ok((stream, _)) = listener.accept()
                && !stops.load(Ordering::Acquire)
            {
                let (dialog, mut random) = (dialog.clone(), Random::seed_from_u64(seed ^ number));
                number += 1;
                // The thread ends with the client or its timeout.
                std::thread::spawn(move || {
                    let ended = prepare(&stream).and_then(|()| dialog(&stream, &mut random));
                    ended.and_then(|()| close(&stream)).ok();
                });
            }
        });
        Ok(Self {
            url,
            stop,
            thread: Some(thread),
        })
    }
}

impl Drop for HostilePort {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        // Wakes the thread.
        TcpStream::connect(self.url.trim_start_matches("http://")).ok();
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

/// Closes a connection after reading all bytes: unread bytes would cause a reset.
fn close(stream: &TcpStream) -> io::Result<()> {
    stream.shutdown(Shutdown::Write)?;
    read_to_end(stream)
}

fn read_to_end(mut stream: &TcpStream) -> io::Result<()> {
    while stream.read(&mut [0; 4_096])? > 0 {}
    Ok(())
}

fn prepare(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))
}

/// Performs actions; returns true if another request follows.
pub(crate) fn act(mut stream: &TcpStream, acts: &[Act], random: &mut Random) -> io::Result<bool> {
    for act in acts {
        match act {
            Act::Send(bytes) => send_in_pieces(stream, bytes, random)?,
            Act::Cut(bytes) => {
                let length = random.random_range(0..bytes.len());
                send_in_pieces(stream, &bytes[..length], random)?;
            }
            Act::Endless(bytes) => {
                // A higher rate of small frames would occupy the machine.
                let block = bytes.repeat((16_384 / bytes.len()).clamp(1, 64));
                let until = Instant::now() + TIMEOUT;
                while Instant::now() < until {
                    stream.write_all(&block)?;
                    std::thread::sleep(Duration::from_millis(1));
                }
            }
            Act::Drip(bytes) => {
                for byte in bytes {
                    stream.write_all(&[*byte])?;
                    std::thread::sleep(Duration::from_millis(30));
                }
            }
            Act::Hold => read_to_end(stream)?,
            Act::Reset => {
                set_socket_linger(stream, Some(Duration::ZERO))?;
                return Err(io::ErrorKind::ConnectionReset.into());
            }
            Act::Next => return Ok(true),
        }
    }
    Ok(false)
}

fn send_in_pieces(mut stream: &TcpStream, mut bytes: &[u8], random: &mut Random) -> io::Result<()> {
    for _ in 0..random.random_range(0..4) {
        let (piece, rest) = bytes.split_at(random.random_range(0..=bytes.len()));
        stream.write_all(piece)?;
        std::thread::sleep(Duration::from_micros(random.random_range(0..2_000)));
        bytes = rest;
    }
    stream.write_all(bytes)
}

/// Runs all cases: each request must end as expected, and those to the healthy service must succeed.
pub(crate) fn run_cases(head: &str, healthy: &str, cases: &[Case]) -> Result<(), String> {
    let brunt = loads::run_without_host().and(&["--out", "out"]);
    let brunt = brunt.scenario(&scenario(head, healthy, cases));
    run_cases_in(&brunt, cases)
}

/// Runs all cases in an existing directory.
pub(crate) fn run_cases_in(brunt: &Brunt, cases: &[Case]) -> Result<(), String> {
    // A run that was kept from the CPU extends timeouts, so that its outcomes are unknown.
    let mut outcome = loads::outcome(brunt, &[], BOUND)?;
    for _ in 1..ATTEMPTS {
        if !outcome.output.contains(STALLED) {
            break;
        }
        std::fs::remove_dir_all(brunt.path("out")).map_err(|error| error.to_string())?;
        outcome = loads::outcome(brunt, &[], BOUND)?;
    }
    outcome.is_documented()?;
    if outcome.output.contains(STALLED) {
        return Err(format!("{STALLED} in {ATTEMPTS} runs\n{}", outcome.output));
    }
    if outcome.peak_mib > MEMORY_MAX_MIB {
        return Err(format!("{} MiB of memory", outcome.peak_mib));
    }
    let summary = std::fs::read_to_string(brunt.path("out/summary.json"));
    let summary = summary.map_err(|error| format!("no summary: {error}\n{}", outcome.output))?;
    let summary: Value = serde_json::from_str(&summary).map_err(|error| error.to_string())?;
    let wrong = cases.iter().filter_map(|case| case.fault(&summary));
    let mut wrong: Vec<String> = wrong.collect();
    wrong.extend(fault(&summary, "healthy", &[], 5));
    if wrong.is_empty() {
        return Ok(());
    }
    Err(wrong.join("\n"))
}

pub(crate) fn scenario(head: &str, healthy: &str, cases: &[Case]) -> String {
    let mut text = format!(
        "host = \"{healthy}\"\nlimits = {{ body = \"1MiB\", decoded = \"1MiB\" }}\n{head}\n\
         [profiles.load]\nusers = {}\nduration = \"4s\"\n\
         [users.healthy]\nfixed_count = 2\nwait = \"20ms\"\n[[users.healthy.tasks]]\nget = \"/\"\nname = \"healthy\"\n",
        cases.len() + 2
    );
    for Case {
        name, url, task, ..
    } in cases
    {
        text.push_str(&format!(
            "[users.{name}]\nhost = \"{url}\"\nfixed_count = 1\nwait = \"100ms\"\n\
             [[users.{name}.tasks]]\nget = \"/\"\nname = \"{name}\"\ntimeout = \"1500ms\"\n{task}\n"
        ));
    }
    text
}

impl Case {
    fn fault(&self, summary: &Value) -> Option<String> {
        fault(summary, self.name, self.kinds, 1)
    }
}

/// Returns a message if the requests of a name did not end as expected, or if there are fewer than `min`.
fn fault(summary: &Value, name: &str, kinds: Kinds, min: u64) -> Option<String> {
    let mut rows = summary["requests"].as_array()?.iter();
    let Some(row) = rows.find(|row| row["name"] == name) else {
        return Some(format!("{name}: no request"));
    };
    let of = |name: &str| row["failures_by_kind"][name].as_u64().unwrap_or(0);
    // Requests in flight at the end of the run are aborted.
    let requests = row["requests"].as_u64().unwrap_or(0) - of("aborted");
    let failures = row["failures"].as_u64().unwrap_or(0) - of("aborted");
    let expected = if kinds.is_empty() { 0 } else { requests };
    let as_expected: u64 = kinds.iter().map(|kind| of(kind)).sum();
    let occurs = kinds.first().is_none_or(|kind| of(kind) > 0);
    let is_as_expected =
        requests >= min && failures == expected && as_expected == failures && occurs;
    let found = &row["failures_by_kind"];
    (!is_as_expected).then(|| format!("{name}: of {requests} requests {found}, expected {kinds:?}"))
}

/// Healthy HTTP/1.1 service.
pub(crate) fn healthy() -> Server {
    loads::service()
}
