//! An OpenTelemetry receiver, spoken to in OTLP over HTTP.

use std::sync::Arc;

use brunt_record::{Ending, Header};
use brunt_report::stream::{Interval, otlp, otlp_refusal};
use ureq::Agent;
use ureq::http::{HeaderName, HeaderValue};
use url::Url;

use super::queue::{DroppedIntervals, Exporter};
use crate::system::http_client;

/// Where receivers take metrics, unless a URL says more than a host.
const PATH: &str = "/v1/metrics";
/// The variable in which OpenTelemetry's tools look for headers, such as a key: `name=value,…`.
const HEADERS: &str = "OTEL_EXPORTER_OTLP_HEADERS";

/// A receiver.
pub(super) struct Otlp {
    client: Agent,
    url: Url,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Otlp {
    /// A receiver at a URL.
    pub(super) fn new(url: &Url) -> Result<Self, String> {
        let mut url = url.clone();
        if url.path() == "/" {
            url.set_path(PATH);
        }
        let headers = std::env::var(HEADERS).unwrap_or_default();
        Ok(Self {
            client: http_client::client(),
            url,
            headers: headers_in(&headers)?,
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
        lost: DroppedIntervals,
    ) -> Result<(), String> {
        let mut request = self.client.post(self.url.as_str());
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let body = otlp(header, interval, lost.in_all);
        let sent = request.content_type("application/x-protobuf").send(&body);
        let mut answer = http_client::accepted(sent)?;
        let answer = answer.body_mut().read_to_vec();
        let answer = answer.map_err(|error| http_client::trouble(&error))?;
        otlp_refusal(&answer).map_or(Ok(()), Err)
    }

    fn ending(&mut self, _: &Header, _: &Ending, _: DroppedIntervals) -> Result<(), String> {
        Ok(())
    }
}

/// What is said of a wrong header does not show it: it may be a secret.
fn headers_in(text: &str) -> Result<Vec<(HeaderName, HeaderValue)>, String> {
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
        let wrong = || {
            let number = part.0 + 1;
            format!("part {number} of {HEADERS} is no header; write it like api-key=abc,other=def")
        };
        headers.push(header(part).ok_or_else(wrong)?.1);
    }
    Ok(headers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read_and_a_wrong_one_is_not_shown() {
        let headers = headers_in(" api-key=abc=, x-tenant = 7 ,").expect("headers");
        let shown: Vec<(&str, &[u8])> = headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_bytes()))
            .collect();
        assert_eq!(shown, [("api-key", &b"abc="[..]), ("x-tenant", b"7")]);
        let error = headers_in("a=b,the secret").expect_err("no header");
        assert!(
            error.contains("part 2") && !error.contains("secret"),
            "{error}"
        );
    }
}
