//! Outcomes of requests, and the closed set of failure kinds.

use serde::{Deserialize, Serialize};

/// The outcome of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Outcome {
    /// It got a response that passed every check.
    Ok = 0,
    /// It got a response, and the status or a check failed.
    Failed = 1,
    /// It got no response: refused, reset, timed out, not HTTP.
    Unanswered = 2,
}

impl Outcome {
    /// Every outcome, in the order of its code.
    pub const ALL: [Self; 3] = [Self::Ok, Self::Failed, Self::Unanswered];

    /// Code in a record file.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The outcome of a code; `None` for a code of a newer brunt.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.get(usize::from(code)).copied()
    }
}

/// The reason that a request failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// The status of the response is not accepted. The code is the status.
    Status,
    /// A check of the response failed.
    Check,
    /// The response redirects more often than allowed, or to a host that the scenario does not name. The code is the
    /// status.
    Redirect,
    /// The host name cannot be resolved.
    Dns,
    /// The connection was refused.
    ConnectRefused,
    /// No connection within the connect timeout.
    ConnectTimeout,
    /// There is no route to the host.
    Unreachable,
    /// The TLS handshake failed.
    Tls,
    /// No TLS handshake within its timeout.
    TlsTimeout,
    /// The connection was reset before the response was complete.
    ConnectionReset,
    /// The connection was closed before the response was complete.
    ConnectionClosed,
    /// No byte of a response within the timeout for the first byte.
    FirstByteTimeout,
    /// No complete response within the timeout.
    Timeout,
    /// The response is not HTTP, or violates it.
    ProtocolError,
    /// The response exceeds the size that brunt accepts.
    ResponseTooLarge,
    /// The run ended while the request was in flight.
    Aborted,
    /// brunt's machine had no port left for another connection: not the service's fault.
    NoPorts,
    /// brunt had no file descriptor left for another connection: not the service's fault.
    NoDescriptors,
    /// Any other error of brunt's own machine. The code is the error number of the operating system.
    Client,
    /// A file of data or of a body cannot be read, or has changed since the run started: not the service's fault.
    UnreadableFile,
}

impl FailureKind {
    /// Every kind.
    pub const ALL: [Self; 20] = [
        Self::Status,
        Self::Check,
        Self::Redirect,
        Self::Dns,
        Self::ConnectRefused,
        Self::ConnectTimeout,
        Self::Unreachable,
        Self::Tls,
        Self::TlsTimeout,
        Self::ConnectionReset,
        Self::ConnectionClosed,
        Self::FirstByteTimeout,
        Self::Timeout,
        Self::ProtocolError,
        Self::ResponseTooLarge,
        Self::Aborted,
        Self::NoPorts,
        Self::NoDescriptors,
        Self::Client,
        Self::UnreadableFile,
    ];

    /// Name in files and reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Check => "check",
            Self::Redirect => "redirect",
            Self::Dns => "dns",
            Self::ConnectRefused => "connect_refused",
            Self::ConnectTimeout => "connect_timeout",
            Self::Unreachable => "unreachable",
            Self::Tls => "tls",
            Self::TlsTimeout => "tls_timeout",
            Self::ConnectionReset => "connection_reset",
            Self::ConnectionClosed => "connection_closed",
            Self::FirstByteTimeout => "first_byte_timeout",
            Self::Timeout => "timeout",
            Self::ProtocolError => "protocol_error",
            Self::ResponseTooLarge => "response_too_large",
            Self::Aborted => "aborted",
            Self::NoPorts => "no_ports",
            Self::NoDescriptors => "no_descriptors",
            Self::Client => "client",
            Self::UnreadableFile => "unreadable_file",
        }
    }

    /// The outcome of a request that failed this way.
    pub const fn outcome(self) -> Outcome {
        match self {
            Self::Status | Self::Check | Self::Redirect => Outcome::Failed,
            _ => Outcome::Unanswered,
        }
    }

    /// Whether brunt or its machine failed, rather than the service.
    pub const fn is_generator_fault(self) -> bool {
        matches!(
            self,
            Self::NoPorts | Self::NoDescriptors | Self::Client | Self::UnreadableFile
        )
    }
}
