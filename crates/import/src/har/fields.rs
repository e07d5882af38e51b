//! Values that a recorded request sends: segments of its path, fields of its query and its body, and headers.

use serde_json::Value;

use crate::data::encoded_mark;
use crate::draft::{Body, PartContent};
use crate::har::entry_values::decoded;
use crate::names::singular;
use crate::recorded_request::RecordedRequest;
use crate::secrets::scheme_of;

/// Place of a value in a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place<'a> {
    /// Segment of the path after a noun, in the singular.
    Segment(&'a str),
    /// Field of the query or of a body, by its name.
    Field(&'a str),
    Header(&'a str),
}

/// A value that a request sends.
#[derive(Debug, Clone, Copy)]
pub(super) struct SentValue<'a> {
    pub(super) place: Place<'a>,
    pub(super) value: &'a str,
    /// Whether it is a JSON string or a JSON number; `None` outside of JSON.
    pub(super) is_string: Option<bool>,
}

/// Returns the text that replaces a value, if it is replaced.
pub(super) type Replace<'a> = &'a mut dyn FnMut(SentValue) -> Option<String>;

/// Visits all values of a request, and replaces them.
pub(super) fn visit(request: &mut RecordedRequest, replace: Replace) {
    let target = request.target();
    let replaced = visited_target(&target, replace);
    if replaced != target {
        request.raw_target = Some(replaced);
    }
    for (name, value) in &mut request.headers {
        if name.eq_ignore_ascii_case("cookie") || name.eq_ignore_ascii_case("content-type") {
            continue;
        }
        let secret = scheme_of(value)
            .map_or(value.as_str(), |(_, rest)| rest)
            .trim();
        let sent = plain(Place::Header(name), secret);
        if let Some(with) = replace(sent) {
            let before = &value[..value.len() - value.trim_start().len()];
            let scheme = value.trim().strip_suffix(secret).unwrap_or_default();
            *value = format!("{before}{scheme}{with}");
        }
    }
    let is_form = request.is_form();
    match &mut request.body {
        Some(Body::Json(value)) => visit_json(value, "", replace),
        Some(Body::Form(fields)) => {
            for (name, value) in fields {
                if let Some(with) = replace(plain(Place::Field(name), value)) {
                    *value = with;
                }
            }
        }
        Some(Body::Multipart(parts)) => {
            for part in parts {
                if let PartContent::Text(value) = &mut part.content
                    && let Some(with) = replace(plain(Place::Field(&part.name), value))
                {
                    *value = with;
                }
            }
        }
        Some(Body::Bytes(bytes)) if is_form => {
            if let Ok(pairs) = std::str::from_utf8(bytes) {
                *bytes = visited_pairs(pairs, replace).into_bytes();
            }
        }
        _ => {}
    }
}

const fn plain<'a>(place: Place<'a>, value: &'a str) -> SentValue<'a> {
    SentValue {
        place,
        value,
        is_string: None,
    }
}

fn visited_target(target: &str, replace: Replace) -> String {
    let (path, query) = target
        .split_once('?')
        .map_or((target, None), |(path, query)| (path, Some(query)));
    let mut noun = String::new();
    let segments: Vec<String> = path
        .split('/')
        .map(|segment| {
            let value = decoded(&segment.replace('+', "%2B").replace('&', "%26"));
            let with = replace(plain(Place::Segment(&noun), &value)).filter(|_| !value.is_empty());
            if !value.is_empty() && !value.bytes().any(|byte| byte.is_ascii_digit()) {
                noun = singular(&value);
            }
            with.unwrap_or_else(|| segment.to_owned())
        })
        .collect();
    let path = segments.join("/");
    match query {
        None => path,
        Some(query) => format!("{path}?{}", visited_pairs(query, replace)),
    }
}

/// Pairs of a query or a form. All others keep their encoding.
fn visited_pairs(pairs: &str, replace: Replace) -> String {
    let pairs: Vec<String> = pairs
        .split('&')
        .map(|pair| {
            let Some((name, value)) = pair.split_once('=') else {
                return pair.to_owned();
            };
            let (plain_name, plain_value) = (decoded(name), decoded(value));
            match replace(plain(Place::Field(&plain_name), &plain_value)) {
                Some(with) => format!("{name}={}", encoded_mark(&with)),
                None => pair.to_owned(),
            }
        })
        .collect();
    pairs.join("&")
}

fn visit_json(value: &mut Value, name: &str, replace: Replace) {
    let (text, is_string) = match value {
        Value::Object(entries) => {
            for (name, entry) in entries {
                visit_json(entry, name, replace);
            }
            return;
        }
        Value::Array(items) => {
            for item in items {
                visit_json(item, name, replace);
            }
            return;
        }
        Value::String(text) => (text.clone(), true),
        Value::Number(number) => (number.to_string(), false),
        _ => return,
    };
    // A token after its scheme: `Bearer …`.
    let secret = scheme_of(&text).map_or(text.as_str(), |(_, rest)| rest);
    let sent = SentValue {
        place: Place::Field(name),
        value: secret,
        is_string: Some(is_string),
    };
    if let Some(with) = replace(sent) {
        let scheme = text.strip_suffix(secret).unwrap_or_default();
        *value = format!("{scheme}{with}").into();
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use url::Url;

    use super::*;

    #[test]
    fn values_are_visited_and_replaced_in_their_places() {
        let url = Url::parse("http://h/api/users/7/a%2Bb?q=x+y&z&id=7").unwrap();
        let mut request = RecordedRequest::new("POST", url);
        request.headers = [
            ("Authorization", "Bearer t-1"),
            ("Cookie", "a=b"),
            ("X-A", "7"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec();
        request.body = Some(Body::Json(
            json!({ "id": 7, "list": ["7", true, null, { "x": "y" }] }),
        ));
        let mut seen = Vec::new();
        visit(&mut request, &mut |sent| {
            seen.push(format!(
                "{:?} {} {:?}",
                sent.place, sent.value, sent.is_string
            ));
            matches!(sent.value, "7" | "t-1").then(|| "M".to_owned())
        });
        let expected = [
            "Segment(\"\")  None",
            "Segment(\"\") api None",
            "Segment(\"api\") users None",
            "Segment(\"user\") 7 None",
            "Segment(\"user\") a+b None",
            "Field(\"q\") x y None",
            "Field(\"id\") 7 None",
            "Header(\"Authorization\") t-1 None",
            "Header(\"X-A\") 7 None",
            "Field(\"id\") 7 Some(false)",
            "Field(\"list\") 7 Some(true)",
            "Field(\"x\") y Some(true)",
        ];
        assert_eq!(seen, expected);
        assert_eq!(request.target(), "/api/users/M/a%2Bb?q=x+y&z&id=M");
        assert_eq!(request.header("authorization"), Some("Bearer M"));
        assert_eq!(request.header("cookie"), Some("a=b"));
        let body = json!({ "id": "M", "list": ["M", true, null, { "x": "y" }] });
        assert_eq!(request.body, Some(Body::Json(body)));
    }
}
