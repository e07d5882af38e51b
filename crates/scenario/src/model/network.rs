//! Network settings: HTTP version, connections, timeouts, TLS, limits, and the hosts to which redirects may lead.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use crate::model::host::HostUrl;
use crate::redact::MASK;

/// Default number of connections of a shared pool.
pub const SHARED_DEFAULT: u32 = 100;

/// Default number of requests in flight on a shared HTTP/2 connection.
pub const STREAMS_DEFAULT: u32 = 100;

/// Network settings.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Network {
    /// HTTP version.
    pub http: HttpVersion,
    /// Ownership and lifetime of connections.
    pub connections: Connections,
    /// Number of requests in flight on a shared HTTP/2 connection; `None`: [`STREAMS_DEFAULT`].
    pub streams: Option<u32>,
    /// Timeouts for the phases of a request.
    pub timeouts: Timeouts,
    /// TLS settings for `https` hosts.
    pub tls: Tls,
    /// Limits on the size of responses.
    pub limits: Limits,
    /// Other hosts to which redirects may lead: URLs without paths.
    pub redirect_hosts: Vec<HostUrl>,
    /// Hosts of user classes that have their own.
    pub hosts: Vec<HostUrl>,
    /// Whether users ignore cookies.
    pub no_cookies: bool,
}

impl Network {
    /// Number of requests in flight on a shared HTTP/2 connection.
    pub fn streams(&self) -> u32 {
        self.streams.unwrap_or(STREAMS_DEFAULT)
    }

    /// Connection mode and HTTP version in words. HTTP/1.1 is omitted.
    pub fn in_words(&self) -> String {
        let mut words = self.connections.in_words();
        if self.http != HttpVersion::Http1 {
            if matches!(self.connections, Connections::Shared(_)) {
                words += &format!(", {} streams each", self.streams());
            }
            words += match self.http {
                HttpVersion::Auto => ", HTTP/2 if the server chooses it",
                _ => ", HTTP/2",
            };
        }
        words
    }
}

/// HTTP version.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum HttpVersion {
    /// 1.1.
    #[default]
    Http1,
    /// 2: negotiated by ALPN with `https` hosts, with prior knowledge for `http` hosts.
    Http2,
    /// Chosen by the server through ALPN for `https` hosts, 1.1 for `http` hosts.
    Auto,
}

impl fmt::Display for HttpVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Http1 => "1.1",
            Self::Http2 => "2",
            Self::Auto => "auto",
        })
    }
}

impl FromStr for HttpVersion {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "1.1" => Ok(Self::Http1),
            "2" => Ok(Self::Http2),
            "auto" => Ok(Self::Auto),
            _ => Err(format!(
                "invalid HTTP version `{text}`: must be \"1.1\", \"2\", or \"auto\" (the server chooses)"
            )),
        }
    }
}

/// Ownership and lifetime of connections.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Connections {
    /// Each user keeps its own.
    #[default]
    PerUser,
    /// Each user keeps its own until the end of its task.
    PerIteration,
    /// Each request opens its own.
    PerRequest,
    /// All users share a pool of this size per host.
    Shared(u32),
}

impl Connections {
    /// The mode in words.
    pub fn in_words(self) -> String {
        match self {
            Self::PerUser => "per-user".into(),
            Self::PerIteration => "per-iteration".into(),
            Self::PerRequest => "per-request".into(),
            Self::Shared(most) => format!("shared, {most} per host"),
        }
    }
}

/// Timeouts for the phases of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// TCP connect.
    pub connect: Duration,
    /// TLS handshake.
    pub tls: Duration,
    /// From sent to the first byte of the response; `None`: as `total`.
    pub first_byte: Option<Duration>,
    /// Complete request, redirects included.
    pub total: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            tls: Duration::from_secs(10),
            first_byte: None,
            total: Duration::from_mins(1),
        }
    }
}

/// TLS settings for `https` hosts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    /// PEM file of the certificate authorities to trust; `None`: the system's.
    pub ca: Option<PathBuf>,
    /// Certificate of the client.
    pub client: Option<ClientCertificate>,
    /// Server name to request and to verify; `None`: the host's.
    pub server_name: Option<String>,
    /// Protocol versions that are offered.
    pub versions: TlsVersions,
    /// Whether later connections of a user resume the TLS session of an earlier one.
    pub resumption: bool,
    /// Whether any certificate is accepted.
    pub insecure: bool,
}

/// Certificate of the client: PEM files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientCertificate {
    /// The certificate chain.
    pub certificate: PathBuf,
    /// The private key.
    pub key: PathBuf,
    /// Password of the private key.
    pub key_password: Option<KeyPassword>,
}

/// Password of a private key. Its debug output does not contain it.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyPassword(String);

impl KeyPassword {
    pub(crate) fn new(password: String) -> Self {
        Self(password)
    }

    /// The password itself.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for KeyPassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

impl Default for Tls {
    fn default() -> Self {
        Self {
            ca: None,
            client: None,
            server_name: None,
            versions: TlsVersions::default(),
            resumption: true,
            insecure: false,
        }
    }
}

/// The TLS versions that are offered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum TlsVersions {
    /// 1.2 and 1.3.
    #[default]
    Both,
    /// 1.2 alone.
    Only12,
    /// 1.3 alone.
    Only13,
}

/// Limits on the size of responses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Largest body as sent, in bytes.
    pub body_bytes: u64,
    /// Largest decoded body that is read by checks, in bytes.
    pub decoded_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 1 << 30,
            decoded_bytes: 16 << 20,
        }
    }
}
