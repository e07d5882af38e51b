//! Requests, prepared: what is fixed is bytes already.

use std::path::{Path, PathBuf};
use std::time::Duration;

use brunt_record::NameId;

use crate::expr::expression::Template;
use crate::json::query::JsonQuery;
use crate::model::check::{Check, Condition};
use crate::model::extract::{Extract, From};
use crate::model::header_template::HeaderTemplate;
use crate::model::status_set::StatusSet;

/// How many redirects are followed unless the scenario says otherwise.
pub const REDIRECTS_DEFAULT: u8 = 10;

/// A request, prepared.
#[derive(Debug, Clone)]
pub struct Request {
    /// What it is grouped by.
    pub name: NameId,
    /// The HTTP method.
    pub method: Box<str>,
    /// Which host it goes to: 0 is that of the run, others are those of classes, by their number.
    pub host: usize,
    /// The path and query.
    pub path: Template,
    /// Its header lines; neither `Host` nor those that frame the body.
    pub headers: HeaderTemplate,
    /// Whether the scenario says itself which cookies are sent.
    pub says_cookies: bool,
    /// The body.
    pub body: Option<Body>,
    /// The statuses that are accepted.
    pub accepted: StatusSet,
    /// What else an answer has to be.
    pub checks: Box<[Check]>,
    /// What is taken of a good answer.
    pub extracts: Box<[Extract]>,
    /// Parts of the response that checks and extractions read.
    pub response_needs: ResponseNeeds,
    /// How many redirects are followed.
    pub redirects: u8,
    /// How long the whole request may take; `None`: as long as any.
    pub timeout: Option<Duration>,
}

/// The body of a request.
#[derive(Debug, Clone)]
pub struct Body {
    pub(crate) pieces: Box<[Piece]>,
}

/// A piece of a body.
#[derive(Debug, Clone)]
pub(crate) enum Piece {
    /// Rendered anew for each request.
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
}

impl ResponseNeeds {
    pub(crate) fn of(checks: &[Check], extracts: &[Extract]) -> Self {
        Self {
            body: checks.iter().any(Check::needs_body) || extracts.iter().any(Extract::needs_body),
            fields: checks.iter().any(Check::needs_fields)
                || extracts.iter().any(Extract::needs_fields),
        }
    }
}

impl Request {
    /// The query for all JSON paths of its checks and extractions; `None` if there are none.
    pub fn json_query(&self) -> Option<JsonQuery> {
        let checks = self.checks.iter().filter_map(|check| match &check.what {
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
