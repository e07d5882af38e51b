//! Grouping of recorded requests into tasks: requests of one name become one task, whose weight is their number, and values
//! that differ between them are drawn from lists.

use crate::data::Data;
use crate::draft::{Body, Draft, Method, Status, Task};
use crate::error::ImportError;
use crate::headers::{self, Client};
use crate::json_bodies;
use crate::names::{name_of, noun_before, placeholder, singular};
use crate::recorded_request::{RecordedRequest, target};
use crate::secrets::{PLACEHOLDER, Secret, looks_secret};
use crate::warnings::Warnings;
use brunt_scenario::is_sensitive_name;
use indexmap::IndexMap;
use serde_json::Value;

/// Creates a draft from requests to one host.
pub(crate) fn draft(
    mut recorded: Vec<RecordedRequest>,
    client: Client,
    warnings: &mut Warnings,
) -> Result<Draft, ImportError> {
    let mut draft = Draft::default();
    recorded.retain(|request| {
        let known = Method::parse(&request.method).is_some();
        if !known {
            warnings.at(
                "requests with an unsupported method were left out",
                at(request),
            );
        }
        known
    });
    let Some(host) = origin(&recorded) else {
        let reason = "no request has a supported method".to_owned();
        return Err(ImportError::Nothing { reason });
    };
    draft.host = Some(host);
    for request in &mut recorded {
        without_secrets(request, warnings);
    }
    for ((method, name), requests) in groups(&recorded) {
        let mut task = task(method, &name, &requests, &mut draft.data, warnings);
        task.headers = task_headers(
            &requests,
            &task,
            client,
            &mut draft.data,
            &mut draft.secrets,
            warnings,
        );
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

type Groups<'a> = IndexMap<(Method, String), Vec<&'a RecordedRequest>>;

fn groups(recorded: &[RecordedRequest]) -> Groups<'_> {
    let mut groups = Groups::new();
    for request in recorded {
        let Some(method) = Method::parse(&request.method) else {
            continue;
        };
        let name = name_of(&target(&request.url)) + &operation(request);
        groups.entry((method, name)).or_default().push(request);
    }
    groups
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
    method: Method,
    name: &str,
    requests: &[&RecordedRequest],
    data: &mut Data,
    warnings: &mut Warnings,
) -> Task {
    let first = requests[0];
    Task {
        name: name.to_owned(),
        weight: requests.len() as u64,
        method,
        path: path(name, requests, data),
        headers: IndexMap::new(),
        body: body(name, requests, data, warnings),
        check: check(requests, warnings),
        keeps_redirects: requests.iter().any(|request| request.keeps_redirects),
        timeout: first.timeout.clone(),
        comment: None,
    }
}

/// The path of a task. If requests differ only in an ID, it is drawn; if they differ in more, complete paths are drawn, so
/// that related IDs and queries stay together.
fn path(name: &str, requests: &[&RecordedRequest], data: &mut Data) -> String {
    let mut targets: Vec<String> = requests
        .iter()
        .map(|request| target(&request.url))
        .collect();
    targets.sort();
    targets.dedup();
    let first = targets[0].clone();
    if targets.len() == 1 {
        // `target` encodes braces, so that there is no expression.
        return first;
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
            .then(|| first.clone())
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
        other => other.clone(),
    })
}

/// The expected statuses: those that were recorded.
fn check(requests: &[&RecordedRequest], warnings: &mut Warnings) -> Vec<Status> {
    let mut statuses: Vec<Status> = Vec::new();
    for request in requests {
        let status = match request.status {
            // brunt has no cache.
            None | Some(304) => Status::Class(2),
            Some(status @ 200..=499) => Status::One(status),
            Some(status) => {
                warnings.at(
                    "a server error is not expected again",
                    format!("{status} of {}", at(request)),
                );
                Status::Class(2)
            }
        };
        if matches!(status, Status::One(400..)) {
            warnings.at(
                "a client error is expected, as it was recorded",
                format!("{} of {}", request.status.unwrap_or_default(), at(request)),
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
    requests: &[&RecordedRequest],
    task: &Task,
    client: Client,
    data: &mut Data,
    secrets: &mut Vec<Secret>,
    warnings: &mut Warnings,
) -> IndexMap<String, String> {
    let mut headers = headers::select(&requests[0].headers, client, data, secrets, warnings);
    // Collects the secrets of the other requests.
    for request in &requests[1..] {
        headers::select(
            &request.headers,
            client,
            &mut Data::default(),
            secrets,
            &mut Warnings::default(),
        );
    }
    let is_type = |name: &str| name.eq_ignore_ascii_case("content-type");
    headers.retain(|name, value| {
        let essence = value.split(';').next().unwrap_or_default().trim();
        let implied = match &task.body {
            // A form is encoded again, always in the same encoding.
            None | Some(Body::Form(_)) => true,
            Some(Body::Json(_)) => essence.eq_ignore_ascii_case("application/json"),
            Some(Body::Bytes(_) | Body::File(_)) => false,
        };
        !(is_type(name) && implied)
    });
    headers
}

/// Replaces secrets in the query and in the body.
fn without_secrets(request: &mut RecordedRequest, warnings: &mut Warnings) {
    let place = at(request);
    let replaced = format!("a secret was replaced by {PLACEHOLDER}; write the value to send");
    let mut is_secret = |name: &str, value: &str| {
        let secret = (is_sensitive_name(name) && !value.is_empty()) || looks_secret(value);
        if secret {
            warnings.at(replaced.clone(), format!("`{name}` of {place}"));
        }
        secret
    };
    let pairs: Vec<(String, String)> = request.url.query_pairs().into_owned().collect();
    let mut found = false;
    let clean: Vec<(String, String)> = pairs
        .into_iter()
        .map(|(name, value)| {
            let secret = is_secret(&name, &value);
            found |= secret;
            let value = if secret {
                PLACEHOLDER.to_owned()
            } else {
                value
            };
            (name, value)
        })
        .collect();
    // A query without secrets stays unchanged, since servers differ in the encodings that they accept.
    if found {
        request.url.query_pairs_mut().clear().extend_pairs(clean);
    }
    if let Some(Body::Form(fields)) = &mut request.body {
        for (name, value) in fields {
            if is_secret(name, value) {
                PLACEHOLDER.clone_into(value);
            }
        }
    }
    if let Some(Body::Json(value)) = &request.body {
        request.body = Some(match json_bodies::writable(value, &place, warnings) {
            Some(value) => Body::Json(value),
            None => Body::Bytes(value.to_string().into_bytes()),
        });
    }
}

/// The origin of most requests, since the first request is often redirected from http to https.
fn origin(recorded: &[RecordedRequest]) -> Option<String> {
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

/// A request as warnings name it, without its query.
pub(crate) fn at(request: &RecordedRequest) -> String {
    format!("{} {}", request.method, name_of(request.url.path()))
}
