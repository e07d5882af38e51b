//! The null server: sends a fixed response with as little work as possible, so that a bench measures the client.

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

/// Responds to every request with the same 128 bytes, a JSON document, from one thread. It only
/// looks for the ends of requests: the end of the headers, and `Content-Length`. It does not support chunked
/// requests, and responds to `HEAD` as to `GET`. Responses to pipelined requests are sent together.
pub struct NullServer {
    address: SocketAddr,
    scheme: &'static str,
    counters: Arc<Counters>,
    stop: OwnedFd,
    thread: Option<JoinHandle<io::Result<()>>>,
}

impl NullServer {
    /// Size of every response in bytes, headers and body.
    pub const RESPONSE_SIZE: usize = requests::RESPONSE.len();

    /// Listens on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// If no port, descriptor or thread is available.
    pub fn start() -> io::Result<Self> {
        Self::start_at(ANY)
    }

    /// Listens on this address.
    ///
    /// # Errors
    /// If the address, a descriptor or a thread is not available.
    pub fn start_at(address: SocketAddr) -> io::Result<Self> {
        Self::begin(address, None)
    }

    /// Listens on a free port of 127.0.0.1 with TLS 1.3.
    ///
    /// # Errors
    /// If no port, descriptor or thread is available.
    ///
    /// # Panics
    /// If the identity contains no certificate or key.
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

    /// The address it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its base URL, without a path.
    pub fn url(&self) -> String {
        format!("{}://{}", self.scheme, self.address)
    }

    /// Current counts.
    pub fn counts(&self) -> NullCounts {
        self.counters.counts()
    }

    /// Time of the first request, in nanoseconds of the system's monotonic clock.
    pub fn first_request_ns(&self) -> Option<u64> {
        self.counters.first_request_ns()
    }

    /// Stops it and returns its counts.
    ///
    /// # Errors
    /// If it had failed before, for example for lack of a descriptor.
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

impl Drop for NullServer {
    fn drop(&mut self) {
        let ended = self.end();
        if !thread::panicking() {
            ended.expect("the server runs until it is stopped");
        }
    }
}
