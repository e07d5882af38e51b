//! Parts of a multipart form (`-F`).

use crate::draft::{Part, PartContent};

/// A part, with what of it cannot be carried over.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct FormPart {
    pub(super) part: Part,
    pub(super) losses: Vec<&'static str>,
}

/// Content types that curl sends for endings of file names.
const TYPES: [(&str, &str); 10] = [
    (".gif", "image/gif"),
    (".jpg", "image/jpeg"),
    (".jpeg", "image/jpeg"),
    (".png", "image/png"),
    (".svg", "image/svg+xml"),
    (".txt", "text/plain"),
    (".htm", "text/html"),
    (".html", "text/html"),
    (".pdf", "application/pdf"),
    (".xml", "application/xml"),
];

/// Reads a part like [`parse`]. Content that is not UTF-8 is taken literally.
pub(super) fn parse_bytes(bytes: &[u8], is_literal: bool) -> Option<FormPart> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return parse(text, is_literal);
    }
    let at = bytes.iter().position(|byte| *byte == b'=')?;
    let part = Part {
        name: String::from_utf8_lossy(&bytes[..at]).into_owned(),
        content: PartContent::Bytes(bytes[at + 1..].to_vec()),
        file_name: None,
        media: None,
    };
    let losses = vec!["a part of a form that is not UTF-8 is sent with a file name"];
    Some(FormPart { part, losses })
}

/// Reads `name=content;type=…`, or `name=@file;type=…;filename=…`. `None`: it has no name and no content.
pub(super) fn parse(text: &str, is_literal: bool) -> Option<FormPart> {
    let (name, content) = text.split_once('=')?;
    let mut part = Part {
        name: name.to_owned(),
        content: PartContent::Text(content.to_owned()),
        file_name: None,
        media: None,
    };
    let mut losses = Vec::new();
    if is_literal {
        return Some(FormPart { part, losses });
    }
    if content.starts_with('(') || name.is_empty() && content == ")" {
        losses.push("nested parts of a multipart form are not supported, left out");
        part.content = PartContent::Text(String::new());
        return Some(FormPart { part, losses });
    }
    let is_file = content.starts_with('@');
    let is_content_of_file = content.starts_with('<');
    let content = if is_file || is_content_of_file {
        &content[1..]
    } else {
        content
    };
    let (value, mut rest) = word(content, is_file || is_content_of_file);
    while let Some(parameter) = rest.strip_prefix(';') {
        rest = parameters(parameter.trim_start(), &mut part, &mut losses);
    }
    if rest.starts_with(',') {
        losses.push("several files in one part of a multipart form are not supported; the first one is sent");
    }
    if is_content_of_file {
        losses.push("the content of a file is sent as a part with a file name");
    }
    if is_file || is_content_of_file {
        let shown = part.file_name.clone().unwrap_or_else(|| value.clone());
        if is_file && part.media.is_none() {
            part.media = Some(type_of(&shown));
        }
        part.content = PartContent::File(value);
    } else {
        if part.file_name.is_some() && part.media.is_none() {
            part.media = part.file_name.as_deref().map(type_of);
        }
        part.content = PartContent::Text(value);
    }
    Some(FormPart { part, losses })
}

fn type_of(file: &str) -> String {
    let file = file.to_ascii_lowercase();
    let known = TYPES.iter().find(|(ending, _)| file.ends_with(ending));
    known
        .map_or("application/octet-stream", |(_, media)| media)
        .to_owned()
}

/// Reads `type=…`, `filename=…` and other parameters, and returns what follows.
fn parameters<'a>(text: &'a str, part: &mut Part, losses: &mut Vec<&'static str>) -> &'a str {
    if let Some(value) = text.strip_prefix("type=") {
        // Parameters of the type follow it.
        let mut end = value.find([';', ',']).unwrap_or(value.len());
        while let Some(next) = value.get(end..).and_then(|rest| rest.strip_prefix(';')) {
            let is_own = |name: &str| next.trim_start().starts_with(name);
            if ["filename=", "headers=", "encoder=", "type="]
                .into_iter()
                .any(is_own)
                || !next.contains('=')
            {
                break;
            }
            let length = next.find([';', ',']).unwrap_or(next.len());
            end += 1 + length;
        }
        part.media = Some(value[..end].trim().trim_matches('"').to_owned());
        return &value[end..];
    }
    if let Some(value) = text.strip_prefix("filename=") {
        let (name, rest) = word(value, true);
        part.file_name = Some(name);
        return rest;
    }
    if text.starts_with("headers=") || text.starts_with("encoder=") {
        losses.push("headers and encodings of a part are not supported, left out");
    }
    let (_, rest) = word(text, false);
    rest
}

/// Reads a word up to `;`, or `,` for a file. It may be quoted.
fn word(text: &str, is_file: bool) -> (String, &str) {
    let is_end = |letter: char| letter == ';' || is_file && letter == ',';
    if let Some(quoted) = text.strip_prefix('"') {
        let mut value = String::new();
        let mut letters = quoted.char_indices();
        while let Some((at, letter)) = letters.next() {
            match letter {
                '"' => {
                    let rest = &quoted[at + 1..];
                    let end = rest.find(is_end).unwrap_or(rest.len());
                    return (value, &rest[end..]);
                }
                '\\' => match letters.clone().next() {
                    Some((_, escaped @ ('"' | '\\'))) => {
                        value.push(escaped);
                        letters.next();
                    }
                    _ => value.push('\\'),
                },
                letter => value.push(letter),
            }
        }
    }
    let end = text.find(is_end).unwrap_or(text.len());
    (text[..end].to_owned(), &text[end..])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Content, file name and type.
    fn read(text: &str) -> (PartContent, Option<String>, Option<String>) {
        let part = parse(text, false).unwrap().part;
        (part.content, part.file_name, part.media)
    }

    // Checked with curl 7.88.1.
    #[test]
    fn part_is_read_like_in_curl() {
        let text = |text: &str| PartContent::Text(text.to_owned());
        let file = |path: &str| PartContent::File(path.to_owned());
        let some = |text: &str| Some(text.to_owned());
        let cases = [
            ("a=1", (text("1"), None, None)),
            ("a=b=c", (text("b=c"), None, None)),
            ("a=x y;z", (text("x y"), None, None)),
            (
                "a=\"q\\\"x;y\";type=text/plain",
                (text("q\"x;y"), None, some("text/plain")),
            ),
            (
                "a={};type=application/json;charset=utf-8",
                (text("{}"), None, some("application/json;charset=utf-8")),
            ),
            (
                "a=1;filename=f.txt",
                (text("1"), some("f.txt"), some("text/plain")),
            ),
            ("a=@d/p.jpg", (file("d/p.jpg"), None, some("image/jpeg"))),
            (
                "a=@p;type=image/png;filename=\"b c.txt\"",
                (file("p"), some("b c.txt"), some("image/png")),
            ),
            (
                "a=@\"C:/x,y.bin\"",
                (file("C:/x,y.bin"), None, some("application/octet-stream")),
            ),
            ("a=\"open", (text("\"open"), None, None)),
        ];
        for (form, expected) in cases {
            assert_eq!(read(form), expected, "{form}");
        }
        let literal = parse("a=@x;type=y", true).unwrap().part;
        assert_eq!(literal.content, text("@x;type=y"));
    }

    #[test]
    fn part_that_cannot_be_carried_over_has_a_reason() {
        for form in [
            "a=<f",
            "a=@b,c",
            "a=1;headers=\"X: y\"",
            "=(;type=multipart/mixed",
        ] {
            assert_eq!(parse(form, false).unwrap().losses.len(), 1, "{form}");
        }
        assert_eq!(parse("a", false), None);
        let bytes = parse_bytes(b"a=\xff", false).unwrap();
        assert_eq!(bytes.part.content, PartContent::Bytes(b"\xff".to_vec()));
        assert_eq!(bytes.losses.len(), 1);
    }
}
