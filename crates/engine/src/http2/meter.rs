//! The meter: a stream whose frames are looked at as they pass, each counted for its stream.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::frames::Frames;
use super::ledger::{Ended, Ledger};
use crate::fault::Fault;
use crate::stream::Stream;

pub(super) struct Meter {
    stream: Stream,
    ledger: Rc<Ledger>,
    outgoing: Frames,
    incoming: Frames,
}

impl Meter {
    pub(super) fn new(stream: Stream, ledger: Rc<Ledger>) -> Self {
        Self {
            stream,
            ledger,
            outgoing: Frames::of_client(),
            incoming: Frames::of_server(),
        }
    }

    fn end(&self, ended: Ended) {
        self.ledger.end(ended, self.stream.is_acknowledged());
    }

    fn note_sent<'a>(
        &mut self,
        slices: impl Iterator<Item = &'a [u8]>,
        mut taken: usize,
        now_ns: u64,
    ) {
        for slice in slices {
            let part = &slice[..slice.len().min(taken)];
            taken -= part.len();
            let ledger = &self.ledger;
            self.outgoing.feed(part, |part| ledger.sent(part, now_ns));
        }
    }

    fn noted<T>(&self, done: io::Result<T>) -> io::Result<T> {
        done.inspect_err(|error| self.end(Ended::Broken(Fault::of(error))))
    }
}

impl AsyncRead for Meter {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = ready!(self.stream.poll_read(cx, buffer));
        self.noted(read)?;
        let bytes = &buffer.filled()[before..];
        if bytes.is_empty() {
            self.end(Ended::Closed);
            return Poll::Ready(Ok(()));
        }
        let Self {
            ledger, incoming, ..
        } = &mut *self;
        ledger.look_at_first(bytes);
        let now_ns = ledger.now_ns();
        incoming.feed(bytes, |part| ledger.received(part, now_ns));
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Meter {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let now_ns = self.ledger.now_ns();
        let taken = ready!(Pin::new(&mut self.stream).poll_write(cx, bytes));
        let taken = self.noted(taken)?;
        self.note_sent(std::iter::once(bytes), taken, now_ns);
        Poll::Ready(Ok(taken))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let now_ns = self.ledger.now_ns();
        let taken = ready!(Pin::new(&mut self.stream).poll_write_vectored(cx, slices));
        let taken = self.noted(taken)?;
        self.note_sent(slices.iter().map(|slice| &**slice), taken, now_ns);
        Poll::Ready(Ok(taken))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = ready!(Pin::new(&mut self.stream).poll_flush(cx));
        Poll::Ready(self.noted(flushed))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
