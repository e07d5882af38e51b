//! Responses, whichever version of HTTP they come by, and which parts of them are kept.

use brunt_record::NameId;

use super::body::{BodyCapture, ResponseBody};

/// Headers are never longer, in bytes.
pub(crate) const HEAD_BYTES_MAX: usize = 64 << 10;
/// Headers never have more fields.
pub(crate) const FIELDS_MAX: usize = 128;
/// Number of interim responses (1xx) that may come before the response.
pub(crate) const INTERIM_MAX: u8 = 16;

/// A complete response.
#[derive(Debug, PartialEq, Eq)]
pub struct Response {
    /// Its status code.
    pub status: u16,
    /// Whether the connection may be used again.
    pub keep_alive: bool,
    /// `Location` of a redirect.
    pub location: Option<Vec<u8>>,
    /// `Content-Encoding`; empty without one.
    pub encoding: Vec<u8>,
    /// The header fields that were kept, each a line ended by CR LF.
    pub fields: Vec<u8>,
    /// Its body, as far as it was kept.
    pub content: ResponseBody,
}

/// Which header fields are kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum HeaderCapture {
    /// None.
    #[default]
    Nothing,
    /// `Set-Cookie` of responses that report an error.
    CookiesOfErrors,
    /// `Set-Cookie`.
    Cookies,
    /// All.
    All,
}

impl HeaderCapture {
    /// What is kept of a response with a status.
    pub(crate) fn for_status(self, status: u16) -> Self {
        match self {
            Self::CookiesOfErrors if status >= 400 => Self::Cookies,
            Self::CookiesOfErrors => Self::Nothing,
            other => other,
        }
    }
}

/// Which parts of the response to a request are kept.
pub(crate) struct ResponseOptions {
    /// The request's name.
    pub(crate) name: NameId,
    /// Whether it is the response to a HEAD request.
    pub(crate) to_head: bool,
    /// What is kept of the body of a response with a status.
    pub(crate) body_capture: fn(u16) -> BodyCapture,
    /// Where the body is put.
    pub(crate) content: ResponseBody,
    pub(crate) header_capture: HeaderCapture,
}

/// Whether a status asks the client to go elsewhere.
pub(crate) fn is_redirect(status: u16) -> bool {
    matches!(status, 301 | 302 | 303 | 307 | 308)
}
