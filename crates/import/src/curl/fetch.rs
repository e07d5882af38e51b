//! Calls of `fetch()` that browsers copy, whose arguments are JSON.

use serde_json::Value;

use crate::curl::body;
use crate::curl::target;
use crate::draft::Body;
use crate::error::ImportError;
use crate::recorded_request::RecordedRequest;
use crate::warnings::Warnings;

/// Whether a text begins with a call of `fetch()`.
pub(super) fn is_syntax_of(text: &str) -> bool {
    let text = text.trim_start();
    let text = text.strip_prefix("await").map_or(text, str::trim_start);
    text.starts_with("fetch(")
}

/// Reads the calls of a text.
pub(super) fn requests(
    text: &str,
    warnings: &mut Warnings,
) -> Result<Vec<RecordedRequest>, ImportError> {
    let mut requests = Vec::new();
    let mut rest = text;
    while is_syntax_of(rest) {
        let Some((_, arguments)) = rest.split_once("fetch(") else {
            break;
        };
        let (url, after) = argument(arguments)?;
        let (options, after) = match after.trim_start().strip_prefix(',') {
            Some(after) => argument(after)?,
            None => (Value::Null, after),
        };
        let Some(after) = after.trim_start().strip_prefix(')') else {
            return Err(ImportError::FetchCall);
        };
        rest = after.trim_start_matches([' ', ';', '\n', '\r', '\t']);
        requests.push(request(&url, &options, warnings)?);
    }
    if !rest.trim().is_empty() {
        return Err(ImportError::FetchCall);
    }
    Ok(requests)
}

/// Reads an argument, and returns what follows it.
fn argument(text: &str) -> Result<(Value, &str), ImportError> {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<Value>();
    match values.next() {
        Some(Ok(value)) => Ok((value, &text[values.byte_offset()..])),
        _ => Err(ImportError::FetchCall),
    }
}

fn request(
    url: &Value,
    options: &Value,
    warnings: &mut Warnings,
) -> Result<RecordedRequest, ImportError> {
    let url = url.as_str().ok_or(ImportError::FetchCall)?;
    let target = target::parse(url.as_bytes(), "https", false).map_err(|_| ImportError::NoUrl)?;
    let text = |key: &str| {
        options
            .get(key)
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
    };
    let mut request = RecordedRequest::new(text("method").unwrap_or("GET"), target.url);
    request.raw_target = Some(target.path_and_query);
    let headers = options.get("headers").and_then(Value::as_object);
    for (name, value) in headers.into_iter().flatten() {
        let value = value.as_str().ok_or(ImportError::FetchCall)?;
        request.headers.push((name.clone(), value.to_owned()));
    }
    if let Some(referrer) = text("referrer") {
        request
            .headers
            .push(("Referer".to_owned(), referrer.to_owned()));
    }
    if let Some(content) = text("body") {
        // Browsers send a text as plain text, unless a header says otherwise.
        if request.header("content-type").is_none() {
            let plain = "text/plain;charset=UTF-8";
            request
                .headers
                .push(("Content-Type".to_owned(), plain.to_owned()));
        }
        let content_type = request.header("content-type").unwrap_or_default();
        request.body = Some(match content_type.to_ascii_lowercase() {
            kind if kind.starts_with("text/") => Body::Bytes(content.into()),
            kind => body::body(content.into(), &kind),
        });
    }
    if text("credentials") == Some("include") && request.header("cookie").is_none() {
        warnings.at(
            "the browser's cookies are not part of a fetch() call; copy the request as cURL to import them",
            request.place(),
        );
    }
    Ok(request)
}
