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

/// Message if no run is known.
const NO_RUNS: &str = "no runs are known here yet\n\
    make one with `brunt run`; where performance/results holds some, give `brunt history --rebuild`\n";

pub(crate) fn run(args: &HistoryArgs) -> Result<Exit, Failure> {
    match &args.command {
        Some(HistoryCommand::Prune(args)) => return prune::run(args),
        None if args.rebuild => return rebuild::run(),
        None => {}
    }
    if args.request.is_some() && !args.metric.is_of_requests() {
        let message = "--request does not apply to cpu and memory, which are those of the process; leave it out";
        return Err(Failure::Input(message.into()));
    }
    // To look is no reason to make a database.
    let found = if store::exists() {
        store::with(|store| look(store, args))?
    } else {
        Found::NoRuns
    };
    let history = match found {
        Found::NoRuns => {
            terminal::print(NO_RUNS);
            return Ok(Exit::Passed);
        }
        Found::NotThere(message) => return Err(Failure::Input(message)),
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
    /// What was asked for is not there.
    NotThere(String),
    History(RunHistory),
}

fn look(store: &Store, args: &HistoryArgs) -> Result<Found, StoreError> {
    if store.is_empty()? {
        return Ok(Found::NoRuns);
    }
    let request = match &args.request {
        None => None,
        Some(text) => match request(store, text)? {
            Ok(request) => Some(request),
            Err(message) => return Ok(Found::NotThere(message)),
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
        return Ok(Found::NotThere(format!(
            "no such run of profile `{profile}`; there are runs of: {known}"
        )));
    }
    Ok(Found::History(RunHistory {
        metrics: columns.iter().map(|column| column.metric()).collect(),
        request: request.map(|request| request.in_words()),
        runs,
    }))
}

/// What is asked of each run: the metric that was named, and for the page all others.
fn columns(args: &HistoryArgs) -> Vec<Column> {
    let others = Column::value_variants().iter().copied();
    let others = others.filter(|column| {
        args.html.is_some()
            && *column != args.metric
            && (args.request.is_none() || column.is_of_requests())
    });
    std::iter::once(args.metric).chain(others).collect()
}

/// The one request that is meant, or why it is not known.
fn request(store: &Store, text: &str) -> Result<Result<RequestKey, String>, StoreError> {
    let mut found = store.requests_called(text)?;
    if found.len() == 1 {
        return Ok(Ok(found.remove(0)));
    }
    let (what, which) = if found.is_empty() {
        (format!("no run has a request `{text}`"), store.requests()?)
    } else {
        (format!("`{text}` is more than one request"), found)
    };
    let which: Vec<String> = which.iter().map(RequestKey::in_words).collect();
    Ok(Err(format!("{what}; give one of: {}", which.join(", "))))
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
