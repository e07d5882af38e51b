//! `brunt history`: lists earlier runs, prunes them, and rebuilds the database.

mod html;
mod prune;
mod rebuild;

use brunt_report::RunHistory;
use clap::ValueEnum;

use crate::cli::results::{HistoryArgs, HistoryCommand};
use crate::exit::{Exit, Failure};
use crate::store::{self, Column, HistoryQuery, RequestKey, Store, StoreError};
use crate::terminal;

/// Message if there is no run.
const NO_RUNS: &str = "no runs in this directory yet\n\
    start one with `brunt run`; if performance/results holds runs, add them with `brunt history --rebuild`\n";

pub(crate) fn run(args: &HistoryArgs) -> Result<Exit, Failure> {
    if args.rebuild {
        return rebuild::run();
    }
    if args.request.is_some() && !args.metric.is_of_requests() {
        let message = "--request does not apply to cpu and memory, which are measured for the process; omit it";
        return Err(Failure::Input(message.into()));
    }
    // A command that only reads does not create the database.
    if !store::exists() {
        terminal::print(NO_RUNS);
        return Ok(Exit::Passed);
    }
    if let Some(HistoryCommand::Prune(args)) = &args.command {
        return prune::run(args);
    }
    let history = match store::with(|store| find(store, args))? {
        Found::NoRuns => {
            terminal::print(NO_RUNS);
            return Ok(Exit::Passed);
        }
        Found::NoMatch(message) => return Err(Failure::Input(message)),
        Found::History(history) => history,
    };
    terminal::print(&brunt_report::terminal_of_history(
        &history,
        terminal::width(),
        true,
    ));
    if let Some(file) = &args.html {
        html::write(history, file)?;
    }
    Ok(Exit::Passed)
}

enum Found {
    NoRuns,
    /// There is no such profile or request; the message lists those that exist.
    NoMatch(String),
    History(RunHistory),
}

fn find(store: &Store, args: &HistoryArgs) -> Result<Found, StoreError> {
    if store.is_empty()? {
        return Ok(Found::NoRuns);
    }
    let request = match &args.request {
        None => None,
        Some(text) => match request(store, text)? {
            Ok(request) => Some(request),
            Err(message) => return Ok(Found::NoMatch(message)),
        },
    };
    let columns = columns(args);
    let runs = store.list(&HistoryQuery {
        profile: args.profile.as_deref(),
        columns: &columns,
        request: request.as_ref(),
        last: args.last,
    })?;
    if let (true, Some(profile)) = (runs.is_empty(), &args.profile) {
        let known = store.profiles()?.join(", ");
        return Ok(Found::NoMatch(format!(
            "no matching run of profile `{profile}`; available profiles: {known}"
        )));
    }
    Ok(Found::History(RunHistory {
        metrics: columns.iter().map(|column| column.metric()).collect(),
        request: request.map(|request| request.in_words()),
        runs,
    }))
}

/// Metrics to query: the named one, and for the HTML page all others.
fn columns(args: &HistoryArgs) -> Vec<Column> {
    let others = Column::value_variants().iter().copied();
    let others = others.filter(|column| {
        args.html.is_some()
            && *column != args.metric
            && (args.request.is_none() || column.is_of_requests())
    });
    std::iter::once(args.metric).chain(others).collect()
}

/// Finds the request that a text names, or returns a message with the candidates.
fn request(store: &Store, text: &str) -> Result<Result<RequestKey, String>, StoreError> {
    let mut found = store.requests_called(text)?;
    if found.len() == 1 {
        return Ok(Ok(found.remove(0)));
    }
    let (problem, candidates) = if found.is_empty() {
        (format!("unknown request `{text}`"), store.requests()?)
    } else {
        (format!("ambiguous request `{text}`"), found)
    };
    let candidates: Vec<String> = candidates.iter().map(RequestKey::in_words).collect();
    Ok(Err(format!(
        "{problem}; available: {}",
        candidates.join(", ")
    )))
}

impl RequestKey {
    fn in_words(&self) -> String {
        format!("{} {}", self.method, self.name)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Newer { .. } => Self::Input(error.to_string()),
            _ => Self::Internal(error.into()),
        }
    }
}
