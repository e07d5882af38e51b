//! How the service is reached: connections, timeouts, TLS, limits, and the other hosts that redirects
//! may lead to.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use url::Url;

/// Connections of a shared pool, unless the scenario says how many.
pub const SHARED_DEFAULT: u32 = 100;

/// Requests under way at once on a connection of HTTP/2 that users share, unless the scenario says how many.
pub const STREAMS_DEFAULT: u32 = 100;

/// How the service is reached.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Network {
    /// Which version of HTTP is spoken.
    pub http: HttpVersion,
    /// Who keeps connections, and for how long.
    pub connections: Connections,
    /// Requests under way at once on a connection of HTTP/2 that users share; `None`: [`STREAMS_DEFAULT`].
    pub streams: Option<u32>,
    /// How long each part of a request may take.
    pub timeouts: Timeouts,
    /// How `https` hosts are spoken to.
    pub tls: Tls,
    /// How much of an answer is taken.
    pub limits: Limits,
    /// Other hosts that redirects may lead to: their URLs without paths.
    pub redirect_hosts: Vec<Url>,
    /// Hosts that classes have for themselves.
    pub hosts: Vec<Url>,
    /// Whether users keep no cookies.
    pub no_cookies: bool,
}

impl Network {
    /// Requests under way at once on a connection of HTTP/2 that users share.
    pub fn streams(&self) -> u32 {
        self.streams.unwrap_or(STREAMS_DEFAULT)
    }

    /// Who keeps connections and what is spoken on them, as people write it; HTTP/1.1 goes without saying.
    pub fn in_words(&self) -> String {
        let mut words = self.connections.in_words();
        if self.http != HttpVersion::Http1 {
            if matches!(self.connections, Connections::Shared(_)) {
                words += &format!(", {} streams each", self.streams());
            }
            words += match self.http {
                HttpVersion::Auto => ", HTTP/2 where the server picks it",
                _ => ", HTTP/2",
            };
        }
        words
    }
}

/// Which version of HTTP is spoken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum HttpVersion {
    /// 1.1.
    #[default]
    Http1,
    /// 2: agreed on by ALPN with `https` hosts, known beforehand with `http` hosts.
    Http2,
    /// What the server picks by ALPN with `https` hosts, 1.1 with `http` hosts.
    Auto,
}

impl FromStr for HttpVersion {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "1.1" => Ok(Self::Http1),
            "2" => Ok(Self::Http2),
            "auto" => Ok(Self::Auto),
            _ => Err(format!(
                "`{text}` is no version of HTTP that brunt speaks; write \"1.1\", \"2\", or \"auto\" (what the server picks)"
            )),
        }
    }
}

/// Who keeps connections, and for how long.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Connections {
    /// Each user keeps its own, from request to request.
    #[default]
    PerUser,
    /// Each user keeps its own until its task is done.
    PerIteration,
    /// Each request has one of its own.
    PerRequest,
    /// All users share so many per host.
    Shared(u32),
}

impl Connections {
    /// As people write it.
    pub fn in_words(self) -> String {
        match self {
            Self::PerUser => "per-user".into(),
            Self::PerIteration => "per-iteration".into(),
            Self::PerRequest => "per-request".into(),
            Self::Shared(most) => format!("shared, {most} per host"),
        }
    }
}

/// How long each part of a request may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// Connecting.
    pub connect: Duration,
    /// The TLS handshake.
    pub tls: Duration,
    /// From sent to the first byte of the answer; `None`: as long as the whole request.
    pub first_byte: Option<Duration>,
    /// The whole request, redirects included.
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

/// How `https` hosts are spoken to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    /// A PEM file of the authorities to trust; `None`: the system's.
    pub ca: Option<PathBuf>,
    /// PEM files of the client's certificate chain and its key.
    pub client: Option<(PathBuf, PathBuf)>,
    /// The name that the host's certificate has to hold; `None`: the host's.
    pub server_name: Option<String>,
    /// The protocol versions that are offered.
    pub versions: TlsVersions,
    /// Whether a later connection of a user resumes the session of an earlier one.
    pub resumption: bool,
    /// Whether any certificate will do.
    pub insecure: bool,
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

/// How much of an answer is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a body, as they come.
    pub body_bytes: u64,
    /// Bytes of a body that is looked into, decoded.
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
