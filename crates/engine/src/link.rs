//! A link: a connection to an origin, whichever version of HTTP is spoken on it.

use record::FailureKind;

use crate::connection::{Connection, Wire};
use crate::fault::Fault;
use crate::http1::Answer;
use crate::http2::{self, Course};
use crate::outbox::Outbox;
use crate::wanted::Wanted;

pub(crate) enum Link {
    Http1(Connection),
    Http2(http2::Connection),
}

/// What became of a request, for those who count what was sent and send again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// The server had it.
    Taken,
    /// The connection ended without a byte of an answer; whether the server's system had the request.
    Lost { acknowledged: bool },
    /// The server said that it has not processed it, or the connection ended before it went out.
    Refused,
    /// It never went out.
    Unsent,
}

impl Fate {
    /// Whether it counts among what the server got.
    pub(crate) fn counts(self) -> bool {
        matches!(self, Self::Taken | Self::Lost { acknowledged: true })
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
                let received = wire.bytes_received;
                let Course {
                    core,
                    seat,
                    deadlines,
                } = course;
                let reader = wanted.reader();
                let exchanged = connection
                    .exchange(core, seat, request, reader, wire, deadlines)
                    .await;
                let fate = if wire.bytes_received == received && is_closed(&exchanged) {
                    Fate::Lost {
                        acknowledged: connection.is_acknowledged(),
                    }
                } else {
                    Fate::Taken
                };
                (exchanged, fate)
            }
            Self::Http2(connection) => connection.exchange(course, request, wanted, wire).await,
        }
    }
}

fn is_closed(exchanged: &Result<Answer, Fault>) -> bool {
    let closed = [FailureKind::Closed, FailureKind::Reset];
    exchanged
        .as_ref()
        .is_err_and(|fault| closed.contains(&fault.kind))
}
