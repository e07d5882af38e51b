//! A recording as a journey: its requests in their order, with the recorded pauses, and with the values that a response
//! gives to later requests.

use std::collections::HashSet;

use crate::data::Data;
use crate::draft::{Body, Draft, Extract, PartContent, Task, Wait};
use crate::error::ImportError;
use crate::grouping;
use crate::har::chains::{self, Given};
use crate::har::exchange::Exchange;
use crate::har::{headers, think_time};
use crate::headers::common;
use crate::request_secrets;
use crate::secrets;
use crate::warnings::Warnings;

/// Environment variable with the cookies that no response of the recording sets.
const COOKIES: &str = "COOKIE";

/// Creates the draft of a journey.
pub(super) fn draft(
    mut exchanges: Vec<Exchange>,
    warnings: &mut Warnings,
) -> Result<Draft, ImportError> {
    exchanges.retain(|exchange| {
        let request = &exchange.request;
        let is_known = grouping::method(request, crate::headers::Client::Browser).is_some();
        if !is_known {
            warnings.at(
                "requests with an invalid method were left out",
                request.place(),
            );
        }
        is_known
    });
    let requests = exchanges.iter().map(|exchange| &exchange.request);
    let Some(host) = grouping::origin(requests) else {
        let reason = "no request has a valid method".to_owned();
        return Err(ImportError::Nothing { reason });
    };
    warn_without_contents(&exchanges, warnings);
    let mut data = Data::default();
    for exchange in &mut exchanges {
        headers::retain(&mut exchange.request.headers);
    }
    let mut given = chains::link(&mut exchanges, &mut data);
    chain_cookies(&mut exchanges, &mut given, &mut data, warnings);
    let pauses = think_time::pauses(&exchanges);
    let mut tasks: Vec<Task> = Vec::new();
    let mut continues = false;
    for ((mut exchange, given), pause) in exchanges.into_iter().zip(given).zip(pauses.after) {
        warn_without_files(&exchange, warnings);
        request_secrets::replace(&mut exchange.request, &mut data, warnings);
        let mut task = grouping::single(&exchange.request, &mut data, warnings);
        task.flow.extracts = given.extracts;
        task.flow.notes = given.notes;
        task.flow.continues = continues;
        continues = pauses.are_known && pause.is_none();
        task.flow.pause = pause;
        tasks.push(task);
    }
    let mut all: Vec<_> = tasks.iter_mut().map(|task| &mut task.headers).collect();
    let headers = common(&mut all);
    let wait = if pauses.are_known {
        Wait {
            text: "none".to_owned(),
            comment: "the recorded pauses are part of the tasks",
        }
    } else {
        Wait::default()
    };
    Ok(Draft {
        host: Some(host),
        headers,
        data,
        wait,
        is_sequence: true,
        tasks,
        ..Draft::default()
    })
}

/// Warns if no response has its content, in which values of later requests could be found.
fn warn_without_contents(exchanges: &[Exchange], warnings: &mut Warnings) {
    let has_content = |exchange: &Exchange| exchange.response.content.is_some();
    if exchanges.len() > 1 && !exchanges.iter().any(has_content) {
        warnings.add(
            "the recording has no contents of responses, so tokens and IDs that later requests take from them were not found; \
             save it with contents",
        );
    }
}

/// Warns about files of a multipart body whose content browsers do not record.
fn warn_without_files(exchange: &Exchange, warnings: &mut Warnings) {
    let Some(Body::Multipart(parts)) = &exchange.request.body else {
        return;
    };
    let is_empty =
        |content: &PartContent| matches!(content, PartContent::Bytes(bytes) if bytes.is_empty());
    for part in parts.iter().filter(|part| is_empty(&part.content)) {
        warnings.at(
            "the recording does not contain the content of a file; write file = \"…\" instead of its empty text",
            format!("`{}` of {}", part.name, exchange.request.place()),
        );
    }
}

/// Leaves the cookies that responses set to the users' cookie jars. The others are read from the environment.
fn chain_cookies(
    exchanges: &mut [Exchange],
    given: &mut [Given],
    data: &mut Data,
    warnings: &mut Warnings,
) {
    let mut setters: Vec<(String, usize)> = Vec::new();
    let mut variables: Vec<(String, String)> = Vec::new();
    let mut foreign_names: Vec<String> = Vec::new();
    for (at, exchange) in exchanges.iter_mut().enumerate() {
        let sent = cookies_of(exchange);
        let is_set = |name: &str| setters.iter().any(|(known, _)| known == name);
        let (set, foreign): (Vec<_>, Vec<_>) = sent.into_iter().partition(|name| is_set(name));
        if !foreign.is_empty() {
            // A request with a header of its own does not send the cookies of the jar.
            let mut value = data.variable(COOKIES);
            for name in set {
                let variable = cookie_variable(&name, &setters, &mut variables, given, data);
                value += &format!("; {name}={}", data.mark(&variable));
            }
            let header = ("Cookie".to_owned(), value);
            exchange.request.headers.push(header);
            for name in foreign {
                if !foreign_names.contains(&name) {
                    foreign_names.push(name);
                }
            }
        }
        let names: Vec<String> = exchange
            .cookies()
            .map(|(name, _)| name.to_owned())
            .collect();
        for name in names {
            setters.retain(|(known, _)| *known != name);
            setters.push((name, at));
        }
    }
    if !foreign_names.is_empty() {
        let names = foreign_names.join(", ");
        warnings.add(format!(
            "no response of the recording sets the cookies {names}; {} (name=value; name=value)",
            secrets::warning(COOKIES)
        ));
    }
}

/// Removes the cookies of a request, and returns their names.
fn cookies_of(exchange: &mut Exchange) -> Vec<String> {
    let mut names = Vec::new();
    let mut seen = HashSet::new();
    exchange.request.headers.retain(|(header, value)| {
        if !header.eq_ignore_ascii_case("cookie") {
            return true;
        }
        let cookies = value.split(';').filter_map(|pair| pair.split('=').next());
        let cookies = cookies.map(str::trim).filter(|name| !name.is_empty());
        names.extend(
            cookies
                .filter(|name| seen.insert((*name).to_owned()))
                .map(ToOwned::to_owned),
        );
        false
    });
    names
}

/// The variable with the value of a cookie that a response set.
fn cookie_variable(
    name: &str,
    setters: &[(String, usize)],
    variables: &mut Vec<(String, String)>,
    given: &mut [Given],
    data: &mut Data,
) -> String {
    if let Some((_, variable)) = variables.iter().find(|(known, _)| known == name) {
        return variable.clone();
    }
    let variable = data.reserve(&crate::data::identifier(&format!("cookie_{name}")));
    if let Some((_, at)) = setters.iter().find(|(known, _)| known == name) {
        given[*at].extracts.push(Extract {
            variable: variable.clone(),
            source: serde_json::json!({ "cookie": name }),
        });
    }
    variables.push((name.to_owned(), variable.clone()));
    variable
}
