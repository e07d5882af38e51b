//! A draft: the content of a scenario before it is written. Its strings are those of the file, with expressions.

use indexmap::IndexMap;
use serde_json::Value;

use crate::data::Data;
use crate::secrets::Secret;

/// The content of a scenario.
#[derive(Debug, Default)]
pub(crate) struct Draft {
    /// Description of the source for the first line: `34 recorded requests`.
    pub(crate) source: String,
    /// Base URL, if the source contains it.
    pub(crate) host: Option<String>,
    /// Whether any certificate is accepted.
    pub(crate) insecure: bool,
    /// Headers of all requests.
    pub(crate) headers: Vec<(String, String)>,
    /// Secret headers, which were left out.
    pub(crate) secrets: Vec<Secret>,
    pub(crate) data: Data,
    pub(crate) wait: Wait,
    pub(crate) tasks: Vec<Task>,
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
    pub(crate) headers: IndexMap<String, String>,
    pub(crate) body: Option<Body>,
    pub(crate) check: Vec<Status>,
    /// Whether a redirect is the expected response.
    pub(crate) keeps_redirects: bool,
    /// Total timeout.
    pub(crate) timeout: Option<String>,
    pub(crate) comment: Option<&'static str>,
}

/// A method that scenarios support.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Method {
    Get,
    Post,
    Put,
    Patch,
    Delete,
    Head,
}

impl Method {
    /// Parses a method in any case; `None` if scenarios do not support it.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        Some(match text.to_ascii_uppercase().as_str() {
            "GET" => Self::Get,
            "POST" => Self::Post,
            "PUT" => Self::Put,
            "PATCH" => Self::Patch,
            "DELETE" => Self::Delete,
            "HEAD" => Self::Head,
            _ => return None,
        })
    }

    /// Key in the scenario file.
    pub(crate) const fn key(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Post => "post",
            Self::Put => "put",
            Self::Patch => "patch",
            Self::Delete => "delete",
            Self::Head => "head",
        }
    }
}

/// A body.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Body {
    /// A JSON value, whose strings may contain expressions.
    Json(Value),
    /// Fields of a form, sent as `application/x-www-form-urlencoded`.
    Form(Vec<(String, String)>),
    /// Any other content, which is sent unchanged.
    Bytes(Vec<u8>),
    /// Path of a file of the user.
    File(String),
}

/// An accepted status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Status {
    /// `2xx`
    Class(u8),
    One(u16),
}
