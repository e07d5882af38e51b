//! A TCP stream that counts its bytes.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::counts::ServerCounters;

#[derive(Clone, Copy)]
pub(crate) struct CountedStream<'a> {
    pub(crate) stream: &'a TcpStream,
    pub(crate) counters: &'a ServerCounters,
}

impl CountedStream<'_> {
    /// Reads at least one byte, unless the stream has ended. Returns `None` if the time
    /// passes before.
    pub(crate) fn read(
        &self,
        buffer: &mut [u8],
        within: Option<Duration>,
    ) -> io::Result<Option<usize>> {
        self.stream.set_read_timeout(within)?;
        loop {
            let mut stream = self.stream;
            match stream.read(buffer) {
                Ok(bytes) => {
                    self.counters.read(bytes);
                    return Ok(Some(bytes));
                }
                Err(error) => match error.kind() {
                    io::ErrorKind::Interrupted => {}
                    io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => return Ok(None),
                    _ => return Err(error),
                },
            }
        }
    }

    /// Writes all bytes.
    pub(crate) fn write(&self, mut bytes: &[u8]) -> io::Result<()> {
        self.counters.written(bytes.len());
        while !bytes.is_empty() {
            let mut stream = self.stream;
            match stream.write(bytes) {
                Ok(written) => bytes = &bytes[written..],
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.counters.not_written(bytes.len());
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    /// Reads and discards everything until the client ends its side.
    pub(crate) fn drain(&self) -> io::Result<()> {
        let mut buffer = [0; 4096];
        while self.read(&mut buffer, None)? != Some(0) {}
        Ok(())
    }
}
