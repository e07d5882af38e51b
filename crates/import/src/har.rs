//! Recordings: HAR files that browsers and proxies export. Hardly any of them follows the specification completely.

mod body;
mod chains;
mod entries;
mod entry_values;
mod exchange;
mod exclusions;
mod fields;
mod headers;
mod journey;
mod sources;
mod think_time;

use crate::draft::Draft;
use crate::error::ImportError;
use crate::grouping;
use crate::headers::Client;
use crate::recorded_request::RecordedRequest;
use crate::scenario_text::{self, Imported};
use crate::warnings::{Warnings, one_line};

use exchange::Exchange;
use exclusions::Exclusions;

/// Imports a recording as a journey: its requests in their order, with the recorded pauses. `host` selects the requests to a
/// host name, with a port if it has one; `None`: the host with the most requests.
pub fn har(text: &str, host: Option<&str>) -> Result<Imported, ImportError> {
    let (exchanges, mut warnings) = read(text, host)?;
    let requests = exchanges.len();
    let draft = journey::draft(exchanges, &mut warnings)?;
    Ok(finished(draft, requests, warnings))
}

/// Imports a recording as a mix of independent requests: each name is a task, whose weight is the number of its requests.
pub fn har_mix(text: &str, host: Option<&str>) -> Result<Imported, ImportError> {
    let (exchanges, mut warnings) = read(text, host)?;
    let requests = exchanges.len();
    let recorded: Vec<RecordedRequest> = exchanges
        .into_iter()
        .map(|exchange| exchange.request)
        .collect();
    let wait = think_time::wait(&recorded);
    let mut draft = grouping::draft(recorded, Client::Browser, &mut warnings)?;
    draft.wait = wait;
    Ok(finished(draft, requests, warnings))
}

fn finished(mut draft: Draft, requests: usize, warnings: Warnings) -> Imported {
    draft.source = match requests {
        1 => "a recorded request".to_owned(),
        _ => format!("{requests} recorded requests"),
    };
    scenario_text::imported(&draft, warnings)
}

/// Reads the requests to one host in their order, without those to which redirects lead.
fn read(text: &str, host: Option<&str>) -> Result<(Vec<Exchange>, Warnings), ImportError> {
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
    let mut exchanges: Vec<Exchange> = entries
        .all
        .iter()
        .filter_map(|entry| Exchange::read(entry, &mut left_out))
        .collect();
    // Without times, the requests stay in the order of the file.
    exchanges.sort_by(|one, other| started_ms(one).total_cmp(&started_ms(other)));
    let mut exchanges = of_host(exchanges, host, &mut warnings);
    follow_redirects(&mut exchanges, &mut left_out);
    left_out.warn(&mut warnings);
    if exchanges.is_empty() {
        let reason = warnings.into_lines().join("; ");
        let reason = if reason.is_empty() {
            "it contains no entries".to_owned()
        } else {
            reason
        };
        return Err(ImportError::Nothing { reason });
    }
    Ok((exchanges, warnings))
}

fn started_ms(exchange: &Exchange) -> f64 {
    exchange.request.times_ms.map_or(0.0, |(start, _)| start)
}

/// Selects the requests to one host, with a warning that names the other hosts.
fn of_host(exchanges: Vec<Exchange>, host: Option<&str>, warnings: &mut Warnings) -> Vec<Exchange> {
    let mut counts: Vec<(String, usize)> = Vec::new();
    for exchange in &exchanges {
        let authority = exchange.request.authority();
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
    exchanges
        .into_iter()
        .filter(|exchange| exchange.request.authority() == host)
        .collect()
}

/// Removes the targets of redirects within the host, since brunt follows redirects. The response of the last target becomes
/// the expected one.
fn follow_redirects(exchanges: &mut Vec<Exchange>, left_out: &mut Exclusions) {
    let mut followed = vec![false; exchanges.len()];
    for at in 0..exchanges.len() {
        if followed[at] {
            continue;
        }
        let mut last = at;
        let mut cookies = Vec::new();
        while let Some(to) = exchanges[last].request.redirected_to.clone() {
            let is_next = |next: &usize| !followed[*next] && exchanges[*next].request.url == to;
            let Some(next) = (last + 1..exchanges.len()).find(is_next) else {
                break;
            };
            let set = exchanges[last].response.headers.iter();
            let is_cookie = |(name, _): &&(String, String)| name.eq_ignore_ascii_case("set-cookie");
            cookies.extend(set.filter(is_cookie).cloned());
            followed[next] = true;
            last = next;
        }
        let target = exchanges[last].clone();
        let Exchange { request, response } = &mut exchanges[at];
        if last != at {
            *response = target.response;
            response.headers.extend(cookies);
        }
        request.times_ms = request
            .times_ms
            .zip(target.request.times_ms)
            .map(|((start, _), (_, end))| (start, end));
        match target.request.redirected_to {
            None => request.status = target.request.status,
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
    exchanges.retain(|_| followed.next() != Some(true));
}
