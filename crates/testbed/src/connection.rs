//! One connection of a server, from accept to its end.

use std::net::{Shutdown, TcpStream};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use crate::answer::Encoded;
use crate::counted_stream::CountedStream;
use crate::counts::ServerCounters;
use crate::reader::{Absence, Reader};
use crate::request::Body;
use crate::service::Counter;
use crate::shutdown::{ServerStopping, ShutdownFlag};
use crate::{Answer, Behavior, Fault, MemoryBallast, MemoryGrowth, Request};

/// State shared by the connections of a server.
pub(crate) struct Shared {
    pub(crate) behavior: Behavior,
    pub(crate) counters: ServerCounters,
    pub(crate) stop: ShutdownFlag,
    started: Instant,
    first_request: OnceLock<Duration>,
    counter: Option<Counter>,
    ballast: Mutex<MemoryBallast>,
}

/// Interval at which the memory ballast is adjusted.
const HOARDING: Duration = Duration::from_millis(50);

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
            counter: behavior.service.map(Counter::new),
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
    pub(crate) fn hoard_over_time(&self) {
        while let Some(MemoryGrowth::OverTime(shape)) = self.behavior.memory
            && self.stop.sleep(HOARDING).is_ok()
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
    fn take_in(&self) {
        self.first_request.get_or_init(|| self.started.elapsed());
        if let Some(MemoryGrowth::PerRequest { bytes }) = self.behavior.memory {
            self.ballast().add(bytes);
        }
    }

    /// The response to a request, after its service time if the server has a queue.
    fn serve(&self, request: &Request) -> Result<Answer, ServerStopping> {
        if let Some(counter) = &self.counter {
            let turn = counter.admit(self.started);
            let left = turn.done.saturating_sub(self.started.elapsed());
            self.stop.sleep(left)?;
            if turn.failed {
                return Ok(Answer::new(503));
            }
        }
        Ok(self.behavior.routes.answer(request))
    }

    /// Waits for the end of the current stall, if there is one.
    fn thaw(&self) -> Result<(), ServerStopping> {
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
    match connection.converse() {
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
    fn converse(&self) -> Result<Never, End> {
        match self.shared.behavior.fault {
            Some(Fault::CloseOnAccept) => return Err(self.half_close()),
            Some(Fault::ResetOnAccept) => return Err(End::Reset),
            _ => {}
        }
        let keep_alive = self.shared.behavior.keep_alive;
        let mut reader = Reader::new(self.wire);
        let mut answered = 0;
        loop {
            let idle = keep_alive.idle.filter(|_| answered > 0);
            let request = match self.request(&mut reader, idle) {
                Ok(request) => request,
                Err(absence) => return Err(self.without_request(&absence)),
            };
            let Some(request) = request else {
                continue;
            };
            self.shared.take_in();
            let number = self.shared.counters.request(request.path());
            if self.is_silent(number) {
                continue;
            }
            self.fail(number)?;
            let answer = self.shared.serve(&request)?;
            answered += 1;
            let last = keep_alive.requests.is_some_and(|most| answered >= most);
            self.answer(&request, &answer, last && keep_alive.announced)?;
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
    ) -> Result<Option<Request>, Absence> {
        let mut request = reader.head(idle)?;
        request.client = self.wire.stream.peer_addr().ok();
        let framing = request.framing().map_err(Absence::Malformed)?;
        if framing == Body::Length(0) {
            return Ok(Some(request));
        }
        let asks = request.waits_to_continue();
        match self.shared.behavior.fault {
            Some(Fault::Early { reads_on }) => {
                self.answer_early(&request, &self.shared.behavior.routes.answer(&request))?;
                if !reads_on {
                    return Err(Absence::TurnedAway);
                }
                reader.body(framing)?;
                return Ok(None);
            }
            Some(Fault::NoExpectations) if asks => {
                self.answer_early(&request, &Answer::new(417))?;
                return Err(Absence::TurnedAway);
            }
            Some(Fault::NoContinue) => {}
            _ if asks => self
                .wire
                .write(b"HTTP/1.1 100 Continue\r\n\r\n")
                .map_err(|_| Absence::CutOff)?,
            _ => {}
        }
        request.body = reader.body(framing)?;
        Ok(Some(request))
    }

    /// Responds to a request whose body has not been received.
    fn answer_early(&self, request: &Request, answer: &Answer) -> Result<(), Absence> {
        self.shared.counters.request(request.path());
        let encoded = answer.encode(&request.method, request.is_last());
        self.send(answer.status(), &encoded.last)
            .map_err(|_| Absence::CutOff)
    }

    fn without_request(&self, absence: &Absence) -> End {
        let counters = &self.shared.counters;
        match absence {
            Absence::KillOnDrop => End::Gone,
            Absence::CutOff => {
                counters.cut_off();
                End::Gone
            }
            Absence::Idle | Absence::TurnedAway => End::Close,
            Absence::Malformed(why) => {
                counters.malformed();
                let answer = Answer::new(400).body(format!("{why}\n"));
                let encoded = answer.encode("GET", true);
                match self.send(answer.status(), &encoded.last) {
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
    fn answer(&self, request: &Request, answer: &Answer, last: bool) -> Result<(), End> {
        let encoded = answer.encode(&request.method, last || request.is_last());
        let closes = encoded.closes;
        if let Some(fault) = &self.shared.behavior.fault {
            self.answer_with_fault(fault, answer, &encoded)?;
        } else {
            self.answer_well(answer, &encoded)?;
        }
        if closes { Err(End::Close) } else { Ok(()) }
    }

    fn answer_well(&self, answer: &Answer, encoded: &Encoded) -> Result<(), End> {
        if !encoded.informational.is_empty() {
            self.shared.thaw()?;
            let sent = self.wire.write(&encoded.informational);
            sent.map_err(|_| self.unfinished())?;
        }
        self.wait(answer)?;
        self.send(answer.status(), &encoded.last)
    }

    fn answer_with_fault(
        &self,
        fault: &Fault,
        answer: &Answer,
        encoded: &Encoded,
    ) -> Result<(), End> {
        self.wait(answer)?;
        let status = answer.status();
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
                counters.answer(status);
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

    fn wait(&self, answer: &Answer) -> Result<(), ServerStopping> {
        self.shared.stop.sleep(answer.delay())?;
        self.shared.thaw()
    }

    /// Sends a complete response.
    fn send(&self, status: u16, bytes: &[u8]) -> Result<(), End> {
        self.shared.counters.answer(status);
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
