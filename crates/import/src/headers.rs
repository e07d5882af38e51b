//! Selection of the headers of a recorded request for a scenario.

use brunt_scenario::is_sensitive_name;
use indexmap::IndexMap;

use crate::data::Data;
use crate::secrets::{Secret, looks_secret};
use crate::warnings::Warnings;

/// Headers that are left out: those that brunt or each client sets itself, or that belong to one connection, cache or trace.
const NEVER: [&str; 28] = [
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
    "proxy-connection",
    "keep-alive",
    "expect",
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

/// Selects the headers of a request that are written, and adds secret ones to `secrets`.
pub(crate) fn select(
    headers: &[(String, String)],
    client: Client,
    data: &mut Data,
    secrets: &mut Vec<Secret>,
    warnings: &mut Warnings,
) -> IndexMap<String, String> {
    let mut selected: IndexMap<String, String> = IndexMap::new();
    for (name, value) in headers {
        let lower = name.to_ascii_lowercase();
        if is_noise(&lower, client) {
            continue;
        }
        if is_sensitive_name(name) || looks_secret(value) {
            let secret = Secret::of_header(name, value);
            if !secrets
                .iter()
                .any(|known| known.header.eq_ignore_ascii_case(name))
            {
                warnings.add(secret.warning());
                secrets.push(secret);
            }
            continue;
        }
        if !is_name(name)
            || value
                .chars()
                .any(|letter| letter.is_control() && letter != '\t')
        {
            warnings.at("an invalid header was left out", name);
            continue;
        }
        let value = if lower == "accept-encoding" {
            // The encodings that brunt can decode.
            "gzip, deflate".to_owned()
        } else {
            data.literal(value.trim())
        };
        let mut names = selected.keys();
        let known = names.find(|known| known.eq_ignore_ascii_case(name));
        let name = known.unwrap_or(name).clone();
        selected.insert(name, value);
    }
    selected
}

fn is_noise(lower: &str, client: Client) -> bool {
    let of_browsers = client == Client::Browser && OF_BROWSERS.contains(&lower);
    // In HTTP/2, the request line is part of the headers.
    lower.starts_with([':']) || lower.starts_with("sec-") || NEVER.contains(&lower) || of_browsers
}

fn is_name(name: &str) -> bool {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !name.is_empty() && name.bytes().all(is_token)
}

/// Moves the headers that all requests have with the same value out of them.
pub(crate) fn common(all: &mut [&mut IndexMap<String, String>]) -> Vec<(String, String)> {
    let Some((first, others)) = all.split_first() else {
        return Vec::new();
    };
    if others.is_empty() {
        return Vec::new();
    }
    let common: Vec<(String, String)> = first
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

    #[test]
    fn secret_and_irrelevant_headers_are_left_out() {
        let recorded = headers(&[
            (":authority", "x"),
            ("Host", "x"),
            ("sec-ch-ua", "\"Chromium\""),
            ("User-Agent", "Mozilla"),
            ("authorization", "Bearer abc"),
            ("Accept", "text/html"),
            ("accept-encoding", "gzip, deflate, br, zstd"),
            ("X-Tenant", "a {{b}}"),
            ("bad name", "x"),
            ("X-Bad", "a\r\nb"),
        ]);
        let (mut data, mut secrets, mut warnings) = Default::default();
        let selected = select(
            &recorded,
            Client::Browser,
            &mut data,
            &mut secrets,
            &mut warnings,
        );
        let expected = headers(&[
            ("Accept", "text/html"),
            ("accept-encoding", "gzip, deflate"),
            ("X-Tenant", "a {{ pick(braces) }}b}}"),
        ]);
        assert_eq!(selected.into_iter().collect::<Vec<_>>(), expected);
        assert_eq!(secrets.len(), 1);
        let lines = warnings.into_lines();
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert!(!lines.concat().contains("abc"));
    }

    #[test]
    fn user_agent_and_referer_of_a_curl_command_are_kept() {
        let recorded = headers(&[("User-Agent", "mine"), ("Referer", "http://x/")]);
        let (mut data, mut secrets, mut warnings) = Default::default();
        let selected = select(
            &recorded,
            Client::Curl,
            &mut data,
            &mut secrets,
            &mut warnings,
        );
        assert_eq!(selected.len(), 2);
    }

    #[test]
    fn headers_of_all_requests_are_written_once() {
        let map = |pairs: &[(&str, &str)]| headers(pairs).into_iter().collect::<IndexMap<_, _>>();
        let mut first = map(&[("A", "1"), ("B", "2"), ("Content-Type", "x")]);
        let mut second = map(&[("B", "3"), ("A", "1"), ("Content-Type", "x")]);
        assert_eq!(
            common(&mut [&mut first, &mut second]),
            headers(&[("A", "1")])
        );
        assert_eq!(first, map(&[("B", "2"), ("Content-Type", "x")]));
        assert_eq!(second, map(&[("B", "3"), ("Content-Type", "x")]));
        assert_eq!(common(&mut [&mut first]), []);
    }
}
