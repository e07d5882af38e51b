//! Values of an entry.

use serde_json::Value;
use url::form_urlencoded;

/// A text at a JSON pointer.
pub(super) fn text<'a>(value: &'a Value, pointer: &str) -> Option<&'a str> {
    value.pointer(pointer).and_then(Value::as_str)
}

/// A number, which some tools write as a string.
pub(super) fn number(value: &Value) -> Option<f64> {
    let number = value
        .as_f64()
        .or_else(|| value.as_str()?.trim().parse().ok())?;
    number.is_finite().then_some(number)
}

/// Names and values of a list, with other scalars as text.
pub(super) fn pairs(list: Option<&Value>) -> Vec<(String, String)> {
    let items = list.and_then(Value::as_array).into_iter().flatten();
    let pair = |item: &Value| {
        let value = match item.get("value") {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Null) | None => String::new(),
            Some(other) => other.to_string(),
        };
        Some((text(item, "/name")?.to_owned(), value))
    };
    items.filter_map(pair).collect()
}

/// A name or a value of a query or form without its encoding.
pub(super) fn decoded(text: &str) -> String {
    let pair = format!("={text}");
    let mut pairs = form_urlencoded::parse(pair.as_bytes());
    pairs
        .next()
        .map_or_else(String::new, |(_, value)| value.into_owned())
}
