//! `brunt history`: lists the runs of the history, and looks after them.

mod html;
mod prune;
mod rebuild;

use std::path::PathBuf;

use brunt_report::RunHistory;
use clap::ValueEnum;

use crate::exit::{Exit, Failure};
use crate::store::{self, Asked, Column, Named, Store, StoreError};
use crate::terminal;

/// Options of `brunt history`.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Options {
    #[command(subcommand)]
    verb: Option<Verb>,
    /// List only runs of this profile
    #[arg(long, value_name = "PROFILE")]
    profile: Option<String>,
    /// Show this metric of each run
    #[arg(long, value_enum, value_name = "METRIC", default_value_t = Column::P95)]
    metric: Column,
    /// Show the metric of this request, such as /items or "GET /items" [default: all requests]
    #[arg(long, value_name = "NAME")]
    request: Option<String>,
    /// List only this many runs, the newest
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    last: u32,
    /// Also write an HTML page with charts that link to the reports
    /// [default: performance/reports/history.html]
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = html::FILE)]
    html: Option<PathBuf>,
    /// Rebuild the history from the records under performance/results
    #[arg(long, conflicts_with_all = ["profile", "metric", "request", "last", "html"])]
    rebuild: bool,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Delete old runs, except labeled runs and those of baselines
    Prune(prune::Options),
}

/// What is said where no run is known.
const NO_RUNS: &str = "no runs are known here yet\n\
    make one with `brunt run`; where performance/results holds some, give `brunt history --rebuild`\n";

pub(crate) fn run(options: &Options) -> Result<Exit, Failure> {
    match &options.verb {
        Some(Verb::Prune(options)) => return prune::run(options),
        None if options.rebuild => return rebuild::run(),
        None => {}
    }
    if options.request.is_some() && !options.metric.is_of_requests() {
        let message = "cpu and memory are of the whole process: leave out --request";
        return Err(Failure::Input(message.into()));
    }
    // To look is no reason to make a database.
    let found = if store::exists() {
        store::with(|store| look(store, options))?
    } else {
        Found::NoRuns
    };
    let history = match found {
        Found::NoRuns => {
            terminal::say(NO_RUNS);
            return Ok(Exit::Passed);
        }
        Found::NotThere(message) => return Err(Failure::Input(message)),
        Found::History(history) => history,
    };
    terminal::say(&brunt_report::terminal_of_history(
        &history,
        terminal::width(),
        true,
    ));
    if let Some(file) = &options.html {
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

fn look(store: &Store, options: &Options) -> Result<Found, StoreError> {
    if store.is_empty()? {
        return Ok(Found::NoRuns);
    }
    let request = match &options.request {
        None => None,
        Some(text) => match request(store, text)? {
            Ok(request) => Some(request),
            Err(message) => return Ok(Found::NotThere(message)),
        },
    };
    let columns = columns(options);
    let runs = store.list(&Asked {
        profile: options.profile.as_deref(),
        columns: &columns,
        request: request.as_ref(),
        last: options.last,
    })?;
    if let (true, Some(profile)) = (runs.is_empty(), &options.profile) {
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
fn columns(options: &Options) -> Vec<Column> {
    let others = Column::value_variants().iter().copied();
    let others = others.filter(|column| {
        options.html.is_some()
            && *column != options.metric
            && (options.request.is_none() || column.is_of_requests())
    });
    std::iter::once(options.metric).chain(others).collect()
}

/// The one request that is meant, or why it is not known.
fn request(store: &Store, text: &str) -> Result<Result<Named, String>, StoreError> {
    let mut found = store.requests_called(text)?;
    if found.len() == 1 {
        return Ok(Ok(found.remove(0)));
    }
    let (what, which) = if found.is_empty() {
        (format!("no run has a request `{text}`"), store.requests()?)
    } else {
        (format!("`{text}` is more than one request"), found)
    };
    let which: Vec<String> = which.iter().map(Named::in_words).collect();
    Ok(Err(format!("{what}; give one of: {}", which.join(", "))))
}

impl Named {
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
