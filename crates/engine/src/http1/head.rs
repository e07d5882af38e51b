//! Heads of answers: what the status line and the header fields say about the body and the
//! connection (RFC 9112, sections 6.3 and 9.3).

use std::mem::MaybeUninit;

use crate::http::BadHttp;

/// Heads never have more fields.
pub(crate) const FIELDS_MAX: usize = 128;

/// How the end of a body is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    /// So many bytes.
    Length(u64),
    /// Chunks.
    Chunked,
    /// Until the server closes the connection.
    UntilClose,
}

/// What matters of a head.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) status: u16,
    pub(super) framing: Framing,
    pub(super) keep_alive: bool,
    pub(super) location: Option<Vec<u8>>,
    /// How the content is encoded; empty: not at all.
    pub(super) encoding: Vec<u8>,
    /// The fields that are kept, each a line ended by CR LF.
    pub(super) fields: Vec<u8>,
}

/// Which fields of a head are kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum KeepFields {
    /// None.
    #[default]
    Nothing,
    /// Those that set cookies, of responses that report an error.
    CookiesOfErrors,
    /// Those that set cookies.
    Cookies,
    /// All.
    All,
}

impl KeepFields {
    /// What is kept of a response with a status.
    pub(crate) fn for_status(self, status: u16) -> Self {
        match self {
            Self::CookiesOfErrors if status >= 400 => Self::Cookies,
            Self::CookiesOfErrors => Self::Nothing,
            other => other,
        }
    }
}

/// Parses a head; `None` where it is not whole yet. Returns its length in bytes as well.
pub(super) fn parse(
    bytes: &[u8],
    to_head: bool,
    keeps: KeepFields,
) -> Result<Option<(Head, usize)>, BadHttp> {
    let mut headers = [const { MaybeUninit::uninit() }; FIELDS_MAX];
    let mut response = httparse::Response::new(&mut []);
    let mut parser = httparse::ParserConfig::default();
    // A field that goes on in the next line is one line (RFC 9112, section 5.2).
    parser.allow_obsolete_multiline_headers_in_responses(true);
    let parsed = parser
        .parse_response_with_uninit_headers(&mut response, bytes, &mut headers)
        .map_err(|error| match error {
            httparse::Error::TooManyHeaders => BadHttp::TooManyFields,
            error => BadHttp::Head(error),
        })?;
    let httparse::Status::Complete(length) = parsed else {
        return Ok(None);
    };
    // A complete parse always has both.
    let status = response.code.unwrap_or(0);
    let is_http_11 = response.version == Some(1);
    if status < 100 {
        return Err(BadHttp::Status(status));
    }
    let fields = Fields::read(response.headers, is_http_11);
    let has_no_body = to_head || status < 200 || status == 204 || status == 304;
    let framing = if has_no_body {
        Framing::Length(0)
    } else {
        fields.framing()?
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
            framing,
            keep_alive,
            location,
            encoding: fields.encoding.to_vec(),
            fields: kept(response.headers, &fields, keeps.for_status(status)),
        },
        length,
    )))
}

fn kept(headers: &[httparse::Header], fields: &Fields, keeps: KeepFields) -> Vec<u8> {
    let mut lines = Vec::new();
    if keeps == KeepFields::Nothing || keeps == KeepFields::Cookies && !fields.sets_cookies {
        return lines;
    }
    for header in headers {
        if keeps == KeepFields::All || header.name.eq_ignore_ascii_case("set-cookie") {
            lines.extend_from_slice(header.name.as_bytes());
            lines.extend_from_slice(b": ");
            lines.extend_from_slice(header.value);
            lines.extend_from_slice(b"\r\n");
        }
    }
    lines
}

/// Whether a status asks the client to go elsewhere.
pub(crate) fn is_redirect(status: u16) -> bool {
    matches!(status, 301 | 302 | 303 | 307 | 308)
}

struct Fields<'a> {
    length: Option<u64>,
    /// What is wrong with the framing; it matters where there is a body.
    wrong: Option<BadHttp>,
    /// The last transfer coding is `chunked`, or not; `None` without the field.
    chunked: Option<bool>,
    keep_alive: bool,
    location: Option<&'a [u8]>,
    encoding: &'a [u8],
    sets_cookies: bool,
}

impl<'a> Fields<'a> {
    fn read(headers: &[httparse::Header<'a>], is_http_11: bool) -> Self {
        let mut fields = Self {
            length: None,
            wrong: None,
            chunked: None,
            keep_alive: is_http_11,
            location: None,
            encoding: &[],
            sets_cookies: false,
        };
        for header in headers {
            // The length of the name rules most headers out at once.
            match header.name.len() {
                14 if header.name.eq_ignore_ascii_case("content-length") => {
                    fields.wrong = fields.add_length(header.value).err().or(fields.wrong);
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
                    fields.location = Some(header.value);
                }
                16 if header.name.eq_ignore_ascii_case("content-encoding") => {
                    fields.encoding = header.value;
                }
                _ => {}
            }
        }
        if fields.chunked.is_some() && !is_http_11 {
            fields.wrong = Some(BadHttp::EncodingIn10);
        }
        fields
    }

    fn add_length(&mut self, value: &[u8]) -> Result<(), BadHttp> {
        for part in value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii) {
            let digits = std::str::from_utf8(part).ok().filter(|digits| {
                !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
            });
            let length = digits
                .and_then(|digits| digits.parse().ok())
                .ok_or(BadHttp::Length)?;
            if self.length.is_some_and(|known| known != length) {
                return Err(BadHttp::LengthsDisagree);
            }
            self.length = Some(length);
        }
        Ok(())
    }

    fn framing(&self) -> Result<Framing, BadHttp> {
        if let Some(wrong) = self.wrong {
            return Err(wrong);
        }
        Ok(match (self.chunked, self.length) {
            (Some(true), _) => Framing::Chunked,
            (Some(false), _) | (None, None) => Framing::UntilClose,
            (None, Some(length)) => Framing::Length(length),
        })
    }

    /// Two framings at once: the next answer's beginning cannot be trusted.
    fn is_ambiguous(&self) -> bool {
        self.wrong.is_some() || self.chunked.is_some() && self.length.is_some()
    }
}
