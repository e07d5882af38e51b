//! The context that a connection of either version gets with a request, and the results that it reports.

use brunt_record::FailureKind;

use crate::net::context::NetContext;
use crate::net::error::RequestError;
use crate::time::timers::{TimerSlot, WaitError};

/// The timer slot that waits for the response, and its deadlines.
#[derive(Clone, Copy)]
pub(crate) struct RequestContext<'a> {
    pub(crate) net: &'a NetContext,
    pub(crate) slot: TimerSlot,
    pub(crate) deadlines: Deadlines,
}

/// Deadlines of a request, in nanoseconds of the run's clock.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadlines {
    /// Deadline of the complete request.
    pub(crate) total_ns: u64,
    /// Timeout for the first byte, counted from the end of sending, if the scenario sets one.
    pub(crate) first_byte_timeout_ns: Option<u64>,
}

/// Times and sizes of a request and its response.
#[derive(Debug, Default)]
pub(crate) struct RequestTimings {
    pub(crate) sent_ns: Option<u64>,
    pub(crate) first_byte_ns: Option<u64>,
    /// When the last byte so far was received.
    pub(crate) last_byte_ns: Option<u64>,
    pub(crate) bytes_sent: u64,
    pub(crate) bytes_received: u64,
}

/// Whether the server read a request, and whether it may be retried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Delivery {
    /// The server read it, as far as TCP shows.
    Read,
    /// The server has not read all of it.
    Unread,
    /// The server closed the connection before the first byte of the request was written. If the connection was
    /// idle until then, the request is retried on another one.
    ClosedBefore,
    /// HTTP/2: the server reports that it did not process the request (RFC 9113, section 8.7), or the connection ended
    /// before any of it was written. The request is retried.
    Unprocessed {
        /// Whether the server read it: `REFUSED_STREAM` responds to a request that was read.
        is_read: bool,
        /// Whether the connection ended after it had served other requests. Servers limit the number of requests of a
        /// connection, so a request may be too late for several connections in a row; this is not a refusal.
        is_too_late: bool,
    },
}

impl Delivery {
    /// Whether the server read it. These requests are the `wire_requests` of a sample.
    pub(crate) fn is_read(self) -> bool {
        matches!(self, Self::Read | Self::Unprocessed { is_read: true, .. })
    }
}

/// The error of a wait for a response; `for_first_byte`: no byte of the response was received.
pub(crate) fn response_wait_error(error: WaitError, for_first_byte: bool) -> RequestError {
    match error {
        WaitError::Aborted => RequestError::cut_off(),
        WaitError::DeadlineExceeded if for_first_byte => RequestError::new(
            FailureKind::FirstByteTimeout,
            "no byte of the response within the first-byte timeout",
        ),
        WaitError::DeadlineExceeded => RequestError::new(
            FailureKind::Timeout,
            "no complete response within the timeout",
        ),
    }
}
