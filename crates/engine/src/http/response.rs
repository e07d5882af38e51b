//! Responses, independent of the HTTP version, and the options that select the parts to keep.

use std::fmt;

use brunt_record::NameId;
use brunt_scenario::Charset;

use super::body::{BodyCapture, ResponseBody};

/// Maximum size of the headers, in bytes.
pub(crate) const HEAD_BYTES_MAX: usize = 64 << 10;
/// Maximum number of header fields.
pub(crate) const FIELDS_MAX: usize = 128;
/// Maximum number of interim responses (1xx) before the final response.
pub(crate) const INTERIM_MAX: u8 = 16;

/// HTTP version of a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResponseVersion {
    /// HTTP/1.0.
    Http10,
    /// HTTP/1.1.
    Http11,
    /// HTTP/2.
    Http2,
}

impl fmt::Display for ResponseVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Http10 => "HTTP/1.0",
            Self::Http11 => "HTTP/1.1",
            Self::Http2 => "HTTP/2",
        })
    }
}

/// A complete response.
#[derive(Debug, PartialEq, Eq)]
pub struct Response {
    /// Status code.
    pub status: u16,
    /// HTTP version.
    pub version: ResponseVersion,
    /// Whether the connection can be reused.
    pub keep_alive: bool,
    /// First value of `Location` that is not empty, if the response is a redirect.
    pub location: Option<Vec<u8>>,
    /// Values of `Content-Encoding`, joined by commas; empty if there is none.
    pub encoding: Vec<u8>,
    /// The charset of the body, unless it is UTF-8 or the body is not read.
    pub charset: Option<Charset>,
    /// The header fields that were kept, one per line, each ended by CR LF.
    pub fields: Vec<u8>,
    /// The body, as far as it was kept.
    pub content: ResponseBody,
}

/// The header fields that are kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum HeaderCapture {
    /// None.
    #[default]
    Nothing,
    /// `Set-Cookie`, if the status is an error.
    CookiesOfErrors,
    /// `Set-Cookie`.
    Cookies,
    /// `Set-Cookie`, and the charset of the body, which is read.
    CookiesAndCharset,
    /// All.
    All,
}

impl HeaderCapture {
    /// The capture for a response with this status.
    pub(crate) fn for_status(self, status: u16) -> Self {
        match self {
            Self::CookiesOfErrors if status >= 400 => Self::Cookies,
            Self::CookiesOfErrors => Self::Nothing,
            Self::CookiesAndCharset => Self::Cookies,
            other => other,
        }
    }

    /// Whether the charset of the body is kept.
    pub(crate) fn has_charset(self) -> bool {
        matches!(self, Self::CookiesAndCharset | Self::All)
    }
}

/// Options for receiving a response.
pub(crate) struct ResponseOptions {
    /// Request name.
    pub(crate) name: NameId,
    /// Whether the request method is HEAD.
    pub(crate) to_head: bool,
    /// The capture of the body, by status.
    pub(crate) body_capture: fn(u16) -> BodyCapture,
    /// Receives the body.
    pub(crate) content: ResponseBody,
    pub(crate) header_capture: HeaderCapture,
}

/// Parses the value of `Content-Length`: decimal digits and nothing else; `None` if it is something else or does not
/// fit.
#[inline]
pub(crate) fn parse_content_length(value: &[u8]) -> Option<u64> {
    if value.is_empty() {
        return None;
    }
    value.iter().try_fold(0_u64, |length, byte| {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        length.checked_mul(10)?.checked_add(u64::from(digit))
    })
}

/// Appends a header field as a line that ends with CR LF.
#[inline]
pub(crate) fn push_header_line(lines: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    // Room for all parts at once: growing takes more instructions than copying.
    lines.reserve(name.len() + value.len() + 4);
    for part in [name, b": ", value, b"\r\n"] {
        lines.extend_from_slice(part);
    }
}

/// Whether a status is a redirect that names its target in `Location`.
pub(crate) fn is_redirect(status: u16) -> bool {
    matches!(status, 301 | 302 | 303 | 307 | 308)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_length_is_digits_that_fit_in_64_bits() {
        for (value, length) in [
            ("0", Some(0)),
            ("63", Some(63)),
            ("00012", Some(12)),
            ("18446744073709551615", Some(u64::MAX)),
            ("18446744073709551616", None),
            ("99999999999999999999", None),
            ("", None),
            ("+1", None),
            ("-1", None),
            (" 1", None),
            ("1,1", None),
            ("0x1", None),
            ("1:", None),
            ("/1", None),
        ] {
            assert_eq!(parse_content_length(value.as_bytes()), length, "{value:?}");
        }
        assert_eq!(parse_content_length(&[0xb1]), None);
    }
}
