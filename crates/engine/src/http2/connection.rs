//! An HTTP/2 connection: several concurrent requests, each on a stream. A task per connection moves bytes between the
//! protocol state and the socket, until the connection ends.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker, ready};

use tokio::io::{AsyncWrite, ReadBuf};

use super::close::{CloseReason, ConnectionClose, closed};
use super::error_code::ErrorCode;
use super::request_headers::HeaderEncoder;
use super::state::ConnectionState;
use crate::net::context::{CapacityListener, NetContext};
use crate::net::error::RequestError;
use crate::net::stream::Stream;
use crate::time::clock::Clock;
use crate::time::timers::Timers;

/// A handle that sends requests. The connection is closed when the last handle is dropped.
pub(crate) struct Http2Connection(pub(super) Rc<Shared>);

/// State shared by the handles and the connection's task.
pub(super) struct Shared {
    pub(super) origin: usize,
    pub(super) state: RefCell<ConnectionState>,
    /// Header fields that connections of the worker have sent.
    pub(super) headers: Rc<RefCell<HeaderEncoder>>,
    pub(super) close: RefCell<Option<ConnectionClose>>,
    /// Whether writing failed. What the server sent before is still read.
    is_broken: Cell<bool>,
    /// Number of handles.
    handles: Cell<usize>,
    /// Waker of the task.
    driver: RefCell<Option<Waker>>,
    /// Number of requests that got a response.
    pub(super) responses: Cell<u64>,
    /// Number of a shared pool's requests in flight.
    in_flight: Cell<u32>,
}

impl Http2Connection {
    /// Starts HTTP/2 on an open stream.
    pub(crate) fn open(
        net: &NetContext,
        stream: Stream,
        origin: usize,
        headers: Rc<RefCell<HeaderEncoder>>,
        capacity: Option<Rc<dyn CapacityListener>>,
    ) -> Self {
        let shared = Rc::new(Shared {
            origin,
            state: RefCell::new(ConnectionState::new(stream.is_tls())),
            headers,
            close: RefCell::default(),
            is_broken: Cell::new(false),
            handles: Cell::new(1),
            driver: RefCell::default(),
            responses: Cell::new(0),
            in_flight: Cell::new(0),
        });
        let driver = Driver {
            shared: shared.clone(),
            stream,
            is_flushed: true,
            broken: None,
            clock: net.clock,
            timers: net.timers.clone(),
            scratch: net.scratch.clone(),
            capacity,
        };
        tokio::task::spawn_local(driver.run());
        Self(shared)
    }

    pub(crate) fn origin(&self) -> usize {
        self.0.origin
    }

    /// Whether it accepts no more requests: the server is closing it, or it is closed.
    pub(crate) fn is_over(&self) -> bool {
        self.0.is_over()
    }

    /// Whether it has received a response.
    pub(crate) fn was_used(&self) -> bool {
        self.0.responses.get() > 0
    }

    /// Number of a shared pool's requests in flight on it.
    pub(crate) fn in_flight(&self) -> u32 {
        self.0.in_flight.get()
    }

    /// Whether it accepts another request if `streams_max` may be in flight. The server may allow fewer.
    pub(crate) fn has_room(&self, streams_max: u32) -> bool {
        self.in_flight() < streams_max.min(self.0.state.borrow().streams_max())
    }

    /// Counts a request of a shared pool as in flight.
    pub(crate) fn begin(&self) {
        self.0.in_flight.set(self.in_flight() + 1);
    }

    /// Counts a request of a shared pool as ended.
    pub(crate) fn end(&self) {
        self.0.in_flight.set(self.in_flight() - 1);
    }
}

impl Clone for Http2Connection {
    fn clone(&self) -> Self {
        self.0.handles.set(self.0.handles.get() + 1);
        Self(self.0.clone())
    }
}

impl Drop for Http2Connection {
    fn drop(&mut self) {
        self.0.handles.set(self.0.handles.get() - 1);
        if self.0.handles.get() == 0 {
            self.0.wake_driver();
        }
    }
}

impl Shared {
    pub(super) fn is_over(&self) -> bool {
        self.is_closed() || self.is_broken.get() || self.state.borrow().is_over()
    }

    #[inline]
    pub(super) fn is_closed(&self) -> bool {
        self.close.borrow().is_some()
    }

    /// The reason why it accepts no more requests.
    pub(super) fn close_error(&self) -> RequestError {
        match &*self.close.borrow() {
            Some(close) => close.error(0),
            None => closed(0, self.state.borrow().goaway()),
        }
    }

    /// Wakes the task to write.
    #[inline]
    pub(super) fn wake_driver(&self) {
        if let Some(driver) = &*self.driver.borrow() {
            driver.wake_by_ref();
        }
    }

    fn remember_driver(&self, cx: &Context<'_>) {
        let mut driver = self.driver.borrow_mut();
        if !driver
            .as_ref()
            .is_some_and(|known| known.will_wake(cx.waker()))
        {
            *driver = Some(cx.waker().clone());
        }
    }
}

/// The task of a connection.
struct Driver {
    shared: Rc<Shared>,
    stream: Stream,
    /// Whether the kernel has accepted everything that was written.
    is_flushed: bool,
    /// The error of writing, once that has failed.
    broken: Option<RequestError>,
    clock: Clock,
    timers: Rc<Timers>,
    scratch: Rc<RefCell<Box<[u8]>>>,
    capacity: Option<Rc<dyn CapacityListener>>,
}

impl Driver {
    async fn run(mut self) {
        if let Some(reason) = poll_fn(|cx| self.poll(cx)).await {
            self.close(reason);
        }
        let mut stream = Pin::new(&mut self.stream);
        // The peer may be gone; an error does not matter any more.
        poll_fn(|cx| stream.as_mut().poll_shutdown(cx)).await.ok();
    }

    /// Reads and writes as much as possible. Ready with the reason when the connection has ended, and when it has no
    /// handles.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<CloseReason>> {
        self.shared.remember_driver(cx);
        if self.shared.handles.get() == 0 {
            self.send_goaway(cx, ErrorCode::NO_ERROR);
            return Poll::Ready(None);
        }
        // The end of the connection is detected before anything else is written.
        while let Poll::Ready(read) = self.poll_read(cx) {
            if let Err(reason) = read {
                return Poll::Ready(Some(self.ended(cx, reason)));
            }
        }
        if self.broken.is_none()
            && let Poll::Ready(Err(error)) = self.poll_write(cx)
        {
            self.break_off(&error);
        }
        Poll::Pending
    }

    /// Notes that writing failed. The kernel may hold bytes that arrived before: responses, and a GOAWAY that tells
    /// which requests the server has not processed. They are read to their end first.
    #[cold]
    fn break_off(&mut self, error: &io::Error) {
        self.broken = Some(RequestError::from_io(error));
        self.shared.is_broken.set(true);
        let mut state = self.shared.state.borrow_mut();
        state.wake_waiting(|timer| self.timers.wake(timer));
        drop(state);
        self.notify_capacity();
    }

    /// Returns the reason of the end, after reading has ended.
    #[cold]
    fn ended(&mut self, cx: &mut Context<'_>, reason: CloseReason) -> CloseReason {
        match (reason, self.broken.take()) {
            (CloseReason::ConnectionError(error), broken) => {
                if broken.is_none() {
                    self.send_goaway(cx, error.code);
                }
                CloseReason::ConnectionError(error)
            }
            (_, Some(error)) => CloseReason::Broken(error),
            (reason, None) => reason,
        }
    }

    #[inline]
    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut state = self.shared.state.borrow_mut();
        let mut stream = Pin::new(&mut self.stream);
        while !state.outgoing().is_empty() {
            let now_ns = self.clock.now_ns();
            self.is_flushed = false;
            let taken = ready!(stream.as_mut().poll_write(cx, state.outgoing()))?;
            if taken == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            state.wrote(taken, now_ns, |timer| self.timers.wake(timer));
        }
        if !self.is_flushed {
            ready!(stream.poll_flush(cx))?;
            self.is_flushed = true;
        }
        Poll::Ready(Ok(()))
    }

    /// Reads once.
    #[inline]
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), CloseReason>> {
        let mut scratch = self.scratch.borrow_mut();
        let mut buffer = ReadBuf::new(&mut scratch);
        let read = ready!(self.stream.poll_read(cx, &mut buffer));
        read.map_err(|error| CloseReason::Broken(RequestError::from_io(&error)))?;
        if buffer.filled().is_empty() {
            return Poll::Ready(Err(CloseReason::Closed));
        }
        let mut state = self.shared.state.borrow_mut();
        let now_ns = self.clock.now_ns();
        let received = state.recv(buffer.filled(), now_ns, |timer| self.timers.wake(timer));
        let has_changed = std::mem::take(&mut state.capacity_changed);
        drop(state);
        if has_changed {
            self.notify_capacity();
        }
        Poll::Ready(received.map_err(CloseReason::ConnectionError))
    }

    /// Sends GOAWAY if the kernel accepts it immediately.
    fn send_goaway(&mut self, cx: &mut Context<'_>, code: ErrorCode) {
        self.shared.state.borrow_mut().send_goaway(code);
        if let Poll::Ready(Err(_)) = self.poll_write(cx) {
            // The peer has closed the connection first.
        }
    }

    /// Closes the connection and wakes all requests in flight on it.
    fn close(&self, reason: CloseReason) {
        let mut state = self.shared.state.borrow_mut();
        *self.shared.close.borrow_mut() = Some(ConnectionClose {
            reason,
            is_acknowledged: self.stream.unacknowledged_bytes() == Some(0),
            is_http1: state.is_http1 == Some(true),
            goaway: state.goaway(),
        });
        state.wake_all(|timer| self.timers.wake(timer));
        drop(state);
        self.notify_capacity();
    }

    /// Notifies the pool that the connection accepts more requests, or none any more.
    fn notify_capacity(&self) {
        if let Some(capacity) = &self.capacity {
            capacity.capacity_changed(self.shared.origin);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::sync::Arc;
    use std::time::{Duration, Instant};

    use brunt_record::NameId;
    use brunt_scenario::{HeaderTemplate, HttpVersion, Network, RenderedRequest, Timeouts};
    use tokio::net::{TcpSocket, TcpStream};
    use tokio::runtime::Builder;
    use tokio::task::LocalSet;
    use url::Url;

    use super::super::frame;
    use super::super::state::Outcome;
    use super::super::streams::StreamSlot;
    use super::*;
    use crate::http::response::ResponseOptions;
    use crate::http::{BodyCapture, HeaderCapture, ResponseBody};
    use crate::net::context::ConnectionCounters;
    use crate::net::origins::{NetworkOptions, Origins};
    use crate::time::timers::TimerSlot;

    fn context() -> NetContext {
        let clock = Clock::start();
        let url = Url::parse("http://127.0.0.1:1").unwrap();
        let options = NetworkOptions {
            lookup_timeout: Duration::from_secs(10),
            ..NetworkOptions::default()
        };
        let origins = Origins::resolve(&url.into(), &Network::default(), &options);
        NetContext {
            clock,
            timers: Rc::new(Timers::new(clock, false).unwrap()),
            timeouts: Timeouts::default(),
            version: HttpVersion::Http2,
            origins: Arc::new(origins.unwrap()),
            scratch: Rc::new(RefCell::new(vec![0; 4_096].into())),
            counters: ConnectionCounters::default(),
        }
    }

    fn send(connection: &Http2Connection, slot: TimerSlot) -> StreamSlot {
        let request = RenderedRequest::from_parts("GET", "/", &[("Host", "h")], b"");
        let options = ResponseOptions {
            name: NameId(0),
            to_head: false,
            body_capture: |_| BodyCapture::All,
            content: ResponseBody::new(1, 1),
            header_capture: HeaderCapture::All,
        };
        let template = HeaderTemplate::default();
        let request = (NameId(0), &request, &template);
        let mut headers = connection.0.headers.borrow_mut();
        let mut state = connection.0.state.borrow_mut();
        let stream = state.open(&mut headers, request, true, (slot, options));
        connection.0.wake_driver();
        stream.unwrap()
    }

    /// Runs the other tasks until this holds.
    async fn wait_until(mut holds: impl FnMut() -> bool) {
        let until = Instant::now() + Duration::from_secs(10);
        while !holds() {
            assert!(Instant::now() < until, "timed out");
            tokio::task::yield_now().await;
        }
    }

    /// The kernel reports a reset to the next write, and keeps what arrived before it.
    #[test]
    fn responses_and_goaway_before_a_reset_are_read_after_a_failed_write() {
        let runtime = Builder::new_current_thread().enable_io().build().unwrap();
        LocalSet::new().block_on(&runtime, async {
            let net = context();
            let slot = net.timers.add_slot();
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let socket = TcpSocket::new_v4().unwrap();
            let address = listener.local_addr().unwrap();
            let stream: TcpStream = socket.connect(address).await.unwrap();
            let (mut server, _) = listener.accept().unwrap();
            let stream = Stream::Plain(stream);
            let connection = Http2Connection::open(&net, stream, 0, Rc::default(), None);
            let first = send(&connection, slot);
            let is_written = || connection.0.state.borrow().outgoing().is_empty();
            wait_until(is_written).await;
            // Until here, the client has nothing to read. From here to its next write, it waits for no event.
            assert!(server.read(&mut [0; 4_096]).unwrap() > frame::PREFACE.len());
            let mut frames = Vec::new();
            frame::write_settings(&mut frames, &[]);
            frame::write_head(&mut frames, 1, frame::Kind::Headers, 5, 1);
            frames.push(0x88);
            frame::write_head(&mut frames, 8, frame::Kind::GoAway, 0, 0);
            frames.extend([0, 0, 0, 1, 0, 0, 0, 0]);
            server.write_all(&frames).unwrap();
            let server = TcpStream::from_std({
                server.set_nonblocking(true).unwrap();
                server
            });
            server.unwrap().set_zero_linger().unwrap();
            let second = send(&connection, slot);
            wait_until(|| connection.0.is_closed()).await;
            let mut state = connection.0.state.borrow_mut();
            let mut outcome = |stream| state.close(stream, |_| {}).unwrap().1;
            assert!(
                matches!(outcome(first), Outcome::Complete(response) if response.status == 200)
            );
            assert!(matches!(outcome(second), Outcome::Unprocessed));
        });
    }
}
