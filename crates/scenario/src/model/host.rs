//! Hosts of services under test.

use std::fmt;
use std::ops::Deref;

use url::Url;

use crate::redact::Secrets;

/// Largest number of characters of the name of a network interface.
const ZONE_MAX: usize = 15;

/// The service under test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Host {
    /// The Application Agent that ships with brunt.
    Embedded,
    /// A base URL.
    Url(HostUrl),
}

impl Host {
    /// Parses a host of a scenario file or a command line.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text == "embedded" {
            return Ok(Self::Embedded);
        }
        // An invalid URL may contain credentials, too.
        let shown = Secrets::default().mask(text);
        let (without_zone, zone) = split_zone(text);
        let url = Url::parse(&without_zone).map_err(|_| {
            format!(
                "invalid host `{shown}`: must be \"embedded\" or a URL like http://localhost:8000"
            )
        })?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(
                "the host's URL contains credentials; remove them, and write [headers] Authorization = \"…\" instead"
                    .to_owned(),
            );
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(format!(
                "invalid host `{shown}`: must not have a query or a fragment; write the query as `query` of the requests"
            ));
        }
        if zone.is_some_and(|zone| !is_zone(zone)) {
            return Err(format!(
                "invalid host `{shown}`: the zone of an IPv6 address must be a network interface, like \
                 http://[fe80::1%25eth0]:8000"
            ));
        }
        match url.scheme() {
            "http" | "https" if url.host_str().is_some_and(|host| !host.is_empty()) => {
                let zone = zone.map(Box::from);
                Ok(Self::Url(HostUrl { url, zone }))
            }
            _ => Err(format!(
                "invalid host `{shown}`: must be an HTTP URL like http://localhost:8000"
            )),
        }
    }
}

/// A base URL, and the zone of its IPv6 address, which is local to this machine and not part of the URL that is sent
/// (RFC 6874, section 3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostUrl {
    url: Url,
    zone: Option<Box<str>>,
}

impl HostUrl {
    /// The zone of its IPv6 address: the name or the index of a network interface.
    pub fn zone(&self) -> Option<&str> {
        self.zone.as_deref()
    }

    /// The same zone with another URL of the same host.
    #[must_use]
    pub fn with_url(&self, url: Url) -> Self {
        let zone = self.zone.clone();
        Self { url, zone }
    }

    /// Whether both have the same scheme, host, zone and port.
    pub fn has_origin_of(&self, other: &Self) -> bool {
        self.url.origin() == other.url.origin() && self.zone == other.zone
    }
}

impl From<Url> for HostUrl {
    fn from(url: Url) -> Self {
        Self { url, zone: None }
    }
}

impl Deref for HostUrl {
    type Target = Url;

    fn deref(&self) -> &Url {
        &self.url
    }
}

impl fmt::Display for HostUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.zone, self.url.as_str().split_once(']')) {
            (Some(zone), Some((address, rest))) => write!(f, "{address}%25{zone}]{rest}"),
            _ => f.write_str(self.url.as_str()),
        }
    }
}

/// A URL without the zone of its IPv6 address, and the zone. Like curl, it accepts `%25`, which RFC 6874 requires, and
/// `%` before the zone.
fn split_zone(text: &str) -> (String, Option<&str>) {
    let split = || {
        let start = text.find("://[")?;
        let (_, rest) = text.split_at(start);
        let (address, _) = rest.split_once(']')?;
        let (before, zone) = address.split_once('%')?;
        let end = start + address.len();
        let without = format!("{}{before}{}", &text[..start], &text[end..]);
        let zone = zone
            .strip_prefix("25")
            .filter(|zone| !zone.is_empty())
            .unwrap_or(zone);
        Some((without, Some(zone)))
    };
    split().unwrap_or_else(|| (text.to_owned(), None))
}

fn is_zone(text: &str) -> bool {
    let may = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    (1..=ZONE_MAX).contains(&text.len()) && text.bytes().all(may)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_with_a_query_or_a_fragment_is_refused() {
        for text in [
            "http://h/?a=b",
            "http://h?a",
            "http://h/api?",
            "http://h/#a",
            "https://h?token=s3cr3t",
        ] {
            let error = Host::parse(text).unwrap_err();
            assert!(error.contains("must not have a query"), "{text}: {error}");
            assert!(!error.contains("s3cr3t"), "{error}");
        }
        for text in ["http://h", "http://h/api/", "embedded"] {
            assert!(Host::parse(text).is_ok(), "{text}");
        }
    }

    fn parsed(text: &str) -> Result<(String, Option<String>), String> {
        match Host::parse(text)? {
            Host::Url(url) => Ok((url.as_str().to_owned(), url.zone().map(str::to_owned))),
            Host::Embedded => Err("embedded".to_owned()),
        }
    }

    /// RFC 6874; curl also accepts a bare `%`.
    #[test]
    fn zone_is_not_part_of_the_url() {
        for (text, url, zone) in [
            (
                "http://[fe80::1%25eth0]:8080",
                "http://[fe80::1]:8080/",
                "eth0",
            ),
            ("http://[fe80::1%eth0]/a", "http://[fe80::1]/a", "eth0"),
            ("https://[FE80::1%2525]/", "https://[fe80::1]/", "25"),
            ("http://[fe80::1%251]/", "http://[fe80::1]/", "1"),
            ("http://[::1%25wlan-0.5_a]/", "http://[::1]/", "wlan-0.5_a"),
        ] {
            let expected = (url.to_owned(), Some(zone.to_owned()));
            assert_eq!(parsed(text), Ok(expected), "{text}");
        }
        for text in [
            "http://[fe80::1]:8080/",
            "http://localhost/%5B1%25x%5D",
            "http://localhost/[a%25x]",
        ] {
            assert_eq!(parsed(text).map(|(_, zone)| zone), Ok(None), "{text}");
        }
        for text in [
            "http://[fe80::1%]/",
            "http://[fe80::1%25a/b]/",
            "http://[fe80::1%25interface-of-a-long-name]/",
            "http://[fe80::1%25é]/",
        ] {
            let error = parsed(text).unwrap_err();
            assert!(error.contains("[fe80::1%25eth0]"), "{text}: {error}");
        }
    }

    #[test]
    fn zone_is_shown_as_it_is_typed() {
        for text in [
            "http://[fe80::1%25eth0]:8080/a",
            "http://[fe80::1]/",
            "http://a/",
        ] {
            let Ok(Host::Url(url)) = Host::parse(text) else {
                panic!("{text}");
            };
            assert_eq!(url.to_string(), text);
        }
    }
}
