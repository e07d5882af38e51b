//! Incremental parser of chunked bodies (RFC 9112, section 7.1), with extensions and trailers.

use crate::http::ProtocolError;
use crate::http::{ResponseBody, prefix_of};

/// Maximum size of a chunk's size line and of the trailers, in bytes.
const LINE_BYTES_MAX: u32 = 16 << 10;

/// Parser state within a chunked body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Chunked {
    at: State,
    size: u64,
    digits: u8,
    line_bytes: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Size,
    SizeBlank,
    Extension,
    SizeLf,
    Data,
    DataCr,
    DataLf,
    TrailerStart,
    TrailerName,
    Trailer,
    TrailerLf,
    LastLf,
}

impl Chunked {
    pub(super) fn new() -> Self {
        Self {
            at: State::Size,
            size: 0,
            digits: 0,
            line_bytes: 0,
        }
    }

    /// Consumes bytes up to the end of the body and passes the content among them on. Returns the number of bytes
    /// consumed, and whether the body is complete.
    pub(super) fn feed(
        &mut self,
        bytes: &[u8],
        content: &mut ResponseBody,
    ) -> Result<(usize, bool), ProtocolError> {
        let mut taken = 0;
        while taken < bytes.len() {
            if self.at == State::Data {
                let rest = &bytes[taken..];
                let part = prefix_of(rest, self.size);
                self.size -= part.len() as u64;
                taken += part.len();
                content.take(part)?;
                if self.size == 0 {
                    self.at = State::DataCr;
                }
            } else {
                let byte = bytes[taken];
                taken += 1;
                if self.step(byte)? {
                    return Ok((taken, true));
                }
            }
        }
        Ok((taken, false))
    }

    /// Consumes one byte outside of the data. Returns true at the end of the body.
    fn step(&mut self, byte: u8) -> Result<bool, ProtocolError> {
        self.line_bytes += 1;
        if self.line_bytes > LINE_BYTES_MAX {
            return Err(ProtocolError::Chunk);
        }
        self.at = match (self.at, byte) {
            (State::Size, b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') => return self.digit(byte),
            (State::Size, b' ' | b'\t') if self.digits > 0 => State::SizeBlank,
            (State::Size, b';') if self.digits > 0 => State::Extension,
            (State::Size, b'\r') if self.digits > 0 => State::SizeLf,
            (State::SizeBlank, b' ' | b'\t') => State::SizeBlank,
            (State::SizeBlank, b';') => State::Extension,
            (State::SizeBlank | State::Extension, b'\r') => State::SizeLf,
            (State::Extension, byte) if byte != b'\n' => State::Extension,
            (State::SizeLf, b'\n') => self.line_end(),
            (State::DataCr, b'\r') => State::DataLf,
            (State::DataLf, b'\n') => {
                *self = Self::new();
                State::Size
            }
            (State::TrailerStart, b'\r') => State::LastLf,
            (State::TrailerName, b':') => State::Trailer,
            (State::TrailerStart | State::TrailerName, byte) if is_token(byte) => {
                State::TrailerName
            }
            (State::Trailer, byte) if byte != b'\r' && byte != b'\n' => State::Trailer,
            (State::Trailer, b'\r') => State::TrailerLf,
            (State::TrailerLf, b'\n') => State::TrailerStart,
            (State::LastLf, b'\n') => return Ok(true),
            _ => return Err(ProtocolError::Chunk),
        };
        Ok(false)
    }

    fn digit(&mut self, byte: u8) -> Result<bool, ProtocolError> {
        let digit = char::from(byte).to_digit(16).unwrap_or(0);
        self.digits += 1;
        if self.digits > 16 {
            return Err(ProtocolError::Chunk);
        }
        self.size = (self.size << 4) | u64::from(digit);
        Ok(false)
    }

    fn line_end(&mut self) -> State {
        self.line_bytes = 0;
        if self.size == 0 {
            State::TrailerStart
        } else {
            State::Data
        }
    }
}

/// Whether a byte may be part of a field name (RFC 9110, section 5.6.2).
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}
