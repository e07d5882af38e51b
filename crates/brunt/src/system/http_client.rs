//! The web as brunt itself uses it: pages that are watched, and receivers that are told of a run. The load
//! does not come this way.

use std::sync::Arc;
use std::time::Duration;

use ureq::http::Response;
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::{Agent, Body};
use url::Url;

/// How long an exchange may take.
const WITHIN: Duration = Duration::from_secs(5);
/// A page is never larger.
const PAGE_BYTES_MAX: u64 = 16 << 20;

/// A client that trusts whom the system trusts, and goes nowhere but where it was sent: no redirect is
/// followed and no proxy asked.
pub(crate) fn client() -> Agent {
    let trusted = rustls_native_certs::load_native_certs().certs;
    let trusted = trusted
        .iter()
        .map(|certificate| Certificate::from_der(certificate).to_owned());
    let tls = TlsConfig::builder()
        .root_certs(RootCerts::Specific(Arc::new(trusted.collect())))
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .build();
    let config = Agent::config_builder()
        .tls_config(tls)
        .timeout_global(Some(WITHIN))
        .max_redirects(0)
        .proxy(None)
        .user_agent(concat!("brunt/", env!("CARGO_PKG_VERSION")))
        .build();
    config.new_agent()
}

/// The text of a page, or why there is none. What is said holds no credentials.
pub(crate) fn page(client: &Agent, url: &Url) -> Result<String, String> {
    let got = client.get(url.as_str()).call();
    let text = accepted(got).and_then(|mut answer| {
        let body = answer.body_mut().with_config().limit(PAGE_BYTES_MAX);
        body.read_to_string().map_err(|error| trouble(&error))
    });
    text.map_err(|trouble| format!("{}: {trouble}", without_credentials(url)))
}

/// A response of success; else what went wrong. A redirect is not followed, and nothing was taken there.
pub(crate) fn accepted(
    response: Result<Response<Body>, ureq::Error>,
) -> Result<Response<Body>, String> {
    let response = response.map_err(|error| trouble(&error))?;
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    Err(format!("it answered {}", status.as_u16()))
}

/// What went wrong, without the URL, which may hold credentials.
pub(crate) fn trouble(error: &ureq::Error) -> String {
    match error {
        ureq::Error::StatusCode(status) => format!("it answered {status}"),
        ureq::Error::Timeout(_) => format!("no answer within {} s", WITHIN.as_secs()),
        ureq::Error::BadUri(_) => "not a URL that can be asked".to_owned(),
        other => other.to_string(),
    }
}

/// A URL as it may be shown.
pub(crate) fn without_credentials(url: &Url) -> Url {
    let mut url = url.clone();
    // These fail only for URLs without a host, which have no credentials.
    url.set_username("").ok();
    url.set_password(None).ok();
    url.set_query(None);
    url
}
