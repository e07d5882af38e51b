//! Writes TOML values in a readable layout.

use serde_json::Value;
use toml_writer::{ToTomlKey, ToTomlValue, TomlKeyBuilder, TomlStringBuilder};

/// Preferred length of lines.
const WIDTH: usize = 100;

/// A key.
pub(crate) fn key(text: &str) -> String {
    let key = TomlKeyBuilder::new(text);
    let key = key.as_unquoted().unwrap_or_else(|| key.as_basic());
    key.to_toml_key()
}

/// A string on one line.
pub(crate) fn string(text: &str) -> String {
    let text = TomlStringBuilder::new(text);
    let literal = || text.as_literal();
    let string = text.as_basic_pretty().or_else(literal);
    let string = string.unwrap_or_else(|| text.as_basic());
    string.to_toml_value()
}

/// A value after `=`. Its second and further lines are indented by `level`.
pub(crate) fn value(value: &Value, level: usize) -> String {
    let short = on_one_line(value);
    if level * 2 + short.len() + 12 <= WIDTH && !is_long(value) {
        return short;
    }
    let inner = "  ".repeat(level + 1);
    let outer = "  ".repeat(level);
    match value {
        Value::Object(entries) if !entries.is_empty() => {
            let keys: Vec<String> = entries.keys().map(|name| key(name)).collect();
            let width = keys
                .iter()
                .map(|key| key.chars().count())
                .max()
                .unwrap_or(0)
                .min(24);
            let lines: Vec<String> = keys
                .iter()
                .zip(entries.values())
                .map(|(key, entry)| {
                    format!("{inner}{key:width$} = {},\n", self::value(entry, level + 1))
                })
                .collect();
            format!("{{\n{}{outer}}}", lines.concat())
        }
        Value::Array(items) if !items.is_empty() => {
            let lines: Vec<String> = items
                .iter()
                .map(|item| format!("{inner}{},\n", self::value(item, level + 1)))
                .collect();
            format!("[\n{}{outer}]", lines.concat())
        }
        _ => short,
    }
}

/// Whether a value reads better on several lines, however short it is.
fn is_long(value: &Value) -> bool {
    match value {
        Value::Object(entries) => {
            entries.len() > 3 || entries.values().any(|entry| is_long(entry) || nests(entry))
        }
        Value::Array(items) => items.iter().any(is_long),
        _ => false,
    }
}

fn nests(value: &Value) -> bool {
    matches!(value, Value::Object(entries) if !entries.is_empty())
}

fn on_one_line(value: &Value) -> String {
    match value {
        // TOML has no null; a value that consists of one expression keeps its type.
        Value::Null => string("{{ none }}"),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => number_text(number),
        Value::String(text) => string(text),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(on_one_line).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(entries) if entries.is_empty() => "{}".to_owned(),
        Value::Object(entries) => {
            let entries: Vec<String> = entries
                .iter()
                .map(|(name, value)| format!("{} = {}", key(name), on_one_line(value)))
                .collect();
            format!("{{ {} }}", entries.join(", "))
        }
    }
}

fn number_text(number: &serde_json::Number) -> String {
    if let Some(number) = number.as_i64() {
        return number.to_string();
    }
    match number.as_f64() {
        // The debug form of a float has a point or an exponent, which TOML requires.
        Some(number) if number.is_finite() => format!("{number:?}"),
        _ => string(&number.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn string_is_on_one_line() {
        let cases = [
            ("plain", "\"plain\""),
            ("a \"b\"", "'a \"b\"'"),
            ("it's \"b\"", "\"it's \\\"b\\\"\""),
            ("a\nb", "\"a\\nb\""),
            ("\u{1}", "\"\\u0001\""),
        ];
        for (text, expected) in cases {
            assert_eq!(string(text), expected);
        }
        assert_eq!(
            (key("a-b"), key("a b"), key("")),
            ("a-b".into(), "\"a b\"".into(), "\"\"".into())
        );
    }

    #[test]
    fn long_value_has_several_lines() {
        let body = json!({ "a": 1, "bc": [1.0, true], "d": { "e": "x" } });
        let expected = "{\n  a  = 1,\n  bc = [1.0, true],\n  d  = { e = \"x\" },\n}";
        assert_eq!(value(&body, 0), expected);
        assert_eq!(
            value(&json!({ "a": 1e300, "b": [] }), 0),
            "{ a = 1e300, b = [] }"
        );
    }
}
