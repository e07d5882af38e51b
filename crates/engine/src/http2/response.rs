//! Answering: takes the answer to one request from what comes on its stream.

use super::hpack::Malformed;
use crate::http::response_options::Wanted;
use crate::http1::{
    Answer, BadHttp, FIELDS_MAX, HEAD_BYTES_MAX, INTERIM_MAX, KeepFields, is_redirect,
};

pub(super) struct Answering {
    wanted: Wanted,
    answer: Answer,
    /// The head of the answer has come; what else comes as fields is passed over.
    has_head: bool,
    interim: u8,
    /// How long the content is to be.
    length: Option<u64>,
    /// Of the fields of the head that is read.
    fields: usize,
    field_bytes: usize,
    bad: Option<BadHttp>,
}

impl Answering {
    #[inline]
    pub(super) fn new(mut wanted: Wanted) -> Self {
        let content = std::mem::take(&mut wanted.content);
        let answer = Answer {
            status: 0,
            keep_alive: true,
            location: None,
            encoding: Vec::new(),
            fields: Vec::new(),
            content,
        };
        Self {
            wanted,
            answer,
            has_head: false,
            interim: 0,
            length: None,
            fields: 0,
            field_bytes: 0,
            bad: None,
        }
    }

    /// Takes the next field of a head, which may be malformed.
    #[inline]
    pub(super) fn take_field(&mut self, name: &[u8], value: &[u8], malformed: Option<Malformed>) {
        if self.has_head || self.bad.is_some() {
            return;
        }
        self.fields += 1;
        // As long as it would be with HTTP/1.1.
        self.field_bytes += name.len() + value.len() + 4;
        let taken = if self.fields > FIELDS_MAX + 1 {
            Err(BadHttp::TooManyFields)
        } else if self.field_bytes > HEAD_BYTES_MAX {
            Err(BadHttp::HeadTooLong)
        } else if let Some(Malformed(what)) = malformed {
            Err(BadHttp::Field(what))
        } else if name.starts_with(b":") {
            self.take_status(name, value)
        } else {
            self.take_regular(name, value)
        };
        self.bad = taken.err();
    }

    fn take_status(&mut self, name: &[u8], value: &[u8]) -> Result<(), BadHttp> {
        let [a @ b'1'..=b'9', b @ b'0'..=b'9', c @ b'0'..=b'9'] = *value else {
            return Err(BadHttp::Field("its status is no number of three digits"));
        };
        if name != b":status" || self.fields > 1 {
            return Err(BadHttp::Field("it has fields that no answer has"));
        }
        let digit = |digit: u8| u16::from(digit - b'0');
        self.answer.status = digit(a) * 100 + digit(b) * 10 + digit(c);
        Ok(())
    }

    #[inline]
    fn take_regular(&mut self, name: &[u8], value: &[u8]) -> Result<(), BadHttp> {
        if self.answer.status == 0 {
            return Err(BadHttp::Field("it has no status"));
        }
        match name {
            b"content-length" => self.take_length(value)?,
            b"content-encoding" => {
                let encoding = &mut self.answer.encoding;
                if !encoding.is_empty() {
                    encoding.push(b',');
                }
                encoding.extend_from_slice(value);
            }
            b"location" if is_redirect(self.answer.status) => {
                self.answer.location = Some(value.to_vec());
            }
            b"connection" | b"keep-alive" | b"proxy-connection" | b"transfer-encoding"
            | b"upgrade" => {
                return Err(BadHttp::Field("a field speaks of a connection of HTTP/1.1"));
            }
            _ => {}
        }
        let keeps = self.wanted.fields.for_status(self.answer.status);
        if keeps == KeepFields::All || keeps == KeepFields::Cookies && name == b"set-cookie" {
            let lines = &mut self.answer.fields;
            for part in [name, b": ", value, b"\r\n"] {
                lines.extend_from_slice(part);
            }
        }
        Ok(())
    }

    fn take_length(&mut self, value: &[u8]) -> Result<(), BadHttp> {
        let is_number = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
        let text = std::str::from_utf8(value).ok().filter(|_| is_number);
        let length = text.and_then(|text| text.parse().ok());
        let length = length.ok_or(BadHttp::Length)?;
        if self.length.is_some_and(|known| known != length) {
            return Err(BadHttp::LengthsDisagree);
        }
        self.length = Some(length);
        Ok(())
    }

    /// The fields have come to an end; `ends`: and so has the answer. Returns whether it is whole.
    #[inline]
    pub(super) fn end_fields(&mut self, ends: bool) -> Result<bool, BadHttp> {
        if let Some(bad) = self.bad {
            return Err(bad);
        }
        if self.has_head {
            // Trailers are the last that comes.
            return if ends {
                self.end()
            } else {
                Err(BadHttp::Field("fields come between parts of the body"))
            };
        }
        match self.answer.status {
            0 => return Err(BadHttp::Field("it has no status")),
            101 => return Err(BadHttp::Upgrade),
            100..=199 if ends => return Err(BadHttp::Field("it ends before it was whole")),
            100..=199 if self.interim == INTERIM_MAX => return Err(BadHttp::TooManyInterim),
            100..=199 => {
                self.forget_fields();
                self.interim += 1;
                return Ok(false);
            }
            _ => {}
        }
        self.has_head = true;
        let content = &mut self.answer.content;
        content.keep((self.wanted.keeps)(self.answer.status));
        if ends {
            return self.end();
        }
        if let Some(length) = self.length.filter(|_| !self.wanted.to_head) {
            content.expect(length)?;
        }
        Ok(false)
    }

    /// The fields that came were not those of the answer.
    fn forget_fields(&mut self) {
        let answer = &mut self.answer;
        (answer.status, answer.location) = (0, None);
        answer.encoding.clear();
        answer.fields.clear();
        (self.fields, self.field_bytes, self.length) = (0, 0, None);
    }

    /// Takes a part of the content; returns whether the answer is whole.
    #[inline]
    pub(super) fn take_content(&mut self, part: &[u8], ends: bool) -> Result<bool, BadHttp> {
        if !self.has_head {
            return Err(BadHttp::Field("its body comes before its head"));
        }
        self.answer.content.take(part)?;
        if ends { self.end() } else { Ok(false) }
    }

    #[inline]
    fn end(&self) -> Result<bool, BadHttp> {
        let has_none = self.wanted.to_head || self.answer.status == 304;
        match self.length {
            Some(length) if !has_none && length != self.answer.content.bytes => {
                Err(BadHttp::NotItsLength)
            }
            _ => Ok(true),
        }
    }

    /// The answer, which is whole.
    #[inline]
    pub(super) fn into_answer(self) -> Answer {
        self.answer
    }
}
