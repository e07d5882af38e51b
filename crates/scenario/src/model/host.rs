//! Hosts of services under test.

use url::Url;

use crate::redact::Secrets;

/// The service under test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Host {
    /// The Application Agent that ships with brunt.
    Embedded,
    /// A base URL.
    Url(Url),
}

impl Host {
    /// Parses a host of a scenario file or a command line.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text == "embedded" {
            return Ok(Self::Embedded);
        }
        // An invalid URL may contain credentials, too.
        let shown = Secrets::default().mask(text);
        let url = Url::parse(text).map_err(|_| {
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
        match url.scheme() {
            "http" | "https" if url.host_str().is_some_and(|host| !host.is_empty()) => {
                Ok(Self::Url(url))
            }
            _ => Err(format!(
                "invalid host `{shown}`: must be an HTTP URL like http://localhost:8000"
            )),
        }
    }
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
}
