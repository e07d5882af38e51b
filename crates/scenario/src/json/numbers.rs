//! Numbers as they were written. No number type writes `1E2`, `1.50` or `1e400` as it was read, so a JSON tree contains
//! such a number as a string with a mark.

use std::ops::Range;

use serde_json::Value as JsonValue;

/// Start of a string that is a number. JSON writes its first character as an escape sequence.
const MARK: &str = "\u{0}number:";
const MARK_ESCAPED: &str = "\\u0000number:";
/// Number that takes the place of one beyond the range of `f64` if it has to be compared.
const LARGEST: &str = "1.7976931348623157e308";

/// A string of a tree that is the number with this text.
pub(crate) fn marked(number: &str) -> JsonValue {
    JsonValue::String(marked_text(number))
}

/// The text of such a string.
pub(crate) fn marked_text(number: &str) -> String {
    format!("{MARK}{number}")
}

/// The number that a string of a tree is; `None` if it is not a number.
#[inline]
pub(crate) fn of_marked(text: &str) -> Option<&str> {
    text.strip_prefix(MARK).filter(|number| is_number(number))
}

/// Whether a text is a number of JSON (RFC 8259, section 6).
pub(crate) fn is_number(text: &str) -> bool {
    let digits = |text: &str| {
        let end = text.bytes().take_while(u8::is_ascii_digit).count();
        (end > 0).then_some(end)
    };
    let text = text.strip_prefix('-').unwrap_or(text);
    let Some(whole) = digits(text) else {
        return false;
    };
    if whole > 1 && text.starts_with('0') {
        return false;
    }
    let mut rest = &text[whole..];
    if let Some(fraction) = rest.strip_prefix('.') {
        let Some(end) = digits(fraction) else {
            return false;
        };
        rest = &fraction[end..];
    }
    if let Some(exponent) = rest.strip_prefix(['e', 'E']) {
        let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        return digits(exponent) == Some(exponent.len());
    }
    rest.is_empty()
}

/// Whether a number is written the same after it was read as a number type.
pub(crate) fn is_kept(number: &str) -> bool {
    if number
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'-')
    {
        let is_whole = number.parse::<i64>().is_ok() || number.parse::<u64>().is_ok();
        return is_whole && number != "-0";
    }
    // Formatters of floating-point numbers agree on those without an exponent.
    let is_plain = !number.contains(['e', 'E']);
    let read = number
        .parse::<f64>()
        .ok()
        .filter(|read| is_plain && read.is_finite());
    read.is_some_and(|read| ryu::Buffer::new().format(read) == number)
}

/// Numbers of a JSON text that a number type would write differently.
fn unkept(text: &str) -> Vec<Range<usize>> {
    let bytes = text.as_bytes();
    let (mut found, mut at) = (Vec::new(), 0);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => match end_of_string(bytes, at + 1) {
                Some(end) => at = end,
                None => return found,
            },
            b'-' | b'0'..=b'9' => {
                let is_part = |byte: &u8| byte.is_ascii_digit() || b"+-.eE".contains(byte);
                let end = at + bytes[at..].iter().take_while(|byte| is_part(byte)).count();
                let number = &text[at..end];
                // A number cannot be a name.
                let next = bytes[end..].iter().find(|byte| !byte.is_ascii_whitespace());
                if next != Some(&b':') && is_number(number) && !is_kept(number) {
                    found.push(at..end);
                }
                at = end;
            }
            _ => at += 1,
        }
    }
    found
}

/// Position after the quotation mark that ends a string.
fn end_of_string(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        at += memchr::memchr2(b'"', b'\\', bytes.get(at..)?)?;
        if bytes[at] == b'"' {
            return Some(at + 1);
        }
        at += 2;
    }
}

fn replaced(text: &str, numbers: &[Range<usize>], by: impl Fn(&str, &mut String)) -> String {
    let mut written = String::with_capacity(text.len() + 20 * numbers.len());
    let mut at = 0;
    for number in numbers {
        written.push_str(&text[at..number.start]);
        by(&text[number.clone()], &mut written);
        at = number.end;
    }
    written.push_str(&text[at..]);
    written
}

/// A JSON text with its numbers as marked strings, as far as no number type keeps them; `None` if there are none.
pub(crate) fn mark(text: &str) -> Option<String> {
    let numbers = unkept(text);
    (!numbers.is_empty()).then(|| {
        replaced(text, &numbers, |number, into| {
            into.extend(["\"", MARK_ESCAPED, number, "\""]);
        })
    })
}

/// A JSON text in which numbers beyond the range of `f64` are its largest; `None` if there are none.
pub(crate) fn bounded(text: &str) -> Option<String> {
    let mut numbers = unkept(text);
    let is_beyond = |number: &Range<usize>| {
        let read = text[number.clone()].parse::<f64>();
        read.is_ok_and(f64::is_infinite)
    };
    numbers.retain(is_beyond);
    (!numbers.is_empty()).then(|| {
        replaced(text, &numbers, |number, into| {
            into.push_str(if number.starts_with('-') { "-" } else { "" });
            into.push_str(LARGEST);
        })
    })
}

/// Parses a text as JSON. The tree keeps its numbers as they were written.
pub(crate) fn parse(text: &str) -> Result<JsonValue, serde_json::Error> {
    match mark(text) {
        Some(marked) => serde_json::from_str(&marked),
        None => serde_json::from_str(text),
    }
}

/// The JSON text of a tree.
pub(crate) fn to_text(json: &JsonValue) -> String {
    let text = json.to_string();
    let start = format!("\"{MARK_ESCAPED}");
    let mut written = String::new();
    let mut rest = text.as_str();
    while let Some(at) = rest.find(&start) {
        let inside = &rest[at + start.len()..];
        let end = inside.find('"').unwrap_or(inside.len());
        let (before, number) = (&rest[..at], &inside[..end]);
        written.push_str(before);
        if is_number(number) {
            written.push_str(number);
            rest = inside.get(end + 1..).unwrap_or_default();
        } else {
            written.push_str(&start);
            rest = inside;
        }
    }
    if written.is_empty() {
        return text;
    }
    written.push_str(rest);
    written
}

/// Whether a tree contains a number that was read as a floating-point number.
pub(crate) fn has_float(json: &JsonValue) -> bool {
    match json {
        JsonValue::Number(number) => number.is_f64(),
        JsonValue::Array(items) => items.iter().any(has_float),
        JsonValue::Object(entries) => entries.values().any(has_float),
        _ => false,
    }
}

/// Whether a tree contains a marked string.
pub(crate) fn has_mark(json: &JsonValue) -> bool {
    match json {
        JsonValue::String(text) => of_marked(text).is_some(),
        JsonValue::Array(items) => items.iter().any(has_mark),
        JsonValue::Object(entries) => entries.values().any(has_mark),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The grammar and the examples of RFC 8259, section 6.
    #[test]
    fn numbers_of_json_are_recognized() {
        for number in [
            "0",
            "-0",
            "10",
            "1.50",
            "1E400",
            "1e+2",
            "-0.1e-10",
            "3.141592653589793238462643383279",
        ] {
            assert!(is_number(number), "{number}");
        }
        for other in [
            "", "-", "01", "1.", ".5", "1e", "1e+", "+1", "0x1", "1e1.5", "NaN", "--1", "1-1",
        ] {
            assert!(!is_number(other), "{other}");
        }
    }

    /// grafana/k6#3450: large integers of a response lose digits.
    #[test]
    fn numbers_are_written_as_they_were_read() {
        for text in [
            "18446744073709551615",
            "123456789012345678901234567890",
            "-9223372036854775809",
            "1E2",
            "1e400",
            "-1e400",
            "1.50",
            "-0",
            "0.0001",
            "0.00001",
            "1234567890123456.0",
            "12345678901234567.0",
            "1e-400",
            "0.12345678901234567890",
            "{\"a\":[1.0,{\"b\":1.10}],\"1.50\":\"1.50 \\\" 1E2\",\"c\":1E2}",
            "[\"\\u0000number:x\",2.50]",
        ] {
            assert_eq!(to_text(&parse(text).unwrap()), text);
        }
    }

    #[test]
    fn text_that_is_not_json_does_not_become_json() {
        for text in [
            "{1E2:1}",
            "{ 1.50 : 1}",
            "[01]",
            "[1.]",
            "[1E2",
            "1E2 1E2",
            "\"1E2",
            "[1E2.5]",
            "[--1E2]",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_json_for_both_parsers_or_for_none(text in "[\\[\\]{}:,\"\\\\a01. eE+-]{0,14}") {
            let plain = serde_json::from_str::<JsonValue>(&bounded(&text).unwrap_or(text.clone()));
            let exact = parse(&text);
            prop_assert_eq!(plain.is_ok(), exact.is_ok(), "{}", text);
            if let Ok(exact) = exact {
                let again = parse(&to_text(&exact)).unwrap();
                prop_assert_eq!(again, exact);
            }
        }
    }
}
