//! A draft: the content of a scenario before it is written. Its strings are those of the file, with expressions.

use indexmap::IndexMap;
use serde_json::Value;

use crate::data::Data;

/// The content of a scenario.
#[derive(Debug, Default)]
pub(crate) struct Draft {
    /// Description of the source for the first line: `34 recorded requests`.
    pub(crate) source: String,
    /// Base URL, if the source contains it.
    pub(crate) host: Option<String>,
    pub(crate) connection: ConnectionSettings,
    /// Lines for the reader at the beginning of the file.
    pub(crate) notes: Vec<&'static str>,
    /// Headers of all requests.
    pub(crate) headers: Vec<(String, Vec<String>)>,
    pub(crate) data: Data,
    pub(crate) wait: Wait,
    /// Whether the tasks run one after another, instead of by weight.
    pub(crate) is_sequence: bool,
    pub(crate) tasks: Vec<Task>,
}

/// Settings of all connections. Paths are relative to the scenario.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ConnectionSettings {
    /// HTTP version, as in a scenario.
    pub(crate) http: Option<&'static str>,
    /// Longest time to connect, as in a scenario.
    pub(crate) connect_timeout: Option<String>,
    /// Whether any certificate is accepted.
    pub(crate) insecure: bool,
    pub(crate) authorities: Option<String>,
    pub(crate) certificate: Option<String>,
    pub(crate) key: Option<String>,
    /// TLS versions, if not all that brunt supports.
    pub(crate) tls_versions: Option<&'static str>,
}

/// The wait between two tasks.
#[derive(Debug)]
pub(crate) struct Wait {
    pub(crate) text: String,
    pub(crate) comment: &'static str,
}

impl Default for Wait {
    fn default() -> Self {
        Self {
            text: "1s..3s".to_owned(),
            comment: "wait between two tasks",
        }
    }
}

/// A task with one request.
#[derive(Debug, Clone)]
pub(crate) struct Task {
    /// Name that its requests are grouped by.
    pub(crate) name: String,
    pub(crate) weight: u64,
    pub(crate) method: Method,
    /// The path with its query.
    pub(crate) path: String,
    /// Values of each header field, one for each line.
    pub(crate) headers: IndexMap<String, Vec<String>>,
    pub(crate) auth: Option<Credentials>,
    pub(crate) body: Option<Body>,
    pub(crate) check: Vec<Status>,
    /// Number of redirects to follow, if not the default.
    pub(crate) redirects: Option<u8>,
    /// Total timeout.
    pub(crate) timeout: Option<String>,
    pub(crate) comment: Option<&'static str>,
    pub(crate) flow: Flow,
}

/// Relation of a task to others.
#[derive(Debug, Clone, Default)]
pub(crate) struct Flow {
    /// Base URL, if it is not that of the scenario.
    pub(crate) host: Option<String>,
    /// Comments.
    pub(crate) notes: Vec<String>,
    /// Whether it is a further step of the task before it.
    pub(crate) continues: bool,
    /// Variables that its response gives.
    pub(crate) extracts: Vec<Extract>,
    /// Pause after it.
    pub(crate) pause: Option<Pause>,
}

/// A variable with the source of its value, as in `extract`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Extract {
    pub(crate) variable: String,
    pub(crate) source: Value,
}

/// A step that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pause {
    pub(crate) text: String,
    pub(crate) comment: String,
}

/// Credentials of Basic authentication.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Credentials {
    pub(crate) user: String,
    /// Password; empty if there is none.
    pub(crate) password: String,
}

/// A method.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Method {
    Get,
    Post,
    Put,
    Patch,
    Delete,
    Head,
    Options,
    /// Any other token, as it is sent.
    Other(String),
}

impl Method {
    /// Parses a method of requests that a load consists of, in any case; `None` for all others.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match Self::of_token(&text.to_ascii_uppercase())? {
            Self::Options | Self::Other(_) => None,
            method => Some(method),
        }
    }

    /// Parses any method as it is sent: methods are case-sensitive (RFC 9110, section 9.1). `None` if it is not a token.
    pub(crate) fn of_token(text: &str) -> Option<Self> {
        Some(match text {
            "GET" => Self::Get,
            "POST" => Self::Post,
            "PUT" => Self::Put,
            "PATCH" => Self::Patch,
            "DELETE" => Self::Delete,
            "HEAD" => Self::Head,
            "OPTIONS" => Self::Options,
            other if is_token(other) => Self::Other(other.to_owned()),
            _ => return None,
        })
    }

    /// Key in the scenario file, or the method that has none.
    pub(crate) fn key(&self) -> &str {
        match self {
            Self::Get => "get",
            Self::Post => "post",
            Self::Put => "put",
            Self::Patch => "patch",
            Self::Delete => "delete",
            Self::Head => "head",
            Self::Options => "options",
            Self::Other(method) => method,
        }
    }
}

/// Whether a text is a token: a method or the name of a header field (RFC 9110, section 5.6.2).
pub(crate) fn is_token(text: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(is_letter)
}

/// A body. In a task, its texts may contain expressions; in a recorded request, they are literal.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Body {
    Json(Value),
    /// Fields of a form, each name once.
    Form(Vec<(String, String)>),
    Text(String),
    /// Any other content, which is sent unchanged from a file next to the scenario.
    Bytes(Vec<u8>),
    /// Path of a file of the user.
    File(String),
    Multipart(Vec<Part>),
}

/// A part of a multipart body.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Part {
    pub(crate) name: String,
    pub(crate) content: PartContent,
    pub(crate) file_name: Option<String>,
    /// Content type.
    pub(crate) media: Option<String>,
}

/// Content of a part.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum PartContent {
    Text(String),
    /// Path of a file of the user.
    File(String),
    /// Content that is sent from a file next to the scenario.
    Bytes(Vec<u8>),
}

/// An accepted status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Status {
    /// `2xx`
    Class(u8),
    One(u16),
}
