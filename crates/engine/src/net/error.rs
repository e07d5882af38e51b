//! Request errors: why a request failed, in the closed set of kinds that a run record has.

use std::io;
use std::net::SocketAddr;

use brunt_record::FailureKind;

use super::tls;

/// Why a request failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RequestError {
    pub(crate) kind: FailureKind,
    /// The operating system's error number, the response's status, or the number of the check; 0 if none applies.
    pub(crate) code: u16,
    pub(crate) text: String,
    /// The response that was not accepted, if one came.
    pub(crate) response: Option<Box<RejectedResponse>>,
}

/// A response that was not accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RejectedResponse {
    pub(crate) status: u16,
    /// Its header fields that were kept, each a line.
    pub(crate) fields: Vec<u8>,
    /// The beginning of its body, longer than what is shown: a secret is found before it is cut.
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
        let text = "the run ended while the request was under way";
        Self::new(FailureKind::Aborted, text)
    }

    /// An error of the system or of TLS.
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
            // The error of rustls for a connection that ended without close_notify.
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

    /// An error of connecting, with the address in its text.
    pub(crate) fn from_connect(error: &io::Error, address: SocketAddr) -> Self {
        let inner = Self::from_io(error);
        Self {
            text: format!("{address}: {}", inner.text),
            ..inner
        }
    }
}
