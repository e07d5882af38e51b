//! Protocol errors: responses that violate HTTP or the limits of the client.

use brunt_record::FailureKind;

/// The reason why a response is rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProtocolError {
    /// The status line or a header field violates the grammar.
    #[error("invalid HTTP/1.x response headers: {0}")]
    Head(httparse::Error),
    /// An HTTP/2 field is malformed, or is in the wrong place.
    #[error("invalid HTTP/2 response: {0}")]
    Field(&'static str),
    /// The body does not have the length that `Content-Length` declares.
    #[error("the length of the response body differs from its Content-Length")]
    NotItsLength,
    /// The number of header fields exceeds the limit.
    #[error("the response has over 128 header fields")]
    TooManyFields,
    /// The size of the headers exceeds the limit.
    #[error("the response headers exceed 64 KiB")]
    HeadTooLong,
    /// The size of the body exceeds the limit.
    #[error("the response body exceeds the limit of {limit} bytes")]
    BodyTooLong {
        /// Limit in bytes.
        limit: u64,
    },
    /// The status code is invalid.
    #[error("invalid response status {0}")]
    Status(u16),
    /// `Content-Length` is not a number.
    #[error("the response's Content-Length is not a number")]
    Length,
    /// `Content-Length` is given more than once, with different values.
    #[error("the response has two different values of Content-Length")]
    LengthsDisagree,
    /// HTTP/1.0 has no transfer encodings: the framing cannot be trusted (RFC 9112, section 6.1).
    #[error("the response is HTTP/1.0 and has a Transfer-Encoding")]
    EncodingIn10,
    /// A chunk violates the grammar.
    #[error("the response has an invalid chunk")]
    Chunk,
    /// The number of interim responses exceeds the limit.
    #[error("the server sent over 16 interim responses (1xx)")]
    TooManyInterim,
    /// 101 (Switching Protocols), although the request has no `Upgrade`.
    #[error("the server switched protocols, which the request did not ask for")]
    Upgrade,
}

impl ProtocolError {
    /// The kind of failure that this error is recorded as.
    pub fn kind(self) -> FailureKind {
        match self {
            Self::TooManyFields | Self::HeadTooLong | Self::BodyTooLong { .. } => {
                FailureKind::ResponseTooLarge
            }
            _ => FailureKind::ProtocolError,
        }
    }
}
