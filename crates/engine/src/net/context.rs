//! The network context: what opening, holding and driving connections needs of a worker.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use brunt_scenario::{HttpVersion, Timeouts};

use crate::net::origins::Origins;
use crate::time::clock::Clock;
use crate::time::timers::Timers;

/// What the network layers see of a worker. Nothing in `net`, `http`, `http1`, `http2` or `connections` names more of it.
pub(crate) struct NetContext {
    pub(crate) clock: Clock,
    pub(crate) timers: Rc<Timers>,
    pub(crate) timeouts: Timeouts,
    /// The version of HTTP.
    pub(crate) version: HttpVersion,
    pub(crate) origins: Arc<Origins>,
    /// Space to read into; borrowed only while bytes are taken.
    pub(crate) scratch: Rc<RefCell<Box<[u8]>>>,
    pub(crate) counters: ConnectionCounters,
}

/// Connections counted since the recorder last took the numbers.
#[derive(Default)]
pub(crate) struct ConnectionCounters {
    opened: Cell<u64>,
    reconnects: Cell<u64>,
}

impl ConnectionCounters {
    /// Counts a connection that was opened.
    pub(crate) fn count_opened(&self) {
        self.opened.set(self.opened.get() + 1);
    }

    /// Counts a connection that the server closed while it was kept.
    pub(crate) fn count_reconnect(&self) {
        self.reconnects.set(self.reconnects.get() + 1);
    }

    /// Takes the numbers of connections opened and of reconnects.
    pub(crate) fn take(&self) -> (u64, u64) {
        (self.opened.take(), self.reconnects.take())
    }
}

/// Told when a connection of HTTP/2 has room for another stream, or takes no more.
pub(crate) trait CapacityListener {
    /// The capacity of a connection to an origin has changed.
    fn capacity_changed(&self, origin: usize);
}
