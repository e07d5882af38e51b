//! Which headers of a recorded request belong into a scenario.

use brunt_scenario::is_sensitive_name;
use indexmap::IndexMap;

use crate::data::Data;
use crate::secrets::{Secret, looks_secret};
use crate::warnings::Warnings;

/// Set by brunt, by every client anew, or of one connection or cache alone.
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
/// Said by browsers of themselves; who writes a curl command means them.
const OF_BROWSERS: [&str; 3] = ["user-agent", "referer", "origin"];

/// Who made the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Client {
    Browser,
    Curl,
}

/// The headers of one request that are written; secrets go to `secrets`.
pub(crate) fn kept(
    headers: &[(String, String)],
    client: Client,
    data: &mut Data,
    secrets: &mut Vec<Secret>,
    warnings: &mut Warnings,
) -> IndexMap<String, String> {
    let mut kept: IndexMap<String, String> = IndexMap::new();
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
                warnings.say(secret.warning());
                secrets.push(secret);
            }
            continue;
        }
        if !is_name(name)
            || value
                .chars()
                .any(|letter| letter.is_control() && letter != '\t')
        {
            warnings.at("a header is not as HTTP has it, and was left out", name);
            continue;
        }
        let value = if lower == "accept-encoding" {
            // What brunt can decode.
            "gzip, deflate".to_owned()
        } else {
            data.literal(value.trim())
        };
        let known = kept.keys().find(|known| known.eq_ignore_ascii_case(name));
        let name = known.unwrap_or(name).clone();
        kept.insert(name, value);
    }
    kept
}

fn is_noise(lower: &str, client: Client) -> bool {
    let of_browsers = client == Client::Browser && OF_BROWSERS.contains(&lower);
    // HTTP/2 has its request line among the headers.
    lower.starts_with([':']) || lower.starts_with("sec-") || NEVER.contains(&lower) || of_browsers
}

fn is_name(name: &str) -> bool {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !name.is_empty() && name.bytes().all(is_token)
}

/// Takes the headers that every request has, with the same value, out of them.
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
    fn noise_and_secrets_are_left_out() {
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
        let kept = kept(
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
        assert_eq!(kept.into_iter().collect::<Vec<_>>(), expected);
        assert_eq!(secrets.len(), 1);
        let lines = warnings.into_lines();
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert!(!lines.concat().contains("abc"));
    }

    #[test]
    fn a_curl_command_means_its_headers() {
        let recorded = headers(&[("User-Agent", "mine"), ("Referer", "http://x/")]);
        let (mut data, mut secrets, mut warnings) = Default::default();
        let kept = kept(
            &recorded,
            Client::Curl,
            &mut data,
            &mut secrets,
            &mut warnings,
        );
        assert_eq!(kept.len(), 2);
    }

    #[test]
    fn what_all_have_is_said_once() {
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
