//! A session: what both sides of a connection have said so far (RFC 9113). Bytes that came are fed in, bytes that
//! are to go are taken out; no sockets and no clock here. How what comes is understood stands in `hearing.rs`.

use std::collections::VecDeque;

use brunt_record::NameId;

use super::error_code::Reason;
use super::frame::{self, Kind};
use super::hpack::{Decoder, Encoder};
use super::request_headers::RequestHeads;
use super::response::Answering;
use super::send_buffer::Outgoing;
use super::streams::{Slot, State, Stream, Streams};
use crate::http::response_options::Wanted;
use crate::http1::{Answer, BadHttp};
use crate::net::error::Fault;
use crate::time::timers::Seat;

/// How much a server may send on one stream, and on a connection, before it is told that there is more room: as
/// browsers have it.
pub(super) const STREAM_WINDOW_BYTES: u32 = 6 << 20;
pub(super) const CONNECTION_WINDOW_BYTES: u32 = 16 << 20;
/// What both are until something else was said.
const FIRST_WINDOW_BYTES: u32 = 65_535;
/// The longest head of an answer that a server is told to send; longer ones are read, and are no answers.
const HEAD_BYTES_MAX: u32 = 256 << 10;
/// How much of bodies waits to be written.
const OUTGOING_BYTES_MAX: usize = 128 << 10;
/// Streams have no higher numbers.
const STREAM_MAX: u32 = u32::MAX >> 1;

/// What is known of a request that has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Account {
    /// When its head was handed to the kernel.
    pub(super) sent_ns: Option<u64>,
    /// When the head of an answer came.
    pub(super) first_byte_ns: Option<u64>,
    /// When the last of what has come of it came.
    pub(super) last_byte_ns: Option<u64>,
    /// Bytes of its frames, their heads included.
    pub(super) bytes_sent: u64,
    pub(super) bytes_received: u64,
}

/// How a request ended.
pub(super) enum Outcome {
    Answered(Answer),
    /// What came is no answer.
    Bad(BadHttp),
    /// The server reset its stream.
    Reset(Reason),
    /// The server has not looked at it.
    Unprocessed,
    /// It was given up.
    Open,
}

pub(super) struct Session {
    is_tls: bool,
    pub(super) outgoing: Outgoing,
    /// The beginning of a frame that is not whole yet.
    pub(super) partial: Vec<u8>,
    /// The fields that go on in the next frame: of which stream, whether it ends with them, what came.
    pub(super) fields: Option<(u32, bool, Vec<u8>)>,
    pub(super) encoder: Encoder,
    pub(super) decoder: Decoder,
    pub(super) streams: Streams,
    pub(super) next_stream: u32,
    /// What the server lets us send on the connection, and at first on a stream.
    pub(super) send_window: i64,
    pub(super) stream_send_window: i64,
    /// Streams that it lets be under way at once; 1 until it has said so.
    pub(super) streams_max: u32,
    /// What came and was not given back.
    pub(super) unreleased: u32,
    /// Whether the first that came are words of HTTP/1.x; `None` before.
    pub(super) speaks_http1: Option<bool>,
    pub(super) has_settings: bool,
    /// The last stream that the server processes, and why it goes.
    pub(super) goes_away: Option<(u32, Reason)>,
    /// Whether there are more streams to be had, or none any more, since this was last asked.
    pub(super) news: bool,
    /// Who waits for a stream.
    pub(super) waiting: VecDeque<Seat>,
}

impl Session {
    pub(super) fn new(is_tls: bool) -> Self {
        let mut outgoing = Outgoing::default();
        let to = outgoing.bytes();
        to.extend_from_slice(frame::PREFACE);
        let settings = [
            (frame::ENABLE_PUSH, 0),
            (frame::INITIAL_WINDOW_SIZE, STREAM_WINDOW_BYTES),
            (frame::MAX_HEADER_LIST_SIZE, HEAD_BYTES_MAX),
        ];
        frame::write_settings(to, &settings);
        frame::write_window_update(to, 0, CONNECTION_WINDOW_BYTES - FIRST_WINDOW_BYTES);
        Self {
            is_tls,
            outgoing,
            partial: Vec::new(),
            fields: None,
            encoder: Encoder::new(),
            decoder: Decoder::new(),
            streams: Streams::default(),
            next_stream: 1,
            send_window: FIRST_WINDOW_BYTES.into(),
            stream_send_window: FIRST_WINDOW_BYTES.into(),
            streams_max: 1,
            unreleased: 0,
            speaks_http1: None,
            has_settings: false,
            goes_away: None,
            news: false,
            waiting: VecDeque::new(),
        }
    }

    /// Whether no stream can be opened any more: the server goes, or there are no more numbers.
    pub(super) fn is_over(&self) -> bool {
        self.goes_away.is_some() || self.next_stream > STREAM_MAX
    }

    /// Why the server goes, where it said so.
    pub(super) fn goodbye(&self) -> Option<Reason> {
        self.goes_away.map(|(_, reason)| reason)
    }

    /// Streams that may be under way at once.
    pub(super) fn streams_max(&self) -> u32 {
        self.streams_max
    }

    /// Whether the server lets another stream be opened; where it does not, a seat is woken when it may.
    #[inline]
    pub(super) fn has_room(&mut self, seat: Seat) -> bool {
        let has_room = self.streams.under_way() < self.streams_max;
        if !has_room && !self.waiting.contains(&seat) {
            self.waiting.push_back(seat);
        }
        has_room
    }

    /// Opens a stream with the head of a request, as HTTP/1.1 has it; it is the whole where no body follows. Fails
    /// where HTTP/2 cannot carry it.
    #[inline]
    pub(super) fn open(
        &mut self,
        heads: &mut RequestHeads,
        (name, head): (NameId, &[u8]),
        is_whole: bool,
        (seat, wanted): (Seat, Wanted),
    ) -> Result<Slot, Fault> {
        let at = self.outgoing.begin_head();
        let (encoder, to) = (&mut self.encoder, self.outgoing.bytes());
        let written = heads.write(name, head, self.is_tls, encoder, to);
        written.inspect_err(|_| self.outgoing.take_back(at))?;
        let number = self.next_stream;
        self.next_stream += 2;
        let slot = self.streams.insert(Stream {
            number,
            seat,
            answering: Answering::new(wanted),
            state: State::Open,
            is_sent: is_whole,
            send_window: self.stream_send_window,
            wants_room: false,
            unreleased: 0,
            sent_ns: None,
            first_byte_ns: None,
            last_byte_ns: None,
            bytes_sent: 0,
            bytes_received: 0,
        });
        let flags = if is_whole { frame::END_STREAM } else { 0 };
        let bytes = self.outgoing.end_head(at, slot, number, flags);
        if let Some(stream) = self.streams.get_mut(slot) {
            stream.bytes_sent = bytes as u64;
        }
        Ok(slot)
    }

    /// How many bytes of a body may go now; where it is none, the stream's user is woken when there is room.
    pub(super) fn room(&mut self, slot: Slot) -> usize {
        let Some(stream) = self.streams.get_mut(slot) else {
            return 0;
        };
        let window = stream.send_window.min(self.send_window);
        let room = OUTGOING_BYTES_MAX.saturating_sub(self.outgoing.waiting().len());
        let room = usize::try_from(window).unwrap_or(0).min(room);
        stream.wants_room = room == 0;
        room
    }

    /// Sends a part of a body for which there is room; `ends`: the last.
    pub(super) fn send(&mut self, slot: Slot, part: &[u8], ends: bool) {
        let Some(stream) = self.streams.get_mut(slot) else {
            return;
        };
        let to = self.outgoing.bytes();
        let mut parts = part.chunks(frame::PAYLOAD_BYTES_MAX).peekable();
        while let Some(part) = parts.next() {
            let is_last = ends && parts.peek().is_none();
            let flags = if is_last { frame::END_STREAM } else { 0 };
            frame::write_head(to, part.len(), Kind::Data, flags, stream.number);
            to.extend_from_slice(part);
            stream.bytes_sent += (frame::HEAD_BYTES + part.len()) as u64;
        }
        // No larger than a window, which has 31 bits.
        let bytes = i64::try_from(part.len()).unwrap_or(i64::MAX);
        stream.send_window -= bytes;
        self.send_window -= bytes;
        stream.is_sent = ends;
    }

    /// Bytes that wait to be written.
    pub(super) fn outgoing(&self) -> &[u8] {
        self.outgoing.waiting()
    }

    /// So many of them were handed to the kernel at a moment; who waits for room is woken where there is some.
    #[inline]
    pub(super) fn wrote(&mut self, bytes: usize, now_ns: u64, mut wake: impl FnMut(Seat)) {
        let streams = &mut self.streams;
        self.outgoing.wrote(bytes, |slot, number| {
            if let Some(stream) = streams
                .get_mut(slot)
                .filter(|stream| stream.number == number)
            {
                stream.sent_ns = Some(now_ns);
            }
        });
        let has_room = self.outgoing.waiting().is_empty();
        if has_room && self.send_window > 0 {
            self.wake_senders(&mut wake);
        }
    }

    /// Wakes who waits for room to send, where its stream has some.
    pub(super) fn wake_senders(&mut self, mut wake: impl FnMut(Seat)) {
        for stream in self.streams.iter_mut() {
            if stream.wants_room && stream.send_window > 0 {
                stream.wants_room = false;
                wake(stream.seat);
            }
        }
    }

    /// Whether it is known how a request ended.
    #[inline]
    pub(super) fn is_settled(&self, slot: Slot) -> bool {
        let stream = self.streams.get(slot);
        stream.is_none_or(|stream| stream.state != State::Open)
    }

    pub(super) fn has_first_byte(&self, slot: Slot) -> bool {
        let stream = self.streams.get(slot);
        stream.is_some_and(|stream| stream.first_byte_ns.is_some())
    }

    /// Ends a request; what it leaves open is reset. Who waits for a stream is woken.
    #[inline]
    pub(super) fn close(
        &mut self,
        slot: Slot,
        mut wake: impl FnMut(Seat),
    ) -> Option<(Account, Outcome)> {
        let stream = self.streams.remove(slot)?;
        let is_over = matches!(stream.state, State::Reset(_) | State::Unprocessed)
            || stream.state == State::Whole && stream.is_sent;
        if !is_over {
            frame::write_reset(self.outgoing.bytes(), stream.number, Reason::CANCEL.0);
        }
        self.waiting.drain(..).for_each(&mut wake);
        let is_sent = stream.sent_ns.is_some();
        let account = Account {
            sent_ns: stream.sent_ns,
            first_byte_ns: stream.first_byte_ns,
            last_byte_ns: stream.last_byte_ns,
            bytes_sent: if is_sent { stream.bytes_sent } else { 0 },
            bytes_received: stream.bytes_received,
        };
        let outcome = match stream.state {
            State::Open => Outcome::Open,
            State::Whole => Outcome::Answered(stream.answering.into_answer()),
            State::Bad(bad) => Outcome::Bad(bad),
            State::Reset(reason) => Outcome::Reset(reason),
            State::Unprocessed => Outcome::Unprocessed,
        };
        Some((account, outcome))
    }

    /// Wakes all that wait for something: the connection has ended.
    pub(super) fn wake_all(&mut self, mut wake: impl FnMut(Seat)) {
        self.waiting.drain(..).for_each(&mut wake);
        self.streams.iter_mut().for_each(|stream| wake(stream.seat));
    }

    /// Says good-bye.
    pub(super) fn leave(&mut self, reason: Reason) {
        frame::write_goodbye(self.outgoing.bytes(), reason.0);
    }
}
