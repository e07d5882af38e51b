//! A connection of HTTP/2: several requests at once, each on a stream. A task of its own reads and writes.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;

use bytes::Bytes;
use h2::SendStream;
use h2::client::{self, Builder, ResponseFuture, SendRequest};
use http::Request;

use super::ledger::Ledger;
use super::meter::Meter;
use crate::core::Core;
use crate::fault::Fault;
use crate::stream::Stream;

/// How much a server may send on one stream, and on a connection, before what came was read: as browsers have
/// it. It bounds what a connection may hold.
const STREAM_WINDOW_BYTES: u32 = 6 << 20;
const CONNECTION_WINDOW_BYTES: u32 = 16 << 20;
/// Heads that are longer are not decoded to their end.
const HEAD_BYTES_MAX: u32 = 256 << 10;
/// How much of a body waits to be written.
const SEND_BUFFER_BYTES: usize = 128 << 10;

/// Whoever holds it may send requests.
#[derive(Clone)]
pub(crate) struct Connection(pub(super) Rc<Inner>);

pub(super) struct Inner {
    origin: usize,
    pub(super) is_tls: bool,
    send: RefCell<SendRequest<Bytes>>,
    pub(super) ledger: Rc<Ledger>,
    /// Requests that were answered on it.
    pub(super) answered: Cell<u64>,
    /// Requests of a shared pool that are under way on it.
    under_way: Cell<u32>,
}

impl Connection {
    /// Begins to speak HTTP/2 on a stream that is open.
    pub(crate) async fn open(core: &Core, stream: Stream, origin: usize) -> Result<Self, Fault> {
        let is_tls = matches!(stream, Stream::Tls(_));
        let ledger = Rc::new(Ledger::new(core.clock));
        let meter = Meter::new(stream, ledger.clone());
        let (send, connection) = builder()
            .handshake::<_, Bytes>(meter)
            .await
            .map_err(|error| super::ending::unopened(&error, &ledger))?;
        let pool = core.pool.clone();
        let pacer = core.pacer.clone();
        let told = move || {
            if let Some(pool) = &pool {
                pool.wake_next(&pacer, origin);
            }
        };
        tokio::task::spawn_local(drive(connection, ledger.clone(), told));
        Ok(Self(Rc::new(Inner {
            origin,
            is_tls,
            send: RefCell::new(send),
            ledger,
            answered: Cell::new(0),
            under_way: Cell::new(0),
        })))
    }

    pub(crate) fn origin(&self) -> usize {
        self.0.origin
    }

    /// Whether it takes no more requests: the server closes it, or it is closed.
    pub(crate) fn is_over(&self) -> bool {
        self.0.ledger.is_over()
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
        self.under_way() < streams.min(self.0.ledger.streams_max())
    }

    /// Another request of a shared pool comes under way on it.
    pub(crate) fn begin(&self) {
        self.0.under_way.set(self.under_way() + 1);
    }

    /// A request of a shared pool has ended.
    pub(crate) fn end(&self) {
        self.0.under_way.set(self.under_way() - 1);
    }

    /// Opens a stream with the head of a request, which is the whole where there is no body.
    pub(super) fn open_stream(
        &self,
        head: Request<()>,
        is_whole: bool,
    ) -> Result<(ResponseFuture, SendStream<Bytes>), h2::Error> {
        let mut send = self.0.send.borrow_mut();
        let opened = send.send_request(head, is_whole);
        if opened.is_err() {
            // There are no more numbers for streams, or the connection is gone.
            self.0.ledger.set_over();
        }
        // Where the server allows no other stream at the moment, this one waits in line within `h2`, and a
        // handle that has one there takes no second: the next one is sent by another.
        let next = send.clone();
        *send = next;
        opened
    }
}

fn builder() -> Builder {
    let mut builder = client::Builder::new();
    builder
        .enable_push(false)
        .initial_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .max_header_list_size(HEAD_BYTES_MAX)
        .max_send_buffer_size(SEND_BUFFER_BYTES)
        // Answers to requests that were given up come late by the thousand; that is no attack on us.
        .max_local_error_reset_streams(None);
    builder
}

/// Reads and writes until the connection ends; `told` is called where it may take more requests, or none.
async fn drive(
    mut connection: client::Connection<Meter, Bytes>,
    ledger: Rc<Ledger>,
    told: impl Fn(),
) {
    poll_fn(|cx| {
        let polled = Pin::new(&mut connection).poll(cx);
        if ledger.take_news() {
            ledger.set_streams_max(connection.max_concurrent_send_streams());
            told();
        }
        polled
    })
    .await
    // Streams hear of it, and the ledger has why.
    .ok();
    ledger.set_over();
    drop(connection);
    told();
}
