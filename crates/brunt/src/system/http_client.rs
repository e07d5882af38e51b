//! HTTP client for monitored metrics and for exporters, as opposed to the load.

use std::sync::Arc;
use std::time::Duration;

use ureq::http::Response;
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::{Agent, Body};
use url::Url;

/// Timeout of an exchange.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Maximum size of a response body.
const BODY_BYTES_MAX: u64 = 16 << 20;

/// Client with the certificate authorities of the system, without redirects and without a proxy.
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
        .timeout_global(Some(TIMEOUT))
        .max_redirects(0)
        .proxy(None)
        .user_agent(concat!("brunt/", env!("CARGO_PKG_VERSION")))
        .build();
    config.new_agent()
}

/// Gets a text. The error is a message without credentials.
pub(crate) fn get_text(client: &Agent, url: &Url) -> Result<String, String> {
    let got = client.get(url.as_str()).call();
    let text = success(got).and_then(|mut response| {
        let body = response.body_mut().with_config().limit(BODY_BYTES_MAX);
        body.read_to_string().map_err(|error| message(&error))
    });
    text.map_err(|message| format!("{}: {message}", without_credentials(url)))
}

/// Returns a response with a status code of 2xx, or a message. Redirects are errors.
pub(crate) fn success(
    response: Result<Response<Body>, ureq::Error>,
) -> Result<Response<Body>, String> {
    let response = response.map_err(|error| message(&error))?;
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    Err(format!("response status {}", status.as_u16()))
}

/// Message of an error without the URL, which may contain credentials.
pub(crate) fn message(error: &ureq::Error) -> String {
    match error {
        ureq::Error::StatusCode(status) => format!("response status {status}"),
        ureq::Error::Timeout(_) => format!("no response within {} s", TIMEOUT.as_secs()),
        ureq::Error::BadUri(_) => "unsupported URL".to_owned(),
        other => other.to_string(),
    }
}

/// URL without credentials and query.
pub(crate) fn without_credentials(url: &Url) -> Url {
    let mut url = url.clone();
    // These fail only for URLs that cannot have credentials.
    url.set_username("").ok();
    url.set_password(None).ok();
    url.set_query(None);
    url
}
