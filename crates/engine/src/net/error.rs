//! Faults: why a request got no answer, in the closed set of kinds that a record knows.

use std::io;
use std::net::SocketAddr;

use brunt_record::FailureKind;

use crate::client::failure_example::Evidence;
use crate::net::tls;

/// Why a request got no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) kind: FailureKind,
    /// The operating system's error number, or the answer's status; 0 where neither applies.
    pub(crate) code: u16,
    pub(crate) text: String,
    /// The response that was not accepted, if one came.
    pub(crate) evidence: Option<Box<Evidence>>,
}

const EMFILE: i32 = 24;
const ENFILE: i32 = 23;

impl Fault {
    pub(crate) fn new(kind: FailureKind, text: impl Into<String>) -> Self {
        Self {
            kind,
            code: 0,
            text: text.into(),
            evidence: None,
        }
    }

    /// The run ended.
    pub(crate) fn cut_off() -> Self {
        let text = "the run ended while the request was under way";
        Self::new(FailureKind::CutOff, text)
    }

    pub(crate) fn of(error: &io::Error) -> Self {
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
            ) => FailureKind::Reset,
            // What rustls says of a connection that ended without a good-bye.
            (None, io::ErrorKind::UnexpectedEof) => FailureKind::Closed,
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

    /// A fault in connecting, with the address in its text.
    pub(crate) fn of_connect(error: &io::Error, address: SocketAddr) -> Self {
        let fault = Self::of(error);
        Self {
            text: format!("{address}: {}", fault.text),
            ..fault
        }
    }
}
