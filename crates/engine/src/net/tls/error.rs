//! Errors of setting up TLS.

use std::path::PathBuf;

/// The reason why TLS cannot be set up with the settings of the scenario.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be used.
    #[error("cannot use the {role} {path}: {error}", path = .path.display())]
    File {
        /// Role of the file.
        role: &'static str,
        /// Path of the file.
        path: PathBuf,
        /// The reason.
        error: String,
    },
    /// The system has no trusted certificate authorities.
    #[error(
        "the system has no trusted certificate authorities{detail}; install ca-certificates, or set a file: [tls] ca = \"ca.pem\""
    )]
    NoAuthorities {
        /// The error of loading them.
        detail: String,
    },
    /// A setting is invalid.
    #[error("cannot set up TLS: {0}")]
    Setting(String),
    /// A name that cannot be in a certificate.
    #[error("invalid server name '{0}': must be a host name like api.example.com")]
    ServerName(String),
}
