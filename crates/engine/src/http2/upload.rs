//! Uploads: the body of a request, sent as the flow control lets it.

use std::task::{Context, Poll, ready};

use bytes::Bytes;
use h2::SendStream;

use crate::fault::Fault;
use crate::outbox::Outbox;

/// Smaller bodies are handed over at once; the flow control sees to the rest.
const AT_ONCE_BYTES: u64 = 16 << 10;
/// Of larger ones, at most so much at once.
const PIECE_BYTES: usize = 64 << 10;

pub(super) struct Upload<'a> {
    outbox: Outbox<'a>,
    to: SendStream<Bytes>,
    /// Bytes that were not handed over yet.
    left: u64,
}

impl<'a> Upload<'a> {
    /// The body of a request that has one, on its stream.
    pub(super) fn new(outbox: Outbox<'a>, to: SendStream<Bytes>) -> Self {
        let left = outbox.body_bytes();
        Self { outbox, to, left }
    }

    /// Hands over what there is room for. Ready where all of it was, or where the server takes no more: then
    /// its answer says why.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Fault>> {
        if self.left <= AT_ONCE_BYTES {
            // No more than fits.
            let all = usize::try_from(self.left).unwrap_or(usize::MAX);
            while self.left > 0 {
                if !self.hand_over(all)? {
                    break;
                }
            }
            return Poll::Ready(Ok(()));
        }
        while self.left > 0 {
            let next = usize::try_from(self.left).map_or(PIECE_BYTES, |left| left.min(PIECE_BYTES));
            self.to.reserve_capacity(next);
            while self.to.capacity() == 0 {
                if !matches!(ready!(self.to.poll_capacity(cx)), Some(Ok(_))) {
                    return Poll::Ready(Ok(()));
                }
            }
            if !self.hand_over(next.min(self.to.capacity()))? {
                return Poll::Ready(Ok(()));
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Hands over the next bytes, at most so many; false where the stream takes no more.
    fn hand_over(&mut self, at_most: usize) -> Result<bool, Fault> {
        let piece = self.outbox.take(at_most)?;
        self.left -= piece.len() as u64;
        Ok(self.to.send_data(piece.into(), self.left == 0).is_ok())
    }
}
