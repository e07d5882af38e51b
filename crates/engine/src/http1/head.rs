//! Response headers: how the status line and the header fields frame the body and affect the connection (RFC 9112,
//! sections 6.3 and 9.3).

use std::borrow::Cow;
use std::mem::MaybeUninit;

use brunt_scenario::Charset;

use crate::http::response::{FIELDS_MAX, is_redirect, parse_content_length, push_header_line};
use crate::http::{HeaderCapture, ProtocolError, ResponseVersion};

/// Framing of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    /// By its length in bytes.
    Length(u64),
    /// By chunks.
    Chunked,
    /// By the end of the connection.
    UntilClose,
}

/// Parsed response headers.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) status: u16,
    pub(super) version: ResponseVersion,
    pub(super) framing: Framing,
    pub(super) keep_alive: bool,
    pub(super) location: Option<Vec<u8>>,
    /// Values of `Content-Encoding`, joined by commas; empty if there is none.
    pub(super) encoding: Vec<u8>,
    /// The charset of the body, unless it is UTF-8.
    pub(super) charset: Option<Charset>,
    /// The header fields that are kept, one per line, each ended by CR LF.
    pub(super) fields: Vec<u8>,
}

/// Parses response headers and returns them with their length in bytes; `None` if they are not complete.
pub(super) fn parse(
    bytes: &[u8],
    to_head: bool,
    header_capture: HeaderCapture,
) -> Result<Option<(Head, usize)>, ProtocolError> {
    let mut headers = [const { MaybeUninit::uninit() }; FIELDS_MAX];
    let mut response = httparse::Response::new(&mut []);
    let mut parser = httparse::ParserConfig::default();
    // A field that continues on the next line is one field (RFC 9112, section 5.2).
    parser.allow_obsolete_multiline_headers_in_responses(true);
    let parsed = parser
        .parse_response_with_uninit_headers(&mut response, bytes, &mut headers)
        .map_err(|error| match error {
            httparse::Error::TooManyHeaders => ProtocolError::TooManyFields,
            error => ProtocolError::Head(error),
        })?;
    let httparse::Status::Complete(length) = parsed else {
        return Ok(None);
    };
    // A complete parse always has both.
    let status = response.code.unwrap_or(0);
    let is_http_11 = response.version == Some(1);
    if status < 100 {
        return Err(ProtocolError::Status(status));
    }
    let fields = Fields::read(response.headers, is_http_11);
    let has_no_body = to_head || status < 200 || status == 204 || status == 304;
    let framing = if has_no_body {
        Framing::Length(0)
    } else {
        fields.framing()?
    };
    let charset = if header_capture.has_charset() {
        charset_of(response.headers)
    } else {
        None
    };
    let keep_alive = fields.keep_alive && framing != Framing::UntilClose && !fields.is_ambiguous();
    let location = if is_redirect(status) {
        fields.location.map(<[u8]>::to_vec)
    } else {
        None
    };
    Ok(Some((
        Head {
            status,
            version: if is_http_11 {
                ResponseVersion::Http11
            } else {
                ResponseVersion::Http10
            },
            framing,
            keep_alive,
            location,
            charset,
            fields: captured_lines(response.headers, &fields, header_capture.for_status(status)),
            encoding: fields.encoding.into_owned(),
        },
        length,
    )))
}

fn charset_of(headers: &[httparse::Header]) -> Option<Charset> {
    let is_type = |header: &&httparse::Header| header.name.eq_ignore_ascii_case("content-type");
    let last = headers.iter().rfind(is_type)?;
    Charset::of_content_type(last.value)
}

fn captured_lines(
    headers: &[httparse::Header],
    fields: &Fields,
    header_capture: HeaderCapture,
) -> Vec<u8> {
    let mut lines = Vec::new();
    if header_capture == HeaderCapture::Nothing
        || header_capture == HeaderCapture::Cookies && !fields.sets_cookies
    {
        return lines;
    }
    for header in headers {
        if header_capture == HeaderCapture::All || header.name.eq_ignore_ascii_case("set-cookie") {
            let start = lines.len();
            push_header_line(&mut lines, header.name.as_bytes(), header.value);
            unfold(&mut lines[start..]);
        }
    }
    lines
}

/// Replaces line breaks within a header line, which continue it on the next one (RFC 9112, section 5.2).
fn unfold(line: &mut [u8]) {
    let end = line.len() - 2;
    while let Some(at) = memchr::memchr2(b'\r', b'\n', &line[..end]) {
        line[at] = b' ';
    }
}

/// Adds a field to the value of earlier ones: several are one list (RFC 9110, section 5.3).
fn add_to_list<'a>(list: &mut Cow<'a, [u8]>, value: &'a [u8]) {
    if list.is_empty() {
        *list = Cow::Borrowed(value);
    } else {
        let list = list.to_mut();
        list.push(b',');
        list.extend_from_slice(value);
    }
}

struct Fields<'a> {
    length: Option<u64>,
    /// Error of the framing; it matters only if there is a body.
    framing_error: Option<ProtocolError>,
    /// Whether the last transfer coding is `chunked`; `None` without `Transfer-Encoding`.
    chunked: Option<bool>,
    keep_alive: bool,
    location: Option<&'a [u8]>,
    encoding: Cow<'a, [u8]>,
    sets_cookies: bool,
}

impl<'a> Fields<'a> {
    fn read(headers: &[httparse::Header<'a>], is_http_11: bool) -> Self {
        let mut fields = Self {
            length: None,
            framing_error: None,
            chunked: None,
            keep_alive: is_http_11,
            location: None,
            encoding: Cow::Borrowed(&[]),
            sets_cookies: false,
        };
        for header in headers {
            // The length of the name rules out most header fields at once.
            match header.name.len() {
                14 if header.name.eq_ignore_ascii_case("content-length") => {
                    fields.framing_error = fields
                        .add_length(header.value)
                        .err()
                        .or(fields.framing_error);
                }
                17 if header.name.eq_ignore_ascii_case("transfer-encoding") => {
                    let last = header
                        .value
                        .rsplit(|byte| *byte == b',')
                        .next()
                        .unwrap_or_default();
                    let is_chunked = last.trim_ascii().eq_ignore_ascii_case(b"chunked");
                    fields.chunked = Some(is_chunked && header.value.is_ascii());
                }
                10 if header.name.eq_ignore_ascii_case("connection") => {
                    for option in header
                        .value
                        .split(|byte| *byte == b',')
                        .map(<[u8]>::trim_ascii)
                    {
                        if option.eq_ignore_ascii_case(b"close") {
                            fields.keep_alive = false;
                        } else if option.eq_ignore_ascii_case(b"keep-alive") && !is_http_11 {
                            fields.keep_alive = true;
                        }
                    }
                }
                10 if header.name.eq_ignore_ascii_case("set-cookie") => {
                    fields.sets_cookies = true;
                }
                8 if header.name.eq_ignore_ascii_case("location") => {
                    // Of several, the first that is not empty counts, as in browsers and curl.
                    let location = Some(header.value).filter(|value| !value.is_empty());
                    fields.location = fields.location.or(location);
                }
                16 if header.name.eq_ignore_ascii_case("content-encoding") => {
                    add_to_list(&mut fields.encoding, header.value);
                }
                _ => {}
            }
        }
        if fields.chunked.is_some() && !is_http_11 {
            fields.framing_error = Some(ProtocolError::EncodingIn10);
        }
        fields
    }

    fn add_length(&mut self, value: &[u8]) -> Result<(), ProtocolError> {
        for part in value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii) {
            let length = parse_content_length(part).ok_or(ProtocolError::Length)?;
            if self.length.is_some_and(|known| known != length) {
                return Err(ProtocolError::LengthsDisagree);
            }
            self.length = Some(length);
        }
        Ok(())
    }

    fn framing(&self) -> Result<Framing, ProtocolError> {
        if let Some(framing_error) = self.framing_error {
            return Err(framing_error);
        }
        Ok(match (self.chunked, self.length) {
            (Some(true), _) => Framing::Chunked,
            (Some(false), _) | (None, None) => Framing::UntilClose,
            (None, Some(length)) => Framing::Length(length),
        })
    }

    /// Whether there are two framings: the start of the next response cannot be trusted then.
    fn is_ambiguous(&self) -> bool {
        self.framing_error.is_some() || self.chunked.is_some() && self.length.is_some()
    }
}
