//! A server on a port of its own: a thread that accepts, and one for each connection.

use std::collections::HashMap;
use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::num::NonZeroU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::net::sockopt;

use crate::connection::{End, Shared, serve};
use crate::listener::{ANY, BACKLOG, listening};
use crate::{Behavior, Counts, MemoryGrowth};

/// Bytes of stack for a connection's thread, so that thousands are cheap.
const STACK_SIZE: usize = 128 << 10;

/// A server that runs from its start until it is stopped or dropped.
pub struct Server {
    address: SocketAddr,
    listener: Arc<TcpListener>,
    crowd: Arc<Crowd>,
    accepting: Option<JoinHandle<()>>,
    hoarding: Option<JoinHandle<()>>,
}

/// The server's connections.
struct Crowd {
    shared: Shared,
    open: Mutex<HashMap<u64, Open>>,
}

/// A connection, and the thread that serves it.
type Open = (Arc<TcpStream>, JoinHandle<()>);

impl Server {
    /// Listens on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// Where no port or no thread is to be had.
    pub fn start(behavior: impl Into<Behavior>) -> io::Result<Self> {
        Self::start_at(ANY, behavior)
    }

    /// Listens on this address: that of a server that was stopped, for one that comes back.
    ///
    /// # Errors
    /// Where the address or a thread is not to be had.
    pub fn start_at(address: SocketAddr, behavior: impl Into<Behavior>) -> io::Result<Self> {
        let listener = Arc::new(listening(address, BACKLOG)?);
        let crowd = Arc::new(Crowd {
            shared: Shared::new(behavior.into()),
            open: Mutex::default(),
        });
        let accepting = {
            let (listener, crowd) = (listener.clone(), crowd.clone());
            thread::Builder::new()
                .name("testbed-accept".to_owned())
                .spawn(move || accept(&listener, &crowd))?
        };
        let mut server = Self {
            address: listener.local_addr()?,
            listener,
            crowd,
            accepting: Some(accepting),
            hoarding: None,
        };
        if let Some(MemoryGrowth::OverTime(_)) = server.crowd.shared.behavior.memory {
            let crowd = server.crowd.clone();
            let hoarding = thread::Builder::new()
                .name("testbed-memory".to_owned())
                .spawn(move || crowd.shared.hoard_over_time())?;
            server.hoarding = Some(hoarding);
        }
        Ok(server)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it listens, as a URL without a path: `http://127.0.0.1:40123`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What it has seen so far.
    pub fn counts(&self) -> Counts {
        self.crowd.shared.counters.counts()
    }

    /// From its start, where the clock of its law begins, to its first request.
    pub fn first_request(&self) -> Option<Duration> {
        self.crowd.shared.first_request()
    }

    /// Ends it, with its connections and threads, and tells what it has seen.
    pub fn stop(mut self) -> Counts {
        self.end();
        self.counts()
    }

    fn end(&mut self) {
        let Some(accepting) = self.accepting.take() else {
            return;
        };
        self.crowd.shared.stop.set();
        // Wakes the thread that accepts.
        if rustix::net::shutdown(&*self.listener, rustix::net::Shutdown::Both).is_ok() {
            join(accepting);
        }
        if let Some(hoarding) = self.hoarding.take() {
            join(hoarding);
        }
        let open: Vec<_> = self.crowd.open().drain().collect();
        for (_, (stream, thread)) in open {
            // Wakes the connection's thread. The error says that the client was faster.
            drop(stream.shutdown(Shutdown::Both));
            join(thread);
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
    }
}

impl Crowd {
    fn open(&self) -> MutexGuard<'_, HashMap<u64, Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits for a thread, and hands its panic on unless this one is panicking, too.
fn join(thread: JoinHandle<()>) {
    let joined = thread.join();
    if !thread::panicking() {
        joined.expect("a thread of the server does not panic");
    }
}

fn accept(listener: &TcpListener, crowd: &Arc<Crowd>) {
    let mut number = 0;
    while !crowd.shared.stop.is_set() {
        let welcomed = match listener.accept() {
            Ok((stream, _)) => {
                number += 1;
                welcome(stream, number, crowd)
            }
            Err(error) => Err(error),
        };
        // Descriptors or threads may be used up, or the client may be gone again: a real server
        // goes on, too. The pause keeps it from spinning.
        if welcomed.is_err() && crowd.shared.stop.sleep(Duration::from_millis(1)).is_err() {
            return;
        }
    }
}

fn welcome(stream: TcpStream, number: u64, crowd: &Arc<Crowd>) -> io::Result<()> {
    crowd.shared.counters.connection();
    stream.set_nodelay(true)?;
    let stream = Arc::new(stream);
    // Held until the thread is in the table, so that the thread cannot leave it before.
    let mut open = crowd.open();
    let thread = {
        let (stream, crowd) = (stream.clone(), crowd.clone());
        thread::Builder::new()
            .name("testbed".to_owned())
            .stack_size(STACK_SIZE)
            .spawn(move || attend(stream, number, &crowd))?
    };
    open.insert(number, (stream, thread));
    Ok(())
}

/// The whole life of a connection's thread.
fn attend(stream: Arc<TcpStream>, number: u64, crowd: &Crowd) {
    // Answers leave when their law says, not up to 50 µs later; where the system does not let a
    // thread ask for that, a little late.
    rustix::thread::set_current_timer_slack(NonZeroU64::new(1)).ok();
    let end = serve(&stream, &crowd.shared);
    if end != End::Gone {
        crowd.shared.counters.closed();
    }
    if end == End::Reset {
        sockopt::set_socket_linger(&*stream, Some(Duration::ZERO))
            .expect("a TCP socket can be told to reset");
    }
    // Closes the socket: the table holds the other handle to it.
    crowd.open().remove(&number);
    drop(stream);
}
