//! Faults of connections.

use std::time::Duration;

/// A fault of every connection of a server. `bytes` count from the start of the response,
/// interim responses (1xx) included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Accepts, and ends the stream before any response. What the client sends is read and
    /// discarded, so that the client sees an end of stream and never a reset.
    CloseOnAccept,
    /// Accepts and resets immediately. The client sees it when it connects or afterwards.
    ResetOnAccept,
    /// Reads and counts requests, and never responds.
    Silent,
    /// Responds to the first requests of the server only.
    SilentAfter {
        /// Number of requests with a response, over all connections.
        requests: u64,
    },
    /// Reads every request, and ends the connection of every nth request without a response.
    Flaky {
        /// One request in this number gets no response, counted over all connections.
        every: u64,
        /// Whether the connection is reset rather than closed.
        resets: bool,
        /// Time from the request to the end of the connection.
        after: Duration,
    },
    /// Resets the connection after a part of the response.
    ResetAfter {
        /// Number of bytes to send; the complete response if it is shorter.
        bytes: usize,
    },
    /// Closes the connection after a part of the response.
    CloseAfter {
        /// Number of bytes to send; the complete response if it is shorter.
        bytes: usize,
    },
    /// Shuts down writing after a part of the response, and reads until the client ends its side.
    HalfCloseAfter {
        /// Number of bytes to send; the complete response if it is shorter.
        bytes: usize,
    },
    /// Sends these bytes instead of a response, and closes.
    Garbage(Vec<u8>),
    /// Sends the response one byte at a time.
    Drip {
        /// Interval between two bytes.
        interval: Duration,
    },
    /// Sends every response twice in one write.
    Twice,
    /// Responds to requests with a body before the body was received.
    Early {
        /// Whether the body is read then and the connection continues, rather than being closed.
        reads_on: bool,
    },
    /// Never sends 100 (Continue).
    NoContinue,
    /// Responds to `Expect: 100-continue` with 417.
    NoExpectations,
    /// Sends the first bytes once and the second ones repeatedly, until the client disconnects.
    Endless(Vec<u8>, Vec<u8>),
}
