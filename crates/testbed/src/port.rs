//! Ports that accept no connections.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::time::Duration;

use crate::listener::{ANY, bound, listening};

/// A port of this machine that is reserved for as long as this value lives.
#[derive(Debug)]
pub struct Port {
    address: SocketAddr,
    _held: Held,
}

#[derive(Debug)]
#[expect(dead_code, reason = "the sockets are kept open, but not used")]
enum Held {
    Bound(TcpListener),
    Full(TcpListener, Vec<TcpStream>),
}

impl Port {
    /// A port that refuses connections.
    ///
    /// # Errors
    /// If no port is available.
    pub fn refusing() -> io::Result<Self> {
        let socket: OwnedFd = bound(ANY)?;
        // It does not listen; the type only provides its address.
        let socket = TcpListener::from(socket);
        Ok(Self {
            address: socket.local_addr()?,
            _held: Held::Bound(socket),
        })
    }

    /// A port that ignores connections, since its accept queue is full.
    ///
    /// # Errors
    /// If no port is available, or if the queue does not fill up.
    pub fn full() -> io::Result<Self> {
        let listener = listening(ANY, 0)?;
        let address = listener.local_addr()?;
        let mut queue = Vec::new();
        while queue.len() < 64 {
            match TcpStream::connect_timeout(&address, Duration::from_millis(200)) {
                Ok(stream) => queue.push(stream),
                Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                    return Ok(Self {
                        address,
                        _held: Held::Full(listener, queue),
                    });
                }
                Err(error) => return Err(error),
            }
        }
        Err(io::Error::other(format!(
            "the queue of {address} accepts more than {} connections",
            queue.len()
        )))
    }

    /// The address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address as a base URL, without a path.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}
