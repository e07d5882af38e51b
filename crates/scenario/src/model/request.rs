//! Requests, prepared: what is fixed is bytes already.

use std::path::{Path, PathBuf};
use std::time::Duration;

use brunt_record::NameId;

use crate::expr::context::EvalContext;
use crate::expr::error::EvalError;
use crate::expr::expression::Template;
use crate::json::query::JsonQuery;
use crate::model::check::{Check, Condition};
use crate::model::extract::{Extract, From};
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
    /// Header lines, each ended by CR LF; neither `Host` nor what frames the body.
    pub headers: Template,
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

/// What rendering a request depends on besides its user.
#[derive(Debug, Clone, Copy)]
pub struct RenderContext<'a> {
    /// Goes before the path.
    pub base_path: &'a str,
    /// The value of the `Host` header.
    pub host: &'a str,
    /// Whether the connection is to be closed after the answer.
    pub closes: bool,
    /// The size of all files of its body.
    pub file_bytes: u64,
}

/// A rendered request.
#[derive(Debug, Default)]
pub struct RenderedRequest {
    /// Its bytes, without what files hold.
    pub bytes: Vec<u8>,
    /// The length of its head.
    pub head_bytes: usize,
    /// Where its files go: each at a place of the bytes, in the order of its body.
    pub cuts: Vec<usize>,
}

/// Bodies of this size and more are sent once the server has said that it wants them.
const EXPECT_BYTES: u64 = 1 << 20;

impl Request {
    /// Renders the request in its wire form, in the place of what was there; `body` is scratch space.
    #[inline]
    pub fn render(
        &self,
        context: &mut EvalContext,
        with: RenderContext,
        into: &mut RenderedRequest,
        body: &mut Vec<u8>,
    ) -> Result<(), EvalError> {
        let RenderedRequest {
            bytes,
            head_bytes,
            cuts,
        } = into;
        bytes.clear();
        cuts.clear();
        bytes.extend_from_slice(self.method.as_bytes());
        bytes.push(b' ');
        bytes.extend_from_slice(with.base_path.as_bytes());
        self.path.render(context, bytes)?;
        bytes.extend_from_slice(b" HTTP/1.1\r\nHost: ");
        bytes.extend_from_slice(with.host.as_bytes());
        bytes.extend_from_slice(b"\r\n");
        self.headers.render(context, bytes)?;
        if with.closes {
            bytes.extend_from_slice(b"Connection: close\r\n");
        }
        body.clear();
        if let Some(own) = &self.body {
            for piece in &own.pieces {
                match piece {
                    Piece::Text(template) => template.render(context, body)?,
                    Piece::File(_) => cuts.push(body.len()),
                }
            }
            render_length(body.len() as u64 + with.file_bytes, bytes);
        }
        bytes.extend_from_slice(b"\r\n");
        *head_bytes = bytes.len();
        for cut in cuts {
            *cut += *head_bytes;
        }
        bytes.extend_from_slice(body);
        Ok(())
    }

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

fn render_length(bytes: u64, into: &mut Vec<u8>) {
    into.extend_from_slice(b"Content-Length: ");
    into.extend_from_slice(itoa::Buffer::new().format(bytes).as_bytes());
    into.extend_from_slice(b"\r\n");
    if bytes >= EXPECT_BYTES {
        into.extend_from_slice(b"Expect: 100-continue\r\n");
    }
}
