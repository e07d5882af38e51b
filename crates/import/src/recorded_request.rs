//! A recorded request of a browser or a curl command.

use url::Url;

use crate::draft::{Body, Credentials};
use crate::names::name_of;

/// A request of a browser or a curl command.
#[derive(Debug, Clone)]
pub(crate) struct RecordedRequest {
    /// Method as it is sent.
    pub(crate) method: String,
    pub(crate) url: Url,
    /// Path and query as they are sent, if not those of the URL.
    pub(crate) raw_target: Option<String>,
    pub(crate) headers: Vec<(String, String)>,
    /// Names of headers that are not sent, even if clients do so by themselves.
    pub(crate) removed_headers: Vec<String>,
    pub(crate) auth: Option<Credentials>,
    pub(crate) body: Option<Body>,
    /// Status of the response, if it is known.
    pub(crate) status: Option<u16>,
    /// Target of the response if it is a redirect.
    pub(crate) redirected_to: Option<Url>,
    /// Start of the request and end of the response, in milliseconds of one clock.
    pub(crate) times_ms: Option<(f64, f64)>,
    /// Timeout in the form of a scenario.
    pub(crate) timeout: Option<String>,
    /// Number of redirects to follow, if not the default.
    pub(crate) redirects: Option<u8>,
    /// Whether a redirect is the expected response.
    pub(crate) keeps_redirects: bool,
}

impl RecordedRequest {
    pub(crate) fn new(method: &str, url: Url) -> Self {
        Self {
            method: method.to_owned(),
            url,
            raw_target: None,
            headers: Vec::new(),
            removed_headers: Vec::new(),
            auth: None,
            body: None,
            status: None,
            redirected_to: None,
            times_ms: None,
            timeout: None,
            redirects: None,
            keeps_redirects: false,
        }
    }

    /// Host and port.
    pub(crate) fn authority(&self) -> String {
        authority(&self.url)
    }

    /// Path and query as they are sent.
    pub(crate) fn target(&self) -> String {
        self.raw_target.clone().unwrap_or_else(|| target(&self.url))
    }

    /// The request as warnings name it, without its query.
    pub(crate) fn place(&self) -> String {
        format!("{} {}", self.method, name_of(self.url.path()))
    }

    /// Whether its body is a form in the syntax of a query.
    pub(crate) fn is_form(&self) -> bool {
        let content_type = self.header("content-type").unwrap_or_default();
        essence(content_type).eq_ignore_ascii_case("application/x-www-form-urlencoded")
    }

    /// Value of a header.
    pub(crate) fn header(&self, wanted: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(wanted))
            .map(|(_, value)| value.as_str())
    }
}

/// A content type without its parameters.
pub(crate) fn essence(content_type: &str) -> &str {
    content_type.split(';').next().unwrap_or_default().trim()
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
fn target(url: &Url) -> String {
    // Braces would start an expression.
    let encoded = |text: &str| text.replace('{', "%7B").replace('}', "%7D");
    match url.query() {
        None | Some("") => encoded(url.path()),
        Some(query) => encoded(&format!("{}?{query}", url.path())),
    }
}
