//! A service that breaks the rules, each of its ports in one way, and a run of brunt against all of them at once, next to
//! a healthy service.

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

/// How long a run of all cases may take: its load is of 4 s.
const BOUND: Duration = Duration::from_secs(30);
/// How often a run is made that was disturbed.
const TRIES: u32 = 4;
const STOOD_STILL: &str = "brunt itself stood still";
/// What brunt may have in memory, whatever it is sent.
const MEMORY_MAX_MIB: u64 = 256;
/// A thread of a port waits no longer for a client.
const PATIENCE: Duration = Duration::from_secs(20);

/// What is done on a connection, one after the other; the connection is closed after the last.
#[derive(Debug, Clone)]
pub(crate) enum Act {
    Send(Vec<u8>),
    /// Sends again and again, until the client is gone.
    Endless(Vec<u8>),
    /// Sends one byte after the other, 30 ms apart.
    Drip(Vec<u8>),
    /// Sends a part that is not all of it.
    Cut(Vec<u8>),
    /// Keeps the connection open, and sends nothing more.
    Hold,
    Reset,
    /// Reads the next request.
    Next,
}

/// How requests of a case end.
pub(crate) type Kinds = &'static [&'static str];

/// A port to ask, and what is to come of it.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) url: String,
    /// The kinds of failure that its requests may have, of which the first occurs; empty: they succeed.
    pub(crate) kinds: Kinds,
    /// More lines of its task.
    pub(crate) task: &'static str,
}

/// A port that breaks a rule.
pub(crate) struct HostilePort {
    pub(crate) url: String,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl HostilePort {
    /// A port that speaks so with each client; an error ends the connection.
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
                // It ends with the client, and with its patience.
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
        // It wakes the thread.
        TcpStream::connect(self.url.trim_start_matches("http://")).ok();
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

/// A connection that is closed while bytes are unread is reset: they are read first.
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
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))
}

/// Does all of it; true if there is to be another request.
pub(crate) fn act(mut stream: &TcpStream, acts: &[Act], random: &mut Random) -> io::Result<bool> {
    for act in acts {
        match act {
            Act::Send(bytes) => send_in_pieces(stream, bytes, random)?,
            Act::Cut(bytes) => {
                let length = random.random_range(0..bytes.len());
                send_in_pieces(stream, &bytes[..length], random)?;
            }
            Act::Endless(bytes) => {
                // More small frames would take all of a machine.
                let much = bytes.repeat((16_384 / bytes.len()).clamp(1, 64));
                let until = Instant::now() + PATIENCE;
                while Instant::now() < until {
                    stream.write_all(&much)?;
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

/// One run asks all ports; each request ends as it should, and those to a healthy service succeed.
pub(crate) fn play(head: &str, healthy: &str, cases: &[Case]) -> Result<(), String> {
    let brunt = loads::unaddressed().and(&["--out", "out"]);
    let brunt = brunt.scenario(&scenario(head, healthy, cases));
    play_in(&brunt, cases)
}

/// The same in a folder that has files already.
pub(crate) fn play_in(brunt: &Brunt, cases: &[Case]) -> Result<(), String> {
    // A brunt that was kept from its CPU gives requests the time back: what they came to is not known.
    let mut outcome = loads::outcome(brunt, &[], BOUND)?;
    for _ in 1..TRIES {
        if !outcome.output.contains(STOOD_STILL) {
            break;
        }
        std::fs::remove_dir_all(brunt.path("out")).map_err(|error| error.to_string())?;
        outcome = loads::outcome(brunt, &[], BOUND)?;
    }
    outcome.is_documented()?;
    if outcome.output.contains(STOOD_STILL) {
        return Err(format!("{STOOD_STILL} in {TRIES} runs\n{}", outcome.output));
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

/// What is wrong with the requests of a name, of which there are at least so many.
fn fault(summary: &Value, name: &str, kinds: Kinds, least: u64) -> Option<String> {
    let mut rows = summary["requests"].as_array()?.iter();
    let Some(row) = rows.find(|row| row["name"] == name) else {
        return Some(format!("{name}: no request"));
    };
    let of = |name: &str| row["failures_by_kind"][name].as_u64().unwrap_or(0);
    // What is in flight when the run ends is cut off, of whatever service.
    let requests = row["requests"].as_u64().unwrap_or(0) - of("aborted");
    let failures = row["failures"].as_u64().unwrap_or(0) - of("aborted");
    let expected = if kinds.is_empty() { 0 } else { requests };
    let as_expected: u64 = kinds.iter().map(|kind| of(kind)).sum();
    let occurs = kinds.first().is_none_or(|kind| of(kind) > 0);
    let is_well = requests >= least && failures == expected && as_expected == failures && occurs;
    let found = &row["failures_by_kind"];
    (!is_well).then(|| format!("{name}: of {requests} requests {found}, expected {kinds:?}"))
}

/// A healthy service of HTTP/1.1.
pub(crate) fn healthy() -> Server {
    loads::service()
}
