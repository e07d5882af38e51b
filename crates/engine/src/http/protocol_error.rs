//! Malformed responses.

use brunt_record::FailureKind;

/// Why brunt does not accept a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProtocolError {
    /// The status line or a header field breaks the grammar.
    #[error("the head of the answer is no HTTP/1.x: {0}")]
    Head(httparse::Error),
    /// A field of HTTP/2 breaks the rules, or its place does.
    #[error("the answer is no HTTP/2: {0}")]
    Field(&'static str),
    /// The body has another length than `Content-Length`.
    #[error("the answer's body has not the length that its Content-Length says")]
    NotItsLength,
    /// The headers have more fields than brunt accepts.
    #[error("the head of the answer has over 128 fields")]
    TooManyFields,
    /// The headers are longer than brunt accepts.
    #[error("the head of the answer is over 64 KiB")]
    HeadTooLong,
    /// The body is longer than brunt accepts.
    #[error("the body of the answer is over the limit of {limit} bytes")]
    BodyTooLong {
        /// The limit.
        limit: u64,
    },
    /// The status code is invalid.
    #[error("the answer has status {0}")]
    Status(u16),
    /// `Content-Length` is no number.
    #[error("the answer's Content-Length is no number")]
    Length,
    /// `Content-Length` was given more than once, with different numbers.
    #[error("the answer has two different Content-Lengths")]
    LengthsDisagree,
    /// HTTP/1.0 knows no transfer encodings: the framing cannot be trusted (RFC 9112, section 6.1).
    #[error("the answer is HTTP/1.0 and has a Transfer-Encoding")]
    EncodingIn10,
    /// A chunk breaks the grammar.
    #[error("a chunk of the answer is no HTTP/1.1")]
    Chunk,
    /// Too many interim responses.
    #[error("more than 16 interim answers came before the answer")]
    TooManyInterim,
    /// An upgrade without a request for it.
    #[error("the server switched protocols without being asked")]
    Upgrade,
}

impl ProtocolError {
    /// The kind of failure that it is.
    pub fn kind(self) -> FailureKind {
        match self {
            Self::TooManyFields | Self::HeadTooLong | Self::BodyTooLong { .. } => {
                FailureKind::ResponseTooLarge
            }
            _ => FailureKind::ProtocolError,
        }
    }
}
