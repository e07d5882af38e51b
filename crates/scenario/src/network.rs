//! How the service is reached: connections, timeouts, TLS, limits, and the other hosts that redirects
//! may lead to.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use toml::Spanned;
use url::Url;

use crate::builder::positive_duration;
use crate::problem::{Problem, suggestion};
use crate::quantity;
use crate::scenario::Host;
use crate::spec::{ConnectionsSpec, Json, LimitsSpec, Spec, TimeoutsSpec, TlsSpec};

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

/// What the file says; `folder` is where it lies.
pub(crate) fn resolve(spec: &Spec, folder: &Path, problems: &mut Vec<Problem>) -> Network {
    let http = http_version(spec, problems);
    let (connections, streams) = match &spec.connections {
        Some(typed) => connections(typed, http, problems),
        None => (Connections::default(), None),
    };
    Network {
        http,
        connections,
        streams,
        timeouts: timeouts(&spec.timeouts, problems),
        tls: tls(&spec.tls, folder, problems),
        limits: limits(&spec.limits, problems),
        redirect_hosts: redirect_hosts(spec, problems),
        hosts: Vec::new(),
        no_cookies: spec.cookies == Some(false),
    }
}

fn http_version(spec: &Spec, problems: &mut Vec<Problem>) -> HttpVersion {
    let Some(typed) = &spec.http else {
        return HttpVersion::default();
    };
    let text = match typed.get_ref() {
        Json::Text(text) => text.clone(),
        Json::Integer(number) => number.to_string(),
        Json::Float(number) => number.to_string(),
        _ => "a value of this kind".to_owned(),
    };
    text.parse().unwrap_or_else(|message: String| {
        problems.push(Problem::new(message).at(typed.span(), "here"));
        HttpVersion::default()
    })
}

/// Who keeps connections, and how many requests are under way on one that is shared.
fn connections(
    typed: &Spanned<ConnectionsSpec>,
    http: HttpVersion,
    problems: &mut Vec<Problem>,
) -> (Connections, Option<u32>) {
    let known = ["per-user", "per-iteration", "per-request", "shared"];
    let mut wrong = |message: String, help: String| {
        problems.push(Problem::new(message).at(typed.span(), "here").help(help));
        (Connections::default(), None)
    };
    let connections = match typed.get_ref() {
        ConnectionsSpec::Mode(mode) => match mode.as_str() {
            "per-user" => Connections::PerUser,
            "per-iteration" => Connections::PerIteration,
            "per-request" => Connections::PerRequest,
            "shared" => Connections::Shared(SHARED_DEFAULT),
            mode => {
                return wrong(
                    format!("`{mode}` is no way to keep connections"),
                    suggestion(mode, known),
                );
            }
        },
        ConnectionsSpec::Shared { shared: 0, .. } => {
            return wrong(
                "a pool of no connections".into(),
                "write how many all users share, like { shared = 100 }".into(),
            );
        }
        ConnectionsSpec::Shared {
            streams: Some(0), ..
        } => {
            return wrong(
                "connections with no request under way".into(),
                "write how many requests are under way at once on each, like { shared = 8, streams = 8 }".into(),
            );
        }
        ConnectionsSpec::Shared {
            streams: Some(_), ..
        } if http == HttpVersion::Http1 => {
            return wrong(
                "HTTP/1.1 has one request under way on a connection, and no streams".into(),
                "write http = \"2\" or http = \"auto\" beside it, or leave `streams` out".into(),
            );
        }
        ConnectionsSpec::Shared { shared, streams } => {
            return (Connections::Shared(*shared), *streams);
        }
    };
    (connections, None)
}

fn timeouts(typed: &TimeoutsSpec, problems: &mut Vec<Problem>) -> Timeouts {
    let mut read = |typed: &Option<Spanned<String>>| {
        let read = positive_duration(typed.as_ref()?);
        read.map_err(|problem| problems.push(problem)).ok()
    };
    let default = Timeouts::default();
    Timeouts {
        connect: read(&typed.connect).unwrap_or(default.connect),
        tls: read(&typed.tls).unwrap_or(default.tls),
        first_byte: read(&typed.first_byte),
        total: read(&typed.total).unwrap_or(default.total),
    }
}

fn tls(typed: &TlsSpec, folder: &Path, problems: &mut Vec<Problem>) -> Tls {
    let path = |typed: &Spanned<String>| folder.join(typed.get_ref());
    let client = match (&typed.certificate, &typed.key) {
        (Some(certificate), Some(key)) => Some((path(certificate), path(key))),
        (None, None) => None,
        (Some(alone), None) | (None, Some(alone)) => {
            let problem = Problem::new("a client certificate needs both `certificate` and `key`")
                .at(alone.span(), "one without the other");
            problems.push(problem.help("write both, as PEM files"));
            None
        }
    };
    Tls {
        ca: typed.ca.as_ref().map(path),
        client,
        server_name: typed
            .server_name
            .as_ref()
            .map(|name| name.get_ref().clone()),
        versions: versions(typed, problems),
        resumption: typed.resumption.unwrap_or(true),
        insecure: typed.insecure.unwrap_or(false),
    }
}

fn versions(typed: &TlsSpec, problems: &mut Vec<Problem>) -> TlsVersions {
    let Some(typed) = &typed.versions else {
        return TlsVersions::default();
    };
    let names: Vec<&str> = typed
        .get_ref()
        .iter()
        .map(|name| name.get_ref().as_str())
        .collect();
    match names.as_slice() {
        ["1.2"] => TlsVersions::Only12,
        ["1.3"] => TlsVersions::Only13,
        ["1.2", "1.3"] | ["1.3", "1.2"] => TlsVersions::Both,
        _ => {
            let problem = Problem::new("these are no TLS versions").at(typed.span(), "here");
            problems.push(problem.help("write [\"1.2\"], [\"1.3\"] or [\"1.2\", \"1.3\"]"));
            TlsVersions::default()
        }
    }
}

fn limits(typed: &LimitsSpec, problems: &mut Vec<Problem>) -> Limits {
    let mut read = |typed: &Option<Spanned<String>>| {
        let typed = typed.as_ref()?;
        let read = quantity::bytes(typed.get_ref());
        read.map_err(|message| problems.push(Problem::new(message).at(typed.span(), "here")))
            .ok()
    };
    let default = Limits::default();
    Limits {
        body_bytes: read(&typed.body).unwrap_or(default.body_bytes),
        decoded_bytes: read(&typed.decoded).unwrap_or(default.decoded_bytes),
    }
}

fn redirect_hosts(spec: &Spec, problems: &mut Vec<Problem>) -> Vec<Url> {
    let mut hosts = Vec::new();
    for typed in &spec.redirect_hosts {
        match Host::parse(typed.get_ref()) {
            Ok(Host::Url(url)) if url.path() == "/" && url.query().is_none() => hosts.push(url),
            Err(message) => problems.push(Problem::new(message).at(typed.span(), "here")),
            Ok(_) => problems.push(
                Problem::new(format!("`{}` is no host to redirect to", typed.get_ref()))
                    .at(typed.span(), "here")
                    .help("write a URL without a path, like https://login.example.com"),
            ),
        }
    }
    hosts
}
