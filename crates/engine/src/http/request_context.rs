//! What a connection of either version receives with a request, and what it reports of it.

use brunt_record::FailureKind;

use crate::net::context::NetContext;
use crate::net::error::RequestError;
use crate::time::timers::{TimerSlot, WaitError};

/// Who waits for a response, and how long.
#[derive(Clone, Copy)]
pub(crate) struct RequestContext<'a> {
    pub(crate) net: &'a NetContext,
    pub(crate) slot: TimerSlot,
    pub(crate) deadlines: Deadlines,
}

/// When a request is given up, in nanoseconds of the run's clock.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadlines {
    /// The complete request.
    pub(crate) total_ns: u64,
    /// How long the first byte may take from the end of sending, if that has a timeout of its own.
    pub(crate) first_byte_timeout_ns: Option<u64>,
}

/// When the parts of a request were sent and received, and how many bytes they took.
#[derive(Debug, Default)]
pub(crate) struct RequestTimings {
    pub(crate) sent_ns: Option<u64>,
    pub(crate) first_byte_ns: Option<u64>,
    /// When the last byte received so far came.
    pub(crate) last_byte_ns: Option<u64>,
    pub(crate) bytes_sent: u64,
    pub(crate) bytes_received: u64,
}

/// Whether the server read a request, and whether it may be sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Delivery {
    /// The server read it, as far as TCP shows.
    Read,
    /// The server has not read all of it.
    Unread,
    /// The server had closed the connection before the first byte of the request was written. If the connection was
    /// idle until then, the request is sent again on another.
    ClosedBefore,
    /// HTTP/2: the server reports that it has not processed it (RFC 9113, section 8.7), or the connection ended
    /// before any of it was written. It is sent again.
    Unprocessed {
        /// `REFUSED_STREAM` is the response to a request that was read.
        is_read: bool,
    },
}

impl Delivery {
    /// Whether the server read it: these are the `wire_requests`.
    pub(crate) fn is_read(self) -> bool {
        matches!(self, Self::Read | Self::Unprocessed { is_read: true })
    }
}

/// Why the wait for a response was cut short; `for_first_byte`: none of it has come.
pub(crate) fn response_wait_error(error: WaitError, for_first_byte: bool) -> RequestError {
    match error {
        WaitError::Aborted => RequestError::cut_off(),
        WaitError::DeadlineExceeded if for_first_byte => RequestError::new(
            FailureKind::FirstByteTimeout,
            "no byte of an answer within the timeout for the first",
        ),
        WaitError::DeadlineExceeded => {
            RequestError::new(FailureKind::Timeout, "no whole answer within the timeout")
        }
    }
}
