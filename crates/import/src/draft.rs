//! A draft: a scenario before it is written. Its texts are those of the file, expressions and all.

use indexmap::IndexMap;
use serde_json::Value;

use crate::data::Data;
use crate::secrets::Secret;

/// What is to be written.
#[derive(Debug, Default)]
pub(crate) struct Draft {
    /// What it was made of, for its first line: `a HAR of 34 requests`.
    pub(crate) source: String,
    /// The base URL; unknown where the source does not say it.
    pub(crate) host: Option<String>,
    /// Whether any certificate is taken.
    pub(crate) insecure: bool,
    /// Headers of every request.
    pub(crate) headers: Vec<(String, String)>,
    /// Headers that were left out.
    pub(crate) secrets: Vec<Secret>,
    pub(crate) data: Data,
    pub(crate) wait: Wait,
    pub(crate) tasks: Vec<Task>,
}

/// How long users rest between two tasks.
#[derive(Debug)]
pub(crate) struct Wait {
    pub(crate) text: String,
    pub(crate) comment: &'static str,
}

impl Default for Wait {
    fn default() -> Self {
        Self {
            text: "1s..3s".to_owned(),
            comment: "how long users rest between two tasks",
        }
    }
}

/// A task: one request.
#[derive(Debug, Clone)]
pub(crate) struct Task {
    /// What it is grouped by.
    pub(crate) name: String,
    pub(crate) weight: u64,
    pub(crate) method: Method,
    /// The path with its query.
    pub(crate) path: String,
    pub(crate) headers: IndexMap<String, String>,
    pub(crate) body: Option<Body>,
    pub(crate) check: Vec<Status>,
    /// Whether redirects are answers.
    pub(crate) keeps_redirects: bool,
    /// How long the whole may take.
    pub(crate) timeout: Option<String>,
    pub(crate) comment: Option<&'static str>,
}

/// A method that the scenario language has.
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
    /// Reads a method in any case; others than these cannot be written.
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

    /// The key of the scenario file.
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
    /// Its texts may hold expressions.
    Json(Value),
    /// A form's fields, as `application/x-www-form-urlencoded`.
    Form(Vec<(String, String)>),
    /// Anything else, as it is sent.
    Bytes(Vec<u8>),
    /// The content of a file of the user's.
    File(String),
}

/// A status that is accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Status {
    /// `2xx`
    Class(u8),
    One(u16),
}
