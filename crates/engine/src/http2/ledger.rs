//! The ledger of a connection: what passed for each stream and when, and what became of the whole.

use std::cell::{Cell, RefCell};

use super::frames::{Kind, Part};
use crate::clock::Clock;
use crate::fault::Fault;

/// What passed for one stream. Moments are those of the run's clock.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Account {
    /// When the head of the request was handed to the kernel.
    pub(super) sent_ns: Option<u64>,
    /// When the first byte of an answer came.
    pub(super) first_byte_ns: Option<u64>,
    /// Bytes of its frames, their heads included.
    pub(super) bytes_sent: u64,
    pub(super) bytes_received: u64,
}

/// How a connection ended.
#[derive(Debug)]
pub(super) enum Ended {
    /// The server closed it.
    Closed,
    Broken(Fault),
}

/// What is known of a connection.
pub(super) struct Ledger {
    clock: Clock,
    /// Streams under way, and the account of each at the same place.
    streams: RefCell<(Vec<u32>, Vec<Account>)>,
    /// The last stream that the server processes, and why it goes.
    goes_away: Cell<Option<(u32, u32)>>,
    ended: RefCell<Option<Ended>>,
    /// Whether the server's system had all that was sent when the connection ended.
    acknowledged: Cell<bool>,
    /// Whether the server answered in the words of HTTP/1.x.
    speaks_http1: Cell<bool>,
    received_any: Cell<bool>,
    /// Settings came, or a good-bye, since this was last asked.
    news: Cell<bool>,
    /// Streams that the server lets be under way at once; 1 until it has said so.
    streams_max: Cell<u32>,
    is_over: Cell<bool>,
}

impl Ledger {
    pub(super) fn new(clock: Clock) -> Self {
        Self {
            clock,
            streams: RefCell::default(),
            goes_away: Cell::new(None),
            ended: RefCell::new(None),
            acknowledged: Cell::new(false),
            speaks_http1: Cell::new(false),
            received_any: Cell::new(false),
            news: Cell::new(false),
            streams_max: Cell::new(1),
            is_over: Cell::new(false),
        }
    }

    /// Opens the account of a stream.
    pub(super) fn open(&self, stream: u32) {
        let mut streams = self.streams.borrow_mut();
        streams.0.push(stream);
        streams.1.push(Account::default());
    }

    /// Closes the account of a stream: what passes for it later is not counted.
    pub(super) fn close(&self, stream: u32) -> Account {
        let mut streams = self.streams.borrow_mut();
        let at = streams.0.iter().position(|known| *known == stream);
        at.map_or_else(Account::default, |at| {
            streams.0.swap_remove(at);
            streams.1.swap_remove(at)
        })
    }

    /// Whether a byte of an answer has come for a stream.
    pub(super) fn has_first_byte(&self, stream: u32) -> bool {
        let streams = self.streams.borrow();
        let at = streams.0.iter().position(|known| *known == stream);
        at.is_some_and(|at| streams.1[at].first_byte_ns.is_some())
    }

    fn with(&self, stream: u32, note: impl FnOnce(&mut Account)) {
        let (streams, accounts) = &mut *self.streams.borrow_mut();
        if let Some(at) = streams.iter().position(|known| *known == stream) {
            note(&mut accounts[at]);
        }
    }

    /// Part of a frame was handed to the kernel.
    #[inline]
    pub(super) fn sent(&self, part: &Part, now_ns: u64) {
        if part.stream != 0 {
            self.with(part.stream, |account| {
                account.bytes_sent += part.bytes as u64;
                account.sent_ns.get_or_insert(now_ns);
            });
        }
    }

    /// Part of a frame came.
    #[inline]
    pub(super) fn received(&self, part: &Part, now_ns: u64) {
        if part.stream != 0 {
            self.with(part.stream, |account| {
                account.bytes_received += part.bytes as u64;
                if matches!(part.kind, Kind::Headers | Kind::Data) {
                    account.first_byte_ns.get_or_insert(now_ns);
                }
            });
        } else if part.kind == Kind::Settings && part.ends {
            self.news.set(true);
        } else if let Some((last, reason)) = part.goes_away {
            // A server may say good-bye twice; the later one is the lower one.
            self.goes_away.set(Some((last, reason)));
            self.news.set(true);
        }
    }

    /// Looks at what comes first.
    pub(super) fn look_at_first(&self, bytes: &[u8]) {
        if !self.received_any.replace(true) {
            self.speaks_http1.set(bytes.starts_with(b"HTTP/1."));
        }
    }

    pub(super) fn speaks_http1(&self) -> bool {
        self.speaks_http1.get()
    }

    /// Notes how the connection ended; what ended it first counts.
    pub(super) fn end(&self, ended: Ended, acknowledged: bool) {
        if self.ended.borrow().is_none() {
            self.acknowledged.set(acknowledged);
            *self.ended.borrow_mut() = Some(ended);
        }
    }

    /// How the connection ended, where it did.
    pub(super) fn ended<T>(&self, look: impl FnOnce(Option<&Ended>) -> T) -> T {
        look(self.ended.borrow().as_ref())
    }

    pub(super) fn is_acknowledged(&self) -> bool {
        self.acknowledged.get()
    }

    /// Takes no more streams: they have no more numbers, or the connection is gone.
    pub(super) fn is_over(&self) -> bool {
        self.is_over.get() || self.goes_away.get().is_some() || self.ended.borrow().is_some()
    }

    pub(super) fn set_over(&self) {
        self.is_over.set(true);
    }

    /// Whether the server said that it does not process a stream.
    pub(super) fn is_unprocessed(&self, stream: u32) -> bool {
        self.goes_away.get().is_some_and(|(last, _)| stream > last)
    }

    /// Why the server went away, where it said so.
    pub(super) fn goodbye(&self) -> Option<u32> {
        self.goes_away.get().map(|(_, reason)| reason)
    }

    pub(super) fn take_news(&self) -> bool {
        self.news.take()
    }

    pub(super) fn set_streams_max(&self, streams: usize) {
        self.streams_max
            .set(u32::try_from(streams).unwrap_or(u32::MAX));
    }

    pub(super) fn streams_max(&self) -> u32 {
        self.streams_max.get()
    }

    pub(super) fn now_ns(&self) -> u64 {
        self.clock.now_ns()
    }
}
