//! The event loop of the server's thread: epoll, accept, read, write.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustls::ServerConfig;

use super::counters::Counters;
use super::requests::{RESPONSE, Requests};
use super::tls::TlsSession;

const EVENTS_MAX: usize = 256;
/// Maximum number of responses per write.
const RESPONSES_MAX: usize = 256;
const BUFFER_SIZE: usize = 64 << 10;

/// Event data that identifies the source of an event. Connections start at [`FIRST_CONNECTION`].
const STOP: u64 = 0;
const LISTENER: u64 = 1;
const FIRST_CONNECTION: u64 = 2;

pub(super) struct EventLoop {
    epoll: OwnedFd,
    listener: TcpListener,
    /// TLS configuration; `None` for plain TCP.
    tls: Option<Arc<ServerConfig>>,
    /// Kept open while the loop waits for it.
    _stop: OwnedFd,
    connections: Vec<Option<Connection>>,
    /// Free indexes of `connections`.
    free: Vec<usize>,
    buffer: Vec<u8>,
    /// The response, repeated.
    responses: Vec<u8>,
    counters: Arc<Counters>,
    requests: u64,
    accepted: u64,
}

struct Connection {
    stream: TcpStream,
    tls_session: Option<TlsSession>,
    requests: Requests,
    /// Number of response bytes that the kernel has not accepted. While there are any, nothing is read.
    owed: usize,
}

/// The event that a connection waits for.
enum NextEvent {
    Reads,
    Writes,
    Ends,
}

impl EventLoop {
    pub(super) fn new(
        listener: TcpListener,
        tls: Option<Arc<ServerConfig>>,
        stop: OwnedFd,
        counters: Arc<Counters>,
    ) -> io::Result<Self> {
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        listener.set_nonblocking(true)?;
        epoll::add(&epoll, &stop, EventData::new_u64(STOP), EventFlags::IN)?;
        epoll::add(
            &epoll,
            &listener,
            EventData::new_u64(LISTENER),
            EventFlags::IN,
        )?;
        Ok(Self {
            epoll,
            listener,
            tls,
            _stop: stop,
            connections: Vec::new(),
            free: Vec::new(),
            buffer: vec![0; BUFFER_SIZE],
            responses: RESPONSE.repeat(RESPONSES_MAX),
            counters,
            requests: 0,
            accepted: 0,
        })
    }

    pub(super) fn run(mut self) -> io::Result<()> {
        let mut events: Vec<Event> = Vec::with_capacity(EVENTS_MAX);
        loop {
            events.clear();
            match epoll::wait(&self.epoll, spare_capacity(&mut events), None) {
                Err(rustix::io::Errno::INTR) => continue,
                waited => waited?,
            };
            for event in &events {
                let data = event.data;
                match data.u64() {
                    STOP => return Ok(()),
                    LISTENER => self.accept()?,
                    connection => {
                        let place = usize::try_from(connection - FIRST_CONNECTION)
                            .map_err(io::Error::other)?;
                        self.attend(place)?;
                    }
                }
            }
        }
    }

    fn accept(&mut self) -> io::Result<()> {
        loop {
            let stream = match self.listener.accept() {
                Ok((stream, _)) => stream,
                Err(error) => match error.kind() {
                    io::ErrorKind::WouldBlock => return Ok(()),
                    io::ErrorKind::ConnectionAborted | io::ErrorKind::Interrupted => continue,
                    _ => return Err(error),
                },
            };
            self.accepted += 1;
            self.counters.set_connections(self.accepted);
            stream.set_nonblocking(true)?;
            stream.set_nodelay(true)?;
            let place = self.free.pop().unwrap_or_else(|| {
                self.connections.push(None);
                self.connections.len() - 1
            });
            epoll::add(&self.epoll, &stream, data(place), EventFlags::IN)?;
            self.connections[place] = Some(Connection {
                stream,
                tls_session: self.tls.as_ref().map(TlsSession::new).transpose()?,
                requests: Requests::default(),
                owed: 0,
            });
        }
    }

    /// Reads and responds, or continues to write pending responses.
    fn attend(&mut self, place: usize) -> io::Result<()> {
        let Some(connection) = &mut self.connections[place] else {
            return Ok(());
        };
        let was_owing = connection.has_pending();
        if !was_owing {
            let Some(complete) = connection.read(&mut self.buffer) else {
                self.end(place);
                return Ok(());
            };
            if complete > 0 {
                self.requests += complete as u64;
                self.counters.set_requests(self.requests);
            }
            connection.owed = complete * RESPONSE.len();
        }
        let awaited = match connection.write(&self.responses) {
            NextEvent::Reads => EventFlags::IN,
            NextEvent::Writes => EventFlags::OUT,
            NextEvent::Ends => {
                self.end(place);
                return Ok(());
            }
        };
        if connection.has_pending() != was_owing {
            epoll::modify(&self.epoll, &connection.stream, data(place), awaited)?;
        }
        Ok(())
    }

    fn end(&mut self, place: usize) {
        self.connections[place] = None;
        self.free.push(place);
    }
}

impl Connection {
    /// Whether bytes are pending that the kernel has not accepted.
    fn has_pending(&self) -> bool {
        self.owed > 0
            || self
                .tls_session
                .as_ref()
                .is_some_and(TlsSession::has_pending)
    }

    /// Number of requests completed by the available bytes; `None` at the end of the connection.
    fn read(&mut self, buffer: &mut [u8]) -> Option<usize> {
        if let Some(tls_session) = &mut self.tls_session {
            return tls_session.read(&mut self.stream, &mut self.requests, buffer);
        }
        match self.stream.read(buffer) {
            Ok(0) => None,
            Ok(count) => self.requests.complete_in(&buffer[..count]),
            Err(error) => match error.kind() {
                io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted => Some(0),
                _ => None,
            },
        }
    }

    fn write(&mut self, responses: &[u8]) -> NextEvent {
        if let Some(tls_session) = &mut self.tls_session {
            return match tls_session.write(&mut self.stream, responses, &mut self.owed) {
                Ok(()) => NextEvent::Reads,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => NextEvent::Writes,
                Err(_) => NextEvent::Ends,
            };
        }
        while self.owed > 0 {
            // Pending bytes end with a response, but may start within one.
            let start = (RESPONSE.len() - self.owed % RESPONSE.len()) % RESPONSE.len();
            let end = responses.len().min(start + self.owed);
            match self.stream.write(&responses[start..end]) {
                Ok(count) => self.owed -= count,
                Err(error) => match error.kind() {
                    io::ErrorKind::WouldBlock => return NextEvent::Writes,
                    io::ErrorKind::Interrupted => {}
                    _ => return NextEvent::Ends,
                },
            }
        }
        NextEvent::Reads
    }
}

fn data(place: usize) -> EventData {
    EventData::new_u64(place as u64 + FIRST_CONNECTION)
}
