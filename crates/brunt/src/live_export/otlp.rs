//! Exporter to an OpenTelemetry collector, with OTLP over HTTP.

use std::sync::Arc;

use brunt_record::{Ending, Header};
use brunt_report::stream::{Interval, otlp, otlp_refusal};
use ureq::Agent;
use ureq::http::{HeaderName, HeaderValue};
use url::Url;

use super::queue::{DroppedIntervals, Exporter};
use crate::system::http_client;

/// Path of a URL that has none.
const PATH: &str = "/v1/metrics";
/// OpenTelemetry's environment variable for headers, such as an API key: `name=value,…`.
const HEADERS: &str = "OTEL_EXPORTER_OTLP_HEADERS";

/// Exporter to a collector.
pub(super) struct Otlp {
    client: Agent,
    url: Url,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Otlp {
    /// Creates an exporter to the collector at a URL.
    pub(super) fn new(url: &Url) -> Result<Self, String> {
        let mut url = url.clone();
        if url.path() == "/" {
            url.set_path(PATH);
        }
        let headers = std::env::var(HEADERS).unwrap_or_default();
        Ok(Self {
            client: http_client::client(),
            url,
            headers: parse_headers(&headers)?,
        })
    }
}

impl Exporter for Otlp {
    fn run(&mut self, _: &Arc<Header>) -> Result<(), String> {
        Ok(())
    }

    fn interval(
        &mut self,
        header: &Arc<Header>,
        interval: &Arc<Interval>,
        dropped: DroppedIntervals,
    ) -> Result<(), String> {
        let mut request = self.client.post(self.url.as_str());
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let body = otlp(header, interval, dropped.total);
        let sent = request.content_type("application/x-protobuf").send(&body);
        let mut response = http_client::success(sent)?;
        let body = response.body_mut().read_to_vec();
        let body = body.map_err(|error| http_client::message(&error))?;
        otlp_refusal(&body).map_or(Ok(()), Err)
    }

    fn ending(&mut self, _: &Header, _: &Ending, _: DroppedIntervals) -> Result<(), String> {
        Ok(())
    }
}

/// Parses `name=value,…`. Errors do not contain the header, which may be a secret.
fn parse_headers(text: &str) -> Result<Vec<(HeaderName, HeaderValue)>, String> {
    let parts = text.split(',').map(str::trim).enumerate();
    let parts = parts.filter(|(_, part)| !part.is_empty());
    let header = |(number, part): (usize, &str)| {
        let (name, value) = part.split_once('=')?;
        let name = HeaderName::try_from(name.trim()).ok()?;
        let mut value = HeaderValue::try_from(value.trim()).ok()?;
        value.set_sensitive(true);
        Some((number, (name, value)))
    };
    let mut headers = Vec::new();
    for part in parts {
        let invalid = || {
            let number = part.0 + 1;
            format!("invalid header {number} in {HEADERS}: must be like api-key=abc,other=def")
        };
        headers.push(header(part).ok_or_else(invalid)?.1);
    }
    Ok(headers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invalid_header_is_rejected_without_its_value() {
        let headers = parse_headers(" api-key=abc=, x-tenant = 7 ,").expect("headers");
        let parsed: Vec<(&str, &[u8])> = headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_bytes()))
            .collect();
        assert_eq!(parsed, [("api-key", &b"abc="[..]), ("x-tenant", b"7")]);
        let error = parse_headers("a=b,the secret").expect_err("an invalid header");
        assert!(
            error.contains("invalid header 2") && !error.contains("secret"),
            "{error}"
        );
    }
}
