//! The content type of a multipart body, if the scenario sets its own.

use crate::compile::compiler::Compiler;
use crate::source::diagnostic::Diagnostic;
use crate::spec::{Json, Spanned};

/// Largest number of characters of a boundary (RFC 2046, section 5.1.1).
const BOUNDARY_MAX: usize = 70;
const REMEDY: &str =
    "remove the header, or write Content-Type = \"multipart/form-data\": brunt adds the boundary";

/// The boundary in a content type of the scenario, which the body uses as well; `None` if it has none.
pub(crate) fn boundary(compiler: &mut Compiler, content_type: &Spanned<Json>) -> Option<String> {
    let text = match content_type.get_ref() {
        Json::Text(text) => text.as_str(),
        _ => "",
    };
    let mut wrong = |message: String| {
        let diagnostic = Diagnostic::new(message).at(content_type.span(), "here");
        compiler.diagnostics.push(diagnostic.help(REMEDY));
    };
    let (media_type, mut parameters) = text.split_once(';').unwrap_or((text, ""));
    let media_type = media_type.trim().to_ascii_lowercase();
    if !media_type.starts_with("multipart/") {
        wrong(format!(
            "invalid content type `{}` of a multipart body: must begin with multipart/",
            text.trim()
        ));
        return None;
    }
    while !parameters.is_empty() {
        let (parameter, rest) = first_parameter(parameters);
        parameters = rest;
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        if !name.trim().eq_ignore_ascii_case("boundary") {
            continue;
        }
        let boundary = unquoted(value.trim());
        if value.contains("{{") {
            wrong("the boundary of a multipart body cannot be an expression".to_owned());
        } else if !is_boundary(&boundary) {
            wrong(format!(
                "invalid boundary `{boundary}`: must be 1 to {BOUNDARY_MAX} letters, digits, spaces or '()+_,-./:=?, \
                 without a space at the end"
            ));
        }
        return Some(boundary);
    }
    None
}

/// The first parameter, and what follows its semicolon. A quoted value may contain semicolons.
fn first_parameter(text: &str) -> (&str, &str) {
    let mut is_quoted = false;
    let mut is_escaped = false;
    for (at, letter) in text.char_indices() {
        match letter {
            _ if is_escaped => is_escaped = false,
            '\\' if is_quoted => is_escaped = true,
            '"' => is_quoted = !is_quoted,
            ';' if !is_quoted => return (&text[..at], &text[at + 1..]),
            _ => {}
        }
    }
    (text, "")
}

/// A value without its quotes (RFC 9110, section 5.6.4).
fn unquoted(value: &str) -> String {
    let inner = value
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    let Some(inner) = inner else {
        return value.to_owned();
    };
    let mut text = String::new();
    let mut letters = inner.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => text.extend(letters.next()),
            letter => text.push(letter),
        }
    }
    text
}

fn is_boundary(text: &str) -> bool {
    let may = |byte: u8| byte.is_ascii_alphanumeric() || b"'()+_,-./:=? ".contains(&byte);
    (1..=BOUNDARY_MAX).contains(&text.len()) && text.bytes().all(may) && !text.ends_with(' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameter_ends_at_a_semicolon_outside_quotes() {
        for (text, expected) in [
            ("a=b", ("a=b", "")),
            ("a=b;c=d", ("a=b", "c=d")),
            ("a=\"b;c\";d", ("a=\"b;c\"", "d")),
            ("a=\"b\\\";c\";d", ("a=\"b\\\";c\"", "d")),
        ] {
            assert_eq!(first_parameter(text), expected, "{text}");
        }
    }

    /// The examples of RFC 2046, section 5.1.1, among others.
    #[test]
    fn boundary_has_the_characters_of_rfc_2046() {
        for (text, is_valid) in [
            ("gc0pJq0M:08jU534c0p", true),
            ("----WebKitFormBoundary7MA4YWxkTrZu0gW", true),
            ("--my", true),
            ("a b", true),
            ("a ", false),
            ("", false),
            ("a\"b", false),
            ("é", false),
        ] {
            assert_eq!(is_boundary(text), is_valid, "{text}");
        }
        assert!(is_boundary(&"x".repeat(70)) && !is_boundary(&"x".repeat(71)));
        assert_eq!(unquoted("\"a\\\"b\""), "a\"b");
    }
}
