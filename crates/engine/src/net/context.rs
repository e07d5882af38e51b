//! The network context: the part of a worker that opening and driving connections needs.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use brunt_scenario::{HttpVersion, Timeouts};

use crate::net::origins::Origins;
use crate::time::clock::Clock;
use crate::time::timers::Timers;

/// The part of a worker that is visible to `net`, `http`, `http1`, `http2` and `connections`.
pub(crate) struct NetContext {
    pub(crate) clock: Clock,
    pub(crate) timers: Rc<Timers>,
    pub(crate) timeouts: Timeouts,
    /// HTTP version.
    pub(crate) version: HttpVersion,
    pub(crate) origins: Arc<Origins>,
    /// Buffer to read into; borrowed only while received bytes are processed.
    pub(crate) scratch: Rc<RefCell<Box<[u8]>>>,
    pub(crate) counters: ConnectionCounters,
}

/// Counts of connections since the recorder last took them.
#[derive(Default)]
pub(crate) struct ConnectionCounters {
    opened: Cell<u64>,
    reconnects: Cell<u64>,
}

impl ConnectionCounters {
    /// Counts an opened connection.
    pub(crate) fn count_opened(&self) {
        self.opened.set(self.opened.get() + 1);
    }

    /// Counts a kept connection that the server closed.
    pub(crate) fn count_reconnect(&self) {
        self.reconnects.set(self.reconnects.get() + 1);
    }

    /// Takes the numbers of opened connections and of reconnects.
    pub(crate) fn take(&self) -> (u64, u64) {
        (self.opened.take(), self.reconnects.take())
    }
}

/// Receives a notification when an HTTP/2 connection has room for another stream, or accepts no more.
pub(crate) trait CapacityListener {
    /// Called when the capacity of a connection to an origin has changed.
    fn capacity_changed(&self, origin: usize);
}
