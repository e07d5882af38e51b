//! A client that sends given bytes and reads responses, or all bytes.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Limit of each wait; a failing test takes this long.
pub(crate) const BOUND: Duration = Duration::from_secs(20);

pub(crate) struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// The end of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Closed,
    Reset,
}

impl Client {
    pub(crate) fn connect(address: SocketAddr) -> Self {
        Self::new(TcpStream::connect_timeout(&address, BOUND).unwrap())
    }

    pub(crate) fn new(stream: TcpStream) -> Self {
        stream.set_read_timeout(Some(BOUND)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self {
            stream,
            buffer: Vec::new(),
        }
    }

    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).unwrap();
    }

    /// Sends a request without a body.
    pub(crate) fn request(&mut self, method: &str, target: &str) {
        self.send(format!("{method} {target} HTTP/1.1\r\nHost: test\r\n\r\n"));
    }

    /// Reads exactly this number of bytes.
    pub(crate) fn take(&mut self, count: usize) -> String {
        while self.buffer.len() < count {
            self.more();
        }
        let rest = self.buffer.split_off(count);
        String::from_utf8(std::mem::replace(&mut self.buffer, rest)).unwrap()
    }

    /// Reads the next headers, with the empty line after them.
    pub(crate) fn head(&mut self) -> String {
        loop {
            let end = self.buffer.windows(4).position(|four| four == b"\r\n\r\n");
            if let Some(end) = end {
                return self.take(end + 4);
            }
            self.more();
        }
    }

    /// Sends a GET whose response has a content length. Returns the status and the body.
    pub(crate) fn get(&mut self, target: &str) -> (u16, String) {
        self.request("GET", target);
        self.response()
    }

    /// Reads the next response, which has a content length. Returns its status and body.
    pub(crate) fn response(&mut self) -> (u16, String) {
        let head = self.head();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("Content-Length: "))
            .unwrap()
            .parse()
            .unwrap();
        (status, self.take(length))
    }

    /// Reads everything. Returns it with the end of the stream.
    pub(crate) fn rest(mut self) -> (Vec<u8>, End) {
        let mut bytes = [0; 4096];
        loop {
            match self.stream.read(&mut bytes) {
                Ok(0) => return (self.buffer, End::Closed),
                Ok(count) => self.buffer.extend_from_slice(&bytes[..count]),
                Err(error) if error.kind() == ErrorKind::ConnectionReset => {
                    return (self.buffer, End::Reset);
                }
                Err(error) => panic!("{error} after {:?}", self.buffer),
            }
        }
    }

    /// Whether nothing can be read at this moment.
    pub(crate) fn is_silent(&self) -> bool {
        self.stream.set_nonblocking(true).unwrap();
        let peeked = self.stream.peek(&mut [0]);
        self.stream.set_nonblocking(false).unwrap();
        peeked.is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
    }

    fn more(&mut self) {
        let mut bytes = [0; 4096];
        let count = self.stream.read(&mut bytes).unwrap();
        assert!(
            count > 0,
            "the stream ended after {:?}",
            String::from_utf8_lossy(&self.buffer)
        );
        self.buffer.extend_from_slice(&bytes[..count]);
    }
}
