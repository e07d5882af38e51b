//! Selection of the headers of a recorded request for a scenario.

use brunt_scenario::is_sensitive_name;
use indexmap::IndexMap;

use crate::data::Data;
use crate::draft::is_token;
use crate::secrets::{self, looks_secret, scheme_of};
use crate::warnings::Warnings;

/// Headers by name, each with its values, one for each line.
pub(crate) type HeaderFields = IndexMap<String, Vec<String>>;

/// Headers that brunt sets itself. A scenario may have a host of its own.
const SET_BY_BRUNT: [&str; 5] = [
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
    "expect",
];
/// Headers of a browser that belong to one connection, cache or trace.
const OF_ONE_MOMENT: [&str; 23] = [
    "proxy-connection",
    "keep-alive",
    "te",
    "trailer",
    "upgrade",
    "upgrade-insecure-requests",
    "dnt",
    "pragma",
    "cache-control",
    "if-none-match",
    "if-modified-since",
    "if-match",
    "if-unmodified-since",
    "if-range",
    "range",
    "priority",
    "traceparent",
    "tracestate",
    "x-request-id",
    "x-correlation-id",
    "x-forwarded-for",
    "x-real-ip",
    "forwarded",
];
/// Headers that browsers add by themselves. In a curl command they are intended.
const OF_BROWSERS: [&str; 3] = ["user-agent", "referer", "origin"];

/// The client that sent the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Client {
    Browser,
    Curl,
}

/// Selects the headers of a request that are written. Those of a browser are limited to those that the load needs; those
/// of a curl command are intended, so each one that is left out is a warning.
pub(crate) fn select(
    headers: &[(String, String)],
    client: Client,
    data: &mut Data,
    warnings: &mut Warnings,
) -> HeaderFields {
    let mut selected = HeaderFields::new();
    for (name, value) in headers {
        let lower = name.to_ascii_lowercase();
        if client == Client::Browser && is_noise(&lower) {
            continue;
        }
        let is_own_host = lower == "host" && client == Client::Curl;
        if !is_own_host && SET_BY_BRUNT.contains(&lower.as_str()) {
            warnings.at("a header that brunt sets itself was left out", name);
            continue;
        }
        let is_control = |letter: char| letter.is_control() && letter != '\t';
        if !is_token(name) || value.contains(is_control) {
            warnings.at("an invalid header was left out", name);
            continue;
        }
        let value = if is_sensitive_name(name) || looks_secret(value) {
            secret(name, value, data, warnings)
        } else {
            data.literal(value.trim())
        };
        let known = selected
            .keys()
            .find(|known| known.eq_ignore_ascii_case(name));
        let name = known.unwrap_or(name).clone();
        let values = selected.entry(name).or_default();
        // Browsers repeat no header; recordings of proxies contain copies.
        if client == Client::Browser {
            values.clear();
        }
        values.push(value);
    }
    selected
}

/// The value of a secret header: its scheme, and an environment variable.
fn secret(name: &str, value: &str, data: &mut Data, warnings: &mut Warnings) -> String {
    let value = value.trim();
    let (scheme, secret) = match scheme_of(value) {
        Some((scheme, rest)) => (format!("{scheme} "), rest),
        None => (String::new(), value),
    };
    if secret.is_empty() || data.has_variable(secret) {
        return data.literal(value);
    }
    let known = data.secret(name, Some(secret));
    warnings.at(secrets::warning(&known.variable), format!("header {name}"));
    scheme + &data.literal(&known.mark)
}

/// Whether the response may be 304 (Not Modified).
pub(crate) fn is_conditional(headers: &[(String, String)]) -> bool {
    headers.iter().any(|(name, _)| {
        name.eq_ignore_ascii_case("if-none-match") || name.eq_ignore_ascii_case("if-modified-since")
    })
}

fn is_noise(lower: &str) -> bool {
    // In HTTP/2, the request line is part of the headers.
    lower.starts_with([':'])
        || lower.starts_with("sec-")
        || SET_BY_BRUNT.contains(&lower)
        || OF_ONE_MOMENT.contains(&lower)
        || OF_BROWSERS.contains(&lower)
}

/// Moves the headers that all requests have with the same value out of them.
pub(crate) fn common(all: &mut [&mut HeaderFields]) -> Vec<(String, Vec<String>)> {
    let Some((first, others)) = all.split_first() else {
        return Vec::new();
    };
    if others.is_empty() {
        return Vec::new();
    }
    let common: Vec<(String, Vec<String>)> = first
        .iter()
        .filter(|(name, _)| !name.eq_ignore_ascii_case("content-type"))
        .filter(|(name, value)| others.iter().all(|other| other.get(*name) == Some(*value)))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    for headers in all {
        headers.retain(|name, _| !common.iter().any(|(known, _)| known == name));
    }
    common
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    fn fields(pairs: &[(&str, &[&str])]) -> HeaderFields {
        pairs
            .iter()
            .map(|(name, values)| {
                let values = values.iter().map(|value| (*value).to_owned()).collect();
                ((*name).to_owned(), values)
            })
            .collect()
    }

    #[test]
    fn irrelevant_headers_of_a_browser_are_left_out_and_secrets_are_variables() {
        let recorded = headers(&[
            (":authority", "x"),
            ("Host", "x"),
            ("sec-ch-ua", "\"Chromium\""),
            ("User-Agent", "Mozilla"),
            ("authorization", "bearer abc"),
            ("Accept", "text/html"),
            ("accept-encoding", "gzip, deflate, br, zstd"),
            ("X-Tenant", "a {{b}}"),
            ("bad name", "x"),
            ("X-Bad", "a\r\nb"),
        ]);
        let (mut data, mut warnings) = Default::default();
        let selected = select(&recorded, Client::Browser, &mut data, &mut warnings);
        let expected = fields(&[
            ("authorization", &["Bearer {{ env.AUTHORIZATION }}"]),
            ("Accept", &["text/html"]),
            ("accept-encoding", &["gzip, deflate, br, zstd"]),
            ("X-Tenant", &["a {{ pick(braces) }}b}}"]),
        ]);
        assert_eq!(selected, expected);
        let lines = warnings.into_lines();
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert!(!lines.concat().contains("abc"));
    }

    #[test]
    fn headers_of_a_curl_command_are_kept_with_all_their_values() {
        let given = headers(&[
            ("User-Agent", "mine"),
            ("X-A", "1"),
            ("Cache-Control", "no-cache"),
            ("x-a", "2"),
            ("Content-Length", "7"),
            ("Host", "other.test"),
        ]);
        let (mut data, mut warnings) = Default::default();
        let selected = select(&given, Client::Curl, &mut data, &mut warnings);
        let expected = fields(&[
            ("User-Agent", &["mine"]),
            ("X-A", &["1", "2"]),
            ("Cache-Control", &["no-cache"]),
            ("Host", &["other.test"]),
        ]);
        assert_eq!(selected, expected);
        let warning = "a header that brunt sets itself was left out: Content-Length";
        assert_eq!(warnings.into_lines(), [warning]);
    }

    #[test]
    fn different_secrets_of_one_header_have_different_variables() {
        let (mut data, mut warnings) = Default::default();
        let mut value = |text: &str| {
            let given = headers(&[("X-Api-Key", text)]);
            select(&given, Client::Curl, &mut data, &mut warnings)["X-Api-Key"].concat()
        };
        assert_eq!(value("k-1"), "{{ env.X_API_KEY }}");
        assert_eq!(value("k-2"), "{{ env.X_API_KEY_2 }}");
        assert_eq!(value("k-1"), "{{ env.X_API_KEY }}");
    }

    #[test]
    fn headers_of_all_requests_are_written_once() {
        let mut first = fields(&[("A", &["1"]), ("B", &["2"]), ("Content-Type", &["x"])]);
        let mut second = fields(&[("B", &["3"]), ("A", &["1"]), ("Content-Type", &["x"])]);
        let expected = [("A".to_owned(), vec!["1".to_owned()])];
        assert_eq!(common(&mut [&mut first, &mut second]), expected);
        assert_eq!(first, fields(&[("B", &["2"]), ("Content-Type", &["x"])]));
        assert_eq!(second, fields(&[("B", &["3"]), ("Content-Type", &["x"])]));
        assert_eq!(common(&mut [&mut first]), []);
    }
}
