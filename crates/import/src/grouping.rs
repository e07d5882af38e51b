//! Grouping of recorded requests into tasks: requests of one name become one task, whose weight is their number, and values
//! that differ between them are drawn from lists.

use crate::data::Data;
use crate::draft::{Body, Credentials, Draft, Flow, Method, Part, PartContent, Status, Task};
use crate::error::ImportError;
use crate::headers::{self, Client, HeaderFields};
use crate::json_bodies;
use crate::names::{name_of, noun_before, placeholder, singular};
use crate::recorded_request::{RecordedRequest, essence};
use crate::request_secrets;
use crate::warnings::Warnings;
use indexmap::IndexMap;
use serde_json::Value;

/// Creates a draft from requests to one host.
pub(crate) fn draft(
    recorded: Vec<RecordedRequest>,
    client: Client,
    warnings: &mut Warnings,
) -> Result<Draft, ImportError> {
    draft_from(Data::default(), recorded, client, warnings)
}

/// Creates a draft from requests to one host, whose texts may contain the variables of `data`.
pub(crate) fn draft_from(
    data: Data,
    mut recorded: Vec<RecordedRequest>,
    client: Client,
    warnings: &mut Warnings,
) -> Result<Draft, ImportError> {
    let mut draft = Draft {
        data,
        ..Draft::default()
    };
    recorded.retain(|request| {
        let known = method(request, client).is_some();
        if !known {
            warnings.at(
                "requests with an unsupported method were left out",
                request.place(),
            );
        }
        known
    });
    let Some(host) = origin(recorded.iter()) else {
        let reason = "no request has a supported method".to_owned();
        return Err(ImportError::Nothing { reason });
    };
    draft.host = Some(host);
    for request in &mut recorded {
        request_secrets::replace(request, &mut draft.data, warnings);
    }
    for (key, requests) in groups(&recorded, client, &draft.data) {
        let task = task(&key, &requests, client, &mut draft.data, warnings);
        draft.tasks.push(task);
    }
    let mut all: Vec<_> = draft
        .tasks
        .iter_mut()
        .map(|task| &mut task.headers)
        .collect();
    draft.headers = headers::common(&mut all);
    Ok(draft)
}

/// The method as it is sent. Recordings differ in case; a tunnel is not a request.
pub(crate) fn method(request: &RecordedRequest, client: Client) -> Option<Method> {
    let text = request.method.as_str();
    let any_case = || Method::parse(text).filter(|_| client == Client::Browser);
    let method = any_case().or_else(|| Method::of_token(text));
    method.filter(|_| !text.eq_ignore_ascii_case("connect"))
}

/// The task of a single request, all of whose headers are sent.
pub(crate) fn single(request: &RecordedRequest, data: &mut Data, warnings: &mut Warnings) -> Task {
    let method = method(request, Client::Browser).unwrap_or(Method::Get);
    let name = name_of(&data.literal_name(&request.target())) + &operation(request);
    let rest = String::new();
    let key = GroupKey { method, name, rest };
    task(&key, &[request], Client::Curl, data, warnings)
}

/// Requests that become one task.
#[derive(Debug, PartialEq, Eq, Hash)]
struct GroupKey {
    method: Method,
    name: String,
    /// Everything else that is equal in curl commands, since every difference between them is intended.
    rest: String,
}

type Groups<'a> = IndexMap<GroupKey, Vec<&'a RecordedRequest>>;

fn groups<'a>(recorded: &'a [RecordedRequest], client: Client, data: &Data) -> Groups<'a> {
    let mut groups = Groups::new();
    for request in recorded {
        let Some(method) = method(request, client) else {
            continue;
        };
        let target = request.target();
        let name = name_of(&data.literal_name(&target)) + &operation(request);
        let mut rest = match client {
            Client::Browser => String::new(),
            Client::Curl => details(request),
        };
        // Lists of values are not evaluated.
        if data.has_variable(&target) {
            rest += &target;
        }
        let key = GroupKey { method, name, rest };
        groups.entry(key).or_default().push(request);
    }
    groups
}

/// Everything in which requests of one task do not differ: all but the path and the values of a JSON body.
fn details(request: &RecordedRequest) -> String {
    let body = match &request.body {
        Some(Body::Json(value)) => json_bodies::shape(value),
        other => format!("{other:?}"),
    };
    let RecordedRequest {
        headers,
        removed_headers,
        auth,
        timeout,
        redirects,
        ..
    } = request;
    format!("{headers:?} {removed_headers:?} {auth:?} {timeout:?} {redirects:?} {body}")
}

/// Name of a GraphQL operation, since all operations have the same path.
fn operation(request: &RecordedRequest) -> String {
    let name = match &request.body {
        Some(Body::Json(body)) => body.get("operationName").and_then(Value::as_str),
        _ => None,
    };
    match name {
        Some(name) if !name.is_empty() && name.len() <= 80 => {
            let name: String = name.chars().filter(|letter| !letter.is_control()).collect();
            format!(" {name}")
        }
        _ => String::new(),
    }
}

fn task(
    key: &GroupKey,
    requests: &[&RecordedRequest],
    client: Client,
    data: &mut Data,
    warnings: &mut Warnings,
) -> Task {
    let (first, name) = (requests[0], &key.name);
    let path = path(name, requests, data);
    let body = body(name, requests, data, warnings);
    let headers = task_headers(first, body.as_ref(), client, data, warnings);
    let keeps_redirects = requests.iter().any(|request| request.keeps_redirects);
    Task {
        name: name.clone(),
        weight: requests.len() as u64,
        method: key.method.clone(),
        path,
        headers,
        auth: first.auth.as_ref().map(|auth| Credentials {
            user: data.literal(&auth.user),
            password: data.literal(&auth.password),
        }),
        body,
        check: check(requests, warnings),
        redirects: keeps_redirects.then_some(0).or(first.redirects),
        timeout: first.timeout.clone(),
        comment: None,
        flow: Flow::default(),
    }
}

/// The path of a task. If requests differ only in an ID, it is drawn; if they differ in more, complete paths are drawn, so
/// that related IDs and queries stay together.
fn path(name: &str, requests: &[&RecordedRequest], data: &mut Data) -> String {
    let mut targets: Vec<String> = requests.iter().map(|request| request.target()).collect();
    targets.sort();
    targets.dedup();
    let first = targets[0].clone();
    if targets.len() == 1 {
        return data.literal_path(&first);
    }
    let segments: Vec<Vec<&str>> = targets
        .iter()
        .map(|path| path.split('/').collect())
        .collect();
    let width = segments[0].len();
    let differ: Vec<usize> = (0..width)
        .filter(|&at| {
            segments
                .iter()
                .any(|path| path.get(at) != segments[0].get(at))
        })
        .collect();
    let same_shape = segments.iter().all(|path| path.len() == width);
    match differ[..] {
        [at] if same_shape && segments.iter().all(|path| placeholder(path[at]).is_some()) => {
            let noun = singular(noun_before(name, at));
            let ids = segments.iter().map(|path| scalar(path[at])).collect();
            let drawn = data.pick_among(&format!("{noun}_ids"), ids);
            let mut path = segments[0].clone();
            path[at] = &drawn;
            path.join("/")
        }
        _ => {
            let noun = noun_before(name, usize::MAX);
            let targets = targets.into_iter().map(Value::from).collect();
            data.pick(&format!("{noun}_paths"), targets)
        }
    }
}

/// An integer if the text is the usual form of one, and a string otherwise.
fn scalar(text: &str) -> Value {
    match text.parse::<i64>() {
        Ok(number) if number.to_string() == text => number.into(),
        _ => text.into(),
    }
}

fn body(
    name: &str,
    requests: &[&RecordedRequest],
    data: &mut Data,
    warnings: &mut Warnings,
) -> Option<Body> {
    let bodies: Vec<&Body> = requests
        .iter()
        .filter_map(|request| request.body.as_ref())
        .collect();
    let first = *bodies.first()?;
    let json: Vec<&Value> = bodies
        .iter()
        .filter_map(|body| match body {
            Body::Json(value) => Some(value),
            _ => None,
        })
        .collect();
    let noun = singular(noun_before(name, usize::MAX));
    let one = if json.len() == bodies.len() {
        json_bodies::merged(&json, &noun, data).map(Body::Json)
    } else {
        bodies
            .iter()
            .all(|body| body == &first)
            .then(|| template(first, data))
    };
    if one.is_some() {
        return one;
    }
    warnings.at(
        "bodies differ in too many values for lists; the first one is sent",
        name,
    );
    Some(match first {
        Body::Json(value) => Body::Json(json_bodies::literal(value, data)),
        other => template(other, data),
    })
}

/// Largest body that is written in the scenario, so that people can read it.
const TEXT_BYTES_MAX: usize = 2_000;

/// Converts a literal body to one with expressions.
fn template(body: &Body, data: &mut Data) -> Body {
    match body {
        Body::Json(value) => Body::Json(json_bodies::literal(value, data)),
        Body::Form(fields) => Body::Form(
            fields
                .iter()
                .map(|(name, value)| (data.literal(name), data.literal(value)))
                .collect(),
        ),
        Body::Text(content) => Body::Text(data.literal(content)),
        Body::Bytes(bytes) => match std::str::from_utf8(bytes) {
            Ok(content) if is_readable(content) || data.has_variable(content) => {
                Body::Text(data.literal(content))
            }
            _ => body.clone(),
        },
        Body::File(_) => body.clone(),
        Body::Multipart(parts) => {
            Body::Multipart(parts.iter().map(|part| template_part(part, data)).collect())
        }
    }
}

fn template_part(part: &Part, data: &mut Data) -> Part {
    let content = match &part.content {
        PartContent::Text(content) => PartContent::Text(data.literal(content)),
        PartContent::Bytes(bytes) => match std::str::from_utf8(bytes) {
            Ok(content) if is_readable(content) => PartContent::Text(data.literal(content)),
            _ => PartContent::Bytes(bytes.clone()),
        },
        PartContent::File(path) => PartContent::File(path.clone()),
    };
    Part {
        name: data.literal(&part.name),
        content,
        file_name: part.file_name.as_ref().map(|name| data.literal(name)),
        media: part.media.as_ref().map(|media| data.literal(media)),
    }
}

/// Whether people can read a text in the scenario.
fn is_readable(text: &str) -> bool {
    let is_plain = |letter: char| !letter.is_control() || matches!(letter, '\n' | '\t' | '\r');
    text.len() <= TEXT_BYTES_MAX && text.chars().all(is_plain)
}

/// The expected statuses: those that were recorded.
fn check(requests: &[&RecordedRequest], warnings: &mut Warnings) -> Vec<Status> {
    let mut statuses: Vec<Status> = Vec::new();
    for request in requests {
        let status = match request.status {
            // brunt has no cache.
            None if headers::is_conditional(&request.headers) => {
                statuses.push(Status::One(304));
                Status::Class(2)
            }
            None | Some(304) => Status::Class(2),
            Some(status @ 200..=499) => Status::One(status),
            Some(status) => {
                warnings.at(
                    "a server error is not expected again",
                    format!("{status} of {}", request.place()),
                );
                Status::Class(2)
            }
        };
        if matches!(status, Status::One(400..)) {
            warnings.at(
                "a client error is expected, as it was recorded",
                format!(
                    "{} of {}",
                    request.status.unwrap_or_default(),
                    request.place()
                ),
            );
        }
        statuses.push(status);
    }
    statuses.sort_unstable();
    statuses.dedup();
    if statuses.contains(&Status::Class(2)) {
        statuses.retain(|status| !matches!(status, Status::One(200..=299)));
    }
    statuses
}

fn task_headers(
    request: &RecordedRequest,
    body: Option<&Body>,
    client: Client,
    data: &mut Data,
    warnings: &mut Warnings,
) -> HeaderFields {
    let mut headers = headers::select(&request.headers, client, data, warnings);
    headers.retain(|name, values| {
        let is_type = name.eq_ignore_ascii_case("content-type");
        !(is_type && matches!(&values[..], [value] if is_implied(value, body)))
    });
    for name in &request.removed_headers {
        let is_own = match name.to_ascii_lowercase().as_str() {
            "user-agent" | "accept" => true,
            "content-type" => body.is_some(),
            "host" | "content-length" | "expect" | "transfer-encoding" | "connection" => {
                warnings.at("a header that brunt sets itself cannot be removed", name);
                false
            }
            _ => false,
        };
        let is_given = headers.keys().any(|known| known.eq_ignore_ascii_case(name));
        if is_own && !is_given {
            headers.insert(name.clone(), vec!["{{ none }}".to_owned()]);
        }
    }
    headers
}

/// Whether brunt sends this content type with a body by itself.
fn is_implied(content_type: &str, body: Option<&Body>) -> bool {
    match body {
        Some(Body::Json(_)) => content_type.eq_ignore_ascii_case("application/json"),
        Some(Body::Form(_)) => {
            content_type.eq_ignore_ascii_case("application/x-www-form-urlencoded")
        }
        // The boundary is brunt's own.
        Some(Body::Multipart(_)) => {
            essence(content_type).eq_ignore_ascii_case("multipart/form-data")
        }
        None | Some(Body::Text(_) | Body::Bytes(_) | Body::File(_)) => false,
    }
}

/// The origin of most requests, since the first request is often redirected from http to https.
pub(crate) fn origin<'a>(recorded: impl Iterator<Item = &'a RecordedRequest>) -> Option<String> {
    let mut origins: IndexMap<String, usize> = IndexMap::new();
    for request in recorded {
        *origins
            .entry(request.url.origin().ascii_serialization())
            .or_default() += 1;
    }
    // The first of the origins with the most requests.
    let most = origins.into_iter().rev().max_by_key(|(_, count)| *count);
    most.map(|(origin, _)| origin)
}
