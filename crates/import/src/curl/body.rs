//! Bodies of curl commands: pieces that are joined, and what they are.

use serde_json::Value;

use crate::curl::command_line::{Input, MARKS};
use crate::data::{encoded_mark, with_plain_marks};
use crate::draft::Body;
use crate::json_bodies;
use crate::secrets::PLACEHOLDER;
use crate::warnings::Warnings;

/// Pieces of a body or a query in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Pieces {
    pieces: Vec<Piece>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Bytes(Vec<u8>),
    /// A file, from which `-d` removes line breaks.
    File {
        path: String,
        loses_lines: bool,
    },
    Unknown,
}

/// Joined pieces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Content {
    Bytes(Vec<u8>),
    File(String),
}

impl Pieces {
    pub(super) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Begins another piece. JSON is continued without a separator.
    pub(super) fn separate(&mut self, is_json: bool) {
        if !self.is_empty() && !is_json {
            self.push(b"&".to_vec());
        }
    }

    pub(super) fn push(&mut self, bytes: Vec<u8>) {
        match self.pieces.last_mut() {
            Some(Piece::Bytes(last)) => last.extend(bytes),
            _ => self.pieces.push(Piece::Bytes(bytes)),
        }
    }

    /// Adds the content of a file; `-` is standard input.
    pub(super) fn push_file(&mut self, path: &[u8], input: Option<&Input>, loses_lines: bool) {
        let path = match (path, input) {
            (b"-", Some(Input::Bytes(bytes))) => {
                let is_kept = |byte: &u8| !loses_lines || !b"\r\n\0".contains(byte);
                return self.push(bytes.iter().copied().filter(is_kept).collect());
            }
            (b"-", Some(Input::File(path))) => path,
            (b"-", None) => return self.pieces.push(Piece::Unknown),
            (path, _) => path,
        };
        let path = String::from_utf8_lossy(path).into_owned();
        self.pieces.push(
            if path
                .as_bytes()
                .windows(MARKS.0.len())
                .any(|part| part == MARKS.0)
            {
                Piece::Unknown
            } else {
                Piece::File { path, loses_lines }
            },
        );
    }

    /// Joins the pieces. Content that is not known becomes a placeholder, with a warning.
    pub(super) fn join(&self, warnings: &mut Warnings) -> Content {
        if let [Piece::File { path, loses_lines }] = &self.pieces[..] {
            warnings.at(
                "the body is read from this file, whose path is relative to the scenario",
                path,
            );
            if *loses_lines {
                warnings.at(
                    "curl -d removes line breaks from a file, brunt sends it unchanged; remove them from the file",
                    path,
                );
            }
            return Content::File(path.clone());
        }
        let mut joined = Vec::new();
        for piece in &self.pieces {
            match piece {
                Piece::Bytes(bytes) => joined.extend_from_slice(bytes),
                Piece::File { path, .. } => {
                    let what = format!(
                        "content of a file within a text is not read; replace {PLACEHOLDER} by it"
                    );
                    warnings.at(what, path);
                    joined.extend_from_slice(PLACEHOLDER.as_bytes());
                }
                Piece::Unknown => {
                    warnings.add(format!(
                        "standard input is not part of the command, or the name of a file is not known; replace \
                         {PLACEHOLDER} by the content, or write file = \"…\" instead of text"
                    ));
                    joined.extend_from_slice(PLACEHOLDER.as_bytes());
                }
            }
        }
        Content::Bytes(joined)
    }
}

/// Encodes a value of `--data-urlencode`: `text`, `=text`, `name=text`, `@file` or `name@file`.
pub(super) fn push_encoded(value: &[u8], input: Option<&Input>, into: &mut Pieces) {
    if let Some(at) = value.iter().position(|byte| *byte == b'=') {
        let name = if at == 0 { &[][..] } else { &value[..=at] };
        into.push([name, &encoded(&value[at + 1..])].concat());
    } else if let Some(at) = value.iter().position(|byte| *byte == b'@') {
        if at > 0 {
            into.push([&value[..at], b"="].concat());
        }
        match (&value[at + 1..], input) {
            (b"-", Some(Input::Bytes(bytes))) => into.push(encoded(bytes)),
            (path, input) => {
                // It is encoded, so it is never sent as a file.
                into.push(Vec::new());
                into.push_file(path, input, false);
            }
        }
    } else {
        into.push(encoded(value));
    }
}

/// Percent-encodes all but unreserved characters and variables; a space becomes a plus sign.
fn encoded(text: &[u8]) -> Vec<u8> {
    encode(text, b"+")
}

fn encode(text: &[u8], space: &[u8]) -> Vec<u8> {
    let mut encoded = Vec::new();
    let mut rest = text;
    while let Some((&byte, after)) = rest.split_first() {
        if rest.starts_with(MARKS.0)
            && let Some(end) = rest.windows(MARKS.1.len()).position(|part| part == MARKS.1)
        {
            let (mark, after) = rest.split_at(end + MARKS.1.len());
            let mark = String::from_utf8_lossy(mark);
            encoded.extend_from_slice(encoded_mark(&mark).as_bytes());
            rest = after;
            continue;
        }
        match byte {
            b' ' => encoded.extend_from_slice(space),
            byte if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => encoded.push(byte),
            byte => encoded.extend_from_slice(format!("%{byte:02X}").as_bytes()),
        }
        rest = after;
    }
    encoded
}

/// The kind of a body with a content type, as far as brunt sends the same bytes again, or the same JSON.
pub(super) fn body(bytes: Vec<u8>, content_type: &str) -> Body {
    let looks_json = matches!(bytes.trim_ascii_start().first(), Some(b'{' | b'['));
    if looks_json || content_type.contains("json") {
        return match exact_json(&bytes) {
            Some(value) => Body::Json(value),
            None => Body::Bytes(bytes),
        };
    }
    if content_type.contains("x-www-form-urlencoded")
        && let Some(fields) = exact_form(&bytes)
    {
        return Body::Form(fields);
    }
    Body::Bytes(bytes)
}

/// The value of a JSON text whose numbers are written again as they are, and whose names are unique.
fn exact_json(bytes: &[u8]) -> Option<Value> {
    let value: Value = serde_json::from_slice(bytes).ok()?;
    if !json_bodies::is_writable(&value) {
        return None;
    }
    let again = serde_json::to_vec(&value).ok()?;
    let (numbers, _) = tokens(bytes);
    // TOML has integers of 64 bits.
    let is_large = |number: &&[u8]| {
        let text = String::from_utf8_lossy(number);
        !text.contains(['.', 'e', 'E']) && text.parse::<i64>().is_err()
    };
    let is_exact = !numbers.iter().any(is_large) && tokens(bytes) == tokens(&again);
    is_exact.then_some(value)
}

/// The numbers of a JSON text, and its number of strings.
fn tokens(json: &[u8]) -> (Vec<&[u8]>, usize) {
    let (mut numbers, mut strings) = (Vec::new(), 0);
    let mut at = 0;
    while let Some(&byte) = json.get(at) {
        let begin = at;
        at += 1;
        if byte == b'"' {
            strings += 1;
            while let Some(&byte) = json.get(at) {
                at += if byte == b'\\' { 2 } else { 1 };
                if byte == b'"' {
                    break;
                }
            }
        } else if byte == b'-' || byte.is_ascii_digit() {
            let is_of_number = |byte: &u8| byte.is_ascii_digit() || b"+-.eE".contains(byte);
            while json.get(at).is_some_and(is_of_number) {
                at += 1;
            }
            numbers.push(&json[begin..at]);
        }
    }
    (numbers, strings)
}

/// The fields of a form that brunt encodes to the same bytes.
fn exact_form(bytes: &[u8]) -> Option<Vec<(String, String)>> {
    let mut fields: Vec<(String, String)> = Vec::new();
    for pair in bytes.split(|byte| *byte == b'&') {
        let at = pair
            .iter()
            .position(|byte| *byte == b'=')
            .filter(|at| *at > 0)?;
        let (name, value) = (decoded(&pair[..at])?, decoded(&pair[at + 1..])?);
        // A repeated name is a list, so its values are sent one after another.
        let is_last = fields.last().is_some_and(|(last, _)| *last == name);
        if !is_last && fields.iter().any(|(known, _)| *known == name) {
            return None;
        }
        fields.push((name, value));
    }
    Some(fields)
}

/// A text without its encoding, if encoding it again gives the same bytes.
fn decoded(text: &[u8]) -> Option<String> {
    let plain = String::from_utf8_lossy(text).replace('+', "%2B");
    let pair = format!("={plain}");
    let (_, decoded) = url::form_urlencoded::parse(pair.as_bytes()).next()?;
    // brunt encodes the value of a variable, too.
    let again = encode(decoded.as_bytes(), b"%20");
    let plain = |text: &[u8]| with_plain_marks(&String::from_utf8_lossy(text));
    (plain(&again) == plain(text)).then(|| with_plain_marks(&decoded))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn body_is_a_value_only_if_the_same_is_sent_again() {
        const FORM: &str = "application/x-www-form-urlencoded";
        let bytes = |text: &str| Body::Bytes(text.as_bytes().to_vec());
        let form = |pairs: &[(&str, &str)]| {
            let pair = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
            Body::Form(pairs.iter().map(pair).collect())
        };
        let cases = [
            (
                "{ \"a\": [1, 1.5, null] }",
                FORM,
                Body::Json(json!({ "a": [1, 1.5, null] })),
            ),
            ("7", "application/json", Body::Json(json!(7))),
            ("{\"a\":1E2}", FORM, bytes("{\"a\":1E2}")),
            ("{\"a\":1.50}", FORM, bytes("{\"a\":1.50}")),
            ("{\"a\":1,\"a\":2}", FORM, bytes("{\"a\":1,\"a\":2}")),
            (
                "{\"a\":18446744073709551615}",
                FORM,
                bytes("{\"a\":18446744073709551615}"),
            ),
            ("{\"a\":", "application/json", bytes("{\"a\":")),
            ("null", "application/json", bytes("null")),
            ("a=1&b=x%20y", FORM, form(&[("a", "1"), ("b", "x y")])),
            (
                "a=1&a=2&b=",
                FORM,
                form(&[("a", "1"), ("a", "2"), ("b", "")]),
            ),
            ("a=1&b=2&a=3", FORM, bytes("a=1&b=2&a=3")),
            ("a=x+y", FORM, bytes("a=x+y")),
            ("n=caf%E9", FORM, bytes("n=caf%E9")),
            ("a=%2f", FORM, bytes("a=%2f")),
            ("hello world", FORM, bytes("hello world")),
            ("a=1", "text/plain", bytes("a=1")),
            ("", FORM, bytes("")),
        ];
        for (text, content_type, expected) in cases {
            assert_eq!(
                body(text.as_bytes().to_vec(), content_type),
                expected,
                "{text}"
            );
        }
    }

    // Checked with curl 7.88.1.
    #[test]
    fn value_is_encoded_like_in_curl() {
        let cases = [
            ("q=v w&é~*", "q=v+w%26%C3%A9~%2A"),
            ("=x y", "x+y"),
            ("pl ain", "pl+ain"),
            ("a b=c", "a b=c"),
            ("q=\u{fdd0}X\u{fdd1} y", "q=\u{fdd0}*X\u{fdd1}+y"),
        ];
        for (value, expected) in cases {
            let mut pieces = Pieces::default();
            push_encoded(value.as_bytes(), None, &mut pieces);
            let content = pieces.join(&mut Warnings::default());
            assert_eq!(
                content,
                Content::Bytes(expected.as_bytes().to_vec()),
                "{value}"
            );
        }
    }

    #[test]
    fn content_that_is_not_known_is_a_placeholder_with_a_warning() {
        let mut pieces = Pieces::default();
        pieces.push(b"a=".to_vec());
        pieces.push_file(b"f", None, true);
        pieces.push_file(b"-", None, true);
        let mut warnings = Warnings::default();
        let expected = Content::Bytes(b"a=REPLACE-MEREPLACE-ME".to_vec());
        assert_eq!(pieces.join(&mut warnings), expected);
        assert_eq!(warnings.into_lines().len(), 2);
    }
}
