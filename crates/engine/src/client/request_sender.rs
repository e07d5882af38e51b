//! The request sender: chooses the connection of each request of an exchange, and decides whether to retry it.

use std::rc::Rc;

use brunt_record::{FailureKind, duration_ns};
use brunt_scenario::{Connections, RenderedRequest, Request};

use super::context::WorkerContext;
use super::session::UserSession;
use super::trace::HopTrace;
use crate::connections::connection::Connection;
use crate::connections::connector::ConnectTimings;
use crate::http::outgoing_request::{OutgoingRequest, Upload};
use crate::http::request_context::{Deadlines, Delivery, RequestContext, RequestTimings};
use crate::http::response::ResponseOptions;
use crate::http::{BodyCapture, HeaderCapture, Response, ResponseBody, ResponseVersion};
use crate::net::error::RequestError;
use crate::time::timers::{TimerSlot, WaitError};

/// Maximum number of retries of a request that the server refused.
const REFUSALS_MAX: u32 = 3;

/// State of an exchange's sends.
pub(super) struct RequestSender<'a> {
    pub(super) context: &'a WorkerContext,
    pub(super) slot: TimerSlot,
    pub(super) request: &'a Request,
    pub(super) session: &'a mut UserSession,
    pub(super) uploads: Vec<Rc<Upload>>,
    pub(super) dispatched_ns: u64,
    pub(super) connect_timings: ConnectTimings,
    pub(super) timings: RequestTimings,
    /// Number of requests that servers have read.
    pub(super) wire_requests: u32,
}

impl RequestSender<'_> {
    /// Sends one request on the wire, and again without `Expect` if the server refuses that.
    pub(super) async fn send(
        &mut self,
        rendered: &mut RenderedRequest,
        origin: usize,
    ) -> Result<Response, RequestError> {
        loop {
            let response = self.send_once(rendered, origin).await?;
            if response.status != 417 || !rendered.expects_continue() {
                return Ok(response);
            }
            rendered.remove_expect(&self.request.headers);
        }
    }

    /// Sends one request. It is retried only if the server had closed the idle connection before the first byte of
    /// the request was written, or if the server reports that it did not process it: a load generator must not hide
    /// failures of the service.
    async fn send_once(
        &mut self,
        rendered: &RenderedRequest,
        origin: usize,
    ) -> Result<Response, RequestError> {
        let mut kept = self.kept_connection(origin).await?;
        if kept.as_mut().is_some_and(Connection::is_stale)
            && let Some(stale) = kept.take()
        {
            kept = self.replace(stale).await?;
        }
        let (mut refusals, mut was_closed) = (0, false);
        loop {
            let mut connection = if let Some(connection) = kept.take() {
                connection
            } else {
                let opened = self.open(origin).await;
                opened.inspect_err(|_| self.trace(rendered, ResponseVersion::Http11, None))?
            };
            let was_idle = connection.was_used();
            let context = RequestContext {
                net: &self.context.net,
                slot: self.slot,
                deadlines: self.deadlines(),
            };
            let outgoing = OutgoingRequest::new(rendered, &self.request.headers, &self.uploads);
            let options = self.response_options();
            let exchange = connection.exchange(context, outgoing, options, &mut self.timings);
            let (result, delivery) = exchange.await;
            if delivery.is_read() {
                self.wire_requests += 1;
            }
            self.trace(rendered, connection.version(), result.as_ref().ok());
            let is_sent_again = match delivery {
                Delivery::ClosedBefore => was_idle && !std::mem::replace(&mut was_closed, true),
                // Bounded by the timeout: each connection that was too late has served another request.
                Delivery::Unprocessed {
                    is_too_late: true, ..
                } => true,
                Delivery::Unprocessed { .. } => {
                    refusals += 1;
                    refusals <= REFUSALS_MAX
                }
                Delivery::Read | Delivery::Unread => false,
            };
            if is_sent_again {
                self.context.count_retry(self.request.name);
                kept = self.replace(connection).await?;
                continue;
            }
            let is_kept = connection.is_kept(&result);
            self.give_back(connection, is_kept);
            return result;
        }
    }

    /// Keeps a request on the wire, and its response if one was received, in a smoke run.
    #[inline]
    fn trace(
        &self,
        rendered: &RenderedRequest,
        version: ResponseVersion,
        response: Option<&Response>,
    ) {
        if let Some(trace) = &self.context.trace {
            let hop = HopTrace::new(rendered, version);
            trace.keep_hop(hop.with_response(response));
        }
    }

    /// A connection that replaces one that failed; `None` if a new one has to be opened.
    async fn replace(
        &mut self,
        mut connection: Connection,
    ) -> Result<Option<Connection>, RequestError> {
        let is_stale = connection.is_stale();
        let origin = connection.origin();
        let is_shared = self.context.pool.is_some();
        match connection {
            Connection::Http1(_) => self.context.net.counters.count_reconnect(),
            // The server refused the stream; the connection itself is still usable.
            Connection::Http2(_) if !is_shared && !is_stale => return Ok(Some(connection)),
            Connection::Http2(_) => {
                if !is_shared {
                    self.context.net.counters.count_reconnect();
                }
                self.give_back(connection, false);
                return self.kept_connection(origin).await;
            }
        }
        Ok(None)
    }

    fn response_options(&self) -> ResponseOptions {
        let limits = &self.context.plan.network.limits;
        let mut content = ResponseBody::new(limits.body_bytes, limits.decoded_bytes);
        let keeps_all = self.context.trace.is_some();
        let header_capture = if self.request.response_needs.fields || keeps_all {
            HeaderCapture::All
        } else if self.request.response_needs.body {
            HeaderCapture::CookiesAndCharset
        } else if self.keeps_cookies() {
            HeaderCapture::Cookies
        } else {
            HeaderCapture::CookiesOfErrors
        };
        let body_capture = if self.request.response_needs.body || keeps_all {
            content.kept = self.context.take_buffer();
            content.kept.clear();
            |_| BodyCapture::All
        } else {
            |status| {
                if status >= 400 {
                    BodyCapture::Excerpt
                } else {
                    BodyCapture::Nothing
                }
            }
        };
        ResponseOptions {
            name: self.request.name,
            to_head: &*self.request.method == "HEAD",
            body_capture,
            content,
            header_capture,
        }
    }

    /// Whether the user has a cookie jar.
    pub(super) fn keeps_cookies(&self) -> bool {
        !self.context.plan.network.no_cookies && !self.request.says_cookies
    }

    fn deadlines(&self) -> Deadlines {
        let timeouts = &self.context.net.timeouts;
        let total = self.request.timeout.unwrap_or(timeouts.total);
        // Time in which brunt itself was stalled does not count as the service's time.
        let stall = self.context.net.timers.stall();
        let stalled_ns = stall.stalled_ns(self.dispatched_ns, u64::MAX);
        let started_ns = self.dispatched_ns.saturating_add(stalled_ns);
        Deadlines {
            total_ns: started_ns.saturating_add(duration_ns(total)),
            first_byte_timeout_ns: timeouts.first_byte.map(duration_ns),
        }
    }

    /// A kept connection. With a shared pool, waits for a connection or for permission to open one.
    async fn kept_connection(&mut self, origin: usize) -> Result<Option<Connection>, RequestError> {
        let Some(pool) = &self.context.pool else {
            return Ok(self.session.connections.take(origin));
        };
        let net = &self.context.net;
        let deadlines = self.deadlines();
        net.timers.set_deadline(self.slot, deadlines.total_ns);
        let taken = pool.take(net, self.slot, origin).await;
        taken.map_err(|error| match error {
            WaitError::Aborted => RequestError::cut_off(),
            WaitError::DeadlineExceeded => {
                let text = "no connection of the shared pool became free within the timeout";
                RequestError::new(FailureKind::Timeout, text)
            }
        })
    }

    fn give_back(&mut self, connection: Connection, is_kept: bool) {
        if let Some(pool) = &self.context.pool {
            pool.give_back(connection, is_kept);
        } else if is_kept && self.context.plan.network.connections != Connections::PerRequest {
            self.session.connections.put(connection);
        }
    }

    async fn open(&mut self, origin: usize) -> Result<Connection, RequestError> {
        let context = self.context;
        let request = RequestContext {
            net: &context.net,
            slot: self.slot,
            deadlines: self.deadlines(),
        };
        let mut shared = context.tls_sessions.clone();
        let sessions = if shared.is_some() {
            &mut shared
        } else {
            &mut self.session.connections.sessions
        };
        let timings = &mut self.connect_timings;
        let opening = context.connector.open(request, origin, sessions, timings);
        // Rare and large: boxed, so that it does not make every user larger.
        let opened = Box::pin(opening).await;
        if let Some(pool) = &context.pool {
            match &opened {
                Ok(connection) => pool.share(connection),
                Err(_) => pool.give_up(origin),
            }
        }
        opened
    }
}
