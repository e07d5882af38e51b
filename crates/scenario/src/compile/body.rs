//! Compiles bodies of requests: texts and files, one after another.

use sha2::{Digest, Sha256};

use crate::compile::compiler::Compiler;
use crate::expr::expression::Template;
use crate::model::request::Body;
use crate::model::request::Piece;
use crate::source::diagnostic::Diagnostic;
use crate::spec::{Json, PartSpec, Spanned, StepSpec};
use crate::value::Encoding;

/// A body with its content type, which applies unless the scenario sets another.
pub(crate) struct Built {
    pub(crate) body: Body,
    pub(crate) content_type: String,
}

/// Compiles the body of a request.
pub(crate) fn compile_body(compiler: &mut Compiler, typed: &StepSpec) -> Option<Built> {
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
    };
    if let Some(json) = &typed.json {
        let mut body = Template::default();
        compiler.json(json.get_ref(), &json.span(), &mut body);
        Some(one(Piece::Text(body), "application/json"))
    } else if let Some(form) = &typed.form {
        let body = compile_form(compiler, form.get_ref().iter());
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
        ))
    }
}

/// Compiles the names and values of a form or a query.
pub(crate) fn compile_form<'a>(
    compiler: &mut Compiler,
    fields: impl Iterator<Item = (&'a Spanned<String>, &'a Spanned<Json>)>,
) -> Template {
    let mut form = Template::default();
    for (at, (name, value)) in fields.enumerate() {
        form.literal(if at > 0 { b"&" } else { b"" });
        form.append(compiler.text(name, Encoding::Form));
        form.literal(b"=");
        let outer = compiler.resolver.secrets.place();
        let place = outer.of_member(name.get_ref());
        compiler.resolver.secrets.enter(place);
        match value.get_ref() {
            Json::Text(text) => {
                let template = compiler.text_at(text, &value.span(), Encoding::Form);
                form.append(template);
            }
            Json::List(_) | Json::Table(_) => compiler.diagnostics.push(
                Diagnostic::new(
                    "invalid value of a form or query: must be a text, a number or a boolean",
                )
                .at(value.span(), "here")
                .help("write several names, or a text like \"{{ json(x) }}\""),
            ),
            scalar => {
                let mut bytes = Vec::new();
                scalar.to_value().write(Encoding::Form, &mut bytes);
                form.literal(&bytes);
            }
        }
        compiler.resolver.secrets.enter(outer);
    }
    form
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
) -> Built {
    let boundary = boundary(parts);
    let mut pieces = Vec::new();
    let mut text = Template::default();
    for (name, part) in parts {
        let head = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"{}\"",
            in_quotes(name.get_ref())
        );
        text.literal(head.as_bytes());
        match part.get_ref() {
            PartSpec::Text(content) => {
                text.literal(b"\r\n\r\n");
                let outer = compiler.resolver.secrets.place();
                let place = outer.of_member(name.get_ref());
                compiler.resolver.secrets.enter(place);
                text.append(compiler.text_at(content, &part.span(), Encoding::Plain));
                compiler.resolver.secrets.enter(outer);
            }
            PartSpec::File(file) => {
                let own_name = file.file.get_ref().rsplit('/').next().unwrap_or_default();
                let shown = file.name.as_ref().map_or(own_name, |name| name.get_ref());
                let content_type = match &file.content_type {
                    Some(typed) => typed.get_ref().as_str(),
                    None => "application/octet-stream",
                };
                let rest = format!(
                    "; filename=\"{}\"\r\nContent-Type: {}\r\n\r\n",
                    in_quotes(shown),
                    in_quotes(content_type)
                );
                text.literal(rest.as_bytes());
                pieces.push(Piece::Text(std::mem::take(&mut text)));
                pieces.push(file_piece(compiler, &file.file));
            }
        }
        text.literal(b"\r\n");
    }
    text.literal(format!("--{boundary}--\r\n").as_bytes());
    pieces.push(Piece::Text(text));
    Built {
        body: Body {
            pieces: pieces.into(),
        },
        content_type: format!("multipart/form-data; boundary={boundary}"),
    }
}

/// A boundary that depends only on the parts, so that the same scenario sends the same bytes.
fn boundary(parts: &indexmap::IndexMap<Spanned<String>, Spanned<PartSpec>>) -> String {
    let digest = Sha256::digest(serde_json::json!(parts).to_string());
    let digits = digest.iter().take(12).map(|byte| format!("{byte:02x}"));
    format!("brunt-{}", digits.collect::<String>())
}

/// Encodes characters that would end a quoted text in the header of a part, as browsers do.
fn in_quotes(text: &str) -> String {
    text.replace('"', "%22")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}
