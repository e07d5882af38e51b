//! Faults: why a request got no answer, in the closed set of kinds that a record knows.

use std::io;

use record::FailureKind;

/// Why a request got no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) kind: FailureKind,
    /// The operating system's error number, or the answer's status; 0 where neither applies.
    pub(crate) code: u16,
    pub(crate) text: String,
}

const EMFILE: i32 = 24;
const ENFILE: i32 = 23;

impl Fault {
    pub(crate) fn new(kind: FailureKind, text: impl Into<String>) -> Self {
        Self {
            kind,
            code: 0,
            text: text.into(),
        }
    }

    pub(crate) fn of(error: &io::Error) -> Self {
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
            _ => FailureKind::Client,
        };
        let code = error
            .raw_os_error()
            .and_then(|code| u16::try_from(code).ok())
            .unwrap_or(0);
        Self {
            kind,
            code,
            text: error.to_string(),
        }
    }
}
