//! The one thread: it waits for events and answers what came.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustls::ServerConfig;

use super::Tally;
use super::requests::{ANSWER, Requests};
use super::secured::Secured;

const EVENTS_MAX: usize = 256;
/// How many answers are written at once at most.
const ANSWERS_MAX: usize = 256;
const BUFFER_SIZE: usize = 64 << 10;

/// What an event belongs to; connections come after these.
const STOP: u64 = 0;
const LISTENER: u64 = 1;
const FIRST_CONNECTION: u64 = 2;

pub(super) struct Turn {
    epoll: OwnedFd,
    listener: TcpListener,
    /// How hands are shaken; `None`: TCP alone.
    tls: Option<Arc<ServerConfig>>,
    /// Kept open for as long as it is waited for.
    _stop: OwnedFd,
    connections: Vec<Option<Connection>>,
    /// Places in `connections` that are free.
    free: Vec<usize>,
    buffer: Vec<u8>,
    /// The answer, many times over.
    answers: Vec<u8>,
    tally: Arc<Tally>,
    requests: u64,
    accepted: u64,
}

struct Connection {
    stream: TcpStream,
    secured: Option<Secured>,
    requests: Requests,
    /// Bytes of answers that the kernel did not take yet. While there are any, nothing is read.
    owed: usize,
}

/// Whether a connection goes on.
enum Fate {
    Reads,
    Writes,
    Ends,
}

impl Turn {
    pub(super) fn new(
        listener: TcpListener,
        tls: Option<Arc<ServerConfig>>,
        stop: OwnedFd,
        tally: Arc<Tally>,
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
            answers: ANSWER.repeat(ANSWERS_MAX),
            tally,
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
            self.tally
                .connections
                .store(self.accepted, Ordering::Release);
            stream.set_nonblocking(true)?;
            stream.set_nodelay(true)?;
            let place = self.free.pop().unwrap_or_else(|| {
                self.connections.push(None);
                self.connections.len() - 1
            });
            epoll::add(&self.epoll, &stream, data(place), EventFlags::IN)?;
            self.connections[place] = Some(Connection {
                stream,
                secured: self.tls.as_ref().map(Secured::new).transpose()?,
                requests: Requests::default(),
                owed: 0,
            });
        }
    }

    /// Reads and answers what came, or writes on what is owed.
    fn attend(&mut self, place: usize) -> io::Result<()> {
        let Some(connection) = &mut self.connections[place] else {
            return Ok(());
        };
        let was_owing = connection.is_owing();
        if !was_owing {
            let Some(complete) = connection.read(&mut self.buffer) else {
                self.end(place);
                return Ok(());
            };
            if complete > 0 {
                self.requests += complete as u64;
                self.tally.count(self.requests);
            }
            connection.owed = complete * ANSWER.len();
        }
        let awaited = match connection.write(&self.answers) {
            Fate::Reads => EventFlags::IN,
            Fate::Writes => EventFlags::OUT,
            Fate::Ends => {
                self.end(place);
                return Ok(());
            }
        };
        if connection.is_owing() != was_owing {
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
    /// Whether there is something that the kernel did not take yet.
    fn is_owing(&self) -> bool {
        self.owed > 0 || self.secured.as_ref().is_some_and(Secured::is_owing)
    }

    /// How many requests were completed by what could be read; `None` at the connection's end.
    fn read(&mut self, buffer: &mut [u8]) -> Option<usize> {
        if let Some(secured) = &mut self.secured {
            return secured.read(&mut self.stream, &mut self.requests, buffer);
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

    fn write(&mut self, answers: &[u8]) -> Fate {
        if let Some(secured) = &mut self.secured {
            return match secured.write(&mut self.stream, answers, &mut self.owed) {
                Ok(()) => Fate::Reads,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => Fate::Writes,
                Err(_) => Fate::Ends,
            };
        }
        while self.owed > 0 {
            // What is owed ends with the end of an answer, and may start within one.
            let start = (ANSWER.len() - self.owed % ANSWER.len()) % ANSWER.len();
            let end = answers.len().min(start + self.owed);
            match self.stream.write(&answers[start..end]) {
                Ok(count) => self.owed -= count,
                Err(error) => match error.kind() {
                    io::ErrorKind::WouldBlock => return Fate::Writes,
                    io::ErrorKind::Interrupted => {}
                    _ => return Fate::Ends,
                },
            }
        }
        Fate::Reads
    }
}

fn data(place: usize) -> EventData {
    EventData::new_u64(place as u64 + FIRST_CONNECTION)
}
