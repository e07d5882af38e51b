//! Named values: what stands in a text behind the name of a secret, as URLs, forms, JSON, TOML and bodies of several
//! parts have it, and credentials in URLs.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value as JsonValue;

use super::Secrets;
use super::names::is_secret_name;

/// Bodies up to this size are read as JSON.
const JSON_BYTES_MAX: usize = 64 << 10;
/// A name is not longer, with what stands between it and its value.
const NAME_BYTES_MAX: usize = 100;
/// Schemes of credentials in a header field (RFC 9110, section 11.1, and others in use).
const SCHEMES: [&str; 6] = ["ApiKey", "Basic", "Bearer", "Digest", "Negotiate", "Token"];

/// `access_token=…`, as URLs and forms have it. The value is everything up to a character that stands in neither,
/// expressions of a scenario included.
static PAIR: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let value = r#"(?:\{\{.*?\}\}|[^&;\s"'<>#,()`\\])+"#;
    let name = r"(?:%[0-9A-Fa-f]{2})?([A-Za-z0-9_.\-\[\]]{1,64})";
    Regex::new(&format!("{name}(?:=|%3[Dd])({value})")).ok()
});

/// `"password": "…`, as JSON has it, perhaps within a text of JSON; `password = "…`, as TOML has it.
static MEMBER: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let text = r#"(?:\\*["'])?\s*[:=]\s*(\\*)(["'])"#;
    let number = r#"\\*["']\s*:\s*(\d{4,})"#;
    Regex::new(&format!(r"([A-Za-z0-9_.\-$]{{1,64}})(?:{text}|{number})")).ok()
});

/// The head of a part of a body of several parts.
static PART: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r#"[; ]name="([^"]{1,64})"[^\r\n]*\r?\n(?:[^\r\n]+\r?\n)*\r?\n"#).ok()
});

/// `://user:password@`, or the same without a scheme before it.
static USER_INFO: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r#"(?:://([^/?#\s"'`]+)|(?:^|[\s"'`=])([^/?#@\s:"'`=]+:[^/?#@\s"'`]+))@"#).ok()
});

/// What ends with the name of a secret whose value would come next.
static ENDS_WITH_NAME: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r#"([A-Za-z0-9_.\-\[\]$]{1,64})(?:\\*["'])?\s*[:=]\s*(?:\\*["'])?$"#).ok()
});

/// Whether the value of a secret comes behind a text, according to its end: `?token=`, `"password": "`.
pub(crate) fn is_before_secret(text: &str) -> bool {
    let mut from = text.len().saturating_sub(NAME_BYTES_MAX);
    while !text.is_char_boundary(from) {
        from += 1;
    }
    let found = ENDS_WITH_NAME
        .as_ref()
        .and_then(|name| name.captures(&text[from..]));
    found.is_some_and(|found| is_secret_name(&found[1]))
}

/// Where values of secret names stand in a text. What an expression of a scenario gives is not known.
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
        if is_secret_name(name.as_str()) {
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
        if !is_secret_name(&found[1]) {
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
            // A quote within the text has more of them, and so has one behind backslashes of the text.
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
    let secret = all.filter(|found| is_secret_name(&found[1]));
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

/// What of a text stands outside of its expressions.
pub(crate) fn literals(text: &str) -> impl Iterator<Item = &str> {
    let parts = text.split("{{").enumerate();
    parts.map(|(number, part)| match part.split_once("}}") {
        Some((_, behind)) if number > 0 => behind,
        _ => part,
    })
}

fn is_scheme(text: &str) -> bool {
    SCHEMES
        .iter()
        .any(|scheme| scheme.eq_ignore_ascii_case(text))
}

impl Secrets {
    /// Adds what stands behind names of secrets in a text.
    pub fn add_named(&mut self, text: &str) {
        for range in ranges(text) {
            let value = &text[range];
            self.add(value);
            if value.contains(['%', '+']) {
                self.add(&percent_decoded(value));
            }
            if value.contains('\\') {
                self.add(&unescaped(value));
            }
            // Of credentials in a URL.
            if let Some((_, password)) = value.split_once(':') {
                self.add(&percent_decoded(password));
            }
        }
    }

    /// Adds what some JSON holds under names of secrets.
    pub(crate) fn add_members(&mut self, json: &JsonValue) {
        match json {
            JsonValue::Array(items) => items.iter().for_each(|item| self.add_members(item)),
            JsonValue::Object(entries) => {
                for (name, value) in entries {
                    if is_secret_name(name) {
                        self.add_all_of(value);
                    } else {
                        self.add_members(value);
                    }
                }
            }
            _ => {}
        }
    }

    /// Adds the credentials of a header field whose name is that of a secret.
    pub fn add_field(&mut self, name: &str, value: &str) {
        let plain = name.to_ascii_lowercase();
        if plain == "cookie" {
            value.split(';').for_each(|pair| self.add_cookie(pair));
        } else if plain == "set-cookie" {
            self.add_cookie(value.split(';').next().unwrap_or_default());
        } else {
            self.add_credentials(value.trim());
        }
    }

    fn add_cookie(&mut self, pair: &str) {
        let value = pair.split_once('=').map_or(pair, |(_, value)| value);
        let value = value.trim().trim_matches('"');
        self.add(value);
        if value.contains('%') {
            self.add(&percent_decoded(value));
        }
    }

    fn add_credentials(&mut self, value: &str) {
        let (scheme, credentials) = match value.split_once(' ') {
            Some((scheme, rest)) if is_scheme(scheme) => (scheme, rest.trim()),
            _ if is_scheme(value) => return,
            _ => ("", value),
        };
        self.add(credentials);
        self.add(credentials.trim_end_matches('='));
        if scheme.eq_ignore_ascii_case("basic") {
            let decoded = crate::function::of_base64(credentials);
            let decoded = String::from_utf8_lossy(&decoded);
            if let Some((_, password)) = decoded.split_once(':') {
                self.add(password);
            }
        }
    }

    /// Adds what a head holds in fields that are secret, and other lines behind names of secrets.
    pub fn add_fields(&mut self, lines: &str) {
        for line in lines.split("\r\n") {
            match line.split_once(':') {
                Some((name, value)) if is_secret_name(name) => self.add_field(name, value),
                _ => self.add_named(line),
            }
        }
    }

    /// Adds what a request holds in places that are secret: its target, its header fields, its body.
    pub fn add_message(&mut self, message: &[u8]) {
        let end = memchr::memmem::find(message, b"\r\n\r\n").unwrap_or(message.len());
        let (head, body) = message.split_at(end);
        self.add_fields(&String::from_utf8_lossy(head));
        self.add_body(body.get(4..).unwrap_or_default());
    }

    /// Adds what the beginning of a body holds behind names of secrets.
    pub fn add_body(&mut self, body: &[u8]) {
        let body = &body[..body.len().min(JSON_BYTES_MAX)];
        match serde_json::from_slice(body) {
            Ok(json) => self.add_members(&json),
            Err(_) => self.add_named(&String::from_utf8_lossy(body)),
        }
    }

    /// A head without the values of fields that are secret: of cookies and schemes, the names stay.
    pub fn mask_fields(&self, lines: &str) -> String {
        let masked = lines.split("\r\n").map(|line| {
            let Some((name, value)) = line.split_once(": ") else {
                return self.mask(line);
            };
            if !is_secret_name(name) {
                return self.mask(line);
            }
            format!("{name}: {}", masked_field(name, value))
        });
        masked.collect::<Vec<_>>().join("\r\n")
    }
}

fn masked_field(name: &str, value: &str) -> String {
    let cookie = |pair: &str| match pair.split_once('=') {
        Some((name, _)) => format!("{name}={}", super::MASK),
        None => pair.to_owned(),
    };
    match name.to_ascii_lowercase().as_str() {
        "cookie" => {
            let pairs = value.split(';').map(cookie);
            pairs.collect::<Vec<_>>().join(";")
        }
        // What comes behind the first `;` says how it is kept.
        "set-cookie" => match value.split_once(';') {
            Some((pair, rest)) => format!("{};{rest}", cookie(pair)),
            None => cookie(value),
        },
        _ => match value.split_once(' ') {
            Some((scheme, _)) if is_scheme(scheme) => format!("{scheme} {}", super::MASK),
            _ => super::MASK.to_owned(),
        },
    }
}

/// What `%20` and `+` stand for.
fn percent_decoded(text: &str) -> String {
    // `&` is the only other character that says something there.
    let pair = format!("={}", text.replace('&', "%26"));
    let decoded = url::form_urlencoded::parse(pair.as_bytes()).next();
    decoded.map_or_else(String::new, |(_, value)| value.into_owned())
}

/// What the escapes of a JSON text stand for.
fn unescaped(text: &str) -> String {
    serde_json::from_str(&format!("\"{text}\"")).unwrap_or_default()
}
