//! Uploads: the body of a request, sent as the server's windows let it.

use std::task::Poll;

use super::state::Session;
use super::streams::Slot;
use crate::http::outgoing_request::Outbox;
use crate::net::error::Fault;

/// At most so much is handed over at once.
const PIECE_BYTES: usize = 64 << 10;

pub(super) struct Upload<'a> {
    outbox: Outbox<'a>,
    /// Bytes that were not handed over yet.
    left: u64,
}

impl<'a> Upload<'a> {
    /// The body of a request that has one.
    #[inline]
    pub(super) fn new(outbox: Outbox<'a>) -> Self {
        let left = outbox.body_bytes();
        Self { outbox, left }
    }

    /// Hands over what there is room for; ready where that was all.
    pub(super) fn poll(&mut self, session: &mut Session, slot: Slot) -> Poll<Result<(), Fault>> {
        while self.left > 0 {
            let room = session.room(slot).min(PIECE_BYTES);
            if room == 0 {
                return Poll::Pending;
            }
            let next = usize::try_from(self.left).map_or(room, |left| left.min(room));
            let piece = self.outbox.take(next)?;
            self.left -= piece.len() as u64;
            session.send(slot, piece, self.left == 0);
        }
        Poll::Ready(Ok(()))
    }
}
