//! What goes wrong on a connection.

use std::time::Duration;

/// A fault that every connection of a server has. `bytes` count from the start of what would be
/// sent for a request, 1xx answers included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Accepts and ends the stream at once, before any answer. What the client sends is read and
    /// thrown away, so that the client sees an end of stream and never a reset.
    CloseOnAccept,
    /// Accepts and resets at once: the client sees it when it connects or afterwards.
    ResetOnAccept,
    /// Reads and counts requests, and never answers.
    Silent,
    /// Answers the first requests of the server, this many, and none after them.
    SilentAfter {
        /// Requests that are answered, over all connections.
        requests: u64,
    },
    /// Reads every request, and ends the connection of each nth of the server without an answer.
    Flaky {
        /// Of this many requests, over all connections, one is not answered.
        every: u64,
        /// Whether the connection is reset, or closed.
        resets: bool,
        /// From the request to the end of the connection.
        after: Duration,
    },
    /// Resets the connection after this much of the answer.
    ResetAfter {
        /// Bytes that are sent; the whole answer where it has no more.
        bytes: usize,
    },
    /// Closes the connection after this much of the answer.
    CloseAfter {
        /// Bytes that are sent; the whole answer where it has no more.
        bytes: usize,
    },
    /// Ends its own direction after this much of the answer, and reads on until the client ends.
    HalfCloseAfter {
        /// Bytes that are sent; the whole answer where it has no more.
        bytes: usize,
    },
    /// Sends these bytes instead of an answer, and closes.
    Garbage(Vec<u8>),
    /// Sends the answer one byte at a time.
    Drip {
        /// From one byte to the next.
        interval: Duration,
    },
    /// Sends every answer twice, at once.
    Twice,
    /// Answers requests with a body before the body has come.
    Early {
        /// Whether the body is read then and the connection goes on, or it is closed at once.
        reads_on: bool,
    },
    /// Never says that it waits for a body.
    NoContinue,
    /// Answers a client that asks before it sends its body with 417.
    NoExpectations,
    /// Sends these bytes and then those again and again, until the client is gone.
    Endless(Vec<u8>, Vec<u8>),
}
