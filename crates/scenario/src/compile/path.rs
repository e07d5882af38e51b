//! Compiles paths. Each expression is encoded as its place needs: a segment, a parameter of the query, or a complete path.
//! A path that an expression begins may be a URL, which is resolved when it is known.

use crate::compile::body::compile_form;
use crate::compile::compiler::Compiler;
use crate::expr::expression::{FormFields, Template};
use crate::expr::grammar;
use crate::expr::parser::{TemplatePart, calls_encoder};
use crate::model::reference::{Reference, is_path};
use crate::model::request::RequestPath;
use crate::source::diagnostic::Diagnostic;
use crate::spec::{Spanned, StepSpec};
use crate::value::{Encoding, write_text};

/// Compiles the path of a request, and appends its query.
pub(crate) fn compile_path(
    compiler: &mut Compiler,
    path: &Spanned<String>,
    typed: &StepSpec,
) -> RequestPath {
    let begins = |begin: &&str| path.get_ref().starts_with(*begin);
    let is_reference = ["{{", "{%"].iter().any(begins);
    if !is_reference && !path.get_ref().starts_with('/') {
        let diagnostic = Diagnostic::new(format!(
            "invalid path `{}`: must begin with /",
            path.get_ref()
        ))
        .at(path.span(), "here")
        .help("the host is set once, in `host`; an expression may set the complete path: \"{{ path }}\"");
        compiler.diagnostics.push(diagnostic);
    }
    // The value of the first expression may be a complete URL, which is not to be encoded.
    let begin = if is_reference {
        Encoding::Plain
    } else {
        Encoding::Path
    };
    let mut text = compile_path_text(compiler, path, begin);
    let query = typed.query.as_ref();
    let fields = query.map(|query| compile_form(compiler, query));
    let fields = fields.unwrap_or_default();
    // The value of an environment variable is known.
    let is_known_path = text.literal_bytes().is_some_and(is_path);
    if is_reference && !is_known_path {
        let fields = fields.into();
        let query = FormFields {
            is_query: true,
            fields,
        };
        return RequestPath::Reference(Reference { text, query });
    }
    text.fields(true, fields);
    RequestPath::Path(text)
}

/// Compiles the text of a path; `begin` is the encoding of an expression that begins it.
fn compile_path_text(compiler: &mut Compiler, path: &Spanned<String>, begin: Encoding) -> Template {
    let text = path.get_ref();
    if text.contains("{%") {
        let encoded = with_encoders(text);
        return compiler.text_at(&encoded, &path.span(), begin);
    }
    let parts = compiler.parts(text, &path.span());
    let mut template = Template::default();
    let place = path.span();
    for (at, part) in parts.iter().enumerate() {
        match part {
            TemplatePart::Text(text) => {
                let mut bytes = Vec::new();
                write_text(text, Encoding::Path, &mut bytes);
                template.literal(&bytes);
            }
            TemplatePart::Encoded(expression) | TemplatePart::Expression(expression) if at == 0 => {
                compiler.insert(expression.clone(), begin, &place, &mut template);
            }
            TemplatePart::Encoded(expression) => {
                compiler.insert(expression.clone(), Encoding::Path, &place, &mut template);
            }
            TemplatePart::Expression(expression) => {
                let encoding = encoding_at(&parts, at);
                compiler.insert(expression.clone(), encoding, &place, &mut template);
            }
        }
    }
    template
}

/// A path with blocks, whose expressions call `urlencode` where they have to.
fn with_encoders(text: &str) -> String {
    let (mut written, mut before, mut rest) = (String::new(), String::new(), text);
    while let Some(at) = rest.find('{') {
        let (literal, tag) = rest.split_at(at);
        written.push_str(literal);
        before.push_str(literal);
        let close = match tag.get(..2) {
            Some("{%") => "%}",
            Some("{#") => "#}",
            Some("{{") => "}}",
            _ => "{",
        };
        let inside = &tag[close.len()..];
        let end = match close {
            "{" => None,
            "}}" => grammar::end_of_expression(inside),
            close => inside.find(close),
        };
        let Some(end) = end else {
            written.push_str(&tag[..close.len()]);
            before.push_str(if close == "{" { "{" } else { "" });
            rest = inside;
            continue;
        };
        let expression = &inside[..end];
        rest = &inside[end + 2..];
        let is_raw = before.is_empty()
            || calls_encoder(expression)
            || is_query(&before) && before.ends_with(['?', '&']) && !rest.starts_with('=');
        if close != "}}" || is_raw {
            written.push_str(&tag[..tag.len() - rest.len()]);
            continue;
        }
        let trim = |side: Option<char>| if side == Some('-') { "-" } else { "" };
        let bare = expression.trim_start_matches('-').trim_end_matches('-');
        let begin = trim(expression.chars().next());
        let finish = trim(expression.chars().next_back());
        written.push_str(&format!("{{{{{begin} ({bare}) | urlencode {finish}}}}}"));
    }
    written + rest
}

/// Encoding of the expression at this index of a path.
fn encoding_at(parts: &[TemplatePart], at: usize) -> Encoding {
    let literals = parts[..at].iter().filter_map(|part| match part {
        TemplatePart::Text(text) => Some(*text),
        _ => None,
    });
    let before: String = literals.collect();
    let after = match parts.get(at + 1) {
        Some(TemplatePart::Text(text)) => text.chars().next(),
        Some(_) => {
            return if is_query(&before) {
                Encoding::Form
            } else {
                begin_of(&before)
            };
        }
        None => None,
    };
    let follows_text = matches!(parts[..at].last(), Some(TemplatePart::Text(_)));
    if is_query(&before) {
        // A complete parameter has its name and its value in one expression.
        let is_parameter = follows_text && before.ends_with(['?', '&']);
        return if is_parameter && matches!(after, None | Some('&' | '#')) {
            Encoding::Path
        } else {
            Encoding::Form
        };
    }
    if before == "/" && matches!(after, None | Some('?' | '#')) {
        return Encoding::Segments;
    }
    begin_of(&before)
}

/// Whether the query begins in this beginning of a path, or in an expression before it.
fn is_query(before: &str) -> bool {
    before.contains(['?', '&'])
}

/// Encoding after this beginning of a path.
fn begin_of(before: &str) -> Encoding {
    match before.chars().next_back() {
        None => Encoding::Path,
        Some('/') => Encoding::Form,
        Some(_) => Encoding::Segment,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_among_blocks_are_encoded_after_the_beginning() {
        for (text, expected) in [
            (
                "/e?{% for t in tags %}&tag={{ t }}{% endfor %}",
                "/e?{% for t in tags %}&tag={{ ( t ) | urlencode }}{% endfor %}",
            ),
            (
                "{{ base }}{% if x %}/{{- x -}}/{{ x | urlencode }}{% endif %}",
                "{{ base }}{% if x %}/{{- ( x ) | urlencode -}}/{{ x | urlencode }}{% endif %}",
            ),
            (
                "/{a}{# {{ x }} #}{% if x %}?{{ x }}{% endif %}",
                "/{a}{# {{ x }} #}{% if x %}?{{ x }}{% endif %}",
            ),
            (
                "/{{ {'a': 1}.a }}{% if x %}{",
                "/{{ ( {'a': 1}.a ) | urlencode }}{% if x %}{",
            ),
        ] {
            assert_eq!(with_encoders(text), expected);
        }
    }
}
