//! A server that does next to nothing, so that a bench measures the client.

mod counters;
mod event_loop;
pub(crate) mod http2;
mod requests;
mod tls;

use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use rustix::event::{EventfdFlags, eventfd};
use rustls::ServerConfig;

use self::counters::Counters;
pub use self::counters::NullCounts;
use self::event_loop::EventLoop;
use crate::Identity;
use crate::listener::{ANY, BACKLOG, listening};

/// Answers every request with the same 128 bytes, a piece of JSON, from one thread. It looks at
/// requests only to find their ends: the end of the head, and `Content-Length`; it knows no chunked
/// requests and answers `HEAD` as it answers `GET`. Pipelined requests are answered together.
pub struct Null {
    address: SocketAddr,
    scheme: &'static str,
    counters: Arc<Counters>,
    stop: OwnedFd,
    thread: Option<JoinHandle<io::Result<()>>>,
}

impl Null {
    /// Bytes of every answer, head and body.
    pub const ANSWER_SIZE: usize = requests::ANSWER.len();

    /// Listens on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// Where no port, descriptor or thread is to be had.
    pub fn start() -> io::Result<Self> {
        Self::start_at(ANY)
    }

    /// Listens on this address.
    ///
    /// # Errors
    /// Where the address, a descriptor or a thread is not to be had.
    pub fn start_at(address: SocketAddr) -> io::Result<Self> {
        Self::begin(address, None)
    }

    /// Listens on a free port of 127.0.0.1 and speaks TLS 1.3 there.
    ///
    /// # Errors
    /// Where no port, descriptor or thread is to be had.
    ///
    /// # Panics
    /// Where the identity holds no certificate or key.
    pub fn start_tls(identity: &Identity) -> io::Result<Self> {
        Self::begin(ANY, Some(tls::config(identity)))
    }

    fn begin(address: SocketAddr, tls: Option<Arc<ServerConfig>>) -> io::Result<Self> {
        let scheme = if tls.is_some() { "https" } else { "http" };
        let listener = listening(address, BACKLOG)?;
        let address = listener.local_addr()?;
        let stop = eventfd(0, EventfdFlags::CLOEXEC)?;
        let counters = Arc::new(Counters::default());
        let event_loop = EventLoop::new(listener, tls, stop.try_clone()?, counters.clone())?;
        let thread = thread::Builder::new()
            .name("testbed-null".to_owned())
            .spawn(move || event_loop.run())?;
        Ok(Self {
            address,
            scheme,
            counters,
            stop,
            thread: Some(thread),
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it listens, as a URL without a path.
    pub fn url(&self) -> String {
        format!("{}://{}", self.scheme, self.address)
    }

    /// What it has seen so far.
    pub fn counts(&self) -> NullCounts {
        self.counters.counts()
    }

    /// When the first request had come, in nanoseconds of the system's monotonic clock.
    pub fn first_request_ns(&self) -> Option<u64> {
        self.counters.first_request_ns()
    }

    /// Ends it and tells what it has seen.
    ///
    /// # Errors
    /// Where it had ended before: a descriptor was not to be had, say.
    pub fn stop(mut self) -> io::Result<NullCounts> {
        self.end()?;
        Ok(self.counts())
    }

    fn end(&mut self) -> io::Result<()> {
        let Some(thread) = self.thread.take() else {
            return Ok(());
        };
        rustix::io::write(&self.stop, &1_u64.to_ne_bytes())?;
        thread
            .join()
            .unwrap_or_else(|_| Err(io::Error::other("the server panicked")))
    }
}

impl Drop for Null {
    fn drop(&mut self) {
        let ended = self.end();
        if !thread::panicking() {
            ended.expect("the server serves until it is told to stop");
        }
    }
}
