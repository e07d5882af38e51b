//! Responses in the form that checks and extractions read.

use std::borrow::Cow;
use std::cell::{Cell, OnceCell};

use serde_json::Value as JsonValue;

use crate::json::numbers;
use crate::json::path::{Path, Values};
use crate::json::query::JsonMatches;

/// A response with its body decoded.
#[derive(Debug)]
pub struct ResponseView<'a> {
    status: u16,
    /// Header lines, each ended by CR LF.
    fields: &'a [u8],
    body: &'a [u8],
    /// Intended start to done.
    took_ns: u64,
    /// The body as text; `None` if it is not UTF-8.
    text: OnceCell<Option<&'a str>>,
    json: OnceCell<Option<JsonValue>>,
    /// The same with numbers as they were written; `None` if they are the same.
    exact: OnceCell<Option<JsonValue>>,
    /// URL of the response, after redirects.
    url: Option<&'a str>,
    /// The user's cookies for that URL, as they are sent.
    cookies: Option<&'a str>,
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
            took_ns,
            text: OnceCell::new(),
            json: OnceCell::new(),
            exact: OnceCell::new(),
            url: None,
            cookies: None,
            matches: None,
            read: Cell::new(0),
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
    pub fn with_place(self, url: &'a str, cookies: &'a str) -> Self {
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
    pub(crate) fn own_cookie(&self, wanted: &str) -> impl Iterator<Item = &'a str> {
        let pairs = self.cookies.unwrap_or_default().split("; ");
        pairs.filter_map(move |pair| {
            let (name, value) = pair.split_once('=')?;
            (name == wanted).then_some(value)
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

    pub(crate) fn body(&self) -> &'a [u8] {
        self.body
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

    /// The body as text, validated once; `None` if it is not UTF-8.
    fn text(&self) -> Option<&'a str> {
        *self
            .text
            .get_or_init(|| std::str::from_utf8(self.body).ok())
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
    pub(crate) fn header(&self, wanted: &str) -> impl Iterator<Item = &'a str> {
        let text = std::str::from_utf8(self.fields).unwrap_or_default();
        text.split("\r\n").filter_map(move |line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case(wanted).then_some(value.trim())
        })
    }

    /// Values that the response sets a cookie to.
    pub(crate) fn cookie(&self, wanted: &str) -> impl Iterator<Item = &'a str> {
        self.header("set-cookie").filter_map(move |line| {
            let pair = line.split(';').next()?;
            let (name, value) = pair.split_once('=')?;
            (name.trim() == wanted).then_some(value.trim())
        })
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
    fn json_values_are_the_same_before_and_after_the_body_is_parsed() {
        let response = ResponseView::new(200, &[], b"{\"a\":1}", 0);
        for path in ["$.a", "$.a", "$.a", "$..a", "$.a"] {
            let values = response.values(&Path::parse(path).unwrap()).unwrap();
            assert_eq!(values.as_slice(), [crate::value::Value::Integer(1)]);
        }
    }
}
