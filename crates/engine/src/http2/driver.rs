//! The driver: reads and writes what the session of a connection hears and says, until it ends.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncWrite, ReadBuf};

use super::close::{Ended, How};
use super::connection::Shared;
use super::error_code::Reason;
use crate::client::context::Core;
use crate::connections::pool::Pool;
use crate::net::error::Fault;
use crate::net::stream::Stream;
use crate::time::clock::Clock;
use crate::time::timers::Pacer;

pub(super) struct Driver {
    shared: Rc<Shared>,
    stream: Stream,
    /// Whether all that was written is with the kernel.
    is_flushed: bool,
    clock: Clock,
    pacer: Rc<Pacer>,
    pool: Option<Rc<Pool>>,
    scratch: Rc<RefCell<Box<[u8]>>>,
}

impl Driver {
    pub(super) fn new(core: &Core, shared: Rc<Shared>, stream: Stream) -> Self {
        Self {
            shared,
            stream,
            is_flushed: true,
            clock: core.clock,
            pacer: core.pacer.clone(),
            pool: core.pool.clone(),
            scratch: core.scratch.clone(),
        }
    }

    pub(super) async fn run(mut self) {
        if let Some(how) = poll_fn(|cx| self.poll(cx)).await {
            self.end(how);
        }
        let mut stream = Pin::new(&mut self.stream);
        // The other side may be gone; what is said of that comes too late to matter.
        poll_fn(|cx| stream.as_mut().poll_shutdown(cx)).await.ok();
    }

    /// Writes and reads what there is. Ready where the connection ended, with how it did, and where nobody holds
    /// it any more.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<How>> {
        self.shared.remember_driver(cx);
        if self.shared.is_left() {
            self.leave(cx, Reason::NO_ERROR);
            return Poll::Ready(None);
        }
        // The end of the connection is seen before anything more is written.
        while let Poll::Ready(read) = self.poll_read(cx) {
            if let Err(how) = read {
                if let How::Breach(breach) = &how {
                    self.leave(cx, breach.reason);
                }
                return Poll::Ready(Some(how));
            }
        }
        match self.poll_write(cx) {
            Poll::Ready(Err(error)) => {
                // What came before it broke may hold answers.
                while let Poll::Ready(Ok(())) = self.poll_read(cx) {}
                Poll::Ready(Some(How::Broken(Fault::of(&error))))
            }
            _ => Poll::Pending,
        }
    }

    #[inline]
    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut session = self.shared.session.borrow_mut();
        let mut stream = Pin::new(&mut self.stream);
        while !session.outgoing().is_empty() {
            let now_ns = self.clock.now_ns();
            self.is_flushed = false;
            let taken = ready!(stream.as_mut().poll_write(cx, session.outgoing()))?;
            if taken == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            session.wrote(taken, now_ns, |seat| self.pacer.wake(seat));
        }
        if !self.is_flushed {
            ready!(stream.poll_flush(cx))?;
            self.is_flushed = true;
        }
        Poll::Ready(Ok(()))
    }

    /// Reads once.
    #[inline]
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), How>> {
        let mut scratch = self.scratch.borrow_mut();
        let mut buffer = ReadBuf::new(&mut scratch);
        let read = ready!(self.stream.poll_read(cx, &mut buffer));
        read.map_err(|error| How::Broken(Fault::of(&error)))?;
        if buffer.filled().is_empty() {
            return Poll::Ready(Err(How::Closed));
        }
        let mut session = self.shared.session.borrow_mut();
        let now_ns = self.clock.now_ns();
        let heard = session.hear(buffer.filled(), now_ns, |seat| self.pacer.wake(seat));
        let has_news = std::mem::take(&mut session.news);
        drop(session);
        if has_news {
            self.tell_pool();
        }
        Poll::Ready(heard.map_err(How::Breach))
    }

    /// Says good-bye, as far as the kernel takes it at once.
    fn leave(&mut self, cx: &mut Context<'_>, reason: Reason) {
        self.shared.session.borrow_mut().leave(reason);
        if let Poll::Ready(Err(_)) = self.poll_write(cx) {
            // The other side was quicker.
        }
    }

    /// The connection ended: all that are under way on it hear of it.
    fn end(&self, how: How) {
        let mut session = self.shared.session.borrow_mut();
        *self.shared.ended.borrow_mut() = Some(Ended {
            how,
            is_acknowledged: self.stream.unacknowledged_bytes() == Some(0),
            speaks_http1: session.speaks_http1 == Some(true),
            goodbye: session.goodbye(),
        });
        session.wake_all(|seat| self.pacer.wake(seat));
        drop(session);
        self.tell_pool();
    }

    /// The connection may take more requests, or none.
    fn tell_pool(&self) {
        if let Some(pool) = &self.pool {
            pool.wake_next(&self.pacer, self.shared.origin);
        }
    }
}
