//! A server on a port: a thread that accepts, and a thread for each connection.

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

/// Stack size of a connection's thread in bytes, small enough for thousands of threads.
const STACK_SIZE: usize = 128 << 10;

/// A server that runs until it is stopped or dropped.
pub struct Server {
    address: SocketAddr,
    listener: Arc<TcpListener>,
    connections: Arc<Connections>,
    accepting: Option<JoinHandle<()>>,
    hoarding: Option<JoinHandle<()>>,
}

/// The connections of a server.
struct Connections {
    shared: Shared,
    open: Mutex<HashMap<u64, Open>>,
}

/// An open connection and its thread.
type Open = (Arc<TcpStream>, JoinHandle<()>);

impl Server {
    /// Listens on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// If no port or thread is available.
    pub fn start(behavior: impl Into<Behavior>) -> io::Result<Self> {
        Self::start_at(ANY, behavior)
    }

    /// Listens on this address, such as that of a stopped server that restarts.
    ///
    /// # Errors
    /// If the address or a thread is not available.
    pub fn start_at(address: SocketAddr, behavior: impl Into<Behavior>) -> io::Result<Self> {
        let listener = Arc::new(listening(address, BACKLOG)?);
        let connections = Arc::new(Connections {
            shared: Shared::new(behavior.into()),
            open: Mutex::default(),
        });
        let accepting = {
            let (listener, connections) = (listener.clone(), connections.clone());
            thread::Builder::new()
                .name("testbed-accept".to_owned())
                .spawn(move || accept(&listener, &connections))?
        };
        let mut server = Self {
            address: listener.local_addr()?,
            listener,
            connections,
            accepting: Some(accepting),
            hoarding: None,
        };
        if let Some(MemoryGrowth::OverTime(_)) = server.connections.shared.behavior.memory {
            let connections = server.connections.clone();
            let hoarding = thread::Builder::new()
                .name("testbed-memory".to_owned())
                .spawn(move || connections.shared.grow_ballast())?;
            server.hoarding = Some(hoarding);
        }
        Ok(server)
    }

    /// The address it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its base URL, without a path: `http://127.0.0.1:40123`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Current counts.
    pub fn counts(&self) -> Counts {
        self.connections.shared.counters.counts()
    }

    /// Time from its start, when the clock of its service times starts, to its first request.
    pub fn first_request(&self) -> Option<Duration> {
        self.connections.shared.first_request()
    }

    /// Stops it with all connections and threads, and returns its counts.
    pub fn stop(mut self) -> Counts {
        self.end();
        self.counts()
    }

    fn end(&mut self) {
        let Some(accepting) = self.accepting.take() else {
            return;
        };
        self.connections.shared.stop.set();
        // Wakes the accepting thread.
        if rustix::net::shutdown(&*self.listener, rustix::net::Shutdown::Both).is_ok() {
            join(accepting);
        }
        if let Some(hoarding) = self.hoarding.take() {
            join(hoarding);
        }
        let open: Vec<_> = self.connections.open().drain().collect();
        for (_, (stream, thread)) in open {
            // Wakes the connection's thread. An error means that the client has closed the connection first.
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

impl Connections {
    fn open(&self) -> MutexGuard<'_, HashMap<u64, Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Joins a thread, and propagates its panic unless this thread is panicking as well.
fn join(thread: JoinHandle<()>) {
    let joined = thread.join();
    if !thread::panicking() {
        joined.expect("a thread of the server does not panic");
    }
}

fn accept(listener: &TcpListener, connections: &Arc<Connections>) {
    let mut number = 0;
    while !connections.shared.stop.is_set() {
        let welcomed = match listener.accept() {
            Ok((stream, _)) => {
                number += 1;
                spawn(stream, number, connections)
            }
            Err(error) => Err(error),
        };
        // Descriptors or threads may be used up, or the client may have disconnected: a real server
        // continues as well. The pause keeps the loop from spinning.
        if welcomed.is_err()
            && connections
                .shared
                .stop
                .sleep(Duration::from_millis(1))
                .is_err()
        {
            return;
        }
    }
}

fn spawn(stream: TcpStream, number: u64, connections: &Arc<Connections>) -> io::Result<()> {
    connections.shared.counters.connection();
    stream.set_nodelay(true)?;
    let stream = Arc::new(stream);
    // Locked until the thread is in the table, so that the thread cannot remove itself before.
    let mut open = connections.open();
    let thread = {
        let (stream, connections) = (stream.clone(), connections.clone());
        thread::Builder::new()
            .name("testbed".to_owned())
            .stack_size(STACK_SIZE)
            .spawn(move || attend(stream, number, &connections))?
    };
    open.insert(number, (stream, thread));
    Ok(())
}

/// Main function of a connection's thread.
fn attend(stream: Arc<TcpStream>, number: u64, connections: &Connections) {
    // Responses are sent at their time, not up to 50 µs later. If the system does not allow
    // this setting, they are slightly late.
    rustix::thread::set_current_timer_slack(NonZeroU64::new(1)).ok();
    let end = serve(&stream, &connections.shared);
    if end != End::Gone {
        connections.shared.counters.closed();
    }
    if end == End::Reset {
        sockopt::set_socket_linger(&*stream, Some(Duration::ZERO))
            .expect("a TCP socket can be set to reset");
    }
    // Closes the socket, to which the table holds the other handle.
    connections.open().remove(&number);
    drop(stream);
}
