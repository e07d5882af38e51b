//! Secrets: values that no report, screen or file of brunt may show, found in texts in any encoding.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use serde_json::Value as JsonValue;

use super::encodings::{Found, Text, base64_decodings, base64_runs, of_base64};
use super::named::{self, is_scheme};
use super::names::is_sensitive_name;
use crate::json::numbers;

/// Replacement of a secret.
pub const MASK: &str = "***";

/// Shortest value that is masked, in bytes. Texts without shorter ones would be unreadable.
const VALUE_BYTES_MIN: usize = 4;
/// Shortest value that is masked inside words, in any case, in base64 and in hexadecimal.
const ANYWHERE_BYTES_MIN: usize = 8;
/// Smallest number of characters of a truncated value that are masked.
const CUT_LETTERS_MIN: usize = 4;
/// Largest body that is parsed as JSON, in bytes.
const JSON_BYTES_MAX: usize = 64 << 10;
/// Values that are not specific enough to be masked.
const COMMON: [&str; 5] = ["true", "false", "null", "none", "undefined"];

/// Secret values.
#[derive(Debug, Clone, Default)]
pub struct Secrets {
    /// Further secrets.
    base: Option<Arc<Secrets>>,
    /// Patterns by first character, in lower case.
    patterns: BTreeMap<char, BTreeSet<Pattern>>,
}

/// A text to find.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Pattern {
    text: Box<str>,
    /// Matches complete words only.
    is_word: bool,
    /// Ignores case.
    folds: bool,
}

impl Secrets {
    /// An empty set that extends another.
    pub fn over(base: &Arc<Self>) -> Self {
        Self {
            base: Some(base.clone()),
            ..Self::default()
        }
    }

    /// Adds a value.
    pub fn add(&mut self, value: &str) {
        let value = value.trim();
        if value.len() < VALUE_BYTES_MIN || COMMON.contains(&value) || value == MASK {
            return;
        }
        let is_word = value.len() < ANYWHERE_BYTES_MIN;
        if !self.insert(value, is_word, !is_word) {
            return;
        }
        let lines = value.lines().map(str::trim).filter(|line| *line != value);
        for line in lines.filter(|line| line.len() >= ANYWHERE_BYTES_MIN) {
            self.insert(line, false, true);
        }
        for engine in [STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
            let encoded = engine.encode(value);
            self.insert(&encoded, is_word, false);
            if !is_word {
                self.add_within_base64(&engine, value);
            }
        }
        if !is_word {
            let digits = value.bytes().map(|byte| format!("{byte:02x}"));
            self.insert(&digits.collect::<String>(), false, true);
        }
    }

    /// Adds the base64 encodings of a value with other bytes before and after it.
    fn add_within_base64(&mut self, engine: &impl Engine, value: &str) {
        // Only some bits of the first and the last character belong to the value.
        for (before, first) in [(0, 0), (1, 2), (2, 3)] {
            let mut bytes = vec![0; before];
            bytes.extend_from_slice(value.as_bytes());
            let encoded = engine.encode(&bytes);
            let end = bytes.len() * 8 / 6;
            if let Some(own) = encoded.get(first..end) {
                self.insert(own, false, false);
            }
        }
    }

    /// Adds a pattern and returns whether it is new.
    fn insert(&mut self, text: &str, is_word: bool, folds: bool) -> bool {
        let Some(first) = text.chars().next() else {
            return false;
        };
        let patterns = self.patterns.entry(first.to_ascii_lowercase());
        patterns.or_default().insert(Pattern {
            text: text.into(),
            is_word,
            folds,
        })
    }

    /// Adds all texts and numbers of a JSON value.
    pub(crate) fn add_all_of(&mut self, json: &JsonValue) {
        match json {
            JsonValue::String(text) => self.add(numbers::of_marked(text).unwrap_or(text)),
            JsonValue::Number(number) => self.add(&number.to_string()),
            JsonValue::Array(items) => items.iter().for_each(|item| self.add_all_of(item)),
            JsonValue::Object(entries) => entries.values().for_each(|value| self.add_all_of(value)),
            JsonValue::Null | JsonValue::Bool(_) => {}
        }
    }

    /// Adds the values of another set.
    pub fn merge(&mut self, other: &Self) {
        for (first, patterns) in &other.patterns {
            let own = self.patterns.entry(*first).or_default();
            own.extend(patterns.iter().cloned());
        }
    }

    /// Masks these values and the values of secret names in a text.
    pub fn mask(&self, text: &str) -> String {
        self.masked(text, false)
    }

    /// The same for a truncated text, which may end with the beginning of a value.
    pub fn mask_cut(&self, text: &str) -> String {
        self.masked(text, true)
    }

    /// Masks these values in a text of brunt's own, in which names of secrets occur as examples.
    pub(crate) fn mask_values(&self, text: &str) -> String {
        let mut found = Vec::new();
        self.find(text, false, &mut found);
        replaced(text, &apart(found), |_| MASK.to_owned())
    }

    fn masked(&self, text: &str, is_cut: bool) -> String {
        replaced(text, &self.ranges(text, is_cut), |_| MASK.to_owned())
    }

    /// The same with one `*` per byte, so that other text keeps its position.
    pub(crate) fn mask_in_place(&self, text: &str) -> String {
        let stars = |secret: &str| {
            let bytes = secret.bytes();
            let stars = bytes.map(|byte| if byte == b'\n' { '\n' } else { '*' });
            stars.collect()
        };
        replaced(text, &self.ranges(text, false), stars)
    }

    /// Ranges of secrets in a text, sorted and disjoint.
    fn ranges(&self, text: &str, is_cut: bool) -> Vec<Range<usize>> {
        let mut found = named::ranges(text);
        self.find(text, is_cut, &mut found);
        for run in base64_runs(text) {
            let is_cut = is_cut && run.end == text.len();
            let decoded = base64_decodings(&text[run.clone()]);
            if decoded
                .into_iter()
                .any(|decoded| self.is_in(&decoded, is_cut))
            {
                found.push(run);
            }
        }
        apart(found)
    }

    /// Whether decoded base64 contains a secret in any encoding.
    fn is_in(&self, decoded: &str, is_cut: bool) -> bool {
        let mut found = named::ranges(decoded);
        self.find(decoded, is_cut, &mut found);
        !found.is_empty()
    }

    fn find(&self, text: &str, is_cut: bool, found: &mut Vec<Range<usize>>) {
        if let Some(base) = &self.base {
            base.find(text, is_cut, found);
        }
        if self.patterns.is_empty() {
            return;
        }
        for (at, _) in text.char_indices() {
            for (letter, _) in Text(text).symbols(at) {
                if letter == '\\' {
                    // The escaped character is not a letter.
                    let escaped = self.patterns.iter();
                    let escaped = escaped.filter(|(first, _)| !first.is_ascii_alphanumeric());
                    escaped.for_each(|(_, patterns)| find_at(patterns, text, at, is_cut, found));
                } else if let Some(patterns) = self.patterns.get(&letter.to_ascii_lowercase()) {
                    find_at(patterns, text, at, is_cut, found);
                }
            }
        }
    }
}

impl Secrets {
    /// Adds the values of secret names in a text.
    pub fn add_named(&mut self, text: &str) {
        for range in named::ranges(text) {
            let value = &text[range];
            self.add(value);
            if value.contains(['%', '+']) {
                self.add(&percent_decoded(value));
            }
            if value.contains('\\') {
                self.add(&unescaped(value));
            }
            // Credentials in a URL.
            if let Some((_, password)) = value.split_once(':') {
                self.add(&percent_decoded(password));
            }
        }
    }

    /// Adds the values of secret names in JSON.
    pub(crate) fn add_members(&mut self, json: &JsonValue) {
        match json {
            JsonValue::Array(items) => items.iter().for_each(|item| self.add_members(item)),
            JsonValue::Object(entries) => {
                for (name, value) in entries {
                    if is_sensitive_name(name) {
                        self.add_all_of(value);
                    } else {
                        self.add_members(value);
                    }
                }
            }
            _ => {}
        }
    }

    /// Adds the credentials of a header field with a secret name.
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
            let decoded = of_base64(credentials);
            let decoded = String::from_utf8_lossy(&decoded);
            if let Some((_, password)) = decoded.split_once(':') {
                self.add(password);
            }
        }
    }

    /// Adds the values of secret header fields and the values of secret names in other header lines.
    pub fn add_fields(&mut self, lines: &str) {
        for line in lines.split("\r\n") {
            match line.split_once(':') {
                Some((name, value)) if is_sensitive_name(name) => self.add_field(name, value),
                _ => self.add_named(line),
            }
        }
    }

    /// Adds the values of secret names at the beginning of a body.
    pub fn add_body(&mut self, body: &[u8]) {
        let body = &body[..body.len().min(JSON_BYTES_MAX)];
        match serde_json::from_slice(body) {
            Ok(json) => self.add_members(&json),
            Err(_) => self.add_named(&String::from_utf8_lossy(body)),
        }
    }

    /// Masks the values of secret header fields. Names of cookies and schemes stay.
    pub fn mask_fields(&self, lines: &str) -> String {
        let masked = lines.split("\r\n").map(|line| {
            let Some((name, value)) = line.split_once(": ") else {
                return self.mask(line);
            };
            if !is_sensitive_name(name) {
                return self.mask(line);
            }
            format!("{name}: {}", masked_field(name, value))
        });
        masked.collect::<Vec<_>>().join("\r\n")
    }
}

/// Sorts ranges and merges those that overlap.
fn apart(mut ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
    ranges.sort_by_key(|range| range.start);
    let mut apart: Vec<Range<usize>> = Vec::new();
    for range in ranges {
        match apart.last_mut() {
            Some(last) if range.start < last.end => last.end = last.end.max(range.end),
            _ => apart.push(range),
        }
    }
    apart
}

/// Replaces ranges of a text.
fn replaced(text: &str, ranges: &[Range<usize>], by: impl Fn(&str) -> String) -> String {
    let mut replaced = String::with_capacity(text.len());
    let mut from = 0;
    for range in ranges {
        replaced.push_str(&text[from..range.start]);
        replaced.push_str(&by(&text[range.clone()]));
        from = range.end;
    }
    replaced.push_str(&text[from..]);
    replaced
}

fn find_at(
    patterns: &BTreeSet<Pattern>,
    text: &str,
    at: usize,
    is_cut: bool,
    found: &mut Vec<Range<usize>>,
) {
    for pattern in patterns {
        if pattern.is_word && Text(text).is_within_word(at) {
            continue;
        }
        match Text(text).find(&pattern.text, at, pattern.folds, is_cut) {
            Some(Found::Complete(end)) if !pattern.is_word || !Text(text).is_within_word(end) => {
                found.push(at..end);
            }
            Some(Found::Cut(end, letters)) if letters >= CUT_LETTERS_MIN => found.push(at..end),
            _ => {}
        }
    }
}

fn masked_field(name: &str, value: &str) -> String {
    let cookie = |pair: &str| match pair.split_once('=') {
        Some((name, _)) => format!("{name}={MASK}"),
        None if pair.trim().is_empty() => pair.to_owned(),
        // A cookie without a name.
        None => MASK.to_owned(),
    };
    match name.to_ascii_lowercase().as_str() {
        "cookie" => {
            let pairs = value.split(';').map(cookie);
            pairs.collect::<Vec<_>>().join(";")
        }
        // Attributes follow the first `;`.
        "set-cookie" => match value.split_once(';') {
            Some((pair, rest)) => format!("{};{rest}", cookie(pair)),
            None => cookie(value),
        },
        _ => match value.split_once(' ') {
            Some((scheme, _)) if is_scheme(scheme) => format!("{scheme} {MASK}"),
            _ => MASK.to_owned(),
        },
    }
}

/// Decodes `%20` and `+`.
fn percent_decoded(text: &str) -> String {
    // `&` is the only other special character there.
    let pair = format!("={}", text.replace('&', "%26"));
    let decoded = url::form_urlencoded::parse(pair.as_bytes()).next();
    decoded.map_or_else(String::new, |(_, value)| value.into_owned())
}

/// Decodes the escapes of a JSON string.
fn unescaped(text: &str) -> String {
    serde_json::from_str(&format!("\"{text}\"")).unwrap_or_default()
}

#[cfg(test)]
mod tests;
