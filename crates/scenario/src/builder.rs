//! The builder: makes requests of what was typed.

use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use indexmap::IndexMap;
use toml::Spanned;

use crate::expression::{Compiled, Expression};
use crate::names::{Names, When};
use crate::notation::{Naming, Part};
use crate::problem::Problem;
use crate::quantity;
use crate::request::{LooksInto, REDIRECTS_DEFAULT, Request};
use crate::secrets::Place;
use crate::spec::{AuthSpec, Json, StepSpec};
use crate::statuses::Statuses;
use crate::template::Template;
use crate::value::{Encoding, Value, breaks_a_line, write_text};

/// Header fields that the user does not set.
const SET_BY_BRUNT: [&str; 5] = [
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
    "expect",
];

/// What requests and steps are built from.
pub(crate) struct Builder<'a> {
    /// Where the scenario's files lie.
    pub(crate) folder: &'a Path,
    pub(crate) naming: Naming<'a>,
    pub(crate) headers: &'a IndexMap<Spanned<String>, Spanned<String>>,
    pub(crate) names: &'a mut Names,
    pub(crate) problems: &'a mut Vec<Problem>,
    /// The host of the class that is being built.
    pub(crate) host: usize,
}

impl Builder<'_> {
    /// Builds a request; what is wrong goes to the problems.
    pub(crate) fn request(&mut self, spec: &Spanned<StepSpec>, when: When) -> Option<Request> {
        let (typed, span) = (spec.get_ref(), spec.span());
        let known = self.problems.len();
        let methods = typed.methods();
        let &[(method, path)] = &methods[..] else {
            let message = if methods.is_empty() {
                "a request has no method and path".to_owned()
            } else {
                format!("a request has {} methods", methods.len())
            };
            let help = "write one of get, post, put, patch, delete, head, options = \"/path\", or method and path";
            self.problems
                .push(Problem::new(message).at(span, "in this request").help(help));
            return None;
        };
        self.check_method(typed);
        let name = match &typed.name {
            Some(name) => self.name(name),
            None => path.get_ref().clone(),
        };
        // It stands in records, in baselines and in the database.
        let name = self.naming.secrets.values.mask(&name);
        let path = self.path(path, typed);
        let built = self.body(typed);
        let content_type = built.as_ref().map(|built| built.content_type.clone());
        let headers = self.header_lines(typed, method, content_type.as_deref());
        let (accepted, checks) = self.checks(typed.check.as_ref());
        let extracts = self.extracts(typed.extract.iter().flatten());
        let timeout = typed.timeout.as_ref().and_then(|text| self.timeout(text));
        let request = Request {
            name: self.names.intern(&name, method, when),
            method: method.into(),
            host: self.host,
            path,
            says_cookies: self.has_header(typed, "cookie"),
            headers,
            body: built.map(|built| built.body),
            accepted: accepted.unwrap_or_else(|| Statuses::class(2)),
            looks_into: LooksInto::of(&checks, &extracts),
            checks: checks.into(),
            extracts: extracts.into(),
            redirects: typed
                .redirects
                .as_ref()
                .map_or(REDIRECTS_DEFAULT, |limit| *limit.get_ref()),
            timeout,
        };
        (self.problems.len() == known).then_some(request)
    }

    fn check_method(&mut self, typed: &StepSpec) {
        let Some(method) = &typed.method else { return };
        if !is_token(method.get_ref()) {
            let problem = Problem::new(format!("`{}` is no method", method.get_ref()))
                .at(method.span(), "here")
                .help("write a word like PURGE");
            self.problems.push(problem);
        }
    }

    /// Names are known before the load, so that each has its place in the record.
    fn name(&mut self, name: &Spanned<String>) -> String {
        if name.get_ref().contains("{{") {
            self.problems.push(
                Problem::new("a name holds an expression")
                    .at(name.span(), "here")
                    .help("requests are grouped by their names: write one name for all, like \"/products/*\""),
            );
        }
        name.get_ref().clone()
    }

    pub(crate) fn timeout(&mut self, text: &Spanned<String>) -> Option<Duration> {
        positive_duration(text)
            .map_err(|problem| self.problems.push(problem))
            .ok()
    }

    pub(crate) fn text(&mut self, text: &Spanned<String>, encoding: Encoding) -> Template {
        self.text_at(text.get_ref(), &text.span(), encoding)
    }

    pub(crate) fn text_at(
        &mut self,
        text: &str,
        place: &Range<usize>,
        encoding: Encoding,
    ) -> Template {
        let mut template = Template::default();
        match self.naming.parts(text, place) {
            Err(problem) => self.problems.push(problem),
            Ok(parts) => parts.into_iter().for_each(|part| match part {
                Part::Text(text) => {
                    let mut bytes = Vec::new();
                    write_text(text, encoding, &mut bytes);
                    template.literal(&bytes);
                }
                Part::Expression(Compiled::Constant(Value::Json(_))) => self.problems.push(
                    Problem::new("a whole list or table stands in a text")
                        .at(place.clone(), "here")
                        .help("draw a value of it, like pick(LIST), or write json(LIST)"),
                ),
                Part::Expression(expression) => template.expression(expression, encoding),
            }),
        }
        template
    }

    /// A value: of a text that is one expression alone, what that gives; of any other, the text.
    pub(crate) fn value(&mut self, value: &Json, place: &Range<usize>) -> Compiled {
        match value {
            Json::Text(text) => match self.naming.parts(text, place) {
                Err(problem) => {
                    self.problems.push(problem);
                    Compiled::Constant(Value::None)
                }
                Ok(parts) => match &parts[..] {
                    [] => Compiled::Constant(Value::text("")),
                    [Part::Text(text)] => Compiled::Constant(Value::text(*text)),
                    [Part::Expression(expression)] => expression.clone(),
                    _ => Compiled::Text(Box::new(self.text_at(text, place, Encoding::Plain))),
                },
            },
            Json::List(_) | Json::Table(_) => {
                let mut template = Template::default();
                self.json(value, place, &mut template);
                match template.literal_bytes().map(serde_json::from_slice) {
                    Some(Ok(json)) => Compiled::Constant(Value::of_json(&json)),
                    _ => Compiled::Json(Box::new(template)),
                }
            }
            scalar => Compiled::Constant(scalar.to_value()),
        }
    }

    pub(crate) fn expression(&mut self, value: &Spanned<Json>) -> Expression {
        Expression(self.value(value.get_ref(), &value.span()))
    }

    /// A condition, or any expression without its braces.
    pub(crate) fn condition(&mut self, text: &Spanned<String>) -> Option<Expression> {
        match self.naming.condition(text.get_ref(), &text.span()) {
            Ok(expression) => Some(Expression(expression)),
            Err(problem) => {
                self.problems.push(problem);
                None
            }
        }
    }

    fn path(&mut self, path: &Spanned<String>, typed: &StepSpec) -> Template {
        if !path.get_ref().starts_with(['/', '{']) {
            let problem = Problem::new(format!("`{}` is no path", path.get_ref()))
                .at(path.span(), "does not begin with /")
                .help("begin it with /; the host is said once, in `host`");
            self.problems.push(problem);
        }
        let mut template = self.text(path, Encoding::Path);
        if let Some(query) = typed.query.as_ref().filter(|query| !query.is_empty()) {
            let has_query = path.get_ref().contains('?');
            template.literal(if has_query { b"&" } else { b"?" });
            template.append(self.form(query.iter()));
        }
        template
    }

    fn has_header(&self, typed: &StepSpec, wanted: &str) -> bool {
        let all = self.headers.iter().chain(typed.headers.iter().flatten());
        all.into_iter()
            .any(|(name, _)| name.get_ref().eq_ignore_ascii_case(wanted))
    }

    fn header_lines(
        &mut self,
        typed: &StepSpec,
        method: &str,
        content_type: Option<&str>,
    ) -> Template {
        let own = typed.headers.iter().flatten();
        let has_own = |name: &str| {
            typed
                .headers
                .iter()
                .flatten()
                .any(|(own, _)| own.get_ref().eq_ignore_ascii_case(name))
        };
        let replaced = |name: &str| {
            has_own(name) || typed.auth.is_some() && name.eq_ignore_ascii_case("authorization")
        };
        let common = self
            .headers
            .iter()
            .filter(|(name, _)| !replaced(name.get_ref()));
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
        if let Some(content_type) = content_type.filter(|_| !has("content-type")) {
            lines.literal(format!("Content-Type: {content_type}\r\n").as_bytes());
        }
        if content_type.is_none() && matches!(method, "POST" | "PUT" | "PATCH") {
            lines.literal(b"Content-Length: 0\r\n");
        }
        if let Some(auth) = &typed.auth {
            let line = self.authorization(auth);
            lines.append(line);
        }
        for (name, value) in all {
            self.check_header(name, value);
            lines.literal(format!("{}: ", name.get_ref()).as_bytes());
            let outer = self.naming.secrets.enter(Place::of_field(name.get_ref()));
            let value = self.text(value, Encoding::Header);
            self.naming.secrets.enter(outer);
            lines.append(value);
            lines.literal(b"\r\n");
        }
        lines
    }

    fn authorization(&mut self, auth: &Spanned<AuthSpec>) -> Template {
        let mut line = Template::default();
        match auth.get_ref() {
            AuthSpec {
                user: Some(user),
                password,
                bearer: None,
            } => {
                let mut pair = self.text(user, Encoding::Plain);
                pair.literal(b":");
                if let Some(password) = password {
                    let outer = self.naming.secrets.enter(Place::Field);
                    pair.append(self.text(password, Encoding::Plain));
                    self.naming.secrets.enter(outer);
                }
                line.literal(b"Authorization: Basic ");
                line.expression(Compiled::base64_of(pair), Encoding::Header);
            }
            AuthSpec {
                user: None,
                password: None,
                bearer: Some(token),
            } => {
                line.literal(b"Authorization: Bearer ");
                let outer = self.naming.secrets.enter(Place::Field);
                line.append(self.text(token, Encoding::Header));
                self.naming.secrets.enter(outer);
            }
            _ => self.problems.push(
                Problem::new("this says neither who nor what is authorised")
                    .at(auth.span(), "here")
                    .help("write { user = \"…\", password = \"…\" } or { bearer = \"…\" }"),
            ),
        }
        line.literal(b"\r\n");
        line
    }

    fn check_header(&mut self, name: &Spanned<String>, value: &Spanned<String>) {
        let text = name.get_ref();
        if !is_token(text) {
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

    /// Whether any rendering of a header value that can be seen beforehand breaks its line. What cannot be
    /// parsed is said elsewhere.
    fn may_hold_control_characters(&mut self, value: &Spanned<String>) -> bool {
        let breaks = |text: &str| text.bytes().any(breaks_a_line);
        let parts = self
            .naming
            .parts(value.get_ref(), &value.span())
            .unwrap_or_default();
        parts.iter().any(|part| match part {
            Part::Text(text) => breaks(text),
            Part::Expression(expression) => match expression.clone().unnoted() {
                Compiled::Pick(values) => values.iter().any(|value| breaks(&value.in_text())),
                _ => false,
            },
        })
    }

    pub(crate) fn json(&mut self, value: &Json, place: &Range<usize>, into: &mut Template) {
        match value {
            Json::Text(text) => self.json_text(text, place, into),
            Json::Float(number) if !number.is_finite() => self.problems.push(
                Problem::new(format!("JSON has no {number}"))
                    .at(place.clone(), "here")
                    .help("write a finite number"),
            ),
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
                    let mut name = Vec::new();
                    write_text(key, Encoding::Json, &mut name);
                    into.literal(&name);
                    into.literal(b":");
                    let outer = self.naming.secrets.place();
                    self.naming.secrets.enter(outer.of_member(key));
                    self.json(value.get_ref(), &value.span(), into);
                    self.naming.secrets.enter(outer);
                }
                into.literal(b"}");
            }
            scalar => into.expression(Compiled::Constant(scalar.to_value()), Encoding::Json),
        }
    }

    /// A text that is one expression alone keeps the expression's type; any other is a JSON string.
    fn json_text(&mut self, text: &str, place: &Range<usize>, into: &mut Template) {
        let parts = match self.naming.parts(text, place) {
            Ok(parts) => parts,
            Err(problem) => return self.problems.push(problem),
        };
        if let [Part::Expression(expression)] = &parts[..] {
            return into.expression(expression.clone(), Encoding::Json);
        }
        into.literal(b"\"");
        for part in parts {
            match part {
                Part::Text(text) => {
                    let mut bytes = Vec::new();
                    write_text(text, Encoding::JsonText, &mut bytes);
                    into.literal(&bytes);
                }
                Part::Expression(expression) => into.expression(expression, Encoding::JsonText),
            }
        }
        into.literal(b"\"");
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

/// Whether a text may be a header's name or a method (RFC 9110, section 5.6.2).
fn is_token(text: &str) -> bool {
    let may = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(may)
}
