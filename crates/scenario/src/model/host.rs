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
