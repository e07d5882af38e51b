//! Compiles requests.

use std::ops::Range;
use std::time::Duration;

use crate::compile::body::{Built, compile_body, compile_table};
use crate::compile::checks::{compile_checks, compile_extracts};
use crate::compile::compiler::Compiler;
use crate::compile::names::When;
use crate::compile::path::compile_path;
use crate::expr::expression::{Compiled, Template};
use crate::expr::parser::TemplatePart;
use crate::expr::secrets::Place;
use crate::model::header_template::{HeaderTemplate, is_token};
use crate::model::request::{REDIRECTS_DEFAULT, Request, ResponseNeeds};
use crate::model::status_set::StatusSet;
use crate::source::diagnostic::Diagnostic;
use crate::source::units::positive_duration;
use crate::spec::{AuthSpec, FieldTable, FieldsSpec, Json, SET_BY_BRUNT, Spanned, StepSpec};
use crate::value::{Encoding, breaks_a_line};

/// Compiles a request. Errors go to the diagnostics.
pub(crate) fn compile_request(
    compiler: &mut Compiler,
    spec: &Spanned<StepSpec>,
    when: When,
) -> Option<Request> {
    let (typed, span) = (spec.get_ref(), spec.span());
    let known = compiler.diagnostics.len();
    let methods = typed.methods();
    let &[(method, path)] = &methods[..] else {
        let message = if methods.is_empty() {
            "a request has no method and path".to_owned()
        } else {
            format!("a request has {} methods", methods.len())
        };
        let help = "write one of get, post, put, patch, delete, head, options = \"/path\", or method and path";
        compiler.diagnostics.push(
            Diagnostic::new(message)
                .at(span, "in this request")
                .help(help),
        );
        return None;
    };
    check_method(compiler, typed);
    let name = match &typed.name {
        Some(name) => request_name(compiler, name),
        None => path.get_ref().clone(),
    };
    // Records, baselines and the database contain it.
    let name = compiler.resolver.secrets.values.mask(&name);
    let path = compile_path(compiler, path, typed);
    let own_type = header(compiler, typed, "content-type").cloned();
    let built = compile_body(compiler, typed, own_type.as_ref());
    let headers = header_lines(compiler, typed, method, built.as_ref());
    let (accepted, checks) = compile_checks(compiler, typed.check.as_ref());
    let extracts = compile_extracts(compiler, typed.extract.iter().flatten());
    let timeout = typed
        .timeout
        .as_ref()
        .and_then(|text| compile_timeout(compiler, text));
    let request = Request {
        name: compiler.names.intern(&name, method, when),
        method: method.into(),
        host: compiler.host,
        path,
        host_header: compile_host_header(compiler, typed),
        says_cookies: has_header(compiler, typed, "cookie"),
        headers,
        body: built.map(|built| built.body),
        accepted: accepted.unwrap_or_else(|| StatusSet::class(2)),
        response_needs: ResponseNeeds::of(&checks, &extracts),
        checks: checks.into(),
        extracts: extracts.into(),
        redirects: typed
            .redirects
            .as_ref()
            .map_or(REDIRECTS_DEFAULT, |limit| *limit.get_ref()),
        timeout,
    };
    (compiler.diagnostics.len() == known).then_some(request)
}

fn check_method(compiler: &mut Compiler, typed: &StepSpec) {
    let Some(method) = &typed.method else { return };
    if !is_token(method.get_ref()) {
        let diagnostic = Diagnostic::new(format!(
            "invalid method `{}`: must be a word like PURGE",
            method.get_ref()
        ))
        .at(method.span(), "here");
        compiler.diagnostics.push(diagnostic);
    }
}

/// The name of a request. It is known before the load, so that it has its place in the record.
fn request_name(compiler: &mut Compiler, name: &Spanned<String>) -> String {
    if name.get_ref().contains("{{") {
        compiler.diagnostics.push(
            Diagnostic::new("a name cannot contain an expression")
                .at(name.span(), "here")
                .help(
                    "reports group requests by name: write one name for all, like \"/products/*\"",
                ),
        );
    }
    name.get_ref().clone()
}

pub(crate) fn compile_timeout(compiler: &mut Compiler, text: &Spanned<String>) -> Option<Duration> {
    positive_duration(text)
        .map_err(|diagnostic| compiler.diagnostics.push(diagnostic))
        .ok()
}

/// Compiles the value of the header `Host`; the request's own goes before the common one.
fn compile_host_header(compiler: &mut Compiler, typed: &StepSpec) -> Option<Template> {
    let is_host = |name: &str| name.eq_ignore_ascii_case("host");
    let own = own_headers(typed).into_iter().flatten();
    let mut all = own.chain(compiler.headers);
    let (_, value) = all.find(|(name, _)| is_host(name.get_ref()))?;
    let place = value.span();
    let Json::Text(text) = value.get_ref() else {
        let diagnostic = Diagnostic::new("invalid value of the header Host: must be a string");
        compiler.diagnostics.push(diagnostic.at(place, "here"));
        return None;
    };
    let parts = compiler.parts(text, &place);
    check_header_value(compiler, &parts, &place);
    Some(compiler.text_at(text, &place, Encoding::Header))
}

/// Header fields that a request sets itself, if they are a table.
fn own_headers(typed: &StepSpec) -> Option<&FieldTable> {
    typed.headers.as_ref()?.get_ref().table()
}

fn has_header(compiler: &Compiler, typed: &StepSpec, wanted: &str) -> bool {
    header(compiler, typed, wanted).is_some()
}

/// Value of a header field: the request's own, or else the scenario's.
fn header<'a>(
    compiler: &Compiler<'a>,
    typed: &'a StepSpec,
    wanted: &str,
) -> Option<&'a Spanned<Json>> {
    let own = own_headers(typed).into_iter().flatten();
    let mut all = own.chain(compiler.headers);
    all.find(|(name, _)| name.get_ref().eq_ignore_ascii_case(wanted))
        .map(|(_, value)| value)
}

fn header_lines(
    compiler: &mut Compiler,
    typed: &StepSpec,
    method: &str,
    body: Option<&Built>,
) -> HeaderTemplate {
    let own = own_headers(typed).into_iter().flatten();
    let has_own = |name: &str| {
        let mut own = own_headers(typed).into_iter().flatten();
        own.any(|(own, _)| own.get_ref().eq_ignore_ascii_case(name))
    };
    let replaced = |name: &str| {
        has_own(name) || typed.auth.is_some() && name.eq_ignore_ascii_case("authorization")
    };
    let common = compiler
        .headers
        .iter()
        .filter(|(name, _)| !replaced(name.get_ref()));
    let all: Vec<_> = common.chain(own).collect();
    let has = |wanted: &str| {
        all.iter()
            .any(|(name, _)| name.get_ref().eq_ignore_ascii_case(wanted))
    };
    let mut lines = match &typed.headers {
        Some(headers) => match headers.get_ref() {
            FieldsSpec::Expression(text) => compile_table(compiler, text, headers)
                .map(HeaderTemplate::with_table)
                .unwrap_or_default(),
            FieldsSpec::Table(_) => HeaderTemplate::default(),
        },
        None => HeaderTemplate::default(),
    };
    if !has("user-agent") {
        let agent = concat!("brunt/", env!("CARGO_PKG_VERSION"));
        lines.push("User-Agent", Template::of(agent));
    }
    if !has("accept") {
        lines.push("Accept", Template::of("*/*"));
    }
    if let Some(body) = body.filter(|_| !has("content-type")) {
        lines.push("Content-Type", Template::of(&body.content_type));
    }
    if body.is_none() && matches!(method, "POST" | "PUT" | "PATCH") {
        lines.push("Content-Length", Template::of("0"));
    }
    if let Some(auth) = &typed.auth {
        let value = authorization(compiler, auth);
        lines.push("Authorization", value);
    }
    for (name, value) in all {
        check_header_name(compiler, name);
        if name.get_ref().eq_ignore_ascii_case("host") {
            // Rendered before the other lines.
            continue;
        }
        let outer = compiler
            .resolver
            .secrets
            .enter(Place::of_field(name.get_ref()));
        let complete = body.and_then(|body| body.with_boundary(name.get_ref(), value.get_ref()));
        let content = complete.as_ref().unwrap_or(value.get_ref());
        push_header(compiler, name, content, &value.span(), &mut lines);
        compiler.resolver.secrets.enter(outer);
    }
    lines.push_table();
    lines
}

/// Appends a header field: one line, one for each item of a list, or what an expression decides.
fn push_header(
    compiler: &mut Compiler,
    name: &Spanned<String>,
    value: &Json,
    place: &Range<usize>,
    lines: &mut HeaderTemplate,
) {
    match value {
        Json::Text(text) => {
            let parts = compiler.parts(text, place);
            check_header_value(compiler, &parts, place);
            if let [TemplatePart::Expression(only) | TemplatePart::Encoded(only)] = &parts[..]
                && only.may_be_compound()
            {
                lines.push_value(name.get_ref(), only.clone());
            } else if !parts.is_empty() || text.is_empty() {
                let value = compiler.text_at(text, place, Encoding::Header);
                lines.push(name.get_ref(), value);
            }
        }
        Json::List(items) if items.iter().all(|item| item.get_ref().is_scalar()) => {
            for item in items {
                push_header(compiler, name, item.get_ref(), &item.span(), lines);
            }
        }
        Json::List(_) | Json::Table(_) => compiler.diagnostics.push(
            Diagnostic::new(
                "invalid value of a header: must be a string, a number, a boolean or a list of them",
            )
            .at(place.clone(), "here")
            .help("write several values as a list, like [\"a\", \"b\"], or a string like \"{{ json(x) }}\""),
        ),
        scalar => lines.push(name.get_ref(), Template::of(&scalar.to_value().in_text())),
    }
}

fn authorization(compiler: &mut Compiler, auth: &Spanned<AuthSpec>) -> Template {
    let mut value = Template::default();
    match auth.get_ref() {
        AuthSpec {
            user: Some(user),
            password,
            bearer: None,
        } => {
            let mut pair = compiler.text(user, Encoding::Plain);
            pair.literal(b":");
            if let Some(password) = password {
                let outer = compiler.resolver.secrets.enter(Place::Field);
                pair.append(compiler.text(password, Encoding::Plain));
                compiler.resolver.secrets.enter(outer);
            }
            value.literal(b"Basic ");
            value.expression(Compiled::base64_of(pair), Encoding::Header);
        }
        AuthSpec {
            user: None,
            password: None,
            bearer: Some(token),
        } => {
            value.literal(b"Bearer ");
            let outer = compiler.resolver.secrets.enter(Place::Field);
            value.append(compiler.text(token, Encoding::Header));
            compiler.resolver.secrets.enter(outer);
        }
        _ => compiler.diagnostics.push(
            Diagnostic::new("`auth` must have either `user` and `password`, or `bearer`")
                .at(auth.span(), "here")
                .help("write { user = \"…\", password = \"…\" } or { bearer = \"…\" }"),
        ),
    }
    value
}

fn check_header_name(compiler: &mut Compiler, name: &Spanned<String>) {
    let text = name.get_ref();
    if !is_token(text) {
        let diagnostic = Diagnostic::new(format!("invalid header name `{text}`"))
            .at(name.span(), "here")
            .help("header names consist of letters, digits and hyphens");
        compiler.diagnostics.push(diagnostic);
    }
    if SET_BY_BRUNT.contains(&text.to_ascii_lowercase().as_str()) {
        let diagnostic = Diagnostic::new(format!("header `{text}` is set by brunt"))
            .at(name.span(), "here")
            .help("remove it");
        compiler.diagnostics.push(diagnostic);
    }
}

/// Reports a header value that is known beforehand to break its line in some rendering.
fn check_header_value(compiler: &mut Compiler, parts: &[TemplatePart], place: &Range<usize>) {
    let breaks = |text: &str| text.bytes().any(breaks_a_line);
    let has_control_characters = parts.iter().any(|part| match part {
        TemplatePart::Text(text) => breaks(text),
        TemplatePart::Expression(expression) | TemplatePart::Encoded(expression) => {
            match expression.clone().unnoted() {
                Compiled::Pick(values) => values.iter().any(|value| breaks(&value.in_text())),
                _ => false,
            }
        }
    });
    if has_control_characters {
        let diagnostic = Diagnostic::new("a header value contains a control character")
            .at(place.clone(), "here, or in a value that is drawn here")
            .help("remove line breaks and other control characters");
        compiler.diagnostics.push(diagnostic);
    }
}
