//! The protocol state of a connection (RFC 9113). It takes received bytes and provides the bytes to send, without
//! sockets or clocks. `recv.rs` handles received frames.

use std::collections::VecDeque;

use brunt_record::NameId;
use brunt_scenario::{HeaderTemplate, RenderedRequest};

use super::error_code::ErrorCode;
use super::frame::{self, Kind};
use super::hpack::{Decoder, Encoder};
use super::request_headers::HeaderEncoder;
use super::response::ResponseBuilder;
use super::send_buffer::SendBuffer;
use super::streams::{Stream, StreamSlot, StreamState, Streams};
use crate::http::response::ResponseOptions;
use crate::http::{ProtocolError, Response};
use crate::net::error::RequestError;
use crate::time::timers::TimerSlot;

/// Flow-control windows of streams and connections, as large as those of browsers.
pub(super) const STREAM_WINDOW_BYTES: u32 = 6 << 20;
pub(super) const CONNECTION_WINDOW_BYTES: u32 = 16 << 20;
/// Both windows before the first `WINDOW_UPDATE` or SETTINGS.
const INITIAL_WINDOW_BYTES: u32 = 65_535;
/// The advertised limit of response headers; larger ones are received and rejected.
const HEAD_BYTES_MAX: u32 = 256 << 10;
/// Maximum number of buffered bytes of request bodies.
const OUTGOING_BYTES_MAX: usize = 128 << 10;
/// The highest stream identifier.
const STREAM_MAX: u32 = u32::MAX >> 1;

/// Times and sizes of a request that has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct StreamStats {
    /// When the kernel accepted its headers.
    pub(super) sent_ns: Option<u64>,
    /// When the first frame of the response was received.
    pub(super) first_byte_ns: Option<u64>,
    /// When the last byte of the response so far was received.
    pub(super) last_byte_ns: Option<u64>,
    /// Size of its frames, frame headers included.
    pub(super) bytes_sent: u64,
    pub(super) bytes_received: u64,
}

/// The outcome of a request.
pub(super) enum Outcome {
    Complete(Response),
    /// The response is malformed.
    Malformed(ProtocolError),
    /// The server reset its stream.
    Reset(ErrorCode),
    /// The server has not processed it.
    Unprocessed,
    /// The client gave up on it.
    Open,
}

pub(super) struct ConnectionState {
    is_tls: bool,
    pub(super) outgoing: SendBuffer,
    /// The start of a frame that is not complete.
    pub(super) partial: Vec<u8>,
    /// A header block that continues in the next frame: its stream, whether it ends the stream, and its bytes so far.
    pub(super) fields: Option<(u32, bool, Vec<u8>)>,
    pub(super) encoder: Encoder,
    pub(super) decoder: Decoder,
    pub(super) streams: Streams,
    pub(super) next_stream: u32,
    /// The send window of the connection, and the initial send window of streams.
    pub(super) send_window: i64,
    pub(super) stream_send_window: i64,
    /// Maximum number of concurrent streams; 1 before the server's SETTINGS.
    pub(super) streams_max: u32,
    /// Number of bytes received without a `WINDOW_UPDATE` for them.
    pub(super) unreleased: u32,
    /// Whether the server responds in HTTP/1.x; `None` before the first byte.
    pub(super) is_http1: Option<bool>,
    pub(super) has_settings: bool,
    /// The last stream that the server processes, and the error code, from its GOAWAY.
    pub(super) received_goaway: Option<(u32, ErrorCode)>,
    /// Whether the number of available streams has changed since it was last checked.
    pub(super) capacity_changed: bool,
    /// Users that wait for a stream.
    pub(super) waiting: VecDeque<TimerSlot>,
}

impl ConnectionState {
    pub(super) fn new(is_tls: bool) -> Self {
        let mut outgoing = SendBuffer::default();
        let to = outgoing.bytes();
        to.extend_from_slice(frame::PREFACE);
        let settings = [
            (frame::ENABLE_PUSH, 0),
            (frame::INITIAL_WINDOW_SIZE, STREAM_WINDOW_BYTES),
            (frame::MAX_HEADER_LIST_SIZE, HEAD_BYTES_MAX),
        ];
        frame::write_settings(to, &settings);
        frame::write_window_update(to, 0, CONNECTION_WINDOW_BYTES - INITIAL_WINDOW_BYTES);
        Self {
            is_tls,
            outgoing,
            partial: Vec::new(),
            fields: None,
            encoder: Encoder::new(),
            decoder: Decoder::new(),
            streams: Streams::default(),
            next_stream: 1,
            send_window: INITIAL_WINDOW_BYTES.into(),
            stream_send_window: INITIAL_WINDOW_BYTES.into(),
            streams_max: 1,
            unreleased: 0,
            is_http1: None,
            has_settings: false,
            received_goaway: None,
            capacity_changed: false,
            waiting: VecDeque::new(),
        }
    }

    /// Whether no more streams can be opened: the server sent GOAWAY, or the identifiers are used up.
    pub(super) fn is_over(&self) -> bool {
        self.received_goaway.is_some() || self.next_stream > STREAM_MAX
    }

    /// Error code of the server's GOAWAY, if it sent one.
    pub(super) fn goaway(&self) -> Option<ErrorCode> {
        self.received_goaway.map(|(_, reason)| reason)
    }

    /// Whether the server accepted a request of this connection, according to its GOAWAY.
    pub(super) fn accepted_any(&self) -> bool {
        let accepts = |(last, _): (u32, ErrorCode)| last > 0 && self.next_stream > 1;
        self.received_goaway.is_some_and(accepts)
    }

    /// Maximum number of concurrent streams.
    pub(super) fn streams_max(&self) -> u32 {
        self.streams_max
    }

    /// Whether the server allows another stream. If not, the user is woken as soon as it does.
    #[inline]
    pub(super) fn has_room(&mut self, timer: TimerSlot) -> bool {
        let has_room = self.streams.in_flight() < self.streams_max;
        if !has_room && !self.waiting.contains(&timer) {
            self.waiting.push_back(timer);
        }
        has_room
    }

    /// Opens a stream with a request's headers; `is_complete`: there is no body. Fails if HTTP/2 cannot carry them.
    #[inline]
    pub(super) fn open(
        &mut self,
        headers: &mut HeaderEncoder,
        request: (NameId, &RenderedRequest, &HeaderTemplate),
        is_complete: bool,
        (timer, options): (TimerSlot, ResponseOptions),
    ) -> Result<StreamSlot, RequestError> {
        let at = self.outgoing.begin_headers();
        let (encoder, to) = (&mut self.encoder, self.outgoing.bytes());
        let written = headers.write(request, self.is_tls, encoder, to);
        written.inspect_err(|_| self.outgoing.cancel_headers(at))?;
        let number = self.next_stream;
        self.next_stream += 2;
        let slot = self.streams.insert(Stream {
            number,
            timer,
            response: ResponseBuilder::new(options),
            state: StreamState::Open,
            is_sent: is_complete,
            send_window: self.stream_send_window,
            wants_room: false,
            unreleased: 0,
            sent_ns: None,
            first_byte_ns: None,
            last_byte_ns: None,
            bytes_sent: 0,
            bytes_received: 0,
        });
        let flags = if is_complete { frame::END_STREAM } else { 0 };
        let bytes = self.outgoing.end_headers(at, slot, number, flags);
        if let Some(stream) = self.streams.get_mut(slot) {
            stream.bytes_sent = bytes as u64;
        }
        Ok(slot)
    }

    /// Number of bytes of a body that may be sent now. If it is 0, the user is woken as soon as there is room.
    pub(super) fn room(&mut self, slot: StreamSlot) -> usize {
        let Some(stream) = self.streams.get_mut(slot) else {
            return 0;
        };
        let window = stream.send_window.min(self.send_window);
        let room = OUTGOING_BYTES_MAX.saturating_sub(self.outgoing.waiting().len());
        let room = usize::try_from(window).unwrap_or(0).min(room);
        stream.wants_room = room == 0;
        room
    }

    /// Sends a part of a body, for which there must be room; `ends`: the last part.
    pub(super) fn send(&mut self, slot: StreamSlot, part: &[u8], ends: bool) {
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

    /// The bytes to be written.
    pub(super) fn outgoing(&self) -> &[u8] {
        self.outgoing.waiting()
    }

    /// Notes that the kernel accepted the first bytes. Wakes users that wait for room if there is some.
    #[inline]
    pub(super) fn wrote(&mut self, bytes: usize, now_ns: u64, mut wake: impl FnMut(TimerSlot)) {
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

    /// Wakes users that wait for room to send if their stream has some.
    pub(super) fn wake_senders(&mut self, mut wake: impl FnMut(TimerSlot)) {
        for stream in self.streams.iter_mut() {
            if stream.wants_room && stream.send_window > 0 {
                stream.wants_room = false;
                wake(stream.timer);
            }
        }
    }

    /// Whether the outcome of a request is known.
    #[inline]
    pub(super) fn is_settled(&self, slot: StreamSlot) -> bool {
        let stream = self.streams.get(slot);
        stream.is_none_or(|stream| stream.state != StreamState::Open)
    }

    pub(super) fn has_first_byte(&self, slot: StreamSlot) -> bool {
        let stream = self.streams.get(slot);
        stream.is_some_and(|stream| stream.first_byte_ns.is_some())
    }

    /// Ends a request and resets its stream if that is open. Wakes users that wait for a stream.
    #[inline]
    pub(super) fn close(
        &mut self,
        slot: StreamSlot,
        mut wake: impl FnMut(TimerSlot),
    ) -> Option<(StreamStats, Outcome)> {
        let stream = self.streams.remove(slot)?;
        let is_over = matches!(
            stream.state,
            StreamState::Reset(_) | StreamState::Unprocessed
        ) || stream.state == StreamState::Complete && stream.is_sent;
        if !is_over {
            frame::write_reset(self.outgoing.bytes(), stream.number, ErrorCode::CANCEL.0);
        }
        self.waiting.drain(..).for_each(&mut wake);
        let is_sent = stream.sent_ns.is_some();
        let stats = StreamStats {
            sent_ns: stream.sent_ns,
            first_byte_ns: stream.first_byte_ns,
            last_byte_ns: stream.last_byte_ns,
            bytes_sent: if is_sent { stream.bytes_sent } else { 0 },
            bytes_received: stream.bytes_received,
        };
        let outcome = match stream.state {
            StreamState::Open => Outcome::Open,
            StreamState::Complete => Outcome::Complete(stream.response.into_response()),
            StreamState::Malformed(error) => Outcome::Malformed(error),
            StreamState::Reset(code) => Outcome::Reset(code),
            StreamState::Unprocessed => Outcome::Unprocessed,
        };
        Some((stats, outcome))
    }

    /// Wakes users that wait for a stream.
    pub(super) fn wake_waiting(&mut self, wake: impl FnMut(TimerSlot)) {
        self.waiting.drain(..).for_each(wake);
    }

    /// Wakes all users, since the connection has ended.
    pub(super) fn wake_all(&mut self, mut wake: impl FnMut(TimerSlot)) {
        self.waiting.drain(..).for_each(&mut wake);
        self.streams
            .iter_mut()
            .for_each(|stream| wake(stream.timer));
    }

    /// Sends GOAWAY.
    pub(super) fn send_goaway(&mut self, reason: ErrorCode) {
        frame::write_goaway(self.outgoing.bytes(), reason.0);
    }
}
