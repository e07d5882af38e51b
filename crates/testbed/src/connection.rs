//! One connection of a server, from accept to its end.

use std::net::{Shutdown, TcpStream};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use crate::counted_stream::CountedStream;
use crate::counts::ServerCounters;
use crate::reader::{NoRequest, Reader};
use crate::request::Body;
use crate::response::Encoded;
use crate::service::ServiceQueue;
use crate::shutdown::{ServerStopping, ShutdownFlag};
use crate::{Behavior, Fault, MemoryBallast, MemoryGrowth, Request, Response};

/// State shared by the connections of a server.
pub(crate) struct Shared {
    pub(crate) behavior: Behavior,
    pub(crate) counters: ServerCounters,
    pub(crate) stop: ShutdownFlag,
    started: Instant,
    first_request: OnceLock<Duration>,
    queue: Option<ServiceQueue>,
    ballast: Mutex<MemoryBallast>,
}

/// Interval at which the memory ballast is adjusted.
const BALLAST_INTERVAL: Duration = Duration::from_millis(50);

/// The end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The client has disconnected, or the server stops.
    Gone,
    /// The server closes the connection.
    Close,
    /// The server resets the connection.
    Reset,
}

impl From<ServerStopping> for End {
    fn from(_: ServerStopping) -> Self {
        Self::Gone
    }
}

impl Shared {
    pub(crate) fn new(behavior: Behavior) -> Self {
        Self {
            queue: behavior.service.map(ServiceQueue::new),
            behavior,
            counters: ServerCounters::default(),
            stop: ShutdownFlag::default(),
            started: Instant::now(),
            first_request: OnceLock::new(),
            ballast: Mutex::default(),
        }
    }

    /// Time from the start of the server to the first request.
    pub(crate) fn first_request(&self) -> Option<Duration> {
        self.first_request.get().copied()
    }

    fn ballast(&self) -> MutexGuard<'_, MemoryBallast> {
        self.ballast.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adjusts the memory that grows over time, until the server stops.
    pub(crate) fn grow_ballast(&self) {
        while let Some(MemoryGrowth::OverTime(shape)) = self.behavior.memory
            && self.stop.sleep(BALLAST_INTERVAL).is_ok()
        {
            let bytes = shape.at(self.started.elapsed().as_secs_f64());
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "fits into memory; negative values saturate to 0"
            )]
            self.ballast().hold(bytes as usize);
        }
    }

    /// Notes the time of the first request, and adds the memory of each request.
    fn note_request(&self) {
        self.first_request.get_or_init(|| self.started.elapsed());
        if let Some(MemoryGrowth::PerRequest { bytes }) = self.behavior.memory {
            self.ballast().add(bytes);
        }
    }

    /// The response to a request, after its service time if the server has a queue.
    fn serve(&self, request: &Request) -> Result<Response, ServerStopping> {
        if let Some(queue) = &self.queue {
            let turn = queue.enter(self.started);
            let left = turn.done.saturating_sub(self.started.elapsed());
            self.stop.sleep(left)?;
            if turn.failed {
                return Ok(Response::new(503));
            }
        }
        Ok(self.behavior.routes.respond(request))
    }

    /// Waits for the end of the current stall, if there is one.
    fn wait_for_stall(&self) -> Result<(), ServerStopping> {
        let stall = self.behavior.stall.as_ref();
        while let Some(left) = stall.and_then(|stall| stall.left(self.started.elapsed())) {
            self.stop.sleep(left)?;
        }
        Ok(())
    }
}

/// Serves one connection to its end.
pub(crate) fn serve(stream: &TcpStream, shared: &Shared) -> End {
    let wire = CountedStream {
        stream,
        counters: &shared.counters,
    };
    let connection = Connection { wire, shared };
    match connection.serve_requests() {
        Ok(never) => match never {},
        Err(end) => end,
    }
}

struct Connection<'a> {
    wire: CountedStream<'a>,
    shared: &'a Shared,
}

/// A connection only ends by an error.
enum Never {}

impl Connection<'_> {
    fn serve_requests(&self) -> Result<Never, End> {
        match self.shared.behavior.fault {
            Some(Fault::CloseOnAccept) => return Err(self.half_close()),
            Some(Fault::ResetOnAccept) => return Err(End::Reset),
            _ => {}
        }
        let keep_alive = self.shared.behavior.keep_alive;
        let mut reader = Reader::new(self.wire);
        let mut responses = 0;
        loop {
            let idle = keep_alive.idle.filter(|_| responses > 0);
            let request = match self.request(&mut reader, idle) {
                Ok(request) => request,
                Err(absence) => return Err(self.without_request(&absence)),
            };
            let Some(request) = request else {
                continue;
            };
            self.shared.note_request();
            let number = self.shared.counters.request(request.path());
            if self.is_silent(number) {
                continue;
            }
            self.fail(number)?;
            let response = self.shared.serve(&request)?;
            responses += 1;
            let last = keep_alive.requests.is_some_and(|most| responses >= most);
            self.respond(&request, &response, last && keep_alive.announced)?;
            if last {
                return Err(End::Close);
            }
        }
    }

    /// The next request; `None` if it was responded to early.
    fn request(
        &self,
        reader: &mut Reader,
        idle: Option<Duration>,
    ) -> Result<Option<Request>, NoRequest> {
        let mut request = reader.head(idle)?;
        request.client = self.wire.stream.peer_addr().ok();
        let framing = request.framing().map_err(NoRequest::Malformed)?;
        if framing == Body::Length(0) {
            return Ok(Some(request));
        }
        let asks = request.waits_to_continue();
        match self.shared.behavior.fault {
            Some(Fault::Early { reads_on }) => {
                self.respond_early(&request, &self.shared.behavior.routes.respond(&request))?;
                if !reads_on {
                    return Err(NoRequest::Rejected);
                }
                reader.body(framing)?;
                return Ok(None);
            }
            Some(Fault::NoExpectations) if asks => {
                self.respond_early(&request, &Response::new(417))?;
                return Err(NoRequest::Rejected);
            }
            Some(Fault::NoContinue) => {}
            _ if asks => self
                .wire
                .write(b"HTTP/1.1 100 Continue\r\n\r\n")
                .map_err(|_| NoRequest::CutOff)?,
            _ => {}
        }
        request.body = reader.body(framing)?;
        Ok(Some(request))
    }

    /// Responds to a request whose body has not been received.
    fn respond_early(&self, request: &Request, response: &Response) -> Result<(), NoRequest> {
        self.shared.counters.request(request.path());
        let encoded = response.encode(&request.method, request.is_last());
        self.send(response.status(), &encoded.last)
            .map_err(|_| NoRequest::CutOff)
    }

    fn without_request(&self, absence: &NoRequest) -> End {
        let counters = &self.shared.counters;
        match absence {
            NoRequest::Closed => End::Gone,
            NoRequest::CutOff => {
                counters.cut_off();
                End::Gone
            }
            NoRequest::Idle | NoRequest::Rejected => End::Close,
            NoRequest::Malformed(why) => {
                counters.malformed();
                let response = Response::new(400).body(format!("{why}\n"));
                let encoded = response.encode("GET", true);
                match self.send(response.status(), &encoded.last) {
                    Ok(()) => End::Close,
                    Err(end) => end,
                }
            }
        }
    }

    fn is_silent(&self, number: u64) -> bool {
        match self.shared.behavior.fault {
            Some(Fault::Silent) => true,
            Some(Fault::SilentAfter { requests }) => number > requests,
            _ => false,
        }
    }

    /// Ends the connection of a request that gets no response.
    fn fail(&self, number: u64) -> Result<(), End> {
        let Some(Fault::Flaky {
            every,
            resets,
            after,
        }) = self.shared.behavior.fault
        else {
            return Ok(());
        };
        if !number.is_multiple_of(every) {
            return Ok(());
        }
        self.shared.stop.sleep(after)?;
        Err(if resets { End::Reset } else { End::Close })
    }

    /// Responds to one request. Fails if the connection ends after it.
    fn respond(&self, request: &Request, response: &Response, last: bool) -> Result<(), End> {
        let encoded = response.encode(&request.method, last || request.is_last());
        let closes = encoded.closes;
        if let Some(fault) = &self.shared.behavior.fault {
            self.respond_with_fault(fault, response, &encoded)?;
        } else {
            self.respond_normally(response, &encoded)?;
        }
        if closes { Err(End::Close) } else { Ok(()) }
    }

    fn respond_normally(&self, response: &Response, encoded: &Encoded) -> Result<(), End> {
        if !encoded.informational.is_empty() {
            self.shared.wait_for_stall()?;
            let sent = self.wire.write(&encoded.informational);
            sent.map_err(|_| self.unfinished())?;
        }
        self.wait(response)?;
        self.send(response.status(), &encoded.last)
    }

    fn respond_with_fault(
        &self,
        fault: &Fault,
        response: &Response,
        encoded: &Encoded,
    ) -> Result<(), End> {
        self.wait(response)?;
        let status = response.status();
        let bytes = [encoded.informational.as_slice(), &encoded.last].concat();
        match fault {
            Fault::ResetAfter { bytes: most } => {
                self.send_part(status, &bytes, *most)?;
                Err(End::Reset)
            }
            Fault::CloseAfter { bytes: most } => {
                self.send_part(status, &bytes, *most)?;
                Err(End::Close)
            }
            Fault::HalfCloseAfter { bytes: most } => {
                self.send_part(status, &bytes, *most)?;
                Err(self.half_close())
            }
            Fault::Garbage(garbage) => {
                let sent = self.wire.write(garbage);
                sent.map_err(|_| End::Gone)?;
                Err(End::Close)
            }
            Fault::Endless(once, again) => {
                let begun = self.wire.write(once);
                begun.map_err(|_| End::Gone)?;
                while self.wire.write(again).is_ok() {}
                Err(End::Gone)
            }
            Fault::Drip { interval } => self.drip(status, &bytes, *interval),
            Fault::Twice => {
                let counters = &self.shared.counters;
                counters.count_response(status);
                self.send(status, &bytes.repeat(2))
                    .inspect_err(|_| counters.withdraw(status))
            }
            Fault::SilentAfter { .. }
            | Fault::Flaky { .. }
            | Fault::Early { .. }
            | Fault::NoContinue
            | Fault::NoExpectations
            | Fault::Silent
            | Fault::CloseOnAccept
            | Fault::ResetOnAccept => self.send(status, &bytes),
        }
    }

    fn wait(&self, response: &Response) -> Result<(), ServerStopping> {
        self.shared.stop.sleep(response.delay())?;
        self.shared.wait_for_stall()
    }

    /// Sends a complete response.
    fn send(&self, status: u16, bytes: &[u8]) -> Result<(), End> {
        self.shared.counters.count_response(status);
        self.wire.write(bytes).map_err(|_| {
            self.shared.counters.withdraw(status);
            End::Gone
        })
    }

    /// Sends the first bytes of a response, at most `most`.
    fn send_part(&self, status: u16, bytes: &[u8], most: usize) -> Result<(), End> {
        if most >= bytes.len() {
            return self.send(status, bytes);
        }
        let gone = self.unfinished();
        self.wire.write(&bytes[..most]).map_err(|_| gone)
    }

    fn drip(&self, status: u16, bytes: &[u8], interval: Duration) -> Result<(), End> {
        let Some((last, first)) = bytes.split_last() else {
            return Ok(());
        };
        for byte in first {
            let sent = self.wire.write(&[*byte]);
            sent.map_err(|_| self.unfinished())?;
            if self.shared.stop.sleep(interval).is_err() {
                return Err(self.unfinished());
            }
        }
        self.send(status, &[*last])
    }

    fn unfinished(&self) -> End {
        self.shared.counters.unfinished();
        End::Gone
    }

    /// Shuts down writing, and waits until the client shuts down its side.
    fn half_close(&self) -> End {
        self.shared.counters.closed();
        let ended = self.wire.stream.shutdown(Shutdown::Write);
        // An error also means that the client has disconnected.
        drop(ended.and_then(|()| self.wire.drain()));
        End::Gone
    }
}
