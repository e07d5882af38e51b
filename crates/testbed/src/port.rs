//! Ports that nothing answers at.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::time::Duration;

use crate::listener::{ANY, bound, listening};

/// A port of this machine, held for as long as this lives, so that nothing else can take it.
#[derive(Debug)]
pub struct Port {
    address: SocketAddr,
    _held: Held,
}

#[derive(Debug)]
#[expect(dead_code, reason = "these are kept open, and never used")]
enum Held {
    Bound(TcpListener),
    Full(TcpListener, Vec<TcpStream>),
}

impl Port {
    /// Refuses connections.
    ///
    /// # Errors
    /// Where no port is to be had.
    pub fn refusing() -> io::Result<Self> {
        let socket: OwnedFd = bound(ANY)?;
        // Not listening; the type is only there for its address.
        let socket = TcpListener::from(socket);
        Ok(Self {
            address: socket.local_addr()?,
            _held: Held::Bound(socket),
        })
    }

    /// Takes no notice of connections, since its queue of connections to accept is full.
    ///
    /// # Errors
    /// Where no port is to be had, or the queue does not fill up.
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
            "the queue of {address} takes more than {} connections",
            queue.len()
        )))
    }

    /// The address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address as a URL without a path.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}
