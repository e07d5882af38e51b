//! The text of a response body: its charset and its byte order mark (Encoding Standard, section 6).

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8};

/// A byte order mark of UTF-8.
const UTF_8_MARK: &[u8] = b"\xef\xbb\xbf";

/// A charset other than UTF-8, as `Content-Type` names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Charset(&'static Encoding);

impl Charset {
    /// The charset of a `Content-Type`; `None` for UTF-8, without a charset, and for an unknown one.
    pub fn of_content_type(value: &[u8]) -> Option<Self> {
        let mut rest = value;
        while let Some(at) = memchr::memchr(b';', rest) {
            rest = &rest[at + 1..];
            let end = memchr::memchr(b';', rest).unwrap_or(rest.len());
            let parameter = rest[..end].trim_ascii();
            let Some((name, label)) = parameter.split_at_checked(b"charset=".len()) else {
                continue;
            };
            if name.eq_ignore_ascii_case(b"charset=") {
                return Self::of_label(label);
            }
        }
        None
    }

    fn of_label(label: &[u8]) -> Option<Self> {
        let quoted = label.strip_prefix(b"\"");
        let label = quoted.map_or(label, |label| label.strip_suffix(b"\"").unwrap_or(label));
        // Most responses: no need to look it up.
        if label.eq_ignore_ascii_case(b"utf-8") {
            return None;
        }
        let encoding = Encoding::for_label_no_replacement(label)?;
        (encoding != UTF_8).then_some(Self(encoding))
    }
}

/// A body as text in UTF-8, without a byte order mark.
#[derive(Debug)]
pub struct BodyText {
    /// The text, if it differs from the bytes of the body.
    decoded: Option<Vec<u8>>,
    /// Whether its JSON is the decoded text, too.
    is_json_decoded: bool,
}

impl BodyText {
    /// Decodes a body. A byte order mark takes precedence over the charset. Bytes that are invalid in UTF-8 stay as they
    /// are; those that are invalid in the charset become U+FFFD.
    pub fn new(body: &[u8], charset: Option<Charset>) -> Self {
        let marked = Encoding::for_bom(body).map(|(encoding, _)| encoding);
        let is_marked = marked.is_some();
        let encoding = marked.or(charset.map(|charset| charset.0));
        let decoded = encoding
            .filter(|encoding| *encoding != UTF_8)
            .and_then(|encoding| {
                let (text, _, is_broken) = encoding.decode(body);
                match text {
                    // What begins with a mark and is not such a text is not a text at all.
                    _ if is_marked && is_broken => None,
                    Cow::Owned(text) => Some((text.into_bytes(), encoding)),
                    Cow::Borrowed(_) => None,
                }
            });
        // JSON is UTF-8 (RFC 8259, section 8.1), whatever its charset; the charset is used if it is not.
        let is_json_decoded = decoded.as_ref().is_some_and(|(_, encoding)| {
            !encoding.is_ascii_compatible() || std::str::from_utf8(body).is_err()
        });
        Self {
            decoded: decoded.map(|(text, _)| text),
            is_json_decoded,
        }
    }

    /// The text of the body from which it was created.
    pub fn text<'a>(&'a self, body: &'a [u8]) -> &'a [u8] {
        self.decoded.as_deref().unwrap_or_else(|| unmarked(body))
    }

    /// The JSON of the body from which it was created.
    pub fn json<'a>(&'a self, body: &'a [u8]) -> &'a [u8] {
        let decoded = self.decoded.as_deref();
        decoded
            .filter(|_| self.is_json_decoded)
            .unwrap_or_else(|| unmarked(body))
    }
}

/// A body without a byte order mark of UTF-8.
#[inline]
pub(crate) fn unmarked(body: &[u8]) -> &[u8] {
    body.strip_prefix(UTF_8_MARK).unwrap_or(body)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn charset(content_type: &str) -> Option<&'static str> {
        let charset = Charset::of_content_type(content_type.as_bytes());
        charset.map(|charset| charset.0.name())
    }

    /// Labels: Encoding Standard, section 4.2. Parameters: RFC 9110, section 8.3.2.
    #[test]
    fn charset_is_that_of_the_content_type() {
        for (content_type, expected) in [
            ("text/html", None),
            ("text/html; charset=utf-8", None),
            ("text/html; charset=\"UTF8\"", None),
            ("text/html; charset=ISO-8859-1", Some("windows-1252")),
            ("text/html;CHARSET=\"latin1\"", Some("windows-1252")),
            ("text/html; a=b; charset=Shift_JIS ; c=d", Some("Shift_JIS")),
            ("text/html; charset=utf-16", Some("UTF-16LE")),
            ("text/html; xcharset=latin1", None),
            ("text/html; charset=unknown", None),
            ("text/html; charset=", None),
            ("text/html; charset=\"latin1", Some("windows-1252")),
            // The first of two counts (MIME Sniffing Standard, section 4.4).
            (
                "text/html; charset=latin2; charset=latin1",
                Some("ISO-8859-2"),
            ),
            ("charset=latin1", None),
            ("", None),
        ] {
            assert_eq!(charset(content_type), expected, "{content_type}");
        }
    }

    /// Expected texts: those of `TextDecoder` and of `Response.json()` in a browser.
    #[test]
    fn body_is_decoded_by_its_mark_or_its_charset() {
        let utf_16 = |text: &str, is_little: bool| {
            let units = text.encode_utf16();
            let bytes = units.flat_map(|unit| {
                if is_little {
                    unit.to_le_bytes()
                } else {
                    unit.to_be_bytes()
                }
            });
            bytes.collect::<Vec<u8>>()
        };
        let marked = [&b"\xef\xbb\xbf"[..], "é".as_bytes()].concat();
        let cases: [(&[u8], &str, &str, &str); 11] = [
            (b"caf\xe9", "iso-8859-1", "café", "café"),
            (b"\x80", "latin1", "€", "€"),
            (b"caf\xe9", "", "caf\u{fffd}", "caf\u{fffd}"),
            ("é".as_bytes(), "", "é", "é"),
            // A wrong charset spoils a text, but not JSON.
            ("é".as_bytes(), "latin1", "Ã©", "é"),
            (&marked, "", "é", "é"),
            (&marked, "latin1", "é", "é"),
            (b"\x83\x65", "shift_jis", "テ", "テ"),
            (&utf_16("\u{feff}é", true), "latin1", "é", "é"),
            (&utf_16("\u{feff}é", false), "", "é", "é"),
            (&utf_16("[1]", true), "utf-16", "[1]", "[1]"),
        ];
        for (body, label, text, json) in cases {
            let charset = Charset::of_label(label.as_bytes());
            let decoded = BodyText::new(body, charset);
            let shown = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            assert_eq!(shown(decoded.text(body)), text, "{body:?} {label}");
            assert_eq!(shown(decoded.json(body)), json, "{body:?} {label}");
        }
    }

    #[test]
    fn bytes_that_are_not_a_text_stay_as_they_are() {
        for body in [&b"\xff\xfe\x00"[..], b"\xff\xfb\x90\x00", b"\x00\xff"] {
            let decoded = BodyText::new(body, None);
            assert_eq!(decoded.text(body), body);
            assert_eq!(decoded.json(body), body);
        }
    }

    proptest! {
        #[test]
        fn any_body_in_any_charset_has_a_text(
            body in prop::collection::vec(any::<u8>(), 0..40),
            label in "(utf-8|utf-16(be|le)?|latin1|shift_jis|gb18030|iso-2022-jp|x-user-defined|)",
        ) {
            let charset = Charset::of_label(label.as_bytes());
            let decoded = BodyText::new(&body, charset);
            let is_utf_8 = |text: &[u8]| std::str::from_utf8(text).is_ok();
            prop_assert!(is_utf_8(decoded.text(&body)) || decoded.text(&body) == body || decoded.text(&body) == unmarked(&body));
            if is_utf_8(&body) && charset.is_none_or(|charset| charset.0.is_ascii_compatible()) {
                prop_assert_eq!(decoded.json(&body), unmarked(&body));
            }
        }
    }
}
