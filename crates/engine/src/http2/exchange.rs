//! An exchange over HTTP/2: one request on a stream, and its response.

use std::task::Poll;

use super::close;
use super::connection::Http2Connection;
use super::state::{ConnectionState, Outcome, StreamStats};
use super::streams::StreamSlot;
use crate::http::Response;
use crate::http::outgoing_request::OutgoingRequest;
use crate::http::request_context::{Delivery, RequestContext, RequestTimings, response_wait_error};
use crate::http::response::ResponseOptions;
use crate::net::error::RequestError;

/// Maximum number of bytes of a body that are buffered per step.
const PIECE_BYTES: usize = 64 << 10;

impl Http2Connection {
    /// Sends a request and receives its response. Giving up on a request resets its stream and affects nothing else.
    #[inline]
    pub(crate) async fn exchange(
        &self,
        context: RequestContext<'_>,
        request: OutgoingRequest<'_>,
        options: ResponseOptions,
        timings: &mut RequestTimings,
    ) -> (Result<Response, RequestError>, Delivery) {
        let RequestContext { net, slot, .. } = context;
        net.timers.set_deadline(slot, context.deadlines.total_ns);
        if !self.0.state.borrow_mut().has_room(slot)
            && let Err(error) = self.wait_for_room(context).await
        {
            return (Err(error), Delivery::Unread);
        }
        if self.is_over() {
            return (Err(self.0.close_error()), self.unsent());
        }
        let stream = match self.open_stream(context, &request, options) {
            Ok(stream) => stream,
            Err(error) => return (Err(error), Delivery::Unread),
        };
        let given_up = self.send_and_receive(context, stream, request).await.err();
        let mut state = self.0.state.borrow_mut();
        let closed = state.close(stream, |timer| net.timers.wake(timer));
        if !state.outgoing().is_empty() {
            self.0.wake_driver();
        }
        drop(state);
        let Some((stats, outcome)) = closed else {
            return (Err(self.0.close_error()), Delivery::Unread);
        };
        timings.sent_ns = timings.sent_ns.or(stats.sent_ns);
        timings.first_byte_ns = timings.first_byte_ns.or(stats.first_byte_ns);
        timings.last_byte_ns = stats.last_byte_ns;
        timings.bytes_sent += stats.bytes_sent;
        timings.bytes_received += stats.bytes_received;
        self.result(&stats, outcome, given_up)
    }

    /// Opens a stream with the headers of a request.
    #[inline]
    fn open_stream(
        &self,
        context: RequestContext<'_>,
        request: &OutgoingRequest<'_>,
        options: ResponseOptions,
    ) -> Result<StreamSlot, RequestError> {
        let mut state = self.0.state.borrow_mut();
        let mut headers = self.0.headers.borrow_mut();
        let sent = (options.name, request.rendered(), request.template());
        let is_complete = request.body_bytes() == 0;
        let stream = state.open(&mut headers, sent, is_complete, (context.slot, options));
        self.0.wake_driver();
        stream
    }

    /// Waits until the server allows another stream.
    async fn wait_for_room(&self, context: RequestContext<'_>) -> Result<(), RequestError> {
        let waiting = context.net.timers.poll_until_deadline(context.slot, |_| {
            if self.is_over() || self.0.state.borrow_mut().has_room(context.slot) {
                return Poll::Ready(());
            }
            Poll::Pending
        });
        let waited = waiting.await;
        waited.map_err(|error| response_wait_error(error, false))
    }

    /// Sends the body while receiving, then receives until the outcome is known.
    #[inline]
    async fn send_and_receive(
        &self,
        context: RequestContext<'_>,
        stream: StreamSlot,
        request: OutgoingRequest<'_>,
    ) -> Result<(), RequestError> {
        let RequestContext {
            net,
            slot,
            deadlines,
        } = context;
        if request.body_bytes() > 0 && !self.sends_at_once(stream, &request) {
            // Rare and large: boxed, so that it does not make every user larger.
            Box::pin(self.upload(context, stream, request)).await?;
        }
        let mut waits_for_first = deadlines.first_byte_timeout_ns.is_some();
        if let Some(timeout_ns) = deadlines.first_byte_timeout_ns {
            let by_ns = net.clock.now_ns().saturating_add(timeout_ns);
            net.timers.set_deadline(slot, by_ns.min(deadlines.total_ns));
        }
        let receiving = net.timers.poll_until_deadline(slot, |_| {
            if self.is_settled(stream) {
                return Poll::Ready(());
            }
            if waits_for_first && self.0.state.borrow().has_first_byte(stream) {
                waits_for_first = false;
                net.timers.set_deadline(slot, deadlines.total_ns);
            }
            Poll::Pending
        });
        let received = receiving.await;
        received.map_err(|error| response_wait_error(error, waits_for_first))
    }

    /// Sends the complete body of a small request if the windows have room. Returns whether they had.
    #[inline]
    fn sends_at_once(&self, stream: StreamSlot, request: &OutgoingRequest<'_>) -> bool {
        let mut state = self.0.state.borrow_mut();
        let body = request.body_as_one();
        let body = body.filter(|body| body.len() <= state.room(stream));
        body.is_some_and(|body| {
            state.send(stream, body, true);
            true
        })
    }

    async fn upload(
        &self,
        context: RequestContext<'_>,
        stream: StreamSlot,
        request: OutgoingRequest<'_>,
    ) -> Result<(), RequestError> {
        let mut upload = Upload::new(request);
        let sending = context.net.timers.poll_until_deadline(context.slot, |_| {
            if self.is_settled(stream) {
                return Poll::Ready(Ok(()));
            }
            let sent = upload.poll(&mut self.0.state.borrow_mut(), stream);
            self.0.wake_driver();
            sent
        });
        let sent = sending.await;
        sent.unwrap_or_else(|error| Err(response_wait_error(error, false)))
    }

    #[inline]
    fn is_settled(&self, stream: StreamSlot) -> bool {
        self.0.state.borrow().is_settled(stream) || self.0.is_closed()
    }

    /// The delivery of a request that the server cannot have processed.
    #[cold]
    fn unsent(&self) -> Delivery {
        Delivery::Unprocessed {
            is_read: false,
            is_too_late: self.has_served(),
        }
    }

    /// Whether the server accepted any request of this connection.
    fn has_served(&self) -> bool {
        self.was_used() || self.0.state.borrow().accepted_any()
    }

    /// Result of a request; `given_up`: the reason why its user gave up on it.
    #[inline]
    fn result(
        &self,
        stats: &StreamStats,
        outcome: Outcome,
        given_up: Option<RequestError>,
    ) -> (Result<Response, RequestError>, Delivery) {
        let of_sent = if stats.sent_ns.is_some() {
            Delivery::Read
        } else {
            Delivery::Unread
        };
        if let Some(error) = given_up {
            return (Err(error), of_sent);
        }
        let (error, delivery) = match outcome {
            Outcome::Complete(response) => {
                self.0.responses.set(self.0.responses.get() + 1);
                return (Ok(response), Delivery::Read);
            }
            Outcome::Malformed(error) => {
                let error = RequestError::new(error.kind(), error.to_string());
                (error, of_sent)
            }
            Outcome::Reset(code) => close::reset(code),
            Outcome::Unprocessed => (self.0.close_error(), self.unsent()),
            Outcome::Open => match &*self.0.close.borrow() {
                Some(close) => close.result(stats, self.has_served()),
                None => (RequestError::cut_off(), of_sent),
            },
        };
        (Err(error), delivery)
    }
}

/// The body of a request, sent as the flow-control windows allow.
struct Upload<'a> {
    request: OutgoingRequest<'a>,
    /// Number of bytes that were not buffered yet.
    left: u64,
}

impl<'a> Upload<'a> {
    #[inline]
    fn new(request: OutgoingRequest<'a>) -> Self {
        let left = request.body_bytes();
        Self { request, left }
    }

    /// Buffers as much as the windows allow. Ready when everything is buffered.
    fn poll(
        &mut self,
        state: &mut ConnectionState,
        stream: StreamSlot,
    ) -> Poll<Result<(), RequestError>> {
        while self.left > 0 {
            let room = state.room(stream).min(PIECE_BYTES);
            if room == 0 {
                return Poll::Pending;
            }
            let next = usize::try_from(self.left).map_or(room, |left| left.min(room));
            let piece = self.request.take(next)?;
            self.left -= piece.len() as u64;
            state.send(stream, piece, self.left == 0);
        }
        Poll::Ready(Ok(()))
    }
}
