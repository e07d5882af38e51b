//! Received frames, and their effect on the state of a connection (RFC 9113, sections 5 and 6).

#[cfg(test)]
mod tests;

use super::error_code::ErrorCode;
use super::frame::{self, Head, Kind};
use super::state::{CONNECTION_WINDOW_BYTES, ConnectionState, STREAM_WINDOW_BYTES};
use super::streams::{Stream, StreamState};
use crate::http::ProtocolError;
use crate::time::timers::TimerSlot;

/// Maximum size of a flow-control window.
const WINDOW_MAX: i64 = (1 << 31) - 1;
/// Maximum size of a compressed header block that spans several frames.
const FIELDS_BYTES_MAX: usize = 256 << 10;
/// Maximum number of bytes of acknowledgments that the server has not read.
const UNREAD_BYTES_MAX: usize = 1 << 20;

/// A connection error (RFC 9113, section 5.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ConnectionError {
    pub(super) code: ErrorCode,
    pub(super) what: &'static str,
}

fn connection_error(what: &'static str) -> ConnectionError {
    let code = ErrorCode::PROTOCOL_ERROR;
    ConnectionError { code, what }
}

fn wrong_size(what: &'static str) -> ConnectionError {
    let code = ErrorCode::FRAME_SIZE_ERROR;
    ConnectionError { code, what }
}

fn overflow(what: &'static str) -> ConnectionError {
    let code = ErrorCode::FLOW_CONTROL_ERROR;
    ConnectionError { code, what }
}

impl ConnectionState {
    /// Receives bytes, split anywhere. Wakes the users that they concern.
    pub(super) fn recv(
        &mut self,
        bytes: &[u8],
        now_ns: u64,
        mut wake: impl FnMut(TimerSlot),
    ) -> Result<(), ConnectionError> {
        self.is_http1
            .get_or_insert_with(|| bytes.starts_with(b"HTTP/1."));
        let mut rest = bytes;
        while !self.partial.is_empty() {
            let known = frame_bytes(&self.partial)?;
            if known == Some(self.partial.len()) {
                let whole = std::mem::take(&mut self.partial);
                self.recv_frame(&whole, now_ns, &mut wake)?;
                break;
            }
            let missing = known.unwrap_or(frame::HEAD_BYTES) - self.partial.len();
            let (more, after) = rest.split_at(missing.min(rest.len()));
            if more.is_empty() {
                return Ok(());
            }
            self.partial.extend_from_slice(more);
            rest = after;
        }
        while let Some(whole) = frame_bytes(rest)?
            && let Some((whole, after)) = rest.split_at_checked(whole)
        {
            self.recv_frame(whole, now_ns, &mut wake)?;
            rest = after;
        }
        self.partial.extend_from_slice(rest);
        Ok(())
    }

    #[inline]
    fn recv_frame(
        &mut self,
        whole: &[u8],
        now_ns: u64,
        mut wake: impl FnMut(TimerSlot),
    ) -> Result<(), ConnectionError> {
        let Some(head) = Head::read(whole) else {
            return Ok(());
        };
        let payload = &whole[frame::HEAD_BYTES..];
        if !self.has_settings && head.kind != Kind::Settings {
            return Err(connection_error("its first frame is not SETTINGS"));
        }
        if self.fields.is_some() != (head.kind == Kind::Continuation) {
            return Err(connection_error("CONTINUATION is missing or unexpected"));
        }
        match head.kind {
            Kind::Data => self.recv_data(head, payload, now_ns, wake),
            Kind::Headers => self.recv_headers(head, payload, now_ns, wake),
            Kind::Continuation => self.recv_continuation(head, payload, now_ns, wake),
            Kind::ResetStream => self.recv_reset(head, payload, wake),
            Kind::Settings => self.recv_settings(head, payload, wake),
            Kind::PushPromise => Err(connection_error(
                "it sent PUSH_PROMISE although push is disabled",
            )),
            Kind::Ping => self.recv_ping(head, payload),
            Kind::GoAway => self.recv_goaway(head, payload, wake),
            Kind::WindowUpdate => self.recv_window_update(head, payload, &mut wake),
            Kind::Priority | Kind::Unknown => Ok(()),
        }
    }

    #[inline]
    fn recv_data(
        &mut self,
        head: Head,
        payload: &[u8],
        now_ns: u64,
        mut wake: impl FnMut(TimerSlot),
    ) -> Result<(), ConnectionError> {
        let content = head
            .content(payload)
            .ok_or(connection_error("the padding of DATA exceeds the frame"))?;
        // The length of a payload has 24 bits.
        let bytes = u32::try_from(payload.len()).unwrap_or(u32::MAX);
        self.unreleased += bytes;
        if self.unreleased > CONNECTION_WINDOW_BYTES {
            return Err(overflow(
                "DATA exceeds the connection's flow-control window",
            ));
        }
        if self.unreleased > CONNECTION_WINDOW_BYTES / 2 {
            frame::write_window_update(self.outgoing.bytes(), 0, self.unreleased);
            self.unreleased = 0;
        }
        let ends = head.has(frame::END_STREAM);
        let Some(stream) = self.streams.numbered(head.stream) else {
            return self.check_known(head.stream);
        };
        stream.bytes_received += (frame::HEAD_BYTES + payload.len()) as u64;
        if stream.state != StreamState::Open {
            return Ok(());
        }
        stream.last_byte_ns = Some(now_ns);
        stream.unreleased += bytes;
        if stream.unreleased > STREAM_WINDOW_BYTES {
            return Err(overflow("DATA exceeds the stream's flow-control window"));
        }
        if stream.unreleased > STREAM_WINDOW_BYTES / 2 && !ends {
            let released = std::mem::take(&mut stream.unreleased);
            frame::write_window_update(self.outgoing.bytes(), stream.number, released);
        }
        let taken = stream.response.take_content(content, ends);
        settle(stream, taken, &mut wake);
        Ok(())
    }

    #[inline]
    fn recv_headers(
        &mut self,
        head: Head,
        payload: &[u8],
        now_ns: u64,
        wake: impl FnMut(TimerSlot),
    ) -> Result<(), ConnectionError> {
        let fields = head.content(payload);
        let fields = fields.ok_or(connection_error("the padding of HEADERS exceeds the frame"))?;
        self.note_fields(head, now_ns)?;
        let ends = head.has(frame::END_STREAM);
        if head.has(frame::END_HEADERS) {
            return self.recv_header_block(head.stream, ends, fields, wake);
        }
        self.fields = Some((head.stream, ends, fields.to_vec()));
        Ok(())
    }

    fn recv_continuation(
        &mut self,
        head: Head,
        payload: &[u8],
        now_ns: u64,
        wake: impl FnMut(TimerSlot),
    ) -> Result<(), ConnectionError> {
        self.note_fields(head, now_ns)?;
        let Some((stream, ends, mut fields)) = self.fields.take() else {
            return Ok(());
        };
        if stream != head.stream {
            return Err(connection_error("CONTINUATION is on another stream"));
        }
        fields.extend_from_slice(payload);
        if fields.len() > FIELDS_BYTES_MAX {
            let code = ErrorCode::ENHANCE_YOUR_CALM;
            let what = "a header block exceeds 256 KiB";
            return Err(ConnectionError { code, what });
        }
        if head.has(frame::END_HEADERS) {
            return self.recv_header_block(stream, ends, &fields, wake);
        }
        self.fields = Some((stream, ends, fields));
        Ok(())
    }

    /// Notes that a frame with header fields was received.
    #[inline]
    fn note_fields(&mut self, head: Head, now_ns: u64) -> Result<(), ConnectionError> {
        match self.streams.numbered(head.stream) {
            Some(stream) => {
                stream.first_byte_ns.get_or_insert(now_ns);
                stream.last_byte_ns = Some(now_ns);
                stream.bytes_received += (frame::HEAD_BYTES + head.bytes) as u64;
                Ok(())
            }
            None => self.check_known(head.stream),
        }
    }

    #[inline]
    fn recv_header_block(
        &mut self,
        number: u32,
        ends: bool,
        fields: &[u8],
        mut wake: impl FnMut(TimerSlot),
    ) -> Result<(), ConnectionError> {
        let decoder = &mut self.decoder;
        let stream = self.streams.numbered(number);
        let stream = stream.filter(|stream| stream.state == StreamState::Open);
        // Fields of a closed stream also change the dynamic table.
        let (read, stream) = match stream {
            Some(stream) => {
                let response = &mut stream.response;
                let read = decoder.read(fields, |name, value, malformed| {
                    response.take_field(name, value, malformed);
                });
                (read, Some(stream))
            }
            None => (decoder.read(fields, |_, _, _| {}), None),
        };
        read.map_err(|_| ConnectionError {
            code: ErrorCode::COMPRESSION_ERROR,
            what: "a header block cannot be decompressed",
        })?;
        if let Some(stream) = stream {
            let taken = stream.response.end_fields(ends);
            settle(stream, taken, &mut wake);
        }
        Ok(())
    }

    fn recv_reset(
        &mut self,
        head: Head,
        payload: &[u8],
        mut wake: impl FnMut(TimerSlot),
    ) -> Result<(), ConnectionError> {
        let code = payload.try_into().map(u32::from_be_bytes);
        let code = code.map_err(|_| wrong_size("the size of RST_STREAM is not 4 bytes"))?;
        let Some(stream) = self.streams.numbered(head.stream) else {
            return self.check_known(head.stream);
        };
        stream.bytes_received += (frame::HEAD_BYTES + payload.len()) as u64;
        if stream.state == StreamState::Open {
            stream.state = StreamState::Reset(ErrorCode(code));
            wake(stream.timer);
        } else {
            // The response is complete, and the server does not need the rest of the request.
            stream.is_sent = true;
        }
        Ok(())
    }

    fn recv_settings(
        &mut self,
        head: Head,
        payload: &[u8],
        mut wake: impl FnMut(TimerSlot),
    ) -> Result<(), ConnectionError> {
        if head.stream != 0 {
            return Err(connection_error("SETTINGS is not on stream 0"));
        }
        let (settings, rest) = payload.as_chunks::<6>();
        if head.has(frame::ACK) && !payload.is_empty() || !rest.is_empty() {
            return Err(wrong_size("the size of SETTINGS is invalid"));
        }
        if head.has(frame::ACK) {
            return Ok(());
        }
        if !std::mem::replace(&mut self.has_settings, true) {
            self.streams_max = u32::MAX;
        }
        for [a, b, value @ ..] in settings {
            self.set(u16::from_be_bytes([*a, *b]), u32::from_be_bytes(*value))?;
        }
        frame::write_settings_ack(self.outgoing.bytes());
        self.check_backlog()?;
        self.capacity_changed = true;
        self.waiting.drain(..).for_each(&mut wake);
        self.wake_senders(wake);
        Ok(())
    }

    fn set(&mut self, setting: u16, value: u32) -> Result<(), ConnectionError> {
        match setting {
            frame::HEADER_TABLE_SIZE => {
                let bytes_max = usize::try_from(value).unwrap_or(usize::MAX);
                self.encoder.set_bytes_max(bytes_max);
            }
            frame::MAX_CONCURRENT_STREAMS => self.streams_max = value,
            frame::INITIAL_WINDOW_SIZE => {
                let window = i64::from(value);
                if window > WINDOW_MAX {
                    return Err(overflow("a flow-control window exceeds 2^31 - 1"));
                }
                let more = window - self.stream_send_window;
                self.stream_send_window = window;
                for stream in self.streams.iter_mut() {
                    stream.send_window += more;
                    if stream.send_window > WINDOW_MAX {
                        return Err(overflow("a flow-control window exceeds 2^31 - 1"));
                    }
                }
            }
            // brunt's frames fit into the smallest maximum allowed.
            frame::MAX_FRAME_SIZE if !(1 << 14..1 << 24).contains(&value) => {
                return Err(connection_error("SETTINGS_MAX_FRAME_SIZE is invalid"));
            }
            _ => {}
        }
        Ok(())
    }

    fn recv_ping(&mut self, head: Head, payload: &[u8]) -> Result<(), ConnectionError> {
        let payload = payload.try_into();
        let payload = payload.map_err(|_| wrong_size("the size of PING is not 8 bytes"))?;
        if head.stream != 0 {
            return Err(connection_error("PING is not on stream 0"));
        }
        if !head.has(frame::ACK) {
            frame::write_ping_ack(self.outgoing.bytes(), payload);
        }
        self.check_backlog()
    }

    fn recv_goaway(
        &mut self,
        head: Head,
        payload: &[u8],
        mut wake: impl FnMut(TimerSlot),
    ) -> Result<(), ConnectionError> {
        let Some([a, b, c, d, code @ ..]) = payload.first_chunk::<8>().copied() else {
            return Err(wrong_size("the size of GOAWAY is under 8 bytes"));
        };
        if head.stream != 0 {
            return Err(connection_error("GOAWAY is not on stream 0"));
        }
        // A server may send it twice; the later one has the lower stream.
        let last = frame::number([a, b, c, d]);
        self.received_goaway = Some((last, ErrorCode(u32::from_be_bytes(code))));
        self.capacity_changed = true;
        for stream in self.streams.iter_mut() {
            if stream.number > last && stream.state == StreamState::Open {
                stream.state = StreamState::Unprocessed;
                wake(stream.timer);
            }
        }
        self.waiting.drain(..).for_each(&mut wake);
        Ok(())
    }

    fn recv_window_update(
        &mut self,
        head: Head,
        payload: &[u8],
        wake: impl FnMut(TimerSlot),
    ) -> Result<(), ConnectionError> {
        let more = payload.try_into().map(frame::number);
        let more = more.map_err(|_| wrong_size("the size of WINDOW_UPDATE is not 4 bytes"))?;
        if more == 0 {
            return Err(connection_error("WINDOW_UPDATE has an increment of 0"));
        }
        let window = if head.stream == 0 {
            &mut self.send_window
        } else if let Some(stream) = self.streams.numbered(head.stream) {
            &mut stream.send_window
        } else {
            return self.check_known(head.stream);
        };
        *window += i64::from(more);
        if *window > WINDOW_MAX {
            return Err(overflow("a flow-control window exceeds 2^31 - 1"));
        }
        if self.send_window > 0 {
            self.wake_senders(wake);
        }
        Ok(())
    }

    /// Checks that a stream that is not open was open before.
    #[inline]
    fn check_known(&self, number: u32) -> Result<(), ConnectionError> {
        if number < self.next_stream && !number.is_multiple_of(2) {
            return Ok(());
        }
        Err(connection_error(
            "a frame is on a stream that was never opened",
        ))
    }

    fn check_backlog(&self) -> Result<(), ConnectionError> {
        if self.outgoing.waiting().len() <= UNREAD_BYTES_MAX {
            return Ok(());
        }
        let code = ErrorCode::ENHANCE_YOUR_CALM;
        let what = "it does not read the acknowledgments that it requests";
        Err(ConnectionError { code, what })
    }
}

/// Size of the first frame; `None` if its header is not complete.
#[inline]
fn frame_bytes(bytes: &[u8]) -> Result<Option<usize>, ConnectionError> {
    match Head::read(bytes) {
        Some(head) if head.bytes > frame::PAYLOAD_BYTES_MAX => {
            Err(wrong_size("a frame exceeds 16 KiB"))
        }
        head => Ok(head.map(|head| frame::HEAD_BYTES + head.bytes)),
    }
}

/// Updates the state of a stream after a part of its response.
#[inline]
fn settle(
    stream: &mut Stream,
    taken: Result<bool, ProtocolError>,
    wake: &mut impl FnMut(TimerSlot),
) {
    stream.state = match taken {
        Ok(false) => return,
        Ok(true) => StreamState::Complete,
        Err(bad) => StreamState::Malformed(bad),
    };
    wake(stream.timer);
}
