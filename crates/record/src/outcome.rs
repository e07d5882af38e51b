//! Outcomes: how a request ended, and the closed set of ways to fail.

use serde::{Deserialize, Serialize};

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Outcome {
    /// Answered, and every check held.
    Ok = 0,
    /// Answered, but the status or a check says that it failed.
    Failed = 1,
    /// Never answered: refused, reset, timed out, not HTTP.
    Unanswered = 2,
}

impl Outcome {
    /// Every outcome, in the order of its code.
    pub const ALL: [Self; 3] = [Self::Ok, Self::Failed, Self::Unanswered];

    /// The code that stands for it in a record file.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The outcome behind a code; `None` for a code of a newer brunt.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.get(usize::from(code)).copied()
    }
}

/// Why a request failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// The answer's status was not among those accepted. The code is the status.
    Status,
    /// A check on the answer did not hold.
    Check,
    /// The answer redirects more often than allowed, or to a host that the scenario does not name. The
    /// code is the status.
    Redirect,
    /// The host's name could not be resolved.
    Dns,
    /// Nobody listens there.
    ConnectRefused,
    /// No connection within the connect timeout.
    ConnectTimeout,
    /// There is no way to the host.
    Unreachable,
    /// The TLS handshake failed.
    Tls,
    /// No TLS handshake within its timeout.
    TlsTimeout,
    /// The connection was reset before the answer was whole.
    ConnectionReset,
    /// The connection was closed before the answer was whole.
    ConnectionClosed,
    /// No byte of an answer within the timeout for the first.
    FirstByteTimeout,
    /// No whole answer within the timeout.
    Timeout,
    /// What came is not HTTP, or breaks its rules.
    ProtocolError,
    /// The answer is larger than brunt takes.
    ResponseTooLarge,
    /// The run ended while the request was under way.
    Aborted,
    /// brunt's machine had no port left for another connection: not the service's fault.
    NoPorts,
    /// brunt had no descriptor left for another connection: not the service's fault.
    NoDescriptors,
    /// Any other error of brunt's own machine. The code is the operating system's.
    Client,
    /// A file of data or of a body could not be read, or is not what it was when the run began: not the service's fault.
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

    /// Its name in files and reports.
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
