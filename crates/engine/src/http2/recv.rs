//! Hearing: what the server says on a session, frame by frame, and what that changes (RFC 9113, sections 5 and 6).

#[cfg(test)]
mod tests;

use super::error_code::Reason;
use super::frame::{self, Head, Kind};
use super::state::{CONNECTION_WINDOW_BYTES, STREAM_WINDOW_BYTES, Session};
use super::streams::{State, Stream};
use crate::http1::BadHttp;
use crate::time::timers::Seat;

/// Windows are no larger.
const WINDOW_MAX: i64 = (1 << 31) - 1;
/// Fields that go on over several frames: no more than this, as they are compressed.
const FIELDS_BYTES_MAX: usize = 256 << 10;
/// A server that asks for more answers than it takes is left.
const UNREAD_BYTES_MAX: usize = 1 << 20;

/// What a server did that HTTP/2 does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Breach {
    pub(super) reason: Reason,
    pub(super) what: &'static str,
}

fn breach(what: &'static str) -> Breach {
    let reason = Reason::PROTOCOL_ERROR;
    Breach { reason, what }
}

fn wrong_size(what: &'static str) -> Breach {
    let reason = Reason::FRAME_SIZE_ERROR;
    Breach { reason, what }
}

fn overflow(what: &'static str) -> Breach {
    let reason = Reason::FLOW_CONTROL_ERROR;
    Breach { reason, what }
}

impl Session {
    /// Takes bytes that came at a moment, cut anywhere; wakes whom they concern.
    pub(super) fn hear(
        &mut self,
        bytes: &[u8],
        now_ns: u64,
        mut wake: impl FnMut(Seat),
    ) -> Result<(), Breach> {
        self.speaks_http1
            .get_or_insert_with(|| bytes.starts_with(b"HTTP/1."));
        let mut rest = bytes;
        while !self.partial.is_empty() {
            let known = whole_bytes(&self.partial)?;
            if known == Some(self.partial.len()) {
                let whole = std::mem::take(&mut self.partial);
                self.hear_frame(&whole, now_ns, &mut wake)?;
                break;
            }
            let wanted = known.unwrap_or(frame::HEAD_BYTES) - self.partial.len();
            let (more, after) = rest.split_at(wanted.min(rest.len()));
            if more.is_empty() {
                return Ok(());
            }
            self.partial.extend_from_slice(more);
            rest = after;
        }
        while let Some(whole) = whole_bytes(rest)?
            && let Some((whole, after)) = rest.split_at_checked(whole)
        {
            self.hear_frame(whole, now_ns, &mut wake)?;
            rest = after;
        }
        self.partial.extend_from_slice(rest);
        Ok(())
    }

    #[inline]
    fn hear_frame(
        &mut self,
        whole: &[u8],
        now_ns: u64,
        mut wake: impl FnMut(Seat),
    ) -> Result<(), Breach> {
        let Some(head) = Head::read(whole) else {
            return Ok(());
        };
        let payload = &whole[frame::HEAD_BYTES..];
        if !self.has_settings && head.kind != Kind::Settings {
            return Err(breach("it does not begin with SETTINGS"));
        }
        if self.fields.is_some() != (head.kind == Kind::Continuation) {
            return Err(breach("fields are not continued as they should be"));
        }
        match head.kind {
            Kind::Data => self.hear_data(head, payload, now_ns, wake),
            Kind::Headers => self.hear_headers(head, payload, now_ns, wake),
            Kind::Continuation => self.hear_continuation(head, payload, now_ns, wake),
            Kind::ResetStream => self.hear_reset(head, payload, wake),
            Kind::Settings => self.hear_settings(head, payload, wake),
            Kind::PushPromise => Err(breach("it pushes, which it was told not to")),
            Kind::Ping => self.hear_ping(head, payload),
            Kind::GoAway => self.hear_goodbye(head, payload, wake),
            Kind::WindowUpdate => self.hear_window_update(head, payload, &mut wake),
            Kind::Priority | Kind::Unknown => Ok(()),
        }
    }

    #[inline]
    fn hear_data(
        &mut self,
        head: Head,
        payload: &[u8],
        now_ns: u64,
        mut wake: impl FnMut(Seat),
    ) -> Result<(), Breach> {
        let content = head
            .content(payload)
            .ok_or(breach("a DATA frame has no room for its padding"))?;
        // What a frame holds has 24 bits.
        let bytes = u32::try_from(payload.len()).unwrap_or(u32::MAX);
        self.unreleased += bytes;
        if self.unreleased > CONNECTION_WINDOW_BYTES {
            return Err(overflow("more came on the connection than its window lets"));
        }
        if self.unreleased > CONNECTION_WINDOW_BYTES / 2 {
            frame::write_window_update(self.outgoing.bytes(), 0, self.unreleased);
            self.unreleased = 0;
        }
        let ends = head.has(frame::END_STREAM);
        let Some(stream) = self.streams.numbered(head.stream) else {
            return self.expect_known(head.stream);
        };
        stream.bytes_received += (frame::HEAD_BYTES + payload.len()) as u64;
        if stream.state != State::Open {
            return Ok(());
        }
        stream.last_byte_ns = Some(now_ns);
        stream.unreleased += bytes;
        if stream.unreleased > STREAM_WINDOW_BYTES {
            return Err(overflow("more came on a stream than its window lets"));
        }
        if stream.unreleased > STREAM_WINDOW_BYTES / 2 && !ends {
            let released = std::mem::take(&mut stream.unreleased);
            frame::write_window_update(self.outgoing.bytes(), stream.number, released);
        }
        let taken = stream.answering.take_content(content, ends);
        settle(stream, taken, &mut wake);
        Ok(())
    }

    #[inline]
    fn hear_headers(
        &mut self,
        head: Head,
        payload: &[u8],
        now_ns: u64,
        wake: impl FnMut(Seat),
    ) -> Result<(), Breach> {
        let fields = head.content(payload);
        let fields = fields.ok_or(breach("a HEADERS frame has no room for its padding"))?;
        self.note_fields(head, now_ns)?;
        let ends = head.has(frame::END_STREAM);
        if head.has(frame::END_HEADERS) {
            return self.hear_fields(head.stream, ends, fields, wake);
        }
        self.fields = Some((head.stream, ends, fields.to_vec()));
        Ok(())
    }

    fn hear_continuation(
        &mut self,
        head: Head,
        payload: &[u8],
        now_ns: u64,
        wake: impl FnMut(Seat),
    ) -> Result<(), Breach> {
        self.note_fields(head, now_ns)?;
        let Some((stream, ends, mut fields)) = self.fields.take() else {
            return Ok(());
        };
        if stream != head.stream {
            return Err(breach("fields are continued on another stream"));
        }
        fields.extend_from_slice(payload);
        if fields.len() > FIELDS_BYTES_MAX {
            let reason = Reason::ENHANCE_YOUR_CALM;
            let what = "a head is over 256 KiB";
            return Err(Breach { reason, what });
        }
        if head.has(frame::END_HEADERS) {
            return self.hear_fields(stream, ends, &fields, wake);
        }
        self.fields = Some((stream, ends, fields));
        Ok(())
    }

    /// Notes that a frame with fields came.
    #[inline]
    fn note_fields(&mut self, head: Head, now_ns: u64) -> Result<(), Breach> {
        match self.streams.numbered(head.stream) {
            Some(stream) => {
                stream.first_byte_ns.get_or_insert(now_ns);
                stream.last_byte_ns = Some(now_ns);
                stream.bytes_received += (frame::HEAD_BYTES + head.bytes) as u64;
                Ok(())
            }
            None => self.expect_known(head.stream),
        }
    }

    #[inline]
    fn hear_fields(
        &mut self,
        number: u32,
        ends: bool,
        fields: &[u8],
        mut wake: impl FnMut(Seat),
    ) -> Result<(), Breach> {
        let decoder = &mut self.decoder;
        let stream = self.streams.numbered(number);
        let stream = stream.filter(|stream| stream.state == State::Open);
        // What nobody asks for any more changes the table all the same.
        let (read, stream) = match stream {
            Some(stream) => {
                let answering = &mut stream.answering;
                let read = decoder.read(fields, |name, value, malformed| {
                    answering.take_field(name, value, malformed);
                });
                (read, Some(stream))
            }
            None => (decoder.read(fields, |_, _, _| {}), None),
        };
        read.map_err(|_| Breach {
            reason: Reason::COMPRESSION_ERROR,
            what: "its fields cannot be decompressed",
        })?;
        if let Some(stream) = stream {
            let taken = stream.answering.end_fields(ends);
            settle(stream, taken, &mut wake);
        }
        Ok(())
    }

    fn hear_reset(
        &mut self,
        head: Head,
        payload: &[u8],
        mut wake: impl FnMut(Seat),
    ) -> Result<(), Breach> {
        let reason = payload.try_into().map(u32::from_be_bytes);
        let reason = reason.map_err(|_| wrong_size("RST_STREAM has another size than 4"))?;
        let Some(stream) = self.streams.numbered(head.stream) else {
            return self.expect_known(head.stream);
        };
        stream.bytes_received += (frame::HEAD_BYTES + payload.len()) as u64;
        if stream.state == State::Open {
            stream.state = State::Reset(Reason(reason));
            wake(stream.seat);
        } else {
            // The server wants no more of the request than it has answered.
            stream.is_sent = true;
        }
        Ok(())
    }

    fn hear_settings(
        &mut self,
        head: Head,
        payload: &[u8],
        mut wake: impl FnMut(Seat),
    ) -> Result<(), Breach> {
        if head.stream != 0 {
            return Err(breach("SETTINGS are those of a connection"));
        }
        let (settings, rest) = payload.as_chunks::<6>();
        if head.has(frame::ACK) && !payload.is_empty() || !rest.is_empty() {
            return Err(wrong_size("SETTINGS have a wrong size"));
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
        self.expect_to_be_read()?;
        self.news = true;
        self.waiting.drain(..).for_each(&mut wake);
        self.wake_senders(wake);
        Ok(())
    }

    fn set(&mut self, setting: u16, value: u32) -> Result<(), Breach> {
        match setting {
            frame::HEADER_TABLE_SIZE => {
                let bytes_max = usize::try_from(value).unwrap_or(usize::MAX);
                self.encoder.set_bytes_max(bytes_max);
            }
            frame::MAX_CONCURRENT_STREAMS => self.streams_max = value,
            frame::INITIAL_WINDOW_SIZE => {
                let window = i64::from(value);
                if window > WINDOW_MAX {
                    return Err(overflow("a window is over 2^31 - 1"));
                }
                let more = window - self.stream_send_window;
                self.stream_send_window = window;
                for stream in self.streams.iter_mut() {
                    stream.send_window += more;
                    if stream.send_window > WINDOW_MAX {
                        return Err(overflow("a window is over 2^31 - 1"));
                    }
                }
            }
            // What we send has room in the smallest that may be said.
            frame::MAX_FRAME_SIZE if !(1 << 14..1 << 24).contains(&value) => {
                return Err(breach("the size of frames is none that may be said"));
            }
            _ => {}
        }
        Ok(())
    }

    fn hear_ping(&mut self, head: Head, payload: &[u8]) -> Result<(), Breach> {
        let payload = payload.try_into();
        let payload = payload.map_err(|_| wrong_size("PING has another size than 8"))?;
        if head.stream != 0 {
            return Err(breach("PING is that of a connection"));
        }
        if !head.has(frame::ACK) {
            frame::write_ping_ack(self.outgoing.bytes(), payload);
        }
        self.expect_to_be_read()
    }

    fn hear_goodbye(
        &mut self,
        head: Head,
        payload: &[u8],
        mut wake: impl FnMut(Seat),
    ) -> Result<(), Breach> {
        let Some([a, b, c, d, reason @ ..]) = payload.first_chunk::<8>().copied() else {
            return Err(wrong_size("GOAWAY has fewer bytes than 8"));
        };
        if head.stream != 0 {
            return Err(breach("GOAWAY is that of a connection"));
        }
        // A server may say it twice; the later one is the lower one.
        let last = frame::number([a, b, c, d]);
        self.goes_away = Some((last, Reason(u32::from_be_bytes(reason))));
        self.news = true;
        for stream in self.streams.iter_mut() {
            if stream.number > last && stream.state == State::Open {
                stream.state = State::Unprocessed;
                wake(stream.seat);
            }
        }
        self.waiting.drain(..).for_each(&mut wake);
        Ok(())
    }

    fn hear_window_update(
        &mut self,
        head: Head,
        payload: &[u8],
        wake: impl FnMut(Seat),
    ) -> Result<(), Breach> {
        let more = payload.try_into().map(frame::number);
        let more = more.map_err(|_| wrong_size("WINDOW_UPDATE has another size than 4"))?;
        if more == 0 {
            return Err(breach("a window is made larger by nothing"));
        }
        let window = if head.stream == 0 {
            &mut self.send_window
        } else if let Some(stream) = self.streams.numbered(head.stream) {
            &mut stream.send_window
        } else {
            return self.expect_known(head.stream);
        };
        *window += i64::from(more);
        if *window > WINDOW_MAX {
            return Err(overflow("a window is over 2^31 - 1"));
        }
        if self.send_window > 0 {
            self.wake_senders(wake);
        }
        Ok(())
    }

    /// A stream that is not under way has to be one that was.
    #[inline]
    fn expect_known(&self, number: u32) -> Result<(), Breach> {
        if number < self.next_stream && !number.is_multiple_of(2) {
            return Ok(());
        }
        Err(breach("a frame is of a stream that nobody has opened"))
    }

    fn expect_to_be_read(&self) -> Result<(), Breach> {
        if self.outgoing.waiting().len() <= UNREAD_BYTES_MAX {
            return Ok(());
        }
        let reason = Reason::ENHANCE_YOUR_CALM;
        let what = "it asks for more answers than it takes";
        Err(Breach { reason, what })
    }
}

/// How many bytes the frame has that bytes begin with; `None` where its head is not whole.
#[inline]
fn whole_bytes(bytes: &[u8]) -> Result<Option<usize>, Breach> {
    match Head::read(bytes) {
        Some(head) if head.bytes > frame::PAYLOAD_BYTES_MAX => {
            Err(wrong_size("a frame is over 16 KiB"))
        }
        head => Ok(head.map(|head| frame::HEAD_BYTES + head.bytes)),
    }
}

/// What a stream is after something was taken for its answer.
#[inline]
fn settle(stream: &mut Stream, taken: Result<bool, BadHttp>, wake: &mut impl FnMut(Seat)) {
    stream.state = match taken {
        Ok(false) => return,
        Ok(true) => State::Whole,
        Err(bad) => State::Bad(bad),
    };
    wake(stream.seat);
}
