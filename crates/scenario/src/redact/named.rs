//! Named values: values in a text after the name of a secret, in the syntax of URLs, forms, JSON, TOML and multipart
//! bodies, and credentials in URLs.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::names::is_sensitive_name;

/// Longest name, including the characters between it and its value, in bytes.
const NAME_BYTES_MAX: usize = 100;
/// Schemes of credentials in a header field (RFC 9110, section 11.1, and others in use).
const SCHEMES: [&str; 6] = ["ApiKey", "Basic", "Bearer", "Digest", "Negotiate", "Token"];

/// `access_token=…` in URLs and forms. The value extends to a character that cannot occur in either,
/// expressions of a scenario included.
static PAIR: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let value = r#"(?:\{\{.*?\}\}|[^&;\s"'<>#,()`\\])+"#;
    let name = r"(?:%[0-9A-Fa-f]{2})?([A-Za-z0-9_.\-\[\]]{1,64})";
    Regex::new(&format!("{name}(?:=|%3[Dd])({value})")).ok()
});

/// `"password": "…` in JSON, possibly within a JSON string; `password = "…` in TOML.
static MEMBER: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let text = r#"(?:\\*["'])?\s*[:=]\s*(\\*)(["'])"#;
    let number = r#"\\*["']\s*:\s*(\d{4,})"#;
    Regex::new(&format!(r"([A-Za-z0-9_.\-$]{{1,64}})(?:{text}|{number})")).ok()
});

/// Header of a part of a multipart body.
static PART: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r#"[; ]name="([^"]{1,64})"[^\r\n]*\r?\n(?:[^\r\n]+\r?\n)*\r?\n"#).ok()
});

/// `://user:password@`, or the same without a scheme before it.
static USER_INFO: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r#"(?:://([^/?#\s"'`]+)|(?:^|[\s"'`=])([^/?#@\s:"'`=]+:[^/?#@\s"'`]+))@"#).ok()
});

/// Text that ends with the name of a secret, before its value.
static ENDS_WITH_NAME: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r#"([A-Za-z0-9_.\-\[\]$]{1,64})(?:\\*["'])?\s*[:=]\s*(?:\\*["'])?$"#).ok()
});

/// Whether the value of a secret follows a text, according to its end: `?token=`, `"password": "`.
pub(crate) fn is_before_secret(text: &str) -> bool {
    let mut from = text.len().saturating_sub(NAME_BYTES_MAX);
    while !text.is_char_boundary(from) {
        from += 1;
    }
    let found = ENDS_WITH_NAME
        .as_ref()
        .and_then(|name| name.captures(&text[from..]));
    found.is_some_and(|found| is_sensitive_name(&found[1]))
}

/// Ranges of the values of secret names in a text. Results of expressions are unknown.
pub(super) fn ranges(text: &str) -> Vec<Range<usize>> {
    let mut ranges = pairs(text);
    ranges.extend(members(text));
    ranges.extend(parts(text));
    for found in USER_INFO.iter().flat_map(|info| info.captures_iter(text)) {
        let user = found.get(1).or(found.get(2));
        ranges.extend(user.map(|user| user.range()));
    }
    ranges.retain(|range| !range.is_empty() && !is_expression(&text[range.clone()]));
    ranges
}

fn pairs(text: &str) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    let Some(pair) = PAIR.as_ref() else {
        return ranges;
    };
    let mut from = 0;
    while let Some(found) = pair.captures_at(text, from) {
        let (Some(name), Some(value)) = (found.get(1), found.get(2)) else {
            break;
        };
        if is_sensitive_name(name.as_str()) {
            ranges.push(value.range());
            from = value.end();
        } else {
            // There may be another in its value: `next=%2Fx%3Ftoken%3D…`.
            from = value.start();
        }
    }
    ranges
}

fn members(text: &str) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    for found in MEMBER.iter().flat_map(|member| member.captures_iter(text)) {
        if !is_sensitive_name(&found[1]) {
            continue;
        }
        if let Some(number) = found.get(4) {
            ranges.push(number.range());
        } else if let (Some(slashes), Some(quote)) = (found.get(2), found.get(3)) {
            let begin = quote.end();
            let end = end_of_quoted(&text[begin..], slashes.len(), quote.as_str());
            ranges.push(begin..begin + end);
        }
    }
    ranges
}

/// The length of a quoted text whose quotes have this number of backslashes before them.
fn end_of_quoted(text: &str, slashes: usize, quote: &str) -> usize {
    let mut before = 0;
    for (at, letter) in text.char_indices() {
        match letter {
            '\\' => before += 1,
            // A quote inside the text has more of them, and so has one after backslashes of the text.
            _ if quote.starts_with(letter) && before % (2 * (slashes + 1)) == slashes => {
                return at - slashes;
            }
            _ => before = 0,
        }
    }
    text.len()
}

fn parts(text: &str) -> Vec<Range<usize>> {
    let all = PART.iter().flat_map(|part| part.captures_iter(text));
    let secret = all.filter(|found| is_sensitive_name(&found[1]));
    let begins = secret.filter_map(|found| found.get(0));
    let range = |begin: usize| {
        let rest = &text[begin..];
        let end = rest.find("\r\n--").or_else(|| rest.find("\n--"));
        begin..begin + end.unwrap_or(rest.len())
    };
    begins.map(|head| range(head.end())).collect()
}

/// Whether a text consists of expressions alone, except for the name of a scheme.
pub(crate) fn is_expression(text: &str) -> bool {
    let literal = literals(text).collect::<String>();
    let literal = literal.trim();
    text.contains("{{") && (literal.is_empty() || is_scheme(literal))
}

/// Parts of a text outside of its expressions.
pub(crate) fn literals(text: &str) -> impl Iterator<Item = &str> {
    let parts = text.split("{{").enumerate();
    parts.map(|(number, part)| match part.split_once("}}") {
        Some((_, behind)) if number > 0 => behind,
        _ => part,
    })
}

pub(super) fn is_scheme(text: &str) -> bool {
    SCHEMES
        .iter()
        .any(|scheme| scheme.eq_ignore_ascii_case(text))
}
