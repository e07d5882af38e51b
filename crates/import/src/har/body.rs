//! Body of a recorded request.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use url::form_urlencoded;

use crate::draft::{Body, Part, PartContent};
use crate::har::entry_values::{pairs, text};
use crate::recorded_request::{RecordedRequest, essence};

/// Number of digits from which a number may not survive as a float.
const DIGITS_MAX: usize = 15;

const FORM: &str = "application/x-www-form-urlencoded";

/// Reads the body of a request, and adds its content type if the headers do not have it: some tools write it only with the
/// body.
pub(super) fn read(data: &Value, request: &mut RecordedRequest) {
    let recorded = request.header("content-type").map(ToOwned::to_owned);
    let described = text(data, "/mimeType").map(str::trim).unwrap_or_default();
    let media = recorded.clone().unwrap_or_else(|| described.to_owned());
    let Some(body) = body(data, &media, described) else {
        return;
    };
    request.body = Some(body);
    let is_type = media.contains('/') && !media.contains(char::is_control);
    if recorded.is_none() && is_type {
        request.headers.push(("Content-Type".to_owned(), media));
    }
}

fn body(data: &Value, media: &str, described: &str) -> Option<Body> {
    let kind = essence(media).to_ascii_lowercase();
    let Some(content) = text(data, "/text").filter(|text| !text.is_empty()) else {
        return of_params(data, &kind, &essence(described).to_ascii_lowercase());
    };
    let is_base64 = text(data, "/encoding")
        .or_else(|| text(data, "/_encoding"))
        .is_some_and(|encoding| encoding.eq_ignore_ascii_case("base64"));
    let bytes = if is_base64 {
        STANDARD
            .decode(content.trim())
            .unwrap_or_else(|_| content.into())
    } else {
        content.as_bytes().to_vec()
    };
    let content = match String::from_utf8(bytes) {
        Ok(content) => content,
        Err(error) => return Some(Body::Bytes(error.into_bytes())),
    };
    let looks_json = kind.ends_with("json") || (kind.is_empty() && content.starts_with(['{', '[']));
    if looks_json
        && let Ok(value) = serde_json::from_str(&content)
        && is_exact(&value, &content)
    {
        return Some(Body::Json(value));
    }
    if kind == FORM {
        let fields: Vec<(String, String)> = form_urlencoded::parse(content.as_bytes())
            .into_owned()
            .collect();
        // Servers differ in the encodings that they accept.
        if encoded(&fields) == content && keeps_order(&fields) {
            return Some(Body::Form(fields));
        }
    }
    if kind == "multipart/form-data"
        && let Some(parts) = boundary(media).and_then(|boundary| parts(&content, boundary))
    {
        return Some(Body::Multipart(parts));
    }
    Some(Body::Bytes(content.into_bytes()))
}

/// A form as a scenario encodes it.
fn encoded(fields: &[(String, String)]) -> String {
    let encode = |text: &str| {
        let encoded: String = form_urlencoded::byte_serialize(text.as_bytes()).collect();
        encoded
            .replace('+', "%20")
            .replace('*', "%2A")
            .replace("%7E", "~")
    };
    let pairs: Vec<String> = fields
        .iter()
        .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
        .collect();
    pairs.join("&")
}

/// Whether equal names follow each other, since a scenario writes their values as one list.
fn keeps_order(fields: &[(String, String)]) -> bool {
    let runs = fields.chunk_by(|(one, _), (next, _)| one == next);
    let names: std::collections::HashSet<&str> =
        fields.iter().map(|(name, _)| name.as_str()).collect();
    runs.count() == names.len()
}

/// Whether a value of JSON keeps the numbers of its text.
fn is_exact(value: &Value, text: &str) -> bool {
    let has_float =
        |value: &Value| matches!(value, Value::Number(number) if number.as_i64().is_none());
    let is_long = text
        .split(|letter: char| !letter.is_ascii_digit())
        .any(|digits| digits.len() > DIGITS_MAX);
    !(is_long && any(value, &has_float))
}

fn any(value: &Value, accepts: &dyn Fn(&Value) -> bool) -> bool {
    match value {
        Value::Array(items) => items.iter().any(|item| any(item, accepts)),
        Value::Object(entries) => entries.values().any(|entry| any(entry, accepts)),
        scalar => accepts(scalar),
    }
}

/// The body of a list of parameters.
fn of_params(data: &Value, kind: &str, described: &str) -> Option<Body> {
    let params = data.get("params").and_then(Value::as_array)?;
    if params.is_empty() {
        return None;
    }
    if kind != "multipart/form-data" && described != "multipart/form-data" {
        let fields = pairs(data.get("params"));
        if kind == FORM && keeps_order(&fields) {
            return Some(Body::Form(fields));
        }
        let content = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish();
        return Some(Body::Bytes(content.into_bytes()));
    }
    let part = |param: &Value| {
        let own = |key: &str| text(param, key).filter(|text| !text.is_empty());
        let value = own("/value").unwrap_or_default();
        let file_name = own("/fileName").map(ToOwned::to_owned);
        Some(Part {
            name: text(param, "/name")?.to_owned(),
            content: match file_name {
                Some(_) => PartContent::Bytes(value.as_bytes().to_vec()),
                None => PartContent::Text(value.to_owned()),
            },
            file_name,
            media: own("/contentType").map(ToOwned::to_owned),
        })
    };
    Some(Body::Multipart(params.iter().filter_map(part).collect()))
}

/// Boundary of a multipart content type.
fn boundary(media: &str) -> Option<&str> {
    let parameter = media.split(';').map(str::trim).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim()
            .eq_ignore_ascii_case("boundary")
            .then_some(value)
    })?;
    Some(parameter.trim_matches('"')).filter(|boundary| !boundary.is_empty())
}

/// Parts of a recorded multipart text (RFC 7578). `None`: it has another form, and is sent unchanged.
fn parts(content: &str, boundary: &str) -> Option<Vec<Part>> {
    let delimiter = format!("--{boundary}");
    let mut sections = content.split(&delimiter);
    sections.next().filter(|before| before.trim().is_empty())?;
    let mut parts = Vec::new();
    for section in sections {
        if section.starts_with("--") {
            return (!parts.is_empty()).then_some(parts);
        }
        let section = section.strip_prefix("\r\n")?.strip_suffix("\r\n")?;
        let (head, body) = section.split_once("\r\n\r\n")?;
        parts.push(part(head, body)?);
    }
    None
}

fn part(head: &str, body: &str) -> Option<Part> {
    let (mut name, mut file_name, mut media) = (None, None, None);
    for line in head.split("\r\n") {
        let (field, value) = line.split_once(':')?;
        match field.trim().to_ascii_lowercase().as_str() {
            "content-disposition" => {
                let parameters = value.trim().strip_prefix("form-data")?;
                for parameter in parameters
                    .split(';')
                    .map(str::trim)
                    .filter(|text| !text.is_empty())
                {
                    let (key, quoted) = parameter.split_once('=')?;
                    let text = quoted.strip_prefix('"')?.strip_suffix('"')?;
                    // Browsers encode these characters (HTML, "multipart/form-data encoding algorithm").
                    let text = text
                        .replace("%22", "\"")
                        .replace("%0D", "\r")
                        .replace("%0A", "\n");
                    match key {
                        "name" => name = Some(text),
                        "filename" => file_name = Some(text),
                        _ => return None,
                    }
                }
            }
            "content-type" => media = Some(value.trim().to_owned()),
            _ => return None,
        }
    }
    let content = match &file_name {
        Some(_) => PartContent::Bytes(body.as_bytes().to_vec()),
        None => PartContent::Text(body.to_owned()),
    };
    Some(Part {
        name: name?,
        content,
        file_name,
        media,
    })
}
