//! The result to which both clients are reduced, so that they can be compared.

/// What bytes mean to a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// A complete response: its status and its content.
    Answer(u16, Vec<u8>),
    /// The connection ended too soon.
    Closed,
    /// They are not HTTP, or exceed a limit.
    Refused,
}
