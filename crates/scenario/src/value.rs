//! Values of expressions, variables and data.

use std::sync::Arc;

use serde_json::Value as JsonValue;

use crate::json::numbers;

/// A value of an expression, a variable or a row of data.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Value {
    /// Value of a variable that is not set.
    #[default]
    Undefined,
    /// JSON's null.
    None,
    /// A boolean.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// Any other number, if a floating-point number is written like it.
    Float(f64),
    /// Any other number, as it was written.
    Number(Arc<str>),
    /// A text.
    Text(Arc<str>),
    /// A list or a table.
    Json(Arc<JsonValue>),
}

/// Encoding of a value where it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// Unchanged.
    Plain,
    /// In a header field: characters that would break the line become spaces.
    Header,
    /// A path with its query, or a part of a query that is already encoded.
    Path,
    /// A complete path: its slashes separate segments.
    Segments,
    /// After other text in a segment of a path. A value that begins with `/` or `?` is the rest of the path instead.
    Segment,
    /// In a form, a query or a segment of a path.
    Form,
    /// In quotes in the header of a part of a form, as browsers encode it.
    Quoted,
    /// A JSON value.
    Json,
    /// Inside a JSON string.
    JsonText,
}

impl Encoding {
    /// Encoding of a value that the scenario has percent-encoded itself.
    pub(crate) fn of_encoded(self) -> Self {
        match self {
            Self::Segments | Self::Segment | Self::Form => Self::Path,
            other => other,
        }
    }

    /// Whether a value in a path may contain the `?` of the query.
    pub(crate) fn may_begin_query(self) -> bool {
        matches!(self, Self::Path | Self::Segment)
    }
}

impl Value {
    /// A text.
    pub fn text(text: impl Into<Arc<str>>) -> Self {
        Self::Text(text.into())
    }

    /// A list of values.
    pub(crate) fn list(values: &[Self]) -> Self {
        Self::Json(Arc::new(values.iter().map(Self::to_json).collect()))
    }

    /// The value as text.
    pub fn in_text(&self) -> String {
        let mut bytes = Vec::new();
        self.write(Encoding::Plain, &mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// The value as JSON text, with numbers as they were written.
    pub fn json_text(&self) -> String {
        let mut bytes = Vec::new();
        self.write(Encoding::Json, &mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Converts the value to JSON, in which a string may be a number as it was written.
    pub fn to_json(&self) -> JsonValue {
        match self {
            Self::Undefined | Self::None => JsonValue::Null,
            Self::Bool(value) => (*value).into(),
            Self::Integer(number) => (*number).into(),
            // JSON has no infinity, and no NaN.
            Self::Float(number) => (*number).into(),
            Self::Number(number) => match number.parse::<u64>() {
                Ok(number) => number.into(),
                Err(_) => numbers::marked(number),
            },
            Self::Text(text) => JsonValue::String(text.as_ref().into()),
            Self::Json(json) => json.as_ref().clone(),
        }
    }

    /// Converts JSON to a value.
    pub fn of_json(json: &JsonValue) -> Self {
        match json {
            JsonValue::Null => Self::None,
            JsonValue::Bool(value) => Self::Bool(*value),
            JsonValue::Number(number) => match (number.as_i64(), number.as_u64()) {
                (Some(number), _) => Self::Integer(number),
                (None, Some(number)) => Self::Number(number.to_string().into()),
                (None, None) => Self::Float(number.as_f64().unwrap_or(f64::NAN)),
            },
            JsonValue::String(text) => Self::of_json_string(text),
            other => Self::Json(Arc::new(other.clone())),
        }
    }

    /// Converts a string of a JSON tree, which may be a number as it was written.
    #[inline]
    pub(crate) fn of_json_string(text: &str) -> Self {
        match numbers::of_marked(text) {
            Some(number) => Self::Number(number.into()),
            None => Self::text(text),
        }
    }

    /// A number with this text.
    pub(crate) fn of_number(text: &str) -> Self {
        if !numbers::is_kept(text) {
            return Self::Number(text.into());
        }
        match (text.parse(), text.parse()) {
            (Ok(number), _) => Self::Integer(number),
            (Err(_), Ok(number)) if text.contains('.') => Self::Float(number),
            _ => Self::Number(text.into()),
        }
    }

    /// The value as a whole number, if it is one.
    pub(crate) fn as_whole(&self) -> Option<i128> {
        match self {
            Self::Integer(number) => Some((*number).into()),
            Self::Number(number) => number.parse().ok(),
            _ => None,
        }
    }

    /// The value as a number, if it is one or a text that is one.
    pub fn as_number(&self) -> Option<f64> {
        match self {
            Self::Integer(number) => Some(*number as f64),
            Self::Float(number) => Some(*number),
            Self::Number(number) => number.parse().ok(),
            Self::Text(text) => text.trim().parse().ok(),
            _ => None,
        }
    }

    /// Whether it is true as a condition. In Jinja, none, zero and empty values are false.
    pub fn is_true(&self) -> bool {
        match self {
            Self::Undefined | Self::None => false,
            Self::Bool(value) => *value,
            Self::Integer(number) => *number != 0,
            Self::Float(number) => *number != 0.0,
            Self::Number(_) => self.as_number().is_some_and(|number| number != 0.0),
            Self::Text(text) => !text.is_empty(),
            Self::Json(json) => match json.as_ref() {
                JsonValue::Array(items) => !items.is_empty(),
                JsonValue::Object(entries) => !entries.is_empty(),
                _ => true,
            },
        }
    }

    /// Writes the value in an encoding.
    pub(crate) fn write(&self, encoding: Encoding, into: &mut Vec<u8>) {
        match (self, encoding) {
            (Self::Undefined | Self::None, Encoding::Json) => into.extend_from_slice(b"null"),
            (Self::Undefined | Self::None, _) => into.extend_from_slice(b"none"),
            (Self::Bool(value), _) => {
                into.extend_from_slice(if *value { b"true" } else { b"false" });
            }
            (Self::Integer(number), _) => {
                into.extend_from_slice(itoa::Buffer::new().format(*number).as_bytes());
            }
            (Self::Float(number), Encoding::Json) if !number.is_finite() => {
                into.extend_from_slice(b"null");
            }
            (Self::Float(number), _) => {
                into.extend_from_slice(ryu::Buffer::new().format(*number).as_bytes());
            }
            (Self::Number(number), Encoding::Json) => into.extend_from_slice(number.as_bytes()),
            (Self::Text(text) | Self::Number(text), _) => write_text(text, encoding, into),
            (Self::Json(json), Encoding::Json) => {
                into.extend_from_slice(numbers::to_text(json).as_bytes());
            }
            (Self::Json(json), _) => write_text(&numbers::to_text(json), encoding, into),
        }
    }
}

/// Writes a text in an encoding.
pub(crate) fn write_text(text: &str, encoding: Encoding, into: &mut Vec<u8>) {
    match encoding {
        Encoding::Plain => into.extend_from_slice(text.as_bytes()),
        Encoding::Header => into.extend(
            text.bytes()
                .map(|byte| if breaks_a_line(byte) { b' ' } else { byte }),
        ),
        Encoding::Path => percent_encode(text, into, |byte| {
            // Characters that are valid in a path and query stay unchanged.
            byte.is_ascii_graphic() && !b"\"<>\\^`{|}#".contains(&byte)
        }),
        Encoding::Segment if text.starts_with(['/', '?']) => {
            write_text(text, Encoding::Path, into);
        }
        Encoding::Form | Encoding::Segment => percent_encode(text, into, is_unreserved),
        Encoding::Segments => {
            percent_encode(text, into, |byte| is_unreserved(byte) || byte == b'/');
        }
        Encoding::Quoted => {
            for byte in text.bytes() {
                match byte {
                    b'"' => into.extend_from_slice(b"%22"),
                    b'\r' => into.extend_from_slice(b"%0D"),
                    b'\n' => into.extend_from_slice(b"%0A"),
                    byte => into.push(byte),
                }
            }
        }
        Encoding::Json => {
            let quoted = JsonValue::from(text).to_string();
            into.extend_from_slice(quoted.as_bytes());
        }
        Encoding::JsonText => {
            let quoted = JsonValue::from(text).to_string();
            into.extend_from_slice(&quoted.as_bytes()[1..quoted.len() - 1]);
        }
    }
}

/// Whether a character is never encoded (RFC 3986, section 2.3).
fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

/// Whether a byte is invalid in a header line.
pub(crate) fn breaks_a_line(byte: u8) -> bool {
    byte != b'\t' && byte.is_ascii_control()
}

fn percent_encode(text: &str, into: &mut Vec<u8>, is_literal: impl Fn(u8) -> bool) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    for byte in text.bytes() {
        if is_literal(byte) {
            into.push(byte);
        } else {
            let (high, low) = (usize::from(byte >> 4), usize::from(byte & 15));
            into.extend_from_slice(&[b'%', DIGITS[high], DIGITS[low]]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_encoded_for_its_place() {
        let text = Value::text("a b/\"é\"\r\n&=");
        let cases = [
            (Encoding::Plain, "a b/\"é\"\r\n&="),
            (Encoding::Header, "a b/\"é\"  &="),
            (Encoding::Path, "a%20b/%22%C3%A9%22%0D%0A&="),
            (Encoding::Segments, "a%20b/%22%C3%A9%22%0D%0A%26%3D"),
            (Encoding::Segment, "a%20b%2F%22%C3%A9%22%0D%0A%26%3D"),
            (Encoding::Form, "a%20b%2F%22%C3%A9%22%0D%0A%26%3D"),
            (Encoding::Json, r#""a b/\"é\"\r\n&=""#),
            (Encoding::JsonText, r#"a b/\"é\"\r\n&="#),
        ];
        for (encoding, expected) in cases {
            let mut written = Vec::new();
            text.write(encoding, &mut written);
            assert_eq!(String::from_utf8_lossy(&written), expected, "{encoding:?}");
        }
    }

    #[test]
    fn numbers_are_written_as_they_were_read() {
        for text in [
            "18446744073709551615",
            "1E2",
            "1.50",
            "-7",
            "2.5",
            "1e400",
            "0.1",
        ] {
            let value = Value::of_number(text);
            assert_eq!(value.in_text(), text);
            assert_eq!(value.json_text(), text);
            assert_eq!(Value::of_json(&value.to_json()), value);
        }
        assert_eq!(Value::of_number("1E+2").as_number(), Some(100.0));
        assert_eq!(
            Value::of_number("18446744073709551615").as_whole(),
            Some(u64::MAX.into())
        );
        let mut written = Vec::new();
        Value::of_number("1E+2").write(Encoding::Form, &mut written);
        assert_eq!(written, b"1E%2B2");
    }

    #[test]
    fn json_roundtrips_through_values() {
        let json = serde_json::json!([null, true, -3, 2.5, "x", [1], {"a": {}}, 1e300]);
        let value = Value::of_json(&json);
        assert_eq!(value.to_json(), json);
        let parts = json.as_array().into_iter().flatten().map(Value::of_json);
        assert_eq!(Value::list(&parts.collect::<Vec<_>>()), value);
        let mut written = Vec::new();
        Value::Float(f64::NAN).write(Encoding::Json, &mut written);
        assert_eq!(written, b"null");
    }
}
