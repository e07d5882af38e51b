//! A connection of HTTP/2: several requests at once, each on a stream. A task of its own reads and writes.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::task::{Context, Waker};

use super::close::{Ended, closed};
use super::driver::Driver;
use super::state::Session;
use crate::client::context::Core;
use crate::net::error::Fault;
use crate::net::stream::Stream;

/// Whoever holds it may send requests. The connection is closed with the last one.
pub(crate) struct Connection(pub(super) Rc<Shared>);

/// What those who send requests share with the task that reads and writes.
pub(super) struct Shared {
    pub(super) origin: usize,
    pub(super) session: RefCell<Session>,
    pub(super) ended: RefCell<Option<Ended>>,
    /// Those who may send requests.
    holders: Cell<usize>,
    /// The task.
    driver: RefCell<Option<Waker>>,
    /// Requests that were answered on it.
    pub(super) answered: Cell<u64>,
    /// Requests of a shared pool that are under way on it.
    under_way: Cell<u32>,
}

impl Connection {
    /// Begins to speak HTTP/2 on a stream that is open.
    pub(crate) fn open(core: &Core, stream: Stream, origin: usize) -> Self {
        let is_tls = matches!(stream, Stream::Tls(_));
        let shared = Rc::new(Shared {
            origin,
            session: RefCell::new(Session::new(is_tls)),
            ended: RefCell::default(),
            holders: Cell::new(1),
            driver: RefCell::default(),
            answered: Cell::new(0),
            under_way: Cell::new(0),
        });
        let driver = Driver::new(core, shared.clone(), stream);
        tokio::task::spawn_local(driver.run());
        Self(shared)
    }

    pub(crate) fn origin(&self) -> usize {
        self.0.origin
    }

    /// Whether it takes no more requests: the server closes it, or it is closed.
    pub(crate) fn is_over(&self) -> bool {
        self.0.is_over()
    }

    /// Whether a request was answered on it.
    pub(crate) fn was_used(&self) -> bool {
        self.0.answered.get() > 0
    }

    /// Requests of a shared pool that are under way on it.
    pub(crate) fn under_way(&self) -> u32 {
        self.0.under_way.get()
    }

    /// Whether it takes another request, where so many may be under way; the server may allow fewer.
    pub(crate) fn has_room(&self, streams: u32) -> bool {
        self.under_way() < streams.min(self.0.session.borrow().streams_max())
    }

    /// Another request of a shared pool comes under way on it.
    pub(crate) fn begin(&self) {
        self.0.under_way.set(self.under_way() + 1);
    }

    /// A request of a shared pool has ended.
    pub(crate) fn end(&self) {
        self.0.under_way.set(self.under_way() - 1);
    }
}

impl Clone for Connection {
    fn clone(&self) -> Self {
        self.0.holders.set(self.0.holders.get() + 1);
        Self(self.0.clone())
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.holders.set(self.0.holders.get() - 1);
        if self.0.holders.get() == 0 {
            self.0.wake_driver();
        }
    }
}

impl Shared {
    pub(super) fn is_over(&self) -> bool {
        self.has_ended() || self.session.borrow().is_over()
    }

    #[inline]
    pub(super) fn has_ended(&self) -> bool {
        self.ended.borrow().is_some()
    }

    /// Nobody may send requests any more.
    pub(super) fn is_left(&self) -> bool {
        self.holders.get() == 0
    }

    /// Why it takes no more requests.
    pub(super) fn over(&self) -> Fault {
        match &*self.ended.borrow() {
            Some(ended) => ended.fault(0),
            None => closed(0, self.session.borrow().goodbye()),
        }
    }

    /// There is something to write.
    #[inline]
    pub(super) fn wake_driver(&self) {
        if let Some(driver) = &*self.driver.borrow() {
            driver.wake_by_ref();
        }
    }

    pub(super) fn remember_driver(&self, cx: &Context<'_>) {
        let mut driver = self.driver.borrow_mut();
        if !driver
            .as_ref()
            .is_some_and(|known| known.will_wake(cx.waker()))
        {
            *driver = Some(cx.waker().clone());
        }
    }
}
