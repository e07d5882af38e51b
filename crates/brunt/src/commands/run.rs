//! `brunt run`: plays one profile or all, judges what was seen, and leaves a report.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use jiff::Timestamp;
use report::Judged;
use scenario::{Plan, Scenario};

use crate::exit::{Exit, Failure, complain};
use crate::fail_on::Bar;
use crate::interrupt::Interrupts;
use crate::load_options::{LoadOptions, WatchOptions};
use crate::session::{JudgedRun, Session};
use crate::{commit, results, screen};

/// Stands for all profiles.
const ALL: &str = "all";

/// Options of `brunt run`.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The profile to play: load, stress, spike, endurance, one of your own, or all in turn
    #[arg(value_name = "PROFILE", default_value = "load")]
    profile: String,
    #[command(flatten)]
    load: LoadOptions,
    #[command(flatten)]
    watch: WatchOptions,
    /// What to call the run in the history; one that has a label is never pruned
    #[arg(long, value_name = "TEXT", value_parser = label)]
    label: Option<String>,
    /// Put all files in this folder [default: under performance/]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    #[command(flatten)]
    bar: Bar,
}

pub(crate) fn run(options: &Options) -> Result<Exit, Failure> {
    let scenario = options.load.scenario()?;
    let plans = plans(options, &scenario)?;
    let interrupts = Interrupts::watch().context("cannot watch for signals")?;
    let all = plans.len() > 1;
    let begun = Timestamp::now();
    let commit = commit::of_working_directory();
    let mut runs: Vec<JudgedRun> = Vec::new();
    for (profile, plan) in plans {
        let out = options
            .out
            .as_ref()
            .map(|out| if all { out.join(&profile) } else { out.clone() });
        let session = Session {
            options: &options.load,
            watch: options.watch,
            label: options.label.as_deref(),
            commit: commit.as_deref(),
            scenario: &scenario,
            interrupts: &interrupts,
            bar: options.bar,
        };
        runs.push(session.play(&profile, Arc::new(plan), out.as_deref())?);
        if interrupts.count() > 0 {
            break;
        }
    }
    let exit = runs
        .iter()
        .fold(Exit::Passed, |exit, run| exit.worse(run.exit));
    if !all {
        return Ok(exit);
    }
    let page = results::page_of_all(options.out.as_deref(), begun);
    let judged: Vec<Judged> = runs.iter().map(JudgedRun::judged).collect();
    screen::say(&report::terminal_of_all(&judged, screen::width(), true));
    Ok(match results::write(&page, &report::html(&judged)) {
        Ok(()) => {
            screen::say(&format!("Report of all: {}\n", page.display()));
            exit
        }
        Err(error) => {
            complain(&error.to_string());
            exit.worse(Exit::Internal)
        }
    })
}

/// The profiles to play, compiled, so that what is wrong with the last is said before the first.
fn plans(options: &Options, scenario: &Scenario) -> Result<Vec<(String, Plan)>, Failure> {
    let names: Vec<String> = match options.profile.as_str() {
        ALL => scenario.profiles.keys().cloned().collect(),
        name => vec![name.to_owned()],
    };
    names
        .into_iter()
        .map(|name| {
            let plan = options.load.plan(scenario, &name, None)?;
            Ok((name, plan))
        })
        .collect()
}

fn label(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() || text.chars().any(char::is_control) {
        return Err("give a word or a few, on one line".to_owned());
    }
    Ok(text.to_owned())
}
