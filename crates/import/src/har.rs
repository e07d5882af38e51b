//! Recordings: HAR files that browsers and proxies export. Hardly any of them follows the specification completely.

mod entries;
mod think_time;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::Value;
use url::{Url, form_urlencoded};

use crate::draft::Body;
use crate::error::ImportError;
use crate::grouping;
use crate::headers::Client;
use crate::recorded_request::RecordedRequest;
use crate::scenario_text::{self, Imported};
use crate::warnings::{Warnings, one_line};

/// Imports a recording. `host` selects the requests to a host name, with a port if it has one; `None`: the host with the
/// most requests.
pub fn har(text: &str, host: Option<&str>) -> Result<Imported, ImportError> {
    let (entries, broken) = entries::read(text.trim_start_matches('\u{feff}'));
    let mut warnings = Warnings::default();
    if !entries.found {
        let reason = match broken {
            Some(error) => {
                format!("{error}; record in the network panel of a browser and save it as HAR")
            }
            None => "it contains no `log` with `entries`".to_owned(),
        };
        return Err(ImportError::InvalidFormat {
            expected: "a recording (HAR)",
            reason,
        });
    }
    if let Some(error) = broken {
        let count = entries.all.len();
        warnings.add(format!(
            "the file is truncated ({error}); the {count} requests before that were read"
        ));
    }
    let mut left_out = Exclusions::default();
    let mut recorded: Vec<RecordedRequest> = entries
        .all
        .iter()
        .filter_map(|entry| read(entry, &mut left_out))
        .collect();
    // Without times, the requests stay in the order of the file.
    recorded.sort_by(|one, other| started_ms(one).total_cmp(&started_ms(other)));
    let mut recorded = of_host(recorded, host, &mut warnings);
    follow_redirects(&mut recorded, &mut left_out);
    left_out.warn(&mut warnings);
    if recorded.is_empty() {
        let reason = warnings.into_lines().join("; ");
        let reason = if reason.is_empty() {
            "it contains no entries".to_owned()
        } else {
            reason
        };
        return Err(ImportError::Nothing { reason });
    }
    let requests = recorded.len();
    let wait = think_time::wait(&recorded);
    let mut draft = grouping::draft(recorded, Client::Browser, &mut warnings)?;
    draft.source = match requests {
        1 => "a recorded request".to_owned(),
        _ => format!("{requests} recorded requests"),
    };
    draft.wait = wait;
    Ok(scenario_text::imported(&draft, warnings))
}

/// Numbers of requests that are left out, by reason.
#[derive(Debug, Default)]
struct Exclusions {
    statics: usize,
    preflights: usize,
    unanswered: usize,
    followed: usize,
    streams: usize,
    malformed: usize,
}

impl Exclusions {
    fn warn(&self, warnings: &mut Warnings) {
        let counts = [
            (self.statics, "images, styles, scripts and fonts"),
            (
                self.preflights,
                "preflight requests of the browser (OPTIONS)",
            ),
            (
                self.unanswered,
                "requests without a response (blocked, canceled, or served from a cache)",
            ),
            (
                self.followed,
                "targets of redirects (brunt follows redirects by itself)",
            ),
            (
                self.streams,
                "WebSockets, event streams, and protocols other than HTTP",
            ),
            (self.malformed, "entries without a method or a URL"),
        ];
        for (count, what) in counts.into_iter().filter(|(count, _)| *count > 0) {
            warnings.add(format!("left out: {what} ({count})"));
        }
    }
}

fn started_ms(request: &RecordedRequest) -> f64 {
    request.times_ms.map_or(0.0, |(start, _)| start)
}

fn text<'a>(value: &'a Value, pointer: &str) -> Option<&'a str> {
    value.pointer(pointer).and_then(Value::as_str)
}

/// Reads the request of an entry, or counts it if it is left out.
fn read(entry: &Value, left_out: &mut Exclusions) -> Option<RecordedRequest> {
    let (Some(method), Some(url)) = (text(entry, "/request/method"), text(entry, "/request/url"))
    else {
        left_out.malformed += 1;
        return None;
    };
    let Ok(mut url) = Url::parse(url) else {
        left_out.malformed += 1;
        return None;
    };
    url.set_fragment(None);
    let kind = text(entry, "/_resourceType").unwrap_or_default();
    if !matches!(url.scheme(), "http" | "https") || matches!(kind, "websocket" | "eventsource") {
        left_out.streams += 1;
        return None;
    }
    if method.eq_ignore_ascii_case("OPTIONS") {
        left_out.preflights += 1;
        return None;
    }
    let mime = text(entry, "/response/content/mimeType").unwrap_or_default();
    let is_get = method.eq_ignore_ascii_case("GET");
    if is_get && (is_static_kind(kind) || is_static_type(mime) || is_static_path(url.path())) {
        left_out.statics += 1;
        return None;
    }
    let status = entry.pointer("/response/status").and_then(number);
    // Browsers write status 0 if there was no response.
    if status.is_some_and(|status| status < 100.0) {
        left_out.unanswered += 1;
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
    let mut request = RecordedRequest::new(method, without_user(url));
    request.headers = pairs(entry.pointer("/request/headers"));
    request.body = entry
        .pointer("/request/postData")
        .and_then(|data| body(data, &request));
    request.redirected_to = redirect(entry, &request.url, status);
    request.status = status;
    request.times_ms = times_ms(entry);
    Some(request)
}

/// A number, which some tools write as a string.
fn number(value: &Value) -> Option<f64> {
    let number = value
        .as_f64()
        .or_else(|| value.as_str()?.trim().parse().ok())?;
    number.is_finite().then_some(number)
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

fn pairs(list: Option<&Value>) -> Vec<(String, String)> {
    let items = list.and_then(Value::as_array).into_iter().flatten();
    let pair = |item: &Value| {
        let value = text(item, "/value").unwrap_or_default();
        Some((text(item, "/name")?.to_owned(), value.to_owned()))
    };
    items.filter_map(pair).collect()
}

fn redirect(entry: &Value, url: &Url, status: Option<u16>) -> Option<Url> {
    if !matches!(status, Some(301 | 302 | 303 | 307 | 308)) {
        return None;
    }
    let headers = pairs(entry.pointer("/response/headers"));
    let location = headers
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("location"))
        .map(|(_, value)| value.as_str());
    let to = text(entry, "/response/redirectURL").filter(|to| !to.is_empty());
    let mut to = url.join(to.or(location)?).ok()?;
    to.set_fragment(None);
    Some(to)
}

fn body(data: &Value, request: &RecordedRequest) -> Option<Body> {
    let header = request.header("content-type").unwrap_or_default();
    let mime = text(data, "/mimeType")
        .filter(|mime| !mime.is_empty())
        .unwrap_or(header);
    let mime = mime.to_ascii_lowercase();
    let params = pairs(data.get("params"));
    let Some(content) = text(data, "/text").filter(|text| !text.is_empty()) else {
        return (!params.is_empty() && !mime.contains("multipart")).then_some(Body::Form(params));
    };
    if text(data, "/encoding").is_some_and(|encoding| encoding.eq_ignore_ascii_case("base64")) {
        return Some(Body::Bytes(
            STANDARD.decode(content).unwrap_or_else(|_| content.into()),
        ));
    }
    if mime.contains("x-www-form-urlencoded") {
        return Some(Body::Form(
            form_urlencoded::parse(content.as_bytes())
                .into_owned()
                .collect(),
        ));
    }
    let looks_json = mime.contains("json") || (mime.is_empty() && content.starts_with(['{', '[']));
    if looks_json && let Ok(value) = serde_json::from_str(content) {
        return Some(Body::Json(value));
    }
    Some(Body::Bytes(content.as_bytes().to_vec()))
}

fn is_static_kind(kind: &str) -> bool {
    matches!(
        kind,
        "image" | "stylesheet" | "script" | "font" | "media" | "manifest" | "texttrack"
    )
}

fn is_static_type(mime: &str) -> bool {
    let mime = mime.trim().to_ascii_lowercase();
    let begins = [
        "image/",
        "font/",
        "audio/",
        "video/",
        "text/css",
        "application/font",
    ];
    let holds = ["javascript", "ecmascript", "wasm", "woff", "manifest+json"];
    begins.iter().any(|begin| mime.starts_with(begin))
        || holds.iter().any(|part| mime.contains(part))
}

fn is_static_path(path: &str) -> bool {
    const ENDINGS: [&str; 24] = [
        "js",
        "mjs",
        "css",
        "map",
        "png",
        "jpg",
        "jpeg",
        "gif",
        "svg",
        "webp",
        "avif",
        "ico",
        "bmp",
        "woff",
        "woff2",
        "ttf",
        "otf",
        "eot",
        "mp3",
        "mp4",
        "webm",
        "wasm",
        "webmanifest",
        "m4s",
    ];
    let ending = path
        .rsplit('/')
        .next()
        .and_then(|name| name.rsplit_once('.'));
    ending.is_some_and(|(_, ending)| ENDINGS.contains(&ending.to_ascii_lowercase().as_str()))
}

/// Selects the requests to one host, with a warning that names the other hosts.
fn of_host(
    recorded: Vec<RecordedRequest>,
    host: Option<&str>,
    warnings: &mut Warnings,
) -> Vec<RecordedRequest> {
    let mut counts: Vec<(String, usize)> = Vec::new();
    for request in &recorded {
        let authority = request.authority();
        match counts.iter_mut().find(|(known, _)| *known == authority) {
            Some((_, count)) => *count += 1,
            None => counts.push((authority, 1)),
        }
    }
    // The sort is stable, so that the first of the hosts with the most requests is selected.
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let host = match host {
        Some(host) => host
            .trim_start_matches("https://")
            .trim_start_matches("http://")
            .trim_end_matches('/'),
        None => counts.first().map_or("", |(host, _)| host),
    };
    let others: Vec<String> = counts
        .iter()
        .filter(|(other, _)| other != host)
        .map(|(other, count)| format!("{other} ({count})"))
        .collect();
    if !others.is_empty() {
        let named = others[..others.len().min(5)].join(", ");
        let more = match others.len().saturating_sub(5) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        warnings.add(one_line(&format!(
            "requests to hosts other than {host} were left out: {named}{more}; use --host to select another host"
        )));
    }
    recorded
        .into_iter()
        .filter(|request| request.authority() == host)
        .collect()
}

/// Removes the targets of redirects within the host, since brunt follows redirects. The status of the last target becomes the
/// expected one.
fn follow_redirects(recorded: &mut Vec<RecordedRequest>, left_out: &mut Exclusions) {
    let mut followed = vec![false; recorded.len()];
    for at in 0..recorded.len() {
        if followed[at] {
            continue;
        }
        let mut last = at;
        while let Some(to) = recorded[last].redirected_to.clone() {
            let is_next = |next: &usize| !followed[*next] && recorded[*next].url == to;
            let Some(next) = (last + 1..recorded.len()).find(is_next) else {
                break;
            };
            followed[next] = true;
            last = next;
        }
        let (status, to) = (recorded[last].status, recorded[last].redirected_to.clone());
        let request = &mut recorded[at];
        match to {
            None => request.status = status,
            // brunt does not follow a redirect to another host: the redirect is the expected response.
            Some(to) if crate::recorded_request::authority(&to) != request.authority() => {
                request.keeps_redirects = last == at;
            }
            // Its target was not recorded.
            Some(_) => request.status = None,
        }
    }
    left_out.followed = followed.iter().filter(|followed| **followed).count();
    let mut followed = followed.into_iter();
    recorded.retain(|_| followed.next() != Some(true));
}
