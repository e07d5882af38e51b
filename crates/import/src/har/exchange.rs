//! A recorded request with its response.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::Value;
use url::Url;

use crate::har::body;
use crate::har::entry_values::{number, pairs, text};
use crate::har::exclusions::{Exclusions, Facts};
use crate::recorded_request::RecordedRequest;

/// A request with its response.
#[derive(Debug, Clone)]
pub(super) struct Exchange {
    pub(super) request: RecordedRequest,
    pub(super) response: RecordedResponse,
}

/// Parts of a response in which values of later requests are searched for.
#[derive(Debug, Clone, Default)]
pub(super) struct RecordedResponse {
    pub(super) headers: Vec<(String, String)>,
    /// Content, if it is text.
    pub(super) content: Option<String>,
}

impl Exchange {
    /// Reads an entry, or counts it if it is left out.
    pub(super) fn read(entry: &Value, left_out: &mut Exclusions) -> Option<Self> {
        let (Some(method), Some(url)) =
            (text(entry, "/request/method"), text(entry, "/request/url"))
        else {
            left_out.malformed += 1;
            return None;
        };
        let Ok(mut url) = Url::parse(url) else {
            left_out.malformed += 1;
            return None;
        };
        url.set_fragment(None);
        let headers = pairs(entry.pointer("/request/headers"));
        let status = entry.pointer("/response/status").and_then(number);
        let is_left_out = left_out.count(&Facts {
            method,
            url: &url,
            headers: &headers,
            kind: text(entry, "/_resourceType").unwrap_or_default(),
            mime: text(entry, "/response/content/mimeType").unwrap_or_default(),
            status,
        });
        if is_left_out {
            return None;
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "within 100 to 599"
        )]
        let status = status
            .filter(|status| (100.0..600.0).contains(status))
            .map(|status| status as u16);
        // Some tools write the query only as a list.
        let listed = pairs(entry.pointer("/request/queryString"));
        if url.query().is_none() && !listed.is_empty() {
            url.query_pairs_mut().extend_pairs(listed);
        }
        let mut request = RecordedRequest::new(method, without_user(url));
        request.headers = headers;
        if let Some(data) = entry.pointer("/request/postData") {
            body::read(data, &mut request);
        }
        let response = RecordedResponse {
            headers: pairs(entry.pointer("/response/headers")),
            content: content(entry),
        };
        request.redirected_to = redirect(entry, &response, &request.url, status);
        request.status = status;
        request.times_ms = times_ms(entry);
        Some(Self { request, response })
    }

    /// Names and values of the cookies that the response sets.
    pub(super) fn cookies(&self) -> impl Iterator<Item = (&str, &str)> {
        self.response
            .headers
            .iter()
            .filter(|(name, _)| name.eq_ignore_ascii_case("set-cookie"))
            // Some browsers write the lines as one.
            .flat_map(|(_, value)| value.split('\n'))
            .filter_map(|line| {
                let pair = line.split(';').next()?;
                let (name, value) = pair.split_once('=')?;
                Some((name.trim(), value.trim()))
            })
    }
}

fn without_user(mut url: Url) -> Url {
    // An http URL supports both, so this does not fail.
    if url.set_username("").is_ok() {
        url.set_password(None).ok();
    }
    url
}

/// Start and end of a request, in milliseconds.
fn times_ms(entry: &Value) -> Option<(f64, f64)> {
    let started: Timestamp = text(entry, "/startedDateTime")?.trim().parse().ok()?;
    let started_ms = started.as_millisecond() as f64;
    let took_ms = entry.get("time").and_then(number).unwrap_or(0.0);
    Some((started_ms, started_ms + took_ms.max(0.0)))
}

fn content(entry: &Value) -> Option<String> {
    let content = text(entry, "/response/content/text")?;
    let is_base64 = text(entry, "/response/content/encoding")
        .is_some_and(|encoding| encoding.eq_ignore_ascii_case("base64"));
    if !is_base64 {
        return Some(content.to_owned());
    }
    String::from_utf8(STANDARD.decode(content).ok()?).ok()
}

fn redirect(
    entry: &Value,
    response: &RecordedResponse,
    url: &Url,
    status: Option<u16>,
) -> Option<Url> {
    if !matches!(status, Some(301 | 302 | 303 | 307 | 308)) {
        return None;
    }
    let location = response
        .headers
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("location"))
        .map(|(_, value)| value.as_str());
    let to = text(entry, "/response/redirectURL").filter(|to| !to.is_empty());
    let mut to = url.join(to.or(location)?).ok()?;
    to.set_fragment(None);
    Some(to)
}
