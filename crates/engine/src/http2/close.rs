//! How streams and connections are closed, and what that means for their requests.

use brunt_record::FailureKind;

use super::error_code::ErrorCode;
use super::recv::ConnectionError;
use super::state::StreamStats;
use crate::http::request_context::Delivery;
use crate::net::error::RequestError;

/// How a connection ended.
#[derive(Debug)]
pub(super) struct ConnectionClose {
    pub(super) reason: CloseReason,
    /// Whether the server's system has acknowledged all that was sent.
    pub(super) is_acknowledged: bool,
    /// Whether the server responded with HTTP/1.x.
    pub(super) is_http1: bool,
    /// The code of the server's GOAWAY, if it sent one.
    pub(super) goaway: Option<ErrorCode>,
}

/// Why a connection ended.
#[derive(Debug)]
pub(super) enum CloseReason {
    /// The server closed it.
    Closed,
    /// Reading or writing failed.
    Broken(RequestError),
    /// What the server sent breaks the protocol.
    ConnectionError(ConnectionError),
}

impl ConnectionClose {
    /// The result of a request that was in flight.
    pub(super) fn result(&self, stats: &StreamStats) -> (RequestError, Delivery) {
        let error = self.error(stats.bytes_received);
        let delivery = if stats.sent_ns.is_none() {
            Delivery::Unprocessed { is_read: false }
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

    /// Why it ended, for a request with this number of bytes of a response.
    pub(super) fn error(&self, bytes_received: u64) -> RequestError {
        if self.is_http1 {
            let text = "the server answered in HTTP/1.x: it does not know HTTP/2 beforehand; write http = \"1.1\"";
            return RequestError::new(FailureKind::ProtocolError, text);
        }
        match &self.reason {
            CloseReason::Broken(error) => error.clone(),
            CloseReason::Closed => closed(bytes_received, self.goaway),
            CloseReason::ConnectionError(error) => {
                let text = format!("what came is not as HTTP/2 has it: {}", error.what);
                RequestError::new(FailureKind::ProtocolError, text)
            }
        }
    }
}

/// The error of a request whose connection was closed.
pub(super) fn closed(bytes_received: u64, goaway: Option<ErrorCode>) -> RequestError {
    let mut text = match bytes_received {
        0 => "the server closed the connection without an answer".to_owned(),
        bytes => format!("the server closed the connection after {bytes} bytes of the answer"),
    };
    if let Some(code) = goaway {
        text.push_str(&format!(" (GOAWAY: {code})"));
    }
    RequestError::new(FailureKind::ConnectionClosed, text)
}

/// The result of a request whose stream the server reset.
pub(super) fn reset(code: ErrorCode) -> (RequestError, Delivery) {
    let text = format!("the server reset the stream: {code}");
    let delivery = if code == ErrorCode::REFUSED_STREAM {
        Delivery::Unprocessed { is_read: true }
    } else {
        Delivery::Read
    };
    (
        RequestError::new(FailureKind::ConnectionReset, text),
        delivery,
    )
}
