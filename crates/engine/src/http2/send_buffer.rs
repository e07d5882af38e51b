//! Outgoing: bytes that wait to be written, and which streams begin among them.

use std::collections::VecDeque;

use super::frame::{self, Kind};
use super::streams::Slot;

#[derive(Debug, Default)]
pub(super) struct Outgoing {
    bytes: Vec<u8>,
    /// How many of these were written.
    written: usize,
    /// Streams whose heads wait, and where they begin among all bytes that ever went.
    unsent: VecDeque<(Slot, u32, u64)>,
    /// Bytes that were written before these.
    gone: u64,
}

impl Outgoing {
    /// To append what belongs to no stream's request.
    pub(super) fn bytes(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// Bytes that wait.
    pub(super) fn waiting(&self) -> &[u8] {
        &self.bytes[self.written..]
    }

    /// Begins the head of a stream's request: its fields are to follow. Gives back where it begins.
    #[inline]
    pub(super) fn begin_head(&mut self) -> usize {
        let at = self.bytes.len();
        self.bytes.resize(at + frame::HEAD_BYTES, 0);
        at
    }

    /// Forgets a head that was begun.
    pub(super) fn take_back(&mut self, at: usize) {
        self.bytes.truncate(at);
    }

    /// Ends the head that began somewhere; returns its size with all that frames it.
    #[inline]
    pub(super) fn end_head(&mut self, at: usize, slot: Slot, stream: u32, flags: u8) -> usize {
        let begins = self.gone + at as u64;
        self.unsent.push_back((slot, stream, begins));
        let block = at + frame::HEAD_BYTES;
        let bytes = self.bytes.len() - block;
        if bytes <= frame::PAYLOAD_BYTES_MAX {
            let head = frame::head_bytes(bytes, Kind::Headers, flags | frame::END_HEADERS, stream);
            self.bytes[at..block].copy_from_slice(&head);
        } else {
            self.cut_head(at, stream, flags);
        }
        self.bytes.len() - at
    }

    /// Writes a head that is too long for one frame as several.
    fn cut_head(&mut self, at: usize, stream: u32, flags: u8) {
        let block = self.bytes.split_off(at).split_off(frame::HEAD_BYTES);
        let mut parts = block.chunks(frame::PAYLOAD_BYTES_MAX).peekable();
        let (mut kind, mut flags) = (Kind::Headers, flags);
        while let Some(part) = parts.next() {
            if parts.peek().is_none() {
                flags |= frame::END_HEADERS;
            }
            frame::write_head(&mut self.bytes, part.len(), kind, flags, stream);
            self.bytes.extend_from_slice(part);
            (kind, flags) = (Kind::Continuation, 0);
        }
    }

    /// So many of the bytes that wait were written; `begun` is called for each stream whose head was among them.
    #[inline]
    pub(super) fn wrote(&mut self, bytes: usize, mut begun: impl FnMut(Slot, u32)) {
        self.written += bytes;
        let up_to = self.gone + self.written as u64;
        while let Some((slot, stream, begins)) = self.unsent.front().copied()
            && begins < up_to
        {
            begun(slot, stream);
            self.unsent.pop_front();
        }
        if self.written == self.bytes.len() {
            self.gone = up_to;
            self.written = 0;
            self.bytes.clear();
            self.bytes.shrink_to(KEPT_BYTES);
        }
    }
}

/// Room for more is given back.
const KEPT_BYTES: usize = 4 << 10;
