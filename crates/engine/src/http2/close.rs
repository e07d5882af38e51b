//! The end of streams and connections, and the outcome of their requests.

use brunt_record::FailureKind;

use super::error_code::ErrorCode;
use super::recv::ConnectionError;
use super::state::StreamStats;
use crate::http::request_context::Delivery;
use crate::net::error::RequestError;

/// The end of a connection.
#[derive(Debug)]
pub(super) struct ConnectionClose {
    pub(super) reason: CloseReason,
    /// Whether the server's kernel has acknowledged everything that was sent.
    pub(super) is_acknowledged: bool,
    /// Whether the server responded in HTTP/1.x.
    pub(super) is_http1: bool,
    /// Error code of the server's GOAWAY, if it sent one.
    pub(super) goaway: Option<ErrorCode>,
}

/// Why a connection ended.
#[derive(Debug)]
pub(super) enum CloseReason {
    /// The server closed it.
    Closed,
    /// Reading or writing failed.
    Broken(RequestError),
    /// The server violated the protocol.
    ConnectionError(ConnectionError),
}

impl ConnectionClose {
    /// Result of a request that was in flight; `has_served`: the server accepted other requests of the connection.
    pub(super) fn result(&self, stats: &StreamStats, has_served: bool) -> (RequestError, Delivery) {
        let error = self.error(stats.bytes_received);
        let delivery = if stats.sent_ns.is_none() {
            Delivery::Unprocessed {
                is_read: false,
                is_too_late: has_served,
            }
        } else if stats.first_byte_ns.is_none()
            && error.kind == FailureKind::ConnectionClosed
            && !self.is_acknowledged
        {
            Delivery::Unread
        } else {
            Delivery::Read
        };
        (error, delivery)
    }

    /// The error of a request that got this number of bytes of a response.
    pub(super) fn error(&self, bytes_received: u64) -> RequestError {
        if self.is_http1 {
            let text = "the server responded in HTTP/1.x: it does not support HTTP/2 without negotiation; set http = \"1.1\"";
            return RequestError::new(FailureKind::ProtocolError, text);
        }
        match &self.reason {
            CloseReason::Broken(error) => error.clone(),
            CloseReason::Closed => closed(bytes_received, self.goaway),
            CloseReason::ConnectionError(error) => {
                let text = format!("the server violated HTTP/2: {}", error.what);
                RequestError::new(FailureKind::ProtocolError, text)
            }
        }
    }
}

/// The error of a request whose connection was closed.
pub(super) fn closed(bytes_received: u64, goaway: Option<ErrorCode>) -> RequestError {
    let mut text = match bytes_received {
        0 => "the server closed the connection without a response".to_owned(),
        bytes => format!("the server closed the connection after {bytes} bytes of the response"),
    };
    if let Some(code) = goaway {
        text.push_str(&format!(" (GOAWAY: {code})"));
    }
    RequestError::new(FailureKind::ConnectionClosed, text)
}

/// Result of a request whose stream the server reset.
pub(super) fn reset(code: ErrorCode) -> (RequestError, Delivery) {
    let text = format!("the server reset the stream: {code}");
    let delivery = if code == ErrorCode::REFUSED_STREAM {
        Delivery::Unprocessed {
            is_read: true,
            is_too_late: false,
        }
    } else {
        Delivery::Read
    };
    (
        RequestError::new(FailureKind::ConnectionReset, text),
        delivery,
    )
}
