//! The response builder: assembles the response of a stream from its fields and data.

use brunt_scenario::Charset;

use super::hpack::Malformed;
use crate::http::ProtocolError;
use crate::http::response::{
    FIELDS_MAX, HEAD_BYTES_MAX, HeaderCapture, INTERIM_MAX, Response, ResponseOptions,
    ResponseVersion, is_redirect, parse_content_length, push_header_line,
};

pub(super) struct ResponseBuilder {
    options: ResponseOptions,
    response: Response,
    /// Whether the headers are complete; fields after them are ignored.
    has_headers: bool,
    interim: u8,
    /// Value of `Content-Length`.
    length: Option<u64>,
    /// Number of header fields so far.
    fields: usize,
    field_bytes: usize,
    bad: Option<ProtocolError>,
}

impl ResponseBuilder {
    #[inline]
    pub(super) fn new(mut options: ResponseOptions) -> Self {
        let content = std::mem::take(&mut options.content);
        let response = Response {
            status: 0,
            version: ResponseVersion::Http2,
            keep_alive: true,
            location: None,
            encoding: Vec::new(),
            charset: None,
            fields: Vec::new(),
            content,
        };
        Self {
            options,
            response,
            has_headers: false,
            interim: 0,
            length: None,
            fields: 0,
            field_bytes: 0,
            bad: None,
        }
    }

    /// Adds the next header field, which may be malformed.
    #[inline]
    pub(super) fn take_field(&mut self, name: &[u8], value: &[u8], malformed: Option<Malformed>) {
        if self.has_headers || self.bad.is_some() {
            return;
        }
        self.fields += 1;
        // Size of the field in HTTP/1.1.
        self.field_bytes += name.len() + value.len() + 4;
        let taken = if self.fields > FIELDS_MAX + 1 {
            Err(ProtocolError::TooManyFields)
        } else if self.field_bytes > HEAD_BYTES_MAX {
            Err(ProtocolError::HeadTooLong)
        } else if let Some(Malformed(what)) = malformed {
            Err(ProtocolError::Field(what))
        } else if name.starts_with(b":") {
            self.take_status(name, value)
        } else {
            self.take_regular(name, value)
        };
        self.bad = taken.err();
    }

    fn take_status(&mut self, name: &[u8], value: &[u8]) -> Result<(), ProtocolError> {
        let [a @ b'1'..=b'9', b @ b'0'..=b'9', c @ b'0'..=b'9'] = *value else {
            return Err(ProtocolError::Field(":status is not a three-digit number"));
        };
        if name != b":status" || self.fields > 1 {
            return Err(ProtocolError::Field(
                "a pseudo-header field is not a leading :status",
            ));
        }
        let digit = |digit: u8| u16::from(digit - b'0');
        self.response.status = digit(a) * 100 + digit(b) * 10 + digit(c);
        Ok(())
    }

    #[inline]
    fn take_regular(&mut self, name: &[u8], value: &[u8]) -> Result<(), ProtocolError> {
        if self.response.status == 0 {
            return Err(ProtocolError::Field("it has no :status"));
        }
        match name {
            b"content-length" => self.take_length(value)?,
            b"content-encoding" => {
                let encoding = &mut self.response.encoding;
                if !encoding.is_empty() {
                    encoding.push(b',');
                }
                encoding.extend_from_slice(value);
            }
            // Of several, the first that is not empty counts, as in browsers and curl.
            b"location" if is_redirect(self.response.status) && !value.is_empty() => {
                self.response.location.get_or_insert_with(|| value.to_vec());
            }
            b"content-type" if self.options.header_capture.has_charset() => {
                self.response.charset = Charset::of_content_type(value);
            }
            b"connection" | b"keep-alive" | b"proxy-connection" | b"transfer-encoding"
            | b"upgrade" => {
                return Err(ProtocolError::Field("it has a connection-specific field"));
            }
            _ => {}
        }
        let keeps = self.options.header_capture.for_status(self.response.status);
        if keeps == HeaderCapture::All || keeps == HeaderCapture::Cookies && name == b"set-cookie" {
            push_header_line(&mut self.response.fields, name, value);
        }
        Ok(())
    }

    fn take_length(&mut self, value: &[u8]) -> Result<(), ProtocolError> {
        let length = parse_content_length(value).ok_or(ProtocolError::Length)?;
        if self.length.is_some_and(|known| known != length) {
            return Err(ProtocolError::LengthsDisagree);
        }
        self.length = Some(length);
        Ok(())
    }

    /// Ends the header block; `ends`: and the stream. Returns whether the response is complete.
    #[inline]
    pub(super) fn end_fields(&mut self, ends: bool) -> Result<bool, ProtocolError> {
        if let Some(bad) = self.bad {
            return Err(bad);
        }
        if self.has_headers {
            // Trailers end the stream.
            return if ends {
                self.end()
            } else {
                Err(ProtocolError::Field("trailers do not end the stream"))
            };
        }
        match self.response.status {
            0 => return Err(ProtocolError::Field("it has no :status")),
            101 => return Err(ProtocolError::Upgrade),
            100..=199 if ends => {
                return Err(ProtocolError::Field("an interim response ends the stream"));
            }
            100..=199 if self.interim == INTERIM_MAX => return Err(ProtocolError::TooManyInterim),
            100..=199 => {
                self.forget_fields();
                self.interim += 1;
                return Ok(false);
            }
            _ => {}
        }
        self.has_headers = true;
        let content = &mut self.response.content;
        content.keep((self.options.body_capture)(self.response.status));
        if ends {
            return self.end();
        }
        if let Some(length) = self.length.filter(|_| !self.options.to_head) {
            content.expect(length)?;
        }
        Ok(false)
    }

    /// Discards the fields of an interim response.
    fn forget_fields(&mut self) {
        let response = &mut self.response;
        (response.status, response.location, response.charset) = (0, None, None);
        response.encoding.clear();
        response.fields.clear();
        (self.fields, self.field_bytes, self.length) = (0, 0, None);
    }

    /// Adds a part of the body. Returns whether the response is complete.
    #[inline]
    pub(super) fn take_content(&mut self, part: &[u8], ends: bool) -> Result<bool, ProtocolError> {
        if !self.has_headers {
            return Err(ProtocolError::Field(
                "DATA comes before the response headers",
            ));
        }
        self.response.content.take(part)?;
        if ends { self.end() } else { Ok(false) }
    }

    #[inline]
    fn end(&self) -> Result<bool, ProtocolError> {
        let has_none = self.options.to_head || self.response.status == 304;
        match self.length {
            Some(length) if !has_none && length != self.response.content.bytes => {
                Err(ProtocolError::NotItsLength)
            }
            _ => Ok(true),
        }
    }

    /// The complete response.
    #[inline]
    pub(super) fn into_response(self) -> Response {
        self.response
    }
}
