//! A recorded request of a browser or a curl command.

use url::Url;

use crate::draft::Body;

/// A request of a browser or a curl command.
#[derive(Debug, Clone)]
pub(crate) struct RecordedRequest {
    /// Method in any case.
    pub(crate) method: String,
    pub(crate) url: Url,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Option<Body>,
    /// Status of the response, if it is known.
    pub(crate) status: Option<u16>,
    /// Target of the response if it is a redirect.
    pub(crate) redirected_to: Option<Url>,
    /// Start of the request and end of the response, in milliseconds of one clock.
    pub(crate) times_ms: Option<(f64, f64)>,
    /// Timeout in the form of a scenario.
    pub(crate) timeout: Option<String>,
    /// Whether a redirect is the expected response.
    pub(crate) keeps_redirects: bool,
}

impl RecordedRequest {
    pub(crate) fn new(method: &str, url: Url) -> Self {
        Self {
            method: method.to_owned(),
            url,
            headers: Vec::new(),
            body: None,
            status: None,
            redirected_to: None,
            times_ms: None,
            timeout: None,
            keeps_redirects: false,
        }
    }

    /// Host and port.
    pub(crate) fn authority(&self) -> String {
        authority(&self.url)
    }

    /// Value of a header.
    pub(crate) fn header(&self, wanted: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(wanted))
            .map(|(_, value)| value.as_str())
    }
}

/// Host of a URL, with its port unless that is the default of the scheme.
pub(crate) fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        None => host.to_owned(),
        Some(port) => format!("{host}:{port}"),
    }
}

/// Path of a URL with its query, without the fragment.
pub(crate) fn target(url: &Url) -> String {
    // Braces would start an expression.
    let encoded = |text: &str| text.replace('{', "%7B").replace('}', "%7D");
    match url.query() {
        None | Some("") => encoded(url.path()),
        Some(query) => encoded(&format!("{}?{query}", url.path())),
    }
}
