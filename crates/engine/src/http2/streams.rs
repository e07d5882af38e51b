//! The open streams of a connection, each in its own slot.

use super::error_code::ErrorCode;
use super::response::ResponseBuilder;
use crate::http::ProtocolError;
use crate::time::timers::TimerSlot;

/// Slot of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct StreamSlot(usize);

#[derive(Default)]
pub(super) struct Streams {
    /// Stream identifiers by slot; 0 for a free slot.
    numbers: Vec<u32>,
    slots: Vec<Option<Stream>>,
    in_flight: u32,
}

pub(super) struct Stream {
    pub(super) number: u32,
    /// Timer slot of the user.
    pub(super) timer: TimerSlot,
    pub(super) response: ResponseBuilder,
    pub(super) state: StreamState,
    /// Whether the request was sent completely.
    pub(super) is_sent: bool,
    pub(super) send_window: i64,
    /// Whether the user waits for room in the send window.
    pub(super) wants_room: bool,
    /// Number of bytes received without a `WINDOW_UPDATE` for them.
    pub(super) unreleased: u32,
    pub(super) sent_ns: Option<u64>,
    pub(super) first_byte_ns: Option<u64>,
    pub(super) last_byte_ns: Option<u64>,
    pub(super) bytes_sent: u64,
    pub(super) bytes_received: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StreamState {
    /// The response is not complete.
    Open,
    /// The response is complete.
    Complete,
    /// The response is malformed.
    Malformed(ProtocolError),
    /// The server reset it.
    Reset(ErrorCode),
    /// The server did not process it, according to its GOAWAY.
    Unprocessed,
}

impl Streams {
    pub(super) fn in_flight(&self) -> u32 {
        self.in_flight
    }

    #[inline]
    pub(super) fn insert(&mut self, stream: Stream) -> StreamSlot {
        self.in_flight += 1;
        let number = stream.number;
        let free = self.numbers.iter().position(|number| *number == 0);
        let at = free.unwrap_or(self.numbers.len());
        if free.is_none() {
            self.numbers.push(number);
            self.slots.push(Some(stream));
        } else {
            self.numbers[at] = number;
            self.slots[at] = Some(stream);
        }
        StreamSlot(at)
    }

    #[inline]
    pub(super) fn remove(&mut self, slot: StreamSlot) -> Option<Stream> {
        let removed = self.slots[slot.0].take();
        if removed.is_some() {
            self.numbers[slot.0] = 0;
            self.in_flight -= 1;
        }
        removed
    }

    #[inline]
    pub(super) fn get(&self, slot: StreamSlot) -> Option<&Stream> {
        self.slots[slot.0].as_ref()
    }

    #[inline]
    pub(super) fn get_mut(&mut self, slot: StreamSlot) -> Option<&mut Stream> {
        self.slots[slot.0].as_mut()
    }

    /// The open stream with this identifier.
    #[inline]
    pub(super) fn numbered(&mut self, number: u32) -> Option<&mut Stream> {
        let at = self.numbers.iter().position(|known| *known == number)?;
        self.slots[at].as_mut()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Stream> {
        self.slots.iter_mut().flatten()
    }
}
