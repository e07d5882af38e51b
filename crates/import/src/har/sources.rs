//! Values of a recorded response that later requests may send, and how a scenario extracts them.

use brunt_scenario::is_sensitive_name;
use serde_json::{Value, json};

use crate::har::entry_values::decoded;
use crate::har::exchange::Exchange;
use crate::json_path::json_path;
use crate::names::singular;

/// Largest number of values of one response.
const VALUES_MAX: usize = 20_000;
/// Deepest JSONPath: the scenario language supports ten levels.
const DEPTH_MAX: usize = 8;

/// A value of a response.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct GivenValue {
    /// Name of its field, header, cookie or input.
    pub(super) name: String,
    /// Nouns that say what a generic name such as `id` belongs to, in the singular.
    pub(super) nouns: Vec<String>,
    pub(super) value: String,
    /// Whether it is a JSON number.
    pub(super) is_number: bool,
    /// Entry of `extract`.
    pub(super) source: Value,
    /// Expression with the variable, if not the variable itself: `{}` is its name.
    pub(super) part: Option<&'static str>,
}

/// Values of a response, the most reliable first.
pub(super) fn values(exchange: &Exchange) -> Vec<GivenValue> {
    let nouns = url_noun(exchange).into_iter().collect::<Vec<_>>();
    let mut values = Vec::new();
    if let Some(content) = &exchange.response.content {
        match serde_json::from_str::<Value>(content.trim_start_matches('\u{feff}')) {
            Ok(json) => of_json(&json, "", &nouns, &mut Vec::new(), &mut values),
            Err(_) => of_html(content, &mut values),
        }
    }
    of_headers(exchange, &nouns, &mut values);
    for (name, value) in exchange.cookies() {
        values.push(plain(name, value, json!({ "cookie": name })));
    }
    values
}

/// The last noun of the path.
fn url_noun(exchange: &Exchange) -> Option<String> {
    let path = exchange.request.url.path();
    let is_noun =
        |segment: &&str| !segment.is_empty() && !segment.bytes().any(|byte| byte.is_ascii_digit());
    path.split('/').rfind(is_noun).map(singular)
}

fn plain(name: &str, value: &str, source: Value) -> GivenValue {
    GivenValue {
        name: name.to_owned(),
        nouns: Vec::new(),
        value: value.to_owned(),
        is_number: false,
        source,
        part: None,
    }
}

fn of_json(
    json: &Value,
    name: &str,
    nouns: &[String],
    keys: &mut Vec<String>,
    values: &mut Vec<GivenValue>,
) {
    if keys.len() > DEPTH_MAX || values.len() >= VALUES_MAX {
        return;
    }
    let (value, is_number) = match json {
        Value::Object(entries) => {
            // The noun of the fields of an object is its own name, unless that is only a wrapper.
            let is_wrapper = matches!(
                name,
                "" | "data" | "result" | "results" | "items" | "attributes" | "content"
            );
            let own = if is_wrapper {
                nouns.to_vec()
            } else {
                vec![singular(name)]
            };
            for (key, entry) in entries {
                keys.push(key.clone());
                of_json(entry, key, &own, keys, values);
                keys.pop();
            }
            return;
        }
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                keys.push(at.to_string());
                of_json(item, name, nouns, keys, values);
                keys.pop();
            }
            return;
        }
        Value::String(text) if !text.is_empty() => (text.clone(), false),
        Value::Number(number) if number.is_i64() => (number.to_string(), true),
        _ => return,
    };
    values.push(GivenValue {
        name: name.to_owned(),
        nouns: nouns.to_vec(),
        value,
        is_number,
        source: json_path(keys.iter().map(String::as_str)).into(),
        part: None,
    });
}

/// Values of hidden inputs and of `meta` elements.
fn of_html(html: &str, values: &mut Vec<GivenValue>) {
    for (begin, name, value) in [("<input", "name", "value"), ("<meta", "name", "content")] {
        for (at, _) in html.match_indices(begin).take(VALUES_MAX) {
            let Some(tag) = html[at..].split('>').next() else {
                continue;
            };
            let (Some(named), Some(valued)) = (attribute(tag, name), attribute(tag, value)) else {
                continue;
            };
            // A value with a reference (`&amp;`) is not the one that is sent.
            if valued.text.is_empty() || valued.text.contains('&') {
                continue;
            }
            let pattern = pattern(tag, &named, &valued);
            values.push(plain(named.text, valued.text, json!({ "regex": pattern })));
        }
    }
}

/// An attribute of a tag: its text, and the offsets of the attribute and of its text.
struct Attribute<'a> {
    text: &'a str,
    from: usize,
    text_from: usize,
}

fn attribute<'a>(tag: &'a str, name: &str) -> Option<Attribute<'a>> {
    for (at, _) in tag.match_indices(name) {
        let before = tag[..at].chars().next_back()?;
        let rest = &tag[at + name.len()..];
        let Some(quote @ ('"' | '\'')) =
            rest.strip_prefix('=').and_then(|rest| rest.chars().next())
        else {
            continue;
        };
        if !before.is_whitespace() {
            continue;
        }
        let text_from = at + name.len() + 2;
        let text = tag[text_from..].split(quote).next()?;
        return Some(Attribute {
            text,
            from: at,
            text_from,
        });
    }
    None
}

/// Regular expression that finds a value by the name next to it.
fn pattern(tag: &str, named: &Attribute, valued: &Attribute) -> String {
    let quote = &tag[valued.text_from - 1..valued.text_from];
    let of_name = escaped(&tag[named.from..=named.text_from + named.text.len()]);
    let before_value = escaped(&tag[valued.from..valued.text_from]);
    let value = format!("{before_value}([^{quote}]*){quote}");
    if named.from < valued.from {
        format!("{of_name}[^>]*{value}")
    } else {
        format!("{value}[^>]*{of_name}")
    }
}

/// Escapes the characters that have a meaning in a regular expression.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for letter in text.chars() {
        if r"\.+*?()|[]{}^$#&-~".contains(letter) {
            escaped.push('\\');
        }
        escaped.push(letter);
    }
    escaped
}

/// Values of headers: tokens, tags, and the last segment of `Location`.
fn of_headers(exchange: &Exchange, nouns: &[String], values: &mut Vec<GivenValue>) {
    for (name, value) in &exchange.response.headers {
        let source = json!({ "header": name });
        let lower = name.to_ascii_lowercase();
        if lower == "location" {
            if value.contains(['?', '#']) || value.trim().is_empty() {
                continue;
            }
            values.push(GivenValue {
                nouns: nouns.to_vec(),
                part: Some("{} | split('/') | last"),
                ..plain(
                    "id",
                    &decoded(value.trim().rsplit('/').next().unwrap_or_default()),
                    source,
                )
            });
        } else if lower == "etag" || lower != "set-cookie" && is_sensitive_name(name) {
            values.push(plain(name, value.trim(), source));
        }
    }
}

/// A regular expression for a token in a text, by what stands before it. `None` if the same text stands before another value
/// earlier, or if the end of the token cannot be found.
pub(super) fn in_text(content: &str, value: &str) -> Option<Value> {
    const BEFORE_CHARACTERS: usize = 24;
    const ENDS: &str = "\"'<>&\\ \t\r\n,;)";
    let at = content.find(value)?;
    let line = content[..at]
        .rsplit(['\n', '\r'])
        .next()
        .unwrap_or_default();
    let from = line.char_indices().rev().nth(BEFORE_CHARACTERS - 1);
    let before = &line[from.map_or(0, |(from, _)| from)..];
    let after = content[at + value.len()..].chars().next();
    let is_end = after.is_none_or(|letter| ENDS.contains(letter));
    let is_first = content.find(before) == Some(at - before.len());
    let is_whole = !value.contains(|letter| ENDS.contains(letter));
    (before.len() >= 4 && is_end && is_first && is_whole)
        .then(|| json!({ "regex": format!("{}([^\"'<>&\\\\\\s,;)]+)", escaped(before)) }))
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::*;
    use crate::har::exchange::RecordedResponse;
    use crate::recorded_request::RecordedRequest;

    fn exchange(content: &str, headers: &[(&str, &str)]) -> Exchange {
        let pair = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Exchange {
            request: RecordedRequest::new("POST", Url::parse("http://h/api/orders").unwrap()),
            response: RecordedResponse {
                headers: headers.iter().map(pair).collect(),
                content: Some(content.to_owned()),
            },
        }
    }

    fn shown(values: &[GivenValue]) -> Vec<String> {
        values
            .iter()
            .map(|given| {
                format!(
                    "{} {:?} {} {}",
                    given.name, given.nouns, given.value, given.source
                )
            })
            .collect()
    }

    #[test]
    fn values_of_json_have_their_path() {
        let content =
            r#"{"id": 7, "ok": true, "user": {"e-mail": "a@b"}, "items": [{"id": "x"}, 1.5]}"#;
        let expected = [
            "id [\"order\"] 7 \"$.id\"",
            "e-mail [\"user\"] a@b \"$.user['e-mail']\"",
            "id [\"order\"] x \"$.items[0].id\"",
        ];
        assert_eq!(shown(&values(&exchange(content, &[]))), expected);
    }

    #[test]
    fn values_of_html_are_found_by_their_names() {
        let html = "<input type='hidden' name=\"csrf\" value=\"a-1\">\n<INPUT><input value='b' name='x[y]'/>\
                    <meta name=\"token\" content=\"c\"><input name=\"empty\" value=\"\"><input data-name=\"d\" value=\"e\">";
        let expected = [
            r#"csrf [] a-1 {"regex":"name=\"csrf\"[^>]*value=\"([^\"]*)\""}"#,
            r#"x[y] [] b {"regex":"value='([^']*)'[^>]*name='x\\[y\\]'"}"#,
            r#"token [] c {"regex":"name=\"token\"[^>]*content=\"([^\"]*)\""}"#,
        ];
        assert_eq!(shown(&values(&exchange(html, &[]))), expected);
    }

    #[test]
    fn values_of_headers_and_cookies_are_found() {
        let headers = [
            ("Location", "/api/orders/17"),
            ("ETag", "\"v1\""),
            ("X-Auth-Token", "t"),
            ("Set-Cookie", "XSRF-TOKEN=c; Path=/\nsid=s"),
            ("Server", "x"),
        ];
        let expected = [
            r#"id ["order"] 17 {"header":"Location"}"#,
            r#"ETag [] "v1" {"header":"ETag"}"#,
            r#"X-Auth-Token [] t {"header":"X-Auth-Token"}"#,
            r#"XSRF-TOKEN [] c {"cookie":"XSRF-TOKEN"}"#,
            r#"sid [] s {"cookie":"sid"}"#,
        ];
        assert_eq!(shown(&values(&exchange("", &headers))), expected);
    }

    #[test]
    fn token_in_a_text_is_found_by_the_text_before_it() {
        let script = "window.other = 'x';\nwindow.csrf = 'abc-123';";
        let expected = json!({ "regex": r#"window\.csrf = '([^"'<>&\\\s,;)]+)"# });
        assert_eq!(in_text(script, "abc-123"), Some(expected));
        // Another value stands after the same text, the token has no end, or nothing stands before it.
        for (text, value) in [
            ("key='a'\nkey='b2'", "b2"),
            ("key='abc'", "ab"),
            ("abc", "abc"),
        ] {
            assert_eq!(in_text(text, value), None, "{text}");
        }
    }
}
