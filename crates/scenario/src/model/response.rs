//! Responses in the form that checks and extractions read.

use std::borrow::Cow;
use std::cell::{Cell, OnceCell};

use serde_json::Value as JsonValue;

use crate::json::numbers;
use crate::json::path::{Path, Values};
use crate::json::query::JsonMatches;
use crate::model::body_text::{BodyText, Charset, unmarked};

/// A response with its body decoded.
#[derive(Debug)]
pub struct ResponseView<'a> {
    status: u16,
    /// Header lines, each ended by CR LF.
    fields: &'a [u8],
    body: &'a [u8],
    charset: Option<Charset>,
    /// Intended start to done.
    took_ns: u64,
    /// The body in UTF-8, if it may have another charset.
    decoded: OnceCell<BodyText>,
    /// The body as text; `None` if it is not UTF-8.
    text: OnceCell<Option<&'a str>>,
    json: OnceCell<Option<JsonValue>>,
    /// The same with numbers as they were written; `None` if they are the same.
    exact: OnceCell<Option<JsonValue>>,
    /// URL of the response, after redirects.
    url: Option<&'a str>,
    /// The user's cookies for that URL, as they are sent.
    cookies: Option<&'a [u8]>,
    /// Values that were found in a large body beforehand.
    matches: Option<JsonMatches>,
    /// Number of times that the body was parsed without being kept.
    read: Cell<u32>,
}

/// Number of times that a body is parsed before it is kept as JSON.
const READ_MAX: u32 = 2;

impl<'a> ResponseView<'a> {
    /// A view of a response; `took_ns` is the time from the intended start to its end.
    pub fn new(status: u16, fields: &'a [u8], body: &'a [u8], took_ns: u64) -> Self {
        Self {
            status,
            fields,
            body,
            charset: None,
            took_ns,
            decoded: OnceCell::new(),
            text: OnceCell::new(),
            json: OnceCell::new(),
            exact: OnceCell::new(),
            url: None,
            cookies: None,
            matches: None,
            read: Cell::new(0),
        }
    }

    /// Adds the charset of the body.
    #[must_use]
    pub fn with_charset(self, charset: Option<Charset>) -> Self {
        Self { charset, ..self }
    }

    /// Adds the text of the body, which is not decoded again then.
    #[must_use]
    pub fn with_text(self, text: BodyText) -> Self {
        Self {
            decoded: OnceCell::from(text),
            ..self
        }
    }

    /// Adds the values that the JSON paths of the request found in the body, which is not parsed then.
    #[must_use]
    pub fn with_matches(self, matches: JsonMatches) -> Self {
        Self {
            matches: Some(matches),
            ..self
        }
    }

    /// Adds the URL of the response and the user's cookies for it, as a `Cookie` header sends them.
    #[must_use]
    pub fn with_place(self, url: &'a str, cookies: &'a [u8]) -> Self {
        Self {
            url: Some(url),
            cookies: Some(cookies),
            ..self
        }
    }

    pub(crate) fn url(&self) -> Option<&'a str> {
        self.url
    }

    /// Values of a cookie that the user has.
    pub(crate) fn own_cookie(&self, wanted: &str) -> impl Iterator<Item = Cow<'a, str>> {
        let pairs = self.cookies.unwrap_or_default().split(|byte| *byte == b';');
        pairs.filter_map(move |pair| {
            let pair = pair.trim_ascii();
            let (name, value) = pair.split_at(memchr::memchr(b'=', pair)?);
            (name == wanted.as_bytes()).then(|| field_text(&value[1..]))
        })
    }

    /// Status code.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// Header lines.
    pub fn fields(&self) -> &'a [u8] {
        self.fields
    }

    /// Size of the body in bytes, in its own charset.
    pub(crate) fn body_bytes(&self) -> u64 {
        self.body.len() as u64
    }

    /// The body as text in UTF-8; the bytes as they are if they are not a text.
    #[inline]
    pub(crate) fn body(&self) -> &[u8] {
        let may_have_mark = matches!(self.body.first(), Some(0xef | 0xfe | 0xff));
        if self.charset.is_none() && !may_have_mark {
            return self.body;
        }
        self.decoded().text(self.body)
    }

    fn decoded(&self) -> &BodyText {
        let new = || BodyText::new(self.body, self.charset);
        self.decoded.get_or_init(new)
    }

    pub(crate) fn took_ns(&self) -> u64 {
        self.took_ns
    }

    /// Values that a path finds in the body; `None` if it is not JSON.
    pub(crate) fn values(&self, path: &Path) -> Option<Cow<'_, Values>> {
        if let Some(matches) = &self.matches {
            return matches.of(path).map(Cow::Borrowed);
        }
        let read = self.read.get();
        if path.is_followed() && self.json.get().is_none() && read < READ_MAX {
            self.read.set(read + 1);
            return path.follow(self.text()?).map(Cow::Owned);
        }
        self.json()
            .map(|json| Cow::Owned(path.find(json, || self.exact())))
    }

    /// The JSON text of the body; `None` if it is not UTF-8 and has no other charset.
    fn text(&self) -> Option<&str> {
        // Validated once.
        let text = *self
            .text
            .get_or_init(|| std::str::from_utf8(unmarked(self.body)).ok());
        if self.charset.is_none() && text.is_some() {
            return text;
        }
        std::str::from_utf8(self.decoded().json(self.body)).ok()
    }

    /// The body as JSON, parsed once; `None` if it is not JSON.
    fn json(&self) -> Option<&JsonValue> {
        let parse = || {
            let text = self.text()?;
            let parsed = serde_json::from_str(text);
            let bounded = || serde_json::from_str(&numbers::bounded(text)?).ok();
            parsed.ok().or_else(bounded)
        };
        self.json.get_or_init(parse).as_ref()
    }

    /// The same with its numbers as they were written; `None` if they are the same.
    fn exact(&self) -> Option<&JsonValue> {
        let parse = || serde_json::from_str(&numbers::mark(self.text()?)?).ok();
        self.exact.get_or_init(parse).as_ref()
    }

    /// The values of a header field.
    pub(crate) fn header(&self, wanted: &str) -> impl Iterator<Item = Cow<'a, str>> {
        self.field_values(wanted).map(field_text)
    }

    /// Values that the response sets a cookie to.
    pub(crate) fn cookie(&self, wanted: &str) -> impl Iterator<Item = Cow<'a, str>> {
        self.field_values("set-cookie").filter_map(move |line| {
            let pair = &line[..memchr::memchr(b';', line).unwrap_or(line.len())];
            let (name, value) = pair.split_at(memchr::memchr(b'=', pair)?);
            (name.trim_ascii() == wanted.as_bytes()).then(|| field_text(value[1..].trim_ascii()))
        })
    }

    /// The values of a header field, as they were received.
    fn field_values(&self, wanted: &str) -> impl Iterator<Item = &'a [u8]> {
        let lines = self.fields.split(|byte| *byte == b'\n');
        lines.filter_map(move |line| {
            let (name, value) = line.split_at(memchr::memchr(b':', line)?);
            let is_wanted = name.eq_ignore_ascii_case(wanted.as_bytes());
            is_wanted.then(|| value[1..].trim_ascii())
        })
    }
}

/// The text of a field value, whose bytes have no charset (RFC 9110, section 5.5): UTF-8, or else ISO-8859-1, which was
/// its charset in earlier versions of HTTP.
fn field_text(value: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(value) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => encoding_rs::mem::decode_latin1(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn body_that_is_not_utf_8_has_no_json_values() {
        for body in [&b"{\"b\":\"\xff\",\"a\":1}"[..], b"{\"a\":1}\xff"] {
            let response = ResponseView::new(200, &[], body, 0);
            for path in ["$.a", "$..a"] {
                assert_eq!(response.values(&Path::parse(path).unwrap()), None, "{path}");
            }
        }
    }

    #[test]
    fn json_with_a_mark_or_a_charset_has_values() {
        let json = "{\"a\":1}";
        let utf_16: Vec<u8> = json.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let marked = [&b"\xef\xbb\xbf"[..], json.as_bytes()].concat();
        let marked_utf_16 = [&b"\xff\xfe"[..], &utf_16[..]].concat();
        for (body, content_type) in [
            (json.as_bytes(), "application/json; charset=iso-8859-1"),
            (&marked, ""),
            (&marked, "application/json; charset=utf-16"),
            (&marked_utf_16, ""),
            (&utf_16, "application/json; charset=utf-16"),
            (b"{\"a\":1,\"b\":\"\xe9\"}", "a/b;charset=latin1"),
        ] {
            let charset = Charset::of_content_type(content_type.as_bytes());
            for path in ["$.a", "$..a"] {
                let path = Path::parse(path).unwrap();
                let response = ResponseView::new(200, &[], body, 0).with_charset(charset);
                let values = response.values(&path).map(Cow::into_owned);
                let values = values.unwrap_or_else(|| panic!("{body:?} {content_type}"));
                assert_eq!(values.as_slice(), [crate::value::Value::Integer(1)]);
            }
        }
    }

    /// RFC 9110, section 5.5. The same input hid all fields of a response in smithy-rs (its issue 3830).
    #[test]
    fn field_value_that_is_not_utf_8_hides_no_other_field() {
        let fields = b"A: caf\xe9\r\nX-Token: t1\r\nSet-Cookie: a=\xff; Path=/\r\nSet-Cookie: b = \xc3\xa9 \r\n\
                       a: \xc3\xa9\r\nEmpty:\r\n";
        let response = ResponseView::new(200, fields, b"", 0);
        let header = |name: &str| response.header(name).collect::<Vec<_>>();
        assert_eq!(header("x-token"), ["t1"]);
        assert_eq!(header("A"), ["café", "é"]);
        assert_eq!(header("Empty"), [""]);
        assert_eq!(header("None"), [""; 0]);
        let cookie = |name: &str| response.cookie(name).collect::<Vec<_>>();
        assert_eq!(
            (cookie("a"), cookie("b")),
            (vec!["ÿ".into()], vec!["é".into()])
        );
    }

    #[test]
    fn json_values_are_the_same_before_and_after_the_body_is_parsed() {
        let response = ResponseView::new(200, &[], b"{\"a\":1}", 0);
        for path in ["$.a", "$.a", "$.a", "$..a", "$.a"] {
            let values = response.values(&Path::parse(path).unwrap()).unwrap();
            assert_eq!(values.as_slice(), [crate::value::Value::Integer(1)]);
        }
    }
}
