//! An HTTP/1.1 connection: one stream to an origin, for one request at a time.

use std::task::{Context, Poll};

use brunt_record::FailureKind;
use tokio::io::ReadBuf;

use super::reader::Reader;
use crate::http::Response;
use crate::http::outgoing_request::OutgoingRequest;
use crate::http::request_context::{Delivery, RequestContext, RequestTimings, response_wait_error};
use crate::http::response::ResponseOptions;
use crate::net::context::NetContext;
use crate::net::error::RequestError;
use crate::net::stream::Stream;
use crate::time::timers::WaitError;

/// Maximum wait for 100 (Continue), in nanoseconds; then the body is sent anyway (RFC 9110, section 10.1.1).
const CONTINUE_WITHIN_NS: u64 = 1_000_000_000;

pub(crate) struct Http1Connection {
    stream: Stream,
    pub(crate) origin: usize,
    /// Number of responses received.
    pub(crate) responses: u64,
}

/// The state of a connection after a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ConnectionEnd {
    Open,
    Closed,
}

impl Http1Connection {
    pub(crate) fn new(stream: Stream, origin: usize) -> Self {
        Self {
            stream,
            origin,
            responses: 0,
        }
    }

    pub(crate) fn is_stale(&mut self) -> bool {
        self.stream.is_stale()
    }

    /// The delivery of a request that got no byte of a response; `sent` is the number of its bytes that were written.
    #[cold]
    fn delivery_of(&self, error: &RequestError, sent: u64, request_bytes: u64) -> Delivery {
        match error.kind {
            FailureKind::ConnectionClosed | FailureKind::ConnectionReset
                if self.closed_before(error, sent) =>
            {
                Delivery::ClosedBefore
            }
            // A FIN acknowledges everything before it. A RST does not: unacknowledged data may have been read.
            FailureKind::ConnectionClosed if self.stream.unacknowledged_bytes() != Some(0) => {
                Delivery::Unread
            }
            _ if sent == request_bytes => Delivery::Read,
            _ => Delivery::Unread,
        }
    }

    /// Whether the connection had ended before the first byte of a request was written: the kernel accepted none of it,
    /// or, on loopback, where bytes arrive as they are written, the FIN acknowledges none of it. On a network, the FIN
    /// and the request may have crossed, which this end cannot detect.
    fn closed_before(&self, error: &RequestError, sent: u64) -> bool {
        if sent == 0 {
            // A part of the bytes that rustls accepted may have been written.
            return !self.stream.is_tls();
        }
        let unacknowledged = self.stream.unacknowledged_bytes();
        error.kind == FailureKind::ConnectionClosed
            && self.stream.is_loopback()
            && unacknowledged.is_some_and(|bytes| bytes >= sent)
    }

    /// Sends a request and receives its response.
    #[inline]
    pub(crate) async fn exchange(
        &mut self,
        context: RequestContext<'_>,
        request: OutgoingRequest<'_>,
        options: ResponseOptions,
        timings: &mut RequestTimings,
    ) -> (Result<Response, RequestError>, Delivery) {
        let (sent, received) = (timings.bytes_sent, timings.bytes_received);
        let request_bytes = request.request_bytes();
        let reader = Reader::new(options.to_head, options.body_capture, options.content)
            .with_fields(options.header_capture);
        let result = self
            .send_and_receive(context, request, reader, timings)
            .await;
        let delivery = match &result {
            Err(error) if timings.bytes_received == received => {
                self.delivery_of(error, timings.bytes_sent - sent, request_bytes)
            }
            _ => Delivery::Read,
        };
        (result, delivery)
    }

    #[inline]
    async fn send_and_receive(
        &mut self,
        context: RequestContext<'_>,
        request: OutgoingRequest<'_>,
        mut reader: Reader,
        timings: &mut RequestTimings,
    ) -> Result<Response, RequestError> {
        timings
            .sent_ns
            .get_or_insert_with(|| context.net.clock.now_ns());
        context
            .net
            .timers
            .set_deadline(context.slot, context.deadlines.total_ns);
        let mut early_end = None;
        if !self.sends_at_once(context, &request, timings).await {
            let sending = self.send_while_receiving(context, request, &mut reader, timings);
            early_end = Box::pin(sending).await?;
        }
        let left = match early_end {
            Some(_) => ConnectionEnd::Closed,
            None => self.receive(context, &mut reader, timings).await?,
        };
        let mut response = reader.into_response();
        response.keep_alive &= left == ConnectionEnd::Open;
        self.responses += 1;
        Ok(response)
    }

    /// Sends a small request at once. Returns whether the kernel accepted all of it.
    #[inline]
    async fn sends_at_once(
        &mut self,
        context: RequestContext<'_>,
        request: &OutgoingRequest<'_>,
        timings: &mut RequestTimings,
    ) -> bool {
        let Some(bytes) = request.as_one() else {
            return false;
        };
        let mut sent = 0;
        let once = context.net.timers.poll_until_deadline(context.slot, |cx| {
            Poll::Ready(self.stream.poll_send(cx, bytes, &mut sent))
        });
        let all = matches!(once.await, Ok(Poll::Ready(Ok(()))));
        request.sent.set(sent);
        timings.bytes_sent += sent as u64;
        all
    }

    /// Receives the response to a request that was sent completely.
    #[inline]
    async fn receive(
        &mut self,
        context: RequestContext<'_>,
        reader: &mut Reader,
        timings: &mut RequestTimings,
    ) -> Result<ConnectionEnd, RequestError> {
        let before = timings.bytes_received;
        let mut waits_for_first = context.deadlines.first_byte_timeout_ns.is_some();
        if let Some(timeout_ns) = context.deadlines.first_byte_timeout_ns {
            let by_ns = context.net.clock.now_ns().saturating_add(timeout_ns);
            context
                .net
                .timers
                .set_deadline(context.slot, by_ns.min(context.deadlines.total_ns));
        }
        let response = context.net.timers.poll_until_deadline(context.slot, |cx| {
            let response = self.poll_response(context.net, cx, reader, timings);
            if waits_for_first && timings.bytes_received > before {
                waits_for_first = false;
                context
                    .net
                    .timers
                    .set_deadline(context.slot, context.deadlines.total_ns);
            }
            response
        });
        match response.await {
            Ok(response) => response,
            Err(error) => Err(response_wait_error(error, waits_for_first)),
        }
    }

    /// Sends a request that does not fit in one write, or whose first write failed, while receiving: a server may
    /// respond before it has the complete request. Returns the state of the connection if it did.
    async fn send_while_receiving(
        &mut self,
        context: RequestContext<'_>,
        mut request: OutgoingRequest<'_>,
        reader: &mut Reader,
        timings: &mut RequestTimings,
    ) -> Result<Option<ConnectionEnd>, RequestError> {
        if request.expects_continue() {
            let early = self.send_headers_and_wait(context, &mut request, reader, timings);
            if let Some(left) = early.await? {
                return Ok(Some(left));
            }
        }
        let mut broken = None;
        let sending = context.net.timers.poll_until_deadline(context.slot, |cx| {
            match self.poll_response(context.net, cx, reader, timings) {
                Poll::Ready(Ok(left)) => return Poll::Ready(Ok(Some(left))),
                Poll::Ready(Err(error)) => return Poll::Ready(Err(broken.take().unwrap_or(error))),
                Poll::Pending => {}
            }
            if broken.is_some() {
                return Poll::Pending;
            }
            match request.poll_send(cx, &mut self.stream, timings) {
                Poll::Pending => Poll::Pending,
                Poll::Ready(Ok(())) => Poll::Ready(Ok(None)),
                Poll::Ready(Err(error)) => {
                    // A response may have been received before the connection broke: read to the end.
                    broken = Some(error);
                    cx.waker().wake_by_ref();
                    Poll::Pending
                }
            }
        });
        sending
            .await
            .unwrap_or_else(|error| Err(response_wait_error(error, false)))
    }

    /// Sends the headers and waits for 100 (Continue). The final response may come instead.
    async fn send_headers_and_wait(
        &mut self,
        context: RequestContext<'_>,
        request: &mut OutgoingRequest<'_>,
        reader: &mut Reader,
        timings: &mut RequestTimings,
    ) -> Result<Option<ConnectionEnd>, RequestError> {
        let sending = context.net.timers.poll_until_deadline(context.slot, |cx| {
            request.poll_send_head(cx, &mut self.stream, timings)
        });
        sending
            .await
            .map_err(|error| response_wait_error(error, false))??;
        let patience_ns = context
            .net
            .clock
            .now_ns()
            .saturating_add(CONTINUE_WITHIN_NS);
        context
            .net
            .timers
            .set_deadline(context.slot, patience_ns.min(context.deadlines.total_ns));
        let waiting = context.net.timers.poll_until_deadline(context.slot, |cx| {
            match self.poll_response(context.net, cx, reader, timings) {
                Poll::Pending if reader.continues() => Poll::Ready(Ok(None)),
                response => response.map(|left| left.map(Some)),
            }
        });
        let early = match waiting.await {
            Ok(early) => early?,
            Err(WaitError::DeadlineExceeded) if patience_ns < context.deadlines.total_ns => None,
            Err(error) => return Err(response_wait_error(error, false)),
        };
        context
            .net
            .timers
            .set_deadline(context.slot, context.deadlines.total_ns);
        Ok(early)
    }

    /// Reads into the worker's scratch space, so that a request that waits for its response owns no buffer.
    fn poll_response(
        &mut self,
        net: &NetContext,
        cx: &mut Context<'_>,
        reader: &mut Reader,
        timings: &mut RequestTimings,
    ) -> Poll<Result<ConnectionEnd, RequestError>> {
        let mut scratch = net.scratch.borrow_mut();
        loop {
            let mut buffer = ReadBuf::new(&mut scratch);
            match self.stream.poll_read(cx, &mut buffer) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(RequestError::from_io(&error))),
                Poll::Ready(Ok(())) => {}
            }
            let bytes = buffer.filled();
            if bytes.is_empty() {
                let whole = reader.ends_with_connection();
                let closed =
                    || RequestError::new(FailureKind::ConnectionClosed, closed_when(timings));
                return Poll::Ready(if whole {
                    Ok(ConnectionEnd::Closed)
                } else {
                    Err(closed())
                });
            }
            let now_ns = net.clock.now_ns();
            timings.first_byte_ns.get_or_insert(now_ns);
            timings.last_byte_ns = Some(now_ns);
            timings.bytes_received += bytes.len() as u64;
            match reader.feed(bytes) {
                Err(error) => {
                    return Poll::Ready(Err(RequestError::new(error.kind(), error.to_string())));
                }
                // Bytes after the response do not belong to any request: the connection cannot be reused.
                Ok(Some(taken)) if taken < bytes.len() => {
                    return Poll::Ready(Ok(ConnectionEnd::Closed));
                }
                Ok(Some(_)) => return Poll::Ready(Ok(ConnectionEnd::Open)),
                Ok(None) => {}
            }
        }
    }
}

fn closed_when(timings: &RequestTimings) -> String {
    match timings.bytes_received {
        0 => "the server closed the connection without a response".into(),
        bytes => format!("the server closed the connection after {bytes} bytes of the response"),
    }
}
