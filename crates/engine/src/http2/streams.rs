//! The streams of a session that are under way, each in a slot of its own.

use super::error_code::Reason;
use super::response::Answering;
use crate::http1::BadHttp;
use crate::time::timers::Seat;

/// A place for a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Slot(usize);

#[derive(Default)]
pub(super) struct Streams {
    /// The numbers of those in the slots; 0 where none is.
    numbers: Vec<u32>,
    slots: Vec<Option<Stream>>,
    under_way: u32,
}

pub(super) struct Stream {
    pub(super) number: u32,
    /// Whose request it is.
    pub(super) seat: Seat,
    pub(super) answering: Answering,
    pub(super) state: State,
    /// All of the request has gone.
    pub(super) is_sent: bool,
    pub(super) send_window: i64,
    /// Its user waits for room.
    pub(super) wants_room: bool,
    /// What came and was not given back.
    pub(super) unreleased: u32,
    pub(super) sent_ns: Option<u64>,
    pub(super) first_byte_ns: Option<u64>,
    pub(super) last_byte_ns: Option<u64>,
    pub(super) bytes_sent: u64,
    pub(super) bytes_received: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// More is to come.
    Open,
    /// The answer is whole.
    Whole,
    /// What came is no answer.
    Bad(BadHttp),
    /// The server reset it.
    Reset(Reason),
    /// The server goes, and says that it has not looked at it.
    Unprocessed,
}

impl Streams {
    pub(super) fn under_way(&self) -> u32 {
        self.under_way
    }

    #[inline]
    pub(super) fn insert(&mut self, stream: Stream) -> Slot {
        self.under_way += 1;
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
        Slot(at)
    }

    #[inline]
    pub(super) fn remove(&mut self, slot: Slot) -> Option<Stream> {
        let removed = self.slots[slot.0].take();
        if removed.is_some() {
            self.numbers[slot.0] = 0;
            self.under_way -= 1;
        }
        removed
    }

    #[inline]
    pub(super) fn get(&self, slot: Slot) -> Option<&Stream> {
        self.slots[slot.0].as_ref()
    }

    #[inline]
    pub(super) fn get_mut(&mut self, slot: Slot) -> Option<&mut Stream> {
        self.slots[slot.0].as_mut()
    }

    /// The stream with a number, where it is under way.
    #[inline]
    pub(super) fn numbered(&mut self, number: u32) -> Option<&mut Stream> {
        let at = self.numbers.iter().position(|known| *known == number)?;
        self.slots[at].as_mut()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Stream> {
        self.slots.iter_mut().flatten()
    }
}
