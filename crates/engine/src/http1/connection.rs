//! A connection of HTTP/1.1: one stream to an origin, used for one request after the other.

use std::task::{Context, Poll};

use brunt_record::FailureKind;
use tokio::io::ReadBuf;

use crate::client::context::Core;
use crate::connections::connection::Fate;
use crate::http::outgoing_request::Outbox;
use crate::http1::{Answer, Reader};
use crate::net::error::Fault;
use crate::net::stream::Stream;
use crate::time::timers::{GivenUp, Seat};

/// How long a server may take to say that it wants a large body; then it is sent all the same
/// (RFC 9110, section 10.1.1).
const CONTINUE_WITHIN_NS: u64 = 1_000_000_000;

pub(crate) struct Connection {
    stream: Stream,
    pub(crate) origin: usize,
    /// Requests answered on it.
    pub(crate) answered: u64,
}

/// What happened on the wire.
#[derive(Debug, Default)]
pub(crate) struct Wire {
    pub(crate) sent_ns: Option<u64>,
    pub(crate) first_byte_ns: Option<u64>,
    /// When the last of what has come so far came.
    pub(crate) last_byte_ns: Option<u64>,
    pub(crate) bytes_sent: u64,
    pub(crate) bytes_received: u64,
}

/// When parts of a request are given up, in nanoseconds of the run's clock.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadlines {
    /// The whole request.
    pub(crate) whole_ns: u64,
    /// How long the first byte may take from the end of sending, where that has a timeout of its own.
    pub(crate) first_byte_timeout_ns: Option<u64>,
}

/// What is left of a connection after an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Left {
    Open,
    Closed,
}

impl Connection {
    pub(crate) fn new(stream: Stream, origin: usize) -> Self {
        Self {
            stream,
            origin,
            answered: 0,
        }
    }

    pub(crate) fn is_stale(&mut self) -> bool {
        self.stream.is_stale()
    }

    /// What became of a request of whose bytes `sent` were written, and of whose response nothing came.
    #[cold]
    pub(crate) fn fate_of(&self, fault: &Fault, sent: u64, request_bytes: u64) -> Fate {
        match fault.kind {
            FailureKind::Closed | FailureKind::Reset if self.closed_before(fault, sent) => {
                Fate::ClosedBefore
            }
            // The FIN acknowledges whatever came before it. A RST does not: what it leaves open may have been read.
            FailureKind::Closed if self.stream.unacknowledged_bytes() != Some(0) => Fate::Unread,
            _ if sent == request_bytes => Fate::Read,
            _ => Fate::Unread,
        }
    }

    /// Whether the end of the connection was there before the first byte of a request was written: the kernel took
    /// none of it, or, on loopback, where bytes arrive as they are written, the FIN acknowledges none of it. On a
    /// network the FIN and the request may have crossed, which nobody can tell from this end.
    fn closed_before(&self, fault: &Fault, sent: u64) -> bool {
        if sent == 0 {
            // What rustls took may have been written in part.
            return !self.stream.is_tls();
        }
        let unacknowledged = self.stream.unacknowledged_bytes();
        fault.kind == FailureKind::Closed
            && self.stream.is_loopback()
            && unacknowledged.is_some_and(|bytes| bytes >= sent)
    }

    /// Sends a request and takes its answer.
    #[inline]
    pub(crate) async fn exchange(
        &mut self,
        core: &Core,
        seat: Seat,
        request: Outbox<'_>,
        mut reader: Reader,
        wire: &mut Wire,
        deadlines: Deadlines,
    ) -> Result<Answer, Fault> {
        wire.sent_ns.get_or_insert_with(|| core.clock.now_ns());
        core.pacer.set_deadline(seat, deadlines.whole_ns);
        let mut answered = None;
        if !self.sends_at_once(core, seat, &request, wire).await {
            let sending = self.send_and_listen(core, seat, request, &mut reader, wire, deadlines);
            answered = Box::pin(sending).await?;
        }
        let left = match answered {
            Some(_) => Left::Closed,
            None => {
                self.listen(core, seat, &mut reader, wire, deadlines)
                    .await?
            }
        };
        let mut answer = reader.into_answer();
        answer.keep_alive &= left == Left::Open;
        self.answered += 1;
        Ok(answer)
    }

    /// Whether the kernel took a small request in one go.
    #[inline]
    async fn sends_at_once(
        &mut self,
        core: &Core,
        seat: Seat,
        request: &Outbox<'_>,
        wire: &mut Wire,
    ) -> bool {
        let Some(bytes) = request.as_one() else {
            return false;
        };
        let mut sent = 0;
        let once = core.pacer.under_way(seat, |cx| {
            Poll::Ready(self.stream.poll_send(cx, bytes, &mut sent))
        });
        let all = matches!(once.await, Ok(Poll::Ready(Ok(()))));
        request.sent.set(sent);
        wire.bytes_sent += sent as u64;
        all
    }

    /// Takes the answer to a request that was sent.
    #[inline]
    async fn listen(
        &mut self,
        core: &Core,
        seat: Seat,
        reader: &mut Reader,
        wire: &mut Wire,
        deadlines: Deadlines,
    ) -> Result<Left, Fault> {
        let before = wire.bytes_received;
        let mut waits_for_first = deadlines.first_byte_timeout_ns.is_some();
        if let Some(timeout_ns) = deadlines.first_byte_timeout_ns {
            let by_ns = core.clock.now_ns().saturating_add(timeout_ns);
            core.pacer.set_deadline(seat, by_ns.min(deadlines.whole_ns));
        }
        let answer = core.pacer.under_way(seat, |cx| {
            let answer = self.poll_answer(core, cx, reader, wire);
            if waits_for_first && wire.bytes_received > before {
                waits_for_first = false;
                core.pacer.set_deadline(seat, deadlines.whole_ns);
            }
            answer
        });
        match answer.await {
            Ok(answer) => answer,
            Err(given_up) => Err(given_up_on_answer(given_up, waits_for_first)),
        }
    }

    /// Sends what does not go in one piece, or failed to, while listening: a server may answer before
    /// it has all. Where it did, there is an answer.
    async fn send_and_listen(
        &mut self,
        core: &Core,
        seat: Seat,
        mut request: Outbox<'_>,
        reader: &mut Reader,
        wire: &mut Wire,
        deadlines: Deadlines,
    ) -> Result<Option<Left>, Fault> {
        if request.expects_continue() {
            let early = self.send_head_and_wait(core, seat, &mut request, reader, wire, deadlines);
            if let Some(left) = early.await? {
                return Ok(Some(left));
            }
        }
        let mut broken = None;
        let sending = core.pacer.under_way(seat, |cx| {
            match self.poll_answer(core, cx, reader, wire) {
                Poll::Ready(Ok(left)) => return Poll::Ready(Ok(Some(left))),
                Poll::Ready(Err(fault)) => return Poll::Ready(Err(broken.take().unwrap_or(fault))),
                Poll::Pending => {}
            }
            if broken.is_some() {
                return Poll::Pending;
            }
            match request.poll_send(cx, &mut self.stream, wire) {
                Poll::Pending => Poll::Pending,
                Poll::Ready(Ok(())) => Poll::Ready(Ok(None)),
                Poll::Ready(Err(fault)) => {
                    // An answer may have come before the connection broke: listen to the end.
                    broken = Some(fault);
                    cx.waker().wake_by_ref();
                    Poll::Pending
                }
            }
        });
        sending
            .await
            .unwrap_or_else(|given_up| Err(given_up_on_answer(given_up, false)))
    }

    /// Sends a head and waits for the server to want the body; an answer may come instead.
    async fn send_head_and_wait(
        &mut self,
        core: &Core,
        seat: Seat,
        request: &mut Outbox<'_>,
        reader: &mut Reader,
        wire: &mut Wire,
        deadlines: Deadlines,
    ) -> Result<Option<Left>, Fault> {
        let sending = core.pacer.under_way(seat, |cx| {
            request.poll_send_head(cx, &mut self.stream, wire)
        });
        sending
            .await
            .map_err(|given_up| given_up_on_answer(given_up, false))??;
        let patience_ns = core.clock.now_ns().saturating_add(CONTINUE_WITHIN_NS);
        core.pacer
            .set_deadline(seat, patience_ns.min(deadlines.whole_ns));
        let waiting =
            core.pacer
                .under_way(seat, |cx| match self.poll_answer(core, cx, reader, wire) {
                    Poll::Pending if reader.continues() => Poll::Ready(Ok(None)),
                    answer => answer.map(|left| left.map(Some)),
                });
        let early = match waiting.await {
            Ok(early) => early?,
            Err(GivenUp::Deadline) if patience_ns < deadlines.whole_ns => None,
            Err(given_up) => return Err(given_up_on_answer(given_up, false)),
        };
        core.pacer.set_deadline(seat, deadlines.whole_ns);
        Ok(early)
    }

    /// Reads what there is into the core's scratch space, so that a request that waits for its
    /// answer holds no buffer.
    fn poll_answer(
        &mut self,
        core: &Core,
        cx: &mut Context<'_>,
        reader: &mut Reader,
        wire: &mut Wire,
    ) -> Poll<Result<Left, Fault>> {
        let mut scratch = core.scratch.borrow_mut();
        loop {
            let mut buffer = ReadBuf::new(&mut scratch);
            match self.stream.poll_read(cx, &mut buffer) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(Fault::of(&error))),
                Poll::Ready(Ok(())) => {}
            }
            let bytes = buffer.filled();
            if bytes.is_empty() {
                let whole = reader.ends_with_connection();
                let closed = || Fault::new(FailureKind::Closed, closed_when(wire));
                return Poll::Ready(if whole {
                    Ok(Left::Closed)
                } else {
                    Err(closed())
                });
            }
            let now_ns = core.clock.now_ns();
            wire.first_byte_ns.get_or_insert(now_ns);
            wire.last_byte_ns = Some(now_ns);
            wire.bytes_received += bytes.len() as u64;
            match reader.feed(bytes) {
                Err(error) => {
                    return Poll::Ready(Err(Fault::new(error.kind(), error.to_string())));
                }
                // What comes after the answer was not asked for: the connection is not used again.
                Ok(Some(taken)) if taken < bytes.len() => return Poll::Ready(Ok(Left::Closed)),
                Ok(Some(_)) => return Poll::Ready(Ok(Left::Open)),
                Ok(None) => {}
            }
        }
    }
}

fn closed_when(wire: &Wire) -> String {
    match wire.bytes_received {
        0 => "the server closed the connection without an answer".into(),
        bytes => format!("the server closed the connection after {bytes} bytes of the answer"),
    }
}

pub(crate) fn given_up_on_answer(given_up: GivenUp, waits_for_first: bool) -> Fault {
    match given_up {
        GivenUp::Aborted => Fault::cut_off(),
        GivenUp::Deadline if waits_for_first => Fault::new(
            FailureKind::FirstByteTimeout,
            "no byte of an answer within the timeout for the first",
        ),
        GivenUp::Deadline => Fault::new(FailureKind::Timeout, "no whole answer within the timeout"),
    }
}
