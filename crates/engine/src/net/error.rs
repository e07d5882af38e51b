//! Request errors: the reason why a request failed, with one of the kinds of failure that a run record distinguishes.

use std::io;
use std::net::SocketAddr;

use brunt_record::FailureKind;

use super::tls;

/// The reason why a request failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RequestError {
    pub(crate) kind: FailureKind,
    /// The operating system's error number, the response's status, or the number of the check; 0 if none applies.
    pub(crate) code: u16,
    pub(crate) text: String,
    /// The rejected response, if one was received.
    pub(crate) response: Option<Box<RejectedResponse>>,
}

/// A rejected response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RejectedResponse {
    pub(crate) status: u16,
    /// The header fields that were kept, one per line.
    pub(crate) fields: Vec<u8>,
    /// The start of its body, longer than the part that is shown, so that secrets are found before it is cut.
    pub(crate) content: Vec<u8>,
}

const EMFILE: i32 = 24;
const ENFILE: i32 = 23;

impl RequestError {
    pub(crate) fn new(kind: FailureKind, text: impl Into<String>) -> Self {
        Self {
            kind,
            code: 0,
            text: text.into(),
            response: None,
        }
    }

    /// The run ended before the request did.
    pub(crate) fn cut_off() -> Self {
        let text = "the run ended while the request was in flight";
        Self::new(FailureKind::Aborted, text)
    }

    /// Classifies an error of the system or of TLS.
    pub(crate) fn from_io(error: &io::Error) -> Self {
        if let Some(reason) = tls::reason(error) {
            return Self::new(FailureKind::Tls, reason);
        }
        let kind = match (error.raw_os_error(), error.kind()) {
            (Some(EMFILE | ENFILE), _) => FailureKind::NoDescriptors,
            (_, io::ErrorKind::AddrNotAvailable) => FailureKind::NoPorts,
            (_, io::ErrorKind::ConnectionRefused) => FailureKind::ConnectRefused,
            (_, io::ErrorKind::TimedOut) => FailureKind::ConnectTimeout,
            (_, io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable) => {
                FailureKind::Unreachable
            }
            (
                _,
                io::ErrorKind::ConnectionReset
                | io::ErrorKind::ConnectionAborted
                | io::ErrorKind::BrokenPipe,
            ) => FailureKind::ConnectionReset,
            // This is the error of rustls for a connection that ended without close_notify.
            (None, io::ErrorKind::UnexpectedEof) => FailureKind::ConnectionClosed,
            _ => FailureKind::Client,
        };
        let code = error
            .raw_os_error()
            .and_then(|code| u16::try_from(code).ok())
            .unwrap_or(0);
        Self {
            code,
            ..Self::new(kind, error.to_string())
        }
    }

    /// Classifies an error of connecting, and adds the address to its text.
    pub(crate) fn from_connect(error: &io::Error, address: SocketAddr) -> Self {
        let inner = Self::from_io(error);
        Self {
            text: format!("{address}: {}", inner.text),
            ..inner
        }
    }
}
