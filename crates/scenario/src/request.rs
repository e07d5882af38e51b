//! Requests: from what was typed to prepared bytes.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use indexmap::IndexMap;
use rand_xoshiro::Xoshiro256PlusPlus;
use record::NameId;
use toml::Spanned;

use crate::expression::{self, Data, Expression, Part, Value};
use crate::names::Names;
use crate::problem::Problem;
use crate::quantity;
use crate::spec::{CheckSpec, Json, RequestSpec};
use crate::template::{Segment, Template};

/// How many redirects are followed unless the scenario says otherwise.
pub const REDIRECTS_DEFAULT: u8 = 10;

/// A request, prepared: what is fixed is bytes already.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// What it is grouped by.
    pub name: NameId,
    /// The HTTP method.
    pub method: &'static str,
    /// The path and query.
    pub path: Template,
    /// Header lines, each ended by CR LF; neither `Host` nor what frames the body.
    pub headers: Template,
    /// The body.
    pub body: Option<Body>,
    /// The statuses that are accepted.
    pub accepted: Statuses,
    /// What the decoded body of the answer has to hold.
    pub contains: Option<Box<[u8]>>,
    /// How many redirects are followed.
    pub redirects: u8,
    /// How long the whole request may take; `None`: as long as any.
    pub timeout: Option<Duration>,
}

/// The body of a request.
#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    /// Rendered anew for each request.
    Text(Template),
    /// The content of a file.
    File(PathBuf),
}

/// What a request is rendered with.
#[derive(Debug, Clone, Copy)]
pub struct Rendering<'a> {
    /// Goes before the path.
    pub base_path: &'a str,
    /// The value of the `Host` header.
    pub host: &'a str,
    /// Whether the connection is to be closed after the answer.
    pub closes: bool,
    /// The size of the body's file, where it is one.
    pub file_bytes: u64,
}

/// Bodies of this size and more are sent once the server has said that it wants them.
const EXPECT_BYTES: u64 = 1 << 20;

impl Request {
    /// Renders the request in its wire form, without a body that is a file, after clearing both
    /// buffers; `body` is scratch space. Returns the length of its head.
    #[inline]
    pub fn render(
        &self,
        random: &mut Xoshiro256PlusPlus,
        with: Rendering,
        into: &mut Vec<u8>,
        body: &mut Vec<u8>,
    ) -> usize {
        into.clear();
        into.extend_from_slice(self.method.as_bytes());
        into.push(b' ');
        into.extend_from_slice(with.base_path.as_bytes());
        self.path.render(random, into);
        into.extend_from_slice(b" HTTP/1.1\r\nHost: ");
        into.extend_from_slice(with.host.as_bytes());
        into.extend_from_slice(b"\r\n");
        self.headers.render(random, into);
        if with.closes {
            into.extend_from_slice(b"Connection: close\r\n");
        }
        body.clear();
        match &self.body {
            None => {}
            Some(Body::Text(template)) => {
                template.render(random, body);
                render_length(body.len() as u64, into);
            }
            Some(Body::File(_)) => render_length(with.file_bytes, into),
        }
        into.extend_from_slice(b"\r\n");
        let head_bytes = into.len();
        into.extend_from_slice(body);
        head_bytes
    }

    /// The file that is its body.
    pub fn file(&self) -> Option<&Path> {
        match &self.body {
            Some(Body::File(path)) => Some(path),
            _ => None,
        }
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

/// A set of statuses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statuses(BTreeSet<u16>);

impl Statuses {
    /// Whether a status is among them.
    #[inline]
    pub fn contains(&self, status: u16) -> bool {
        self.0.contains(&status)
    }

    /// As people write them: `200`, `2xx`, `200 or 404`.
    pub fn in_words(&self) -> String {
        let mut words: Vec<String> = Vec::new();
        for hundred in 1..=9u16 {
            let class: Vec<u16> = self
                .0
                .range(hundred * 100..hundred * 100 + 100)
                .copied()
                .collect();
            if class.len() == 100 {
                words.push(format!("{hundred}xx"));
            } else {
                words.extend(class.iter().map(u16::to_string));
            }
        }
        words.join(" or ")
    }

    fn class(hundred: u16) -> Self {
        Self((hundred * 100..hundred * 100 + 100).collect())
    }

    fn parse(value: &Spanned<Json>) -> Result<Self, Problem> {
        let wrong = || {
            Err(Problem::new("this is no status")
                .at(value.span(), "here")
                .help("write a status like 200, a class like \"2xx\", or a list of them"))
        };
        match value.get_ref() {
            Json::Integer(status) => match u16::try_from(*status) {
                Ok(status @ 100..=599) => Ok(Self(BTreeSet::from([status]))),
                _ => wrong(),
            },
            Json::Text(text) => match text.as_bytes() {
                [hundred @ b'1'..=b'5', b'x', b'x'] => Ok(Self::class(u16::from(hundred - b'0'))),
                _ => wrong(),
            },
            Json::List(list) if !list.is_empty() => {
                let mut all = BTreeSet::new();
                for item in list {
                    all.extend(Self::parse(item)?.0);
                }
                Ok(Self(all))
            }
            _ => wrong(),
        }
    }
}

/// Header fields that the user does not set.
const SET_BY_BRUNT: [&str; 5] = [
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
    "expect",
];

/// What requests are built from.
pub(crate) struct Builder<'a> {
    /// Where the scenario's files lie.
    pub(crate) folder: &'a Path,
    pub(crate) data: &'a Data,
    pub(crate) headers: &'a IndexMap<Spanned<String>, Spanned<String>>,
    pub(crate) names: &'a mut Names,
    pub(crate) problems: &'a mut Vec<Problem>,
}

impl Builder<'_> {
    /// Builds a request; what is wrong goes to the problems.
    pub(crate) fn request(&mut self, spec: &Spanned<RequestSpec>, setup: bool) -> Option<Request> {
        let (typed, span) = (spec.get_ref(), spec.span());
        let known = self.problems.len();
        let methods = typed.methods();
        let &[(method, path)] = &methods[..] else {
            let message = if methods.is_empty() {
                "a request has no method and path".to_owned()
            } else {
                format!("a request has {} methods", methods.len())
            };
            let help = "write one of get, post, put, patch, delete, head = \"/path\"";
            self.problems
                .push(Problem::new(message).at(span, "in this request").help(help));
            return None;
        };
        let name = typed
            .name
            .as_ref()
            .map_or_else(|| path.get_ref().clone(), |name| name.get_ref().clone());
        let path = self.path(path);
        let headers = self.headers(typed, method);
        let body = self.body(typed);
        let accepted = match typed.check.as_ref().and_then(|check| check.status.as_ref()) {
            None => Statuses::class(2),
            Some(status) => Statuses::parse(status).unwrap_or_else(|problem| {
                self.problems.push(problem);
                Statuses::class(2)
            }),
        };
        let timeout = typed.timeout.as_ref().and_then(|text| self.timeout(text));
        let request = Request {
            name: self.names.intern(&name, method, setup),
            method,
            path,
            headers,
            body,
            accepted,
            contains: typed.check.as_ref().and_then(|check| self.contains(check)),
            redirects: typed
                .redirects
                .as_ref()
                .map_or(REDIRECTS_DEFAULT, |limit| *limit.get_ref()),
            timeout,
        };
        (self.problems.len() == known).then_some(request)
    }

    fn timeout(&mut self, text: &Spanned<String>) -> Option<Duration> {
        positive_duration(text)
            .map_err(|problem| self.problems.push(problem))
            .ok()
    }

    fn text(&mut self, text: &Spanned<String>, encode: impl Fn(&str) -> Vec<u8>) -> Template {
        let mut template = Template::default();
        match expression::parse(text.get_ref(), self.data, &text.span()) {
            Err(problem) => self.problems.push(problem),
            Ok(parts) => parts.iter().for_each(|part| match part {
                Part::Text(text) => template.literal(&encode(text)),
                Part::Expression(call) => {
                    template.push(call.segment(|value| encode(&value.text())));
                }
            }),
        }
        template
    }

    fn path(&mut self, path: &Spanned<String>) -> Template {
        if !path.get_ref().starts_with(['/', '{']) {
            let problem = Problem::new(format!("`{}` is no path", path.get_ref()))
                .at(path.span(), "does not begin with /")
                .help("begin it with /; the host is said once, in `host`");
            self.problems.push(problem);
        }
        self.text(path, percent_encoded)
    }

    fn headers(&mut self, typed: &RequestSpec, method: &str) -> Template {
        let own = typed.headers.iter().flatten();
        let has_own = |name: &str| {
            typed
                .headers
                .iter()
                .flatten()
                .any(|(own, _)| own.get_ref().eq_ignore_ascii_case(name))
        };
        let common = self
            .headers
            .iter()
            .filter(|(name, _)| !has_own(name.get_ref()));
        let all: Vec<_> = common.chain(own).collect();
        let has = |wanted: &str| {
            all.iter()
                .any(|(name, _)| name.get_ref().eq_ignore_ascii_case(wanted))
        };
        let mut lines = Template::default();
        if !has("user-agent") {
            lines.literal(
                concat!("User-Agent: brunt/", env!("CARGO_PKG_VERSION"), "\r\n").as_bytes(),
            );
        }
        if !has("accept") {
            lines.literal(b"Accept: */*\r\n");
        }
        if typed.json.is_some() && !has("content-type") {
            lines.literal(b"Content-Type: application/json\r\n");
        }
        if typed.file.is_some() && !has("content-type") {
            lines.literal(b"Content-Type: application/octet-stream\r\n");
        }
        let has_body = typed.json.is_some() || typed.file.is_some();
        if !has_body && matches!(method, "POST" | "PUT" | "PATCH") {
            lines.literal(b"Content-Length: 0\r\n");
        }
        for (name, value) in all {
            self.check_header(name, value);
            lines.literal(format!("{}: ", name.get_ref()).as_bytes());
            let value = self.text(value, |text| text.as_bytes().to_vec());
            lines.append(value);
            lines.literal(b"\r\n");
        }
        lines
    }

    fn check_header(&mut self, name: &Spanned<String>, value: &Spanned<String>) {
        let is_token =
            |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        let text = name.get_ref();
        if text.is_empty() || !text.bytes().all(is_token) {
            let problem = Problem::new(format!("`{text}` is no header name"))
                .at(name.span(), "here")
                .help("letters, digits and hyphens make a header name");
            self.problems.push(problem);
        }
        if SET_BY_BRUNT.contains(&text.to_ascii_lowercase().as_str()) {
            let problem = Problem::new(format!("`{text}` is set by brunt itself"))
                .at(name.span(), "here")
                .help("leave it out");
            self.problems.push(problem);
        }
        if self.may_hold_control_characters(value) {
            let problem = Problem::new("a header value holds a control character")
                .at(value.span(), "here, or in what is drawn here")
                .help("keep it on one line");
            self.problems.push(problem);
        }
    }

    /// Whether any rendering of a header value breaks its line. What cannot be parsed is said elsewhere.
    fn may_hold_control_characters(&self, value: &Spanned<String>) -> bool {
        let breaks = |text: &str| {
            text.bytes()
                .any(|byte| byte != b'\t' && byte.is_ascii_control())
        };
        let parts =
            expression::parse(value.get_ref(), self.data, &value.span()).unwrap_or_default();
        parts.iter().any(|part| match part {
            Part::Text(text) => breaks(text),
            Part::Expression(Expression::Pick(values)) => {
                values.iter().any(|value| breaks(&value.text()))
            }
            Part::Expression(_) => false,
        })
    }

    fn body(&mut self, typed: &RequestSpec) -> Option<Body> {
        match (&typed.json, &typed.file) {
            (Some(_), Some(file)) => {
                let problem =
                    Problem::new("a request has two bodies").at(file.span(), "the second");
                self.problems
                    .push(problem.help("write either json or file"));
                None
            }
            (None, Some(file)) => Some(Body::File(self.folder.join(file.get_ref()))),
            (Some(json), None) => {
                let mut body = Template::default();
                self.json(json.get_ref(), &json.span(), &mut body);
                Some(Body::Text(body))
            }
            (None, None) => None,
        }
    }

    fn contains(&mut self, check: &CheckSpec) -> Option<Box<[u8]>> {
        let text = check.contains.as_ref()?;
        if text.get_ref().is_empty() {
            let problem = Problem::new("every answer holds an empty text").at(text.span(), "here");
            self.problems
                .push(problem.help("write a text that the answer has to hold"));
            return None;
        }
        Some(text.get_ref().as_bytes().into())
    }

    fn json(&mut self, value: &Json, span: &Range<usize>, into: &mut Template) {
        match value {
            Json::Text(text) => self.json_text(text, span, into),
            Json::Integer(number) => into.literal(number.to_string().as_bytes()),
            Json::Float(number) if number.is_finite() => {
                into.literal(ryu::Buffer::new().format(*number).as_bytes());
            }
            Json::Float(number) => self.problems.push(
                Problem::new(format!("JSON has no {number}"))
                    .at(span.clone(), "here")
                    .help("write a finite number"),
            ),
            Json::Bool(value) => into.literal(value.to_string().as_bytes()),
            Json::List(items) => {
                into.literal(b"[");
                for (at, item) in items.iter().enumerate() {
                    into.literal(if at > 0 { b"," } else { b"" });
                    self.json(item.get_ref(), &item.span(), into);
                }
                into.literal(b"]");
            }
            Json::Table(entries) => {
                into.literal(b"{");
                for (at, (key, value)) in entries.iter().enumerate() {
                    into.literal(if at > 0 { b"," } else { b"" });
                    into.literal(quoted(key).as_bytes());
                    into.literal(b":");
                    self.json(value.get_ref(), &value.span(), into);
                }
                into.literal(b"}");
            }
        }
    }

    /// A text that is one expression alone keeps the expression's type; any other is a JSON string.
    fn json_text(&mut self, text: &str, span: &Range<usize>, into: &mut Template) {
        let parts = match expression::parse(text, self.data, span) {
            Ok(parts) => parts,
            Err(problem) => return self.problems.push(problem),
        };
        if let [Part::Expression(call)] = &parts[..] {
            return into.push(call.segment(|value| json_value(value).into_bytes()));
        }
        into.literal(b"\"");
        for part in &parts {
            match part {
                Part::Text(text) => into.literal(escaped(text).as_bytes()),
                Part::Expression(call) => {
                    into.push(call.segment(|value| escaped(&value.text()).into_bytes()));
                }
            }
        }
        into.push(Segment::Literal(b"\"".as_slice().into()));
    }
}

/// A duration above zero.
pub(crate) fn positive_duration(text: &Spanned<String>) -> Result<Duration, Problem> {
    let wrong = |message: String| Problem::new(message).at(text.span(), "here");
    match quantity::duration(text.get_ref()) {
        Err(message) => Err(wrong(message)),
        Ok(duration) if duration.is_zero() => {
            Err(wrong("a duration of nothing".into()).help("write more than 0s"))
        }
        Ok(duration) => Ok(duration),
    }
}

fn json_value(value: &Value) -> String {
    match value {
        Value::Text(text) => quoted(text),
        other => other.text(),
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn escaped(text: &str) -> String {
    let quoted = quoted(text);
    quoted[1..quoted.len() - 1].to_owned()
}

/// Encodes what may not stand in a path and query; what may, stays as it was typed.
fn percent_encoded(text: &str) -> Vec<u8> {
    let mut encoded = Vec::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_graphic() && !b"\"<>\\^`{|}#".contains(&byte) {
            encoded.push(byte);
        } else {
            encoded.extend_from_slice(format!("%{byte:02X}").as_bytes());
        }
    }
    encoded
}
