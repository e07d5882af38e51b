//! From requests that were recorded to tasks: those of one name become one task, its weight is how
//! often it was seen, and what differs between them is drawn.

use crate::ImportError;
use crate::data::Data;
use crate::draft::{Body, Draft, Method, Status, Task};
use crate::headers::{self, Client};
use crate::json_bodies;
use crate::names::{name_of, noun_before, placeholder, singular};
use crate::recorded::{Recorded, target};
use crate::secrets::{STAND_IN, Secret, looks_secret};
use crate::warnings::Warnings;
use brunt_scenario::is_sensitive_name;
use indexmap::IndexMap;
use serde_json::Value;

/// Makes a draft of requests to one host.
pub(crate) fn draft(
    mut recorded: Vec<Recorded>,
    client: Client,
    warnings: &mut Warnings,
) -> Result<Draft, ImportError> {
    let mut draft = Draft::default();
    recorded.retain(|request| {
        let known = Method::parse(&request.method).is_some();
        if !known {
            warnings.at(
                "the method cannot be written, and the request was left out",
                at(request),
            );
        }
        known
    });
    let Some(host) = origin(&recorded) else {
        let why = "no request has a method that can be written".to_owned();
        return Err(ImportError::Nothing { why });
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

type Groups<'a> = IndexMap<(Method, String), Vec<&'a Recorded>>;

fn groups(recorded: &[Recorded]) -> Groups<'_> {
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

/// GraphQL has one path for all: its operations have names.
fn operation(request: &Recorded) -> String {
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
    requests: &[&Recorded],
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

/// The path: as it is where there is one, with a drawn id where that is all that differs, and drawn as a
/// whole otherwise, so that ids and queries that belong together stay together.
fn path(name: &str, requests: &[&Recorded], data: &mut Data) -> String {
    let mut targets: Vec<String> = requests
        .iter()
        .map(|request| target(&request.url))
        .collect();
    targets.sort();
    targets.dedup();
    let first = targets[0].clone();
    if targets.len() == 1 {
        // `target` leaves no braces.
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

/// A whole number where the text is one as numbers are written, and a text otherwise.
fn scalar(text: &str) -> Value {
    match text.parse::<i64>() {
        Ok(number) if number.to_string() == text => number.into(),
        _ => text.into(),
    }
}

fn body(
    name: &str,
    requests: &[&Recorded],
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
        "bodies differ in more than can be drawn; the first one is sent",
        name,
    );
    Some(match first {
        Body::Json(value) => Body::Json(json_bodies::literal(value, data)),
        other => other.clone(),
    })
}

/// What was answered is what is expected.
fn check(requests: &[&Recorded], warnings: &mut Warnings) -> Vec<Status> {
    let mut statuses: Vec<Status> = Vec::new();
    for request in requests {
        let status = match request.status {
            // What was in a cache is not there for brunt.
            None | Some(304) => Status::Class(2),
            Some(status @ 200..=499) => Status::One(status),
            Some(status) => {
                warnings.at(
                    "an answer of the server's failing is not expected again",
                    format!("{status} of {}", at(request)),
                );
                Status::Class(2)
            }
        };
        if matches!(status, Status::One(400..)) {
            warnings.at(
                "a refusal is expected, as it was recorded",
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
    requests: &[&Recorded],
    task: &Task,
    client: Client,
    data: &mut Data,
    secrets: &mut Vec<Secret>,
    warnings: &mut Warnings,
) -> IndexMap<String, String> {
    let mut headers = headers::kept(&requests[0].headers, client, data, secrets, warnings);
    // A secret of any of them is missing from all.
    for request in &requests[1..] {
        headers::kept(
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
            // A form is made anew, in one encoding.
            None | Some(Body::Form(_)) => true,
            Some(Body::Json(_)) => essence.eq_ignore_ascii_case("application/json"),
            Some(Body::Bytes(_) | Body::File(_)) => false,
        };
        !(is_type(name) && implied)
    });
    headers
}

/// Replaces secrets in the query, in a form, and of a user in the URL.
fn without_secrets(request: &mut Recorded, warnings: &mut Warnings) {
    let place = at(request);
    let replaced = format!("a secret was replaced by {STAND_IN}; write what is to be sent");
    let mut stand_in = |name: &str, value: &str| {
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
            let secret = stand_in(&name, &value);
            found |= secret;
            let value = if secret { STAND_IN.to_owned() } else { value };
            (name, value)
        })
        .collect();
    // Only where it has to be is a query put together anew: servers differ in what they read.
    if found {
        request.url.query_pairs_mut().clear().extend_pairs(clean);
    }
    if let Some(Body::Form(fields)) = &mut request.body {
        for (name, value) in fields {
            if stand_in(name, value) {
                STAND_IN.clone_into(value);
            }
        }
    }
    if let Some(Body::Json(value)) = &request.body {
        request.body = Some(match json_bodies::speakable(value, &place, warnings) {
            Some(value) => Body::Json(value),
            None => Body::Bytes(value.to_string().into_bytes()),
        });
    }
}

/// The host with the scheme that most requests have: the first one is often led from http to https.
fn origin(recorded: &[Recorded]) -> Option<String> {
    let mut origins: IndexMap<String, usize> = IndexMap::new();
    for request in recorded {
        *origins
            .entry(request.url.origin().ascii_serialization())
            .or_default() += 1;
    }
    // Of those with the most, the first.
    let most = origins.into_iter().rev().max_by_key(|(_, count)| *count);
    most.map(|(origin, _)| origin)
}

/// A request for a warning, without its query.
pub(crate) fn at(request: &Recorded) -> String {
    format!("{} {}", request.method, name_of(request.url.path()))
}
