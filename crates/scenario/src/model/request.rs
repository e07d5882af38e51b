//! Compiled requests, whose constant parts are bytes.

use std::path::{Path, PathBuf};
use std::time::Duration;

use brunt_record::NameId;

use crate::expr::expression::Template;
use crate::json::query::JsonQuery;
use crate::model::check::{Check, Condition};
use crate::model::extract::{Extract, From};
use crate::model::header_template::HeaderTemplate;
use crate::model::reference::Reference;
use crate::model::status_set::StatusSet;

/// Default number of redirects to follow.
pub const REDIRECTS_DEFAULT: u8 = 10;

/// A compiled request.
#[derive(Debug, Clone)]
pub struct Request {
    /// Name under which it is recorded.
    pub name: NameId,
    /// HTTP method.
    pub method: Box<str>,
    /// Number of its host: 0 for that of the run, others for hosts of classes.
    pub host: usize,
    /// Path and query.
    pub path: RequestPath,
    /// The value of `Host`, if the scenario sets it.
    pub host_header: Option<Template>,
    /// Header lines, without `Host` and those that frame the body.
    pub headers: HeaderTemplate,
    /// Whether the scenario sets the `Cookie` header.
    pub says_cookies: bool,
    /// Body.
    pub body: Option<Body>,
    /// Accepted status codes.
    pub accepted: StatusSet,
    /// Other conditions on the response.
    pub checks: Box<[Check]>,
    /// Variables to extract from a successful response.
    pub extracts: Box<[Extract]>,
    /// Parts of the response that checks and extractions read.
    pub response_needs: ResponseNeeds,
    /// Number of redirects to follow.
    pub redirects: u8,
    /// Timeout of the request; `None`: that of the scenario.
    pub timeout: Option<Duration>,
}

/// Path and query of a request.
#[derive(Debug, Clone)]
pub enum RequestPath {
    /// A path that begins with `/`.
    Path(Template),
    /// A path or a URL, which an expression begins.
    Reference(Reference),
}

/// The body of a request.
#[derive(Debug, Clone)]
pub struct Body {
    pub(crate) pieces: Box<[Piece]>,
}

/// A piece of a body.
#[derive(Debug, Clone)]
pub(crate) enum Piece {
    /// A text that is rendered for each request.
    Text(Template),
    /// The content of a file.
    File(PathBuf),
}

/// Parts of a response that checks and extractions read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ResponseNeeds {
    /// Its body.
    pub body: bool,
    /// Its header fields.
    pub fields: bool,
    /// Its URL, and the user's cookies for it.
    pub url: bool,
}

impl ResponseNeeds {
    pub(crate) fn of(checks: &[Check], extracts: &[Extract]) -> Self {
        Self {
            body: checks.iter().any(Check::needs_body) || extracts.iter().any(Extract::needs_body),
            fields: checks.iter().any(Check::needs_fields)
                || extracts.iter().any(Extract::needs_fields),
            url: extracts.iter().any(Extract::needs_url),
        }
    }
}

impl Request {
    /// Query for all JSON paths of its checks and extractions; `None` if it has no JSON paths.
    pub fn json_query(&self) -> Option<JsonQuery> {
        let checks = self
            .checks
            .iter()
            .filter_map(|check| match &check.condition {
                Condition::Json(path, _) => Some(path),
                _ => None,
            });
        let extracts = self.extracts.iter();
        let extracts = extracts.filter_map(|extract| match &extract.from {
            From::Json(path) => Some(path),
            _ => None,
        });
        JsonQuery::for_paths(checks.chain(extracts).cloned())
    }

    /// The files of its body, in its order.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        let pieces = self.body.iter().flat_map(|body| &body.pieces);
        pieces.filter_map(|piece| match piece {
            Piece::File(path) => Some(path.as_path()),
            Piece::Text(_) => None,
        })
    }
}
