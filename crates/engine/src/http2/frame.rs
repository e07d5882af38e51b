//! Frame format (RFC 9113, sections 4 and 6).

/// The connection preface of a client.
pub(super) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
pub(super) const HEAD_BYTES: usize = 9;
/// Maximum payload size unless SETTINGS allow more.
pub(super) const PAYLOAD_BYTES_MAX: usize = 16_384;

/// Flag of DATA and HEADERS: the last frame of the stream.
pub(super) const END_STREAM: u8 = 0x1;
/// Flag of SETTINGS and PING: an acknowledgment.
pub(super) const ACK: u8 = 0x1;
pub(super) const END_HEADERS: u8 = 0x4;
const PADDED: u8 = 0x8;
const PRIORITY: u8 = 0x20;

pub(super) const HEADER_TABLE_SIZE: u16 = 0x1;
pub(super) const ENABLE_PUSH: u16 = 0x2;
pub(super) const MAX_CONCURRENT_STREAMS: u16 = 0x3;
pub(super) const INITIAL_WINDOW_SIZE: u16 = 0x4;
pub(super) const MAX_FRAME_SIZE: u16 = 0x5;
pub(super) const MAX_HEADER_LIST_SIZE: u16 = 0x6;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Data,
    Headers,
    Priority,
    ResetStream,
    Settings,
    PushPromise,
    Ping,
    GoAway,
    WindowUpdate,
    Continuation,
    /// An unknown type, which is ignored.
    Unknown,
}

impl Kind {
    fn of(code: u8) -> Self {
        match code {
            0 => Self::Data,
            1 => Self::Headers,
            2 => Self::Priority,
            3 => Self::ResetStream,
            4 => Self::Settings,
            5 => Self::PushPromise,
            6 => Self::Ping,
            7 => Self::GoAway,
            8 => Self::WindowUpdate,
            9 => Self::Continuation,
            _ => Self::Unknown,
        }
    }

    fn code(self) -> u8 {
        match self {
            Self::Data => 0,
            Self::Headers => 1,
            Self::Priority => 2,
            Self::ResetStream => 3,
            Self::Settings => 4,
            Self::PushPromise => 5,
            Self::Ping => 6,
            Self::GoAway => 7,
            Self::WindowUpdate => 8,
            Self::Continuation => 9,
            Self::Unknown => 0xff,
        }
    }
}

/// A frame header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    /// Payload size.
    pub(super) bytes: usize,
    pub(super) kind: Kind,
    pub(super) flags: u8,
    /// Stream identifier; 0 for the connection itself.
    pub(super) stream: u32,
}

impl Head {
    /// Parses the frame header at the start of the bytes; `None` if it is not complete.
    #[inline]
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let [a, b, c, kind, flags, stream @ ..] = *bytes.first_chunk::<HEAD_BYTES>()?;
        Some(Self {
            bytes: u32::from_be_bytes([0, a, b, c]) as usize,
            kind: Kind::of(kind),
            flags,
            stream: number(stream),
        })
    }

    pub(super) fn has(self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// The payload without padding and priority; `None` if these exceed it.
    #[inline]
    pub(super) fn content(self, mut payload: &[u8]) -> Option<&[u8]> {
        let mut padding = 0;
        if self.has(PADDED) {
            let (bytes, rest) = payload.split_first()?;
            (padding, payload) = (usize::from(*bytes), rest);
        }
        if self.kind == Kind::Headers && self.has(PRIORITY) {
            payload = payload.get(5..)?;
        }
        payload.get(..payload.len().checked_sub(padding)?)
    }
}

/// A 31-bit number, without its reserved bit.
pub(super) fn number(bytes: [u8; 4]) -> u32 {
    u32::from_be_bytes(bytes) & (u32::MAX >> 1)
}

/// Writes the header of a frame of at most [`PAYLOAD_BYTES_MAX`] bytes.
#[inline]
pub(super) fn write_head(to: &mut Vec<u8>, bytes: usize, kind: Kind, flags: u8, stream: u32) {
    to.extend_from_slice(&head_bytes(bytes, kind, flags, stream));
}

#[inline]
pub(super) fn head_bytes(bytes: usize, kind: Kind, flags: u8, stream: u32) -> [u8; HEAD_BYTES] {
    debug_assert!(bytes <= PAYLOAD_BYTES_MAX);
    // At most 2^14.
    let [.., high, low] = bytes.to_be_bytes();
    let mut head = [0, high, low, kind.code(), flags, 0, 0, 0, 0];
    head[5..].copy_from_slice(&stream.to_be_bytes());
    head
}

pub(super) fn write_settings(to: &mut Vec<u8>, settings: &[(u16, u32)]) {
    write_head(to, settings.len() * 6, Kind::Settings, 0, 0);
    for (setting, value) in settings {
        to.extend_from_slice(&setting.to_be_bytes());
        to.extend_from_slice(&value.to_be_bytes());
    }
}

pub(super) fn write_settings_ack(to: &mut Vec<u8>) {
    write_head(to, 0, Kind::Settings, ACK, 0);
}

pub(super) fn write_ping_ack(to: &mut Vec<u8>, payload: [u8; 8]) {
    write_head(to, 8, Kind::Ping, ACK, 0);
    to.extend_from_slice(&payload);
}

pub(super) fn write_window_update(to: &mut Vec<u8>, stream: u32, bytes: u32) {
    write_head(to, 4, Kind::WindowUpdate, 0, stream);
    to.extend_from_slice(&bytes.to_be_bytes());
}

pub(super) fn write_reset(to: &mut Vec<u8>, stream: u32, reason: u32) {
    write_head(to, 4, Kind::ResetStream, 0, stream);
    to.extend_from_slice(&reason.to_be_bytes());
}

/// Writes GOAWAY with last stream 0: servers open no streams, since push is disabled.
pub(super) fn write_goaway(to: &mut Vec<u8>, reason: u32) {
    write_head(to, 8, Kind::GoAway, 0, 0);
    to.extend_from_slice(&[0; 4]);
    to.extend_from_slice(&reason.to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frame_header_round_trips() {
        let kinds = (0..=9).map(Kind::of);
        for (kind, bytes) in kinds.zip([0, 1, 255, 256, 16_384].into_iter().cycle()) {
            let mut written = Vec::new();
            write_head(&mut written, bytes, kind, END_STREAM, u32::MAX >> 1);
            let read = Head::read(&written).unwrap();
            let expected = Head {
                bytes,
                kind,
                flags: END_STREAM,
                stream: u32::MAX >> 1,
            };
            assert_eq!(read, expected);
            assert_eq!(Head::read(&written[..8]), None);
        }
    }

    #[test]
    fn padding_and_priority_are_removed() {
        let head = |flags| Head {
            bytes: 0,
            kind: Kind::Headers,
            flags,
            stream: 1,
        };
        let found = head(PADDED).content(b"\x02abcPP");
        assert_eq!(found, Some(&b"abc"[..]));
        let found = head(PADDED | PRIORITY).content(b"\x01-----abP");
        assert_eq!(found, Some(&b"ab"[..]));
        assert_eq!(head(0).content(b"abc"), Some(&b"abc"[..]));
        for (flags, bytes) in [
            (PADDED, &b""[..]),
            (PADDED, b"\x02a"),
            (PRIORITY, b"----"),
            (PADDED | PRIORITY, b"\x01-----"),
        ] {
            assert_eq!(head(flags).content(bytes), None);
        }
    }
}
