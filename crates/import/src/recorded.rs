//! A request as it was made once: by a browser, or by a curl command.

use url::Url;

use crate::draft::Body;

/// A request that was recorded.
#[derive(Debug, Clone)]
pub(crate) struct Recorded {
    /// As it was recorded, in any case.
    pub(crate) method: String,
    pub(crate) url: Url,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Option<Body>,
    /// The status of the answer, where it is known.
    pub(crate) status: Option<u16>,
    /// Where the answer led, where it was a redirect.
    pub(crate) redirected_to: Option<Url>,
    /// When it began and when its answer was whole, in milliseconds of one clock.
    pub(crate) taken_ms: Option<(f64, f64)>,
    /// How long it may take, as the scenario says it.
    pub(crate) timeout: Option<String>,
    /// Whether a redirect is its answer.
    pub(crate) keeps_redirects: bool,
}

impl Recorded {
    pub(crate) fn new(method: &str, url: Url) -> Self {
        Self {
            method: method.to_owned(),
            url,
            headers: Vec::new(),
            body: None,
            status: None,
            redirected_to: None,
            taken_ms: None,
            timeout: None,
            keeps_redirects: false,
        }
    }

    /// The host with its port, whatever the scheme.
    pub(crate) fn authority(&self) -> String {
        authority(&self.url)
    }

    /// The value of a header.
    pub(crate) fn header(&self, wanted: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(wanted))
            .map(|(_, value)| value.as_str())
    }
}

/// The host of a URL, with its port where it is not the scheme's own.
pub(crate) fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        None => host.to_owned(),
        Some(port) => format!("{host}:{port}"),
    }
}

/// The path of a URL with its query, without the fragment.
pub(crate) fn target(url: &Url) -> String {
    // Braces would begin an expression.
    let encoded = |text: &str| text.replace('{', "%7B").replace('}', "%7D");
    match url.query() {
        None | Some("") => encoded(url.path()),
        Some(query) => encoded(&format!("{}?{query}", url.path())),
    }
}
