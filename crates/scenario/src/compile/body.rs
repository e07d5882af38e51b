//! Compiles bodies of requests: texts and files, one after another.

use std::ops::Range;

use sha2::{Digest, Sha256};

use crate::compile::compiler::Compiler;
use crate::compile::multipart;
use crate::expr::expression::{Compiled, FormField, Template};
use crate::expr::parser::TemplatePart;
use crate::model::request::Body;
use crate::model::request::Piece;
use crate::source::diagnostic::Diagnostic;
use crate::spec::{FieldsSpec, FilePartSpec, Json, PartSpec, Spanned, StepSpec};
use crate::value::{Encoding, write_text};

/// A body with its content type, which applies unless the scenario sets another.
pub(crate) struct Built {
    pub(crate) body: Body,
    pub(crate) content_type: String,
    /// Boundary of a multipart body that the scenario's own content type lacks.
    missing_boundary: Option<String>,
}

impl Built {
    /// The value of a header field with the boundary that it lacks, if it lacks one.
    pub(crate) fn with_boundary(&self, name: &str, value: &Json) -> Option<Json> {
        match (&self.missing_boundary, value) {
            (Some(boundary), Json::Text(text)) if name.eq_ignore_ascii_case("content-type") => {
                let text = text.trim_end().trim_end_matches(';');
                Some(Json::Text(format!("{text}; boundary={boundary}")))
            }
            _ => None,
        }
    }
}

/// Compiles the body of a request; `own_type`: the content type that the scenario sets.
pub(crate) fn compile_body(
    compiler: &mut Compiler,
    typed: &StepSpec,
    own_type: Option<&Spanned<Json>>,
) -> Option<Built> {
    let places = [
        typed.json.as_ref().map(Spanned::span),
        typed.form.as_ref().map(Spanned::span),
        typed.text.as_ref().map(Spanned::span),
        typed.file.as_ref().map(Spanned::span),
        typed.multipart.as_ref().map(Spanned::span),
    ];
    if let Some(second) = places.into_iter().flatten().nth(1) {
        let diagnostic =
            Diagnostic::new("a request has two bodies").at(second, "this is the second");
        compiler
            .diagnostics
            .push(diagnostic.help("write one of json, form, text, file, multipart"));
        return None;
    }
    let one = |piece, content_type: &str| Built {
        body: Body {
            pieces: Box::new([piece]),
        },
        content_type: content_type.to_owned(),
        missing_boundary: None,
    };
    if let Some(json) = &typed.json {
        let mut body = Template::default();
        compiler.json(json.get_ref(), &json.span(), &mut body);
        Some(one(Piece::Text(body), "application/json"))
    } else if let Some(form) = &typed.form {
        let mut body = Template::default();
        body.fields(false, compile_form(compiler, form));
        Some(one(Piece::Text(body), "application/x-www-form-urlencoded"))
    } else if let Some(text) = &typed.text {
        let body = compiler.text(text, Encoding::Plain);
        Some(one(Piece::Text(body), "text/plain; charset=utf-8"))
    } else if let Some(file) = &typed.file {
        Some(one(file_piece(compiler, file), "application/octet-stream"))
    } else {
        Some(compile_multipart(
            compiler,
            typed.multipart.as_ref()?.get_ref(),
            own_type,
        ))
    }
}

/// Compiles the fields of a form or a query.
pub(crate) fn compile_form(compiler: &mut Compiler, typed: &Spanned<FieldsSpec>) -> Vec<FormField> {
    let mut fields = Vec::new();
    match typed.get_ref() {
        FieldsSpec::Expression(text) => {
            fields.extend(compile_table(compiler, text, typed).map(FormField::Table));
        }
        FieldsSpec::Table(table) => {
            for (name, value) in table {
                let key = compiler.text(name, Encoding::Form);
                let outer = compiler.resolver.secrets.place();
                let place = outer.of_member(name.get_ref());
                compiler.resolver.secrets.enter(place);
                compile_field(compiler, &key, value.get_ref(), &value.span(), &mut fields);
                compiler.resolver.secrets.enter(outer);
            }
        }
    }
    fields
}

/// Compiles an expression whose value is a table of fields.
pub(crate) fn compile_table(
    compiler: &mut Compiler,
    text: &str,
    typed: &Spanned<FieldsSpec>,
) -> Option<Compiled> {
    let parts = compiler.parts(text, &typed.span());
    match &parts[..] {
        [TemplatePart::Expression(expression)] => Some(expression.clone()),
        [] if !text.is_empty() => None,
        _ => {
            compiler.diagnostics.push(
                Diagnostic::new(
                    "invalid fields: must be a table, or one expression whose value is a table",
                )
                .at(typed.span(), "here")
                .help("write { name = \"value\" } or \"{{ variable }}\""),
            );
            None
        }
    }
}

/// Compiles a value of a field: one field, one for each item of a list, or what an expression decides.
fn compile_field(
    compiler: &mut Compiler,
    name: &Template,
    value: &Json,
    place: &Range<usize>,
    fields: &mut Vec<FormField>,
) {
    let pair = |value: Template| {
        let mut pair = name.clone();
        pair.literal(b"=");
        pair.append(value);
        FormField::Always(pair)
    };
    match value {
        Json::Text(text) => {
            let parts = compiler.parts(text, place);
            if let [part @ (TemplatePart::Expression(only) | TemplatePart::Encoded(only))] =
                &parts[..]
                && only.may_be_compound()
            {
                let is_encoded = matches!(part, TemplatePart::Encoded(_));
                let encoding = if is_encoded {
                    Encoding::Form.of_encoded()
                } else {
                    Encoding::Form
                };
                fields.push(FormField::Value(name.clone(), only.clone(), encoding));
            } else if !parts.is_empty() || text.is_empty() {
                fields.push(pair(compiler.text_at(text, place, Encoding::Form)));
            }
        }
        Json::List(items) if items.iter().all(|item| item.get_ref().is_scalar()) => {
            for item in items {
                compile_field(compiler, name, item.get_ref(), &item.span(), fields);
            }
        }
        Json::List(_) | Json::Table(_) => compiler.diagnostics.push(
            Diagnostic::new(
                "invalid value of a form or query: must be a string, a number, a boolean or a list of them",
            )
            .at(place.clone(), "here")
            .help("write several names, or a string like \"{{ json(x) }}\""),
        ),
        scalar => {
            let mut bytes = Vec::new();
            scalar.to_value().write(Encoding::Form, &mut bytes);
            let mut value = Template::default();
            value.literal(&bytes);
            fields.push(pair(value));
        }
    }
}

fn file_piece(compiler: &mut Compiler, path: &Spanned<String>) -> Piece {
    let full = compiler.folder.join(path.get_ref());
    match compiler.resolver.environment.file(&full) {
        Err(error) if error.kind() != std::io::ErrorKind::Unsupported => compiler.diagnostics.push(
            Diagnostic::new(format!("cannot read {}: {error}", full.display()))
                .at(path.span(), "here")
                .help("relative paths start at the scenario's folder"),
        ),
        _ => {}
    }
    Piece::File(full)
}

fn compile_multipart(
    compiler: &mut Compiler,
    parts: &indexmap::IndexMap<Spanned<String>, Spanned<PartSpec>>,
    own_type: Option<&Spanned<Json>>,
) -> Built {
    let own_boundary = own_type.and_then(|own| multipart::boundary(compiler, own));
    let boundary = own_boundary.clone().unwrap_or_else(|| boundary(parts));
    let mut body = MultipartBody::default();
    for (name, part) in parts {
        compile_part(compiler, &boundary, name, part, &mut body);
    }
    body.text.literal(format!("--{boundary}--\r\n").as_bytes());
    body.pieces.push(Piece::Text(body.text));
    Built {
        body: Body {
            pieces: body.pieces.into(),
        },
        content_type: format!("multipart/form-data; boundary={boundary}"),
        missing_boundary: own_boundary.is_none().then_some(boundary),
    }
}

/// Pieces of a multipart body, and the text after them.
#[derive(Default)]
struct MultipartBody {
    pieces: Vec<Piece>,
    text: Template,
}

fn compile_part(
    compiler: &mut Compiler,
    boundary: &str,
    name: &Spanned<String>,
    part: &Spanned<PartSpec>,
    body: &mut MultipartBody,
) {
    if let PartSpec::List(parts) = part.get_ref() {
        for part in parts {
            if let PartSpec::List(_) = part.get_ref() {
                let diagnostic = Diagnostic::new("a list of parts contains a list");
                compiler.diagnostics.push(
                    diagnostic
                        .at(part.span(), "here")
                        .help("write all parts in one list"),
                );
                continue;
            }
            compile_part(compiler, boundary, name, part, body);
        }
        return;
    }
    let head = format!("--{boundary}\r\nContent-Disposition: form-data; name=\"");
    body.text.literal(head.as_bytes());
    body.text.append(compiler.text(name, Encoding::Quoted));
    body.text.literal(b"\"");
    let outer = compiler.resolver.secrets.place();
    let place = outer.of_member(name.get_ref());
    compiler.resolver.secrets.enter(place);
    match part.get_ref() {
        PartSpec::Text(content) => {
            body.text.literal(b"\r\n\r\n");
            let content = compiler.text_at(content, &part.span(), Encoding::Plain);
            body.text.append(content);
        }
        PartSpec::File(file) => compile_file_part(compiler, file, &part.span(), body),
        PartSpec::List(_) => {}
    }
    compiler.resolver.secrets.enter(outer);
    body.text.literal(b"\r\n");
}

fn compile_file_part(
    compiler: &mut Compiler,
    part: &FilePartSpec,
    place: &Range<usize>,
    body: &mut MultipartBody,
) {
    let file_name = match (&part.name, &part.file) {
        (Some(name), _) => Some(compiler.text(name, Encoding::Quoted)),
        (None, Some(file)) => {
            let own_name = file.get_ref().rsplit('/').next().unwrap_or_default();
            let mut name = Template::default();
            write_quoted(own_name, &mut name);
            Some(name)
        }
        (None, None) => None,
    };
    let content_type = match &part.content_type {
        Some(typed) => Some(compiler.text(typed, Encoding::Header)),
        None => file_name
            .as_ref()
            .map(|_| Template::of("application/octet-stream")),
    };
    if let Some(name) = file_name {
        body.text.literal(b"; filename=\"");
        body.text.append(name);
        body.text.literal(b"\"");
    }
    if let Some(content_type) = content_type {
        body.text.literal(b"\r\nContent-Type: ");
        body.text.append(content_type);
    }
    body.text.literal(b"\r\n\r\n");
    match (&part.file, &part.text) {
        (Some(file), None) => {
            let before = std::mem::take(&mut body.text);
            body.pieces.push(Piece::Text(before));
            body.pieces.push(file_piece(compiler, file));
        }
        (None, Some(text)) => body.text.append(compiler.text(text, Encoding::Plain)),
        _ => compiler.diagnostics.push(
            Diagnostic::new("a part must have either `file` or `text`")
                .at(place.clone(), "here")
                .help("write { file = \"cat.jpg\" } or { text = \"…\", name = \"notes.txt\" }"),
        ),
    }
}

/// A boundary that depends only on the parts, so that the same scenario sends the same bytes.
fn boundary(parts: &indexmap::IndexMap<Spanned<String>, Spanned<PartSpec>>) -> String {
    let digest = Sha256::digest(serde_json::json!(parts).to_string());
    let digits = digest.iter().take(12).map(|byte| format!("{byte:02x}"));
    format!("brunt-{}", digits.collect::<String>())
}

fn write_quoted(text: &str, into: &mut Template) {
    let mut bytes = Vec::new();
    write_text(text, Encoding::Quoted, &mut bytes);
    into.literal(&bytes);
}
