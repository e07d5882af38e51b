//! A link: a connection to an origin, whichever version of HTTP is spoken on it.

use crate::http::outgoing_request::Outbox;
use crate::http::response_options::Wanted;
use crate::http1::Answer;
use crate::http1::connection::{Connection, Wire};
use crate::http2::{self, Course};
use crate::net::error::Fault;

pub(crate) enum Link {
    Http1(Connection),
    Http2(http2::Connection),
}

/// What became of a request that was sent: whether the server read it, and whether it may be sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// The server read it, as far as TCP shows.
    Read,
    /// The server has not read all of it.
    Unread,
    /// The server had closed the connection before the first byte of the request was written. If the connection was
    /// idle until then, the request is sent again on another.
    ClosedBefore,
    /// HTTP/2: the server says that it has not processed it (RFC 9113, section 8.7), or the connection ended before
    /// any of it was written. It is sent again.
    Unprocessed {
        /// `REFUSED_STREAM` answers a request that was read.
        is_read: bool,
    },
}

impl Fate {
    /// Whether the server read it: these are the `wire_requests`.
    pub(crate) fn is_read(self) -> bool {
        matches!(self, Self::Read | Self::Unprocessed { is_read: true })
    }
}

impl Link {
    pub(crate) fn origin(&self) -> usize {
        match self {
            Self::Http1(connection) => connection.origin,
            Self::Http2(connection) => connection.origin(),
        }
    }

    /// Whether the server has closed it.
    #[inline]
    pub(crate) fn is_stale(&mut self) -> bool {
        match self {
            Self::Http1(connection) => connection.is_stale(),
            Self::Http2(connection) => connection.is_over(),
        }
    }

    /// Whether a request was answered on it.
    #[inline]
    pub(crate) fn was_used(&self) -> bool {
        match self {
            Self::Http1(connection) => connection.answered > 0,
            Self::Http2(connection) => connection.was_used(),
        }
    }

    /// Whether it may be used again after an exchange.
    #[inline]
    pub(crate) fn is_kept(&self, exchanged: &Result<Answer, Fault>) -> bool {
        match self {
            Self::Http1(_) => exchanged.as_ref().is_ok_and(|answer| answer.keep_alive),
            // What goes wrong on one stream leaves the others alone.
            Self::Http2(connection) => !connection.is_over(),
        }
    }

    /// Sends a request and takes its answer.
    #[inline]
    pub(crate) async fn exchange(
        &mut self,
        course: Course<'_>,
        request: Outbox<'_>,
        wanted: Wanted,
        wire: &mut Wire,
    ) -> (Result<Answer, Fault>, Fate) {
        match self {
            Self::Http1(connection) => {
                let (sent, received) = (wire.bytes_sent, wire.bytes_received);
                let request_bytes = request.request_bytes();
                let Course {
                    core,
                    seat,
                    deadlines,
                } = course;
                let reader = wanted.reader();
                let exchanged = connection
                    .exchange(core, seat, request, reader, wire, deadlines)
                    .await;
                let fate = match &exchanged {
                    Err(fault) if wire.bytes_received == received => {
                        connection.fate_of(fault, wire.bytes_sent - sent, request_bytes)
                    }
                    _ => Fate::Read,
                };
                (exchanged, fate)
            }
            Self::Http2(connection) => connection.exchange(course, request, wanted, wire).await,
        }
    }
}
