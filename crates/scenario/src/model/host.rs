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
    /// Reads a host as the scenario file and the command line give it.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text == "embedded" {
            return Ok(Self::Embedded);
        }
        // Credentials may stand in what is no URL, too.
        let shown = Secrets::default().mask(text);
        let url = Url::parse(text).map_err(|_| {
            format!("`{shown}` is no host; write \"embedded\" or a URL like http://localhost:8000")
        })?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(
                "the host's URL holds credentials; leave them out, and write \
                        [headers] Authorization = \"…\" instead"
                    .to_owned(),
            );
        }
        match url.scheme() {
            "http" | "https" if url.host_str().is_some_and(|host| !host.is_empty()) => {
                Ok(Self::Url(url))
            }
            _ => Err(format!(
                "`{shown}` is no HTTP URL; write one like http://localhost:8000"
            )),
        }
    }
}
