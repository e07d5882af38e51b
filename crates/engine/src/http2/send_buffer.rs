//! The send buffer: bytes to be written, and the positions at which streams start in them.

use std::collections::VecDeque;

use super::frame::{self, Kind};
use super::streams::StreamSlot;

#[derive(Debug, Default)]
pub(super) struct SendBuffer {
    bytes: Vec<u8>,
    /// Number of bytes of the buffer that were written.
    written: usize,
    /// Streams whose HEADERS were not written yet, with their position among all bytes ever buffered.
    unsent: VecDeque<(StreamSlot, u32, u64)>,
    /// Number of bytes written and removed before the buffer.
    bytes_before: u64,
}

impl SendBuffer {
    /// The buffer, to append frames other than HEADERS.
    pub(super) fn bytes(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// The bytes to be written.
    pub(super) fn waiting(&self) -> &[u8] {
        &self.bytes[self.written..]
    }

    /// Starts the HEADERS of a request, to which its fields are appended. Returns their index.
    #[inline]
    pub(super) fn begin_headers(&mut self) -> usize {
        let at = self.bytes.len();
        self.bytes.resize(at + frame::HEAD_BYTES, 0);
        at
    }

    /// Removes HEADERS that were started.
    pub(super) fn cancel_headers(&mut self, at: usize) {
        self.bytes.truncate(at);
    }

    /// Completes the HEADERS that start at an index. Returns their size, frame headers included.
    #[inline]
    pub(super) fn end_headers(
        &mut self,
        at: usize,
        slot: StreamSlot,
        stream: u32,
        flags: u8,
    ) -> usize {
        let starts_at = self.bytes_before + at as u64;
        self.unsent.push_back((slot, stream, starts_at));
        let block = at + frame::HEAD_BYTES;
        let bytes = self.bytes.len() - block;
        if bytes <= frame::PAYLOAD_BYTES_MAX {
            let head = frame::head_bytes(bytes, Kind::Headers, flags | frame::END_HEADERS, stream);
            self.bytes[at..block].copy_from_slice(&head);
        } else {
            self.split_headers(at, stream, flags);
        }
        self.bytes.len() - at
    }

    /// Splits a header block that does not fit into one frame.
    fn split_headers(&mut self, at: usize, stream: u32, flags: u8) {
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

    /// Notes that the first bytes were written. Calls `on_start` for each stream whose HEADERS were among them.
    #[inline]
    pub(super) fn wrote(&mut self, bytes: usize, mut on_start: impl FnMut(StreamSlot, u32)) {
        self.written += bytes;
        let up_to = self.bytes_before + self.written as u64;
        while let Some((slot, stream, starts_at)) = self.unsent.front().copied()
            && starts_at < up_to
        {
            on_start(slot, stream);
            self.unsent.pop_front();
        }
        if self.written == self.bytes.len() {
            self.bytes_before = up_to;
            self.written = 0;
            self.bytes.clear();
            self.bytes.shrink_to(KEPT_BYTES);
        }
    }
}

/// Capacity in bytes that is kept once everything is written.
const KEPT_BYTES: usize = 4 << 10;
