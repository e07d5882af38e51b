//! The request reader of one connection.

use std::time::Duration;

use memchr::memmem;

use crate::Request;
use crate::counted_stream::CountedStream;
use crate::request::Body;

/// Maximum size of headers and of chunk lines, in bytes.
const LINE_MAX: usize = 64 << 10;
/// Maximum size of bodies, in bytes.
const BODY_MAX: usize = 256 << 20;

/// The reason why there is no further request.
#[derive(Debug)]
pub(crate) enum NoRequest {
    /// The connection ended between two requests.
    Closed,
    /// The connection ended within a request.
    CutOff,
    /// The timeout passed without a byte.
    Idle,
    /// The request got a response without its body, and the connection ends.
    Rejected,
    /// The bytes violate HTTP/1.1.
    Malformed(&'static str),
}

pub(crate) struct Reader<'a> {
    wire: CountedStream<'a>,
    /// Bytes read beyond the last request.
    buffer: Vec<u8>,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(wire: CountedStream<'a>) -> Self {
        Self {
            wire,
            buffer: Vec::new(),
        }
    }

    /// Reads the next headers; the request's body is empty. `idle` limits the wait for the first byte.
    pub(crate) fn head(&mut self, idle: Option<Duration>) -> Result<Request, NoRequest> {
        while self.buffer.is_empty() {
            match self.more(idle) {
                Err(NoRequest::CutOff) => return Err(NoRequest::Closed),
                other => other?,
            }
        }
        let head = self.up_to(b"\r\n\r\n")?;
        Request::parse(&head).map_err(NoRequest::Malformed)
    }

    /// Reads the body that belongs to the headers, without its chunk framing.
    pub(crate) fn body(&mut self, framing: Body) -> Result<Vec<u8>, NoRequest> {
        match framing {
            Body::Length(length) => self.exactly(length),
            Body::Chunked => self.chunks(),
        }
    }

    fn chunks(&mut self) -> Result<Vec<u8>, NoRequest> {
        let mut body = Vec::new();
        loop {
            let line = self.up_to(b"\r\n")?;
            let size = chunk_size(&line).ok_or(NoRequest::Malformed("a chunk has no size"))?;
            if size == 0 {
                break;
            }
            if body.len() + size > BODY_MAX {
                return Err(NoRequest::Malformed("the body is too long"));
            }
            body.extend(self.exactly(size)?);
            if self.exactly(2)? != b"\r\n" {
                return Err(NoRequest::Malformed("a chunk is longer than its size"));
            }
        }
        // The trailers, up to an empty line.
        while !self.up_to(b"\r\n")?.is_empty() {}
        Ok(body)
    }

    /// The bytes before `end`, which is discarded.
    fn up_to(&mut self, end: &[u8]) -> Result<Vec<u8>, NoRequest> {
        loop {
            if let Some(at) = memmem::find(&self.buffer, end) {
                let line = self.buffer[..at].to_vec();
                self.buffer.drain(..at + end.len());
                return Ok(line);
            }
            if self.buffer.len() > LINE_MAX {
                return Err(NoRequest::Malformed("headers or a line are too long"));
            }
            self.more(None)?;
        }
    }

    fn exactly(&mut self, length: usize) -> Result<Vec<u8>, NoRequest> {
        if length > BODY_MAX {
            return Err(NoRequest::Malformed("the body is too long"));
        }
        while self.buffer.len() < length {
            self.more(None)?;
        }
        let rest = self.buffer.split_off(length);
        Ok(std::mem::replace(&mut self.buffer, rest))
    }

    fn more(&mut self, within: Option<Duration>) -> Result<(), NoRequest> {
        let mut bytes = [0; 16 << 10];
        match self.wire.read(&mut bytes, within) {
            Ok(Some(0)) | Err(_) => Err(NoRequest::CutOff),
            Ok(None) => Err(NoRequest::Idle),
            Ok(Some(count)) => {
                self.buffer.extend_from_slice(&bytes[..count]);
                Ok(())
            }
        }
    }
}

/// The size in the line before a chunk, in hexadecimal; extensions are ignored.
fn chunk_size(line: &[u8]) -> Option<usize> {
    let digits = line.split(|byte| *byte == b';').next()?;
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    usize::from_str_radix(str::from_utf8(digits).ok()?, 16)
        .ok()
        .filter(|size| *size <= BODY_MAX)
}
