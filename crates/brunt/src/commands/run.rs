//! `brunt run`: plays one profile or several, judges what was seen, and leaves a report.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use brunt_report::{Checks, Judged};
use brunt_scenario::{Plan, Scenario};
use jiff::Timestamp;

use crate::ci_output::Pipeline;
use crate::config::load_config::{LengthOptions, LoadOptions};
use crate::config::watch_config::WatchOptions;
use crate::exit::{Exit, Failure, complain};
use crate::fail_on::FailOnOption;
use crate::live_export::{OutletOptions, Outlets};
use crate::results::baseline_files::{ComparisonOptions, Yardstick};
use crate::run::run_session::{JudgedRun, Session};
use crate::run::stopping::StoppingOptions;
use crate::system::git;
use crate::system::interrupts::Interrupts;
use crate::{results, terminal};

/// More help no machine.
const PROCESSES_MAX: i64 = 1024;
const WORKER_TIMEOUT_MIN: Duration = Duration::from_secs(3);
/// Stands for all profiles.
const ALL: &str = "all";

/// Options of `brunt run`.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Run these profiles in sequence, separated by commas: load, stress, spike, endurance, your own, or all
    #[arg(value_name = "PROFILE", default_value = "load", value_delimiter = ',')]
    profiles: Vec<String>,
    #[command(flatten)]
    length: LengthOptions,
    #[command(flatten)]
    stopping: StoppingOptions,
    #[command(flatten)]
    pub(super) load: LoadOptions,
    /// Generate the load with this many processes
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=PROCESSES_MAX))]
    processes: u32,
    /// Kill a load process that sends nothing for this long, at least 3s, and stop the run
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = worker_timeout)]
    worker_timeout: Duration,
    /// Label the run in the history; labeled runs are never pruned
    #[arg(long, value_name = "TEXT", value_parser = label)]
    label: Option<String>,
    /// Write all files to this directory [default: under performance/]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Overwrite an earlier run in --out
    #[arg(long, requires = "out")]
    force: bool,
    /// Also write Locust's four CSV files, with names that start with this prefix
    #[arg(long, value_name = "PREFIX")]
    locust_csv: Option<PathBuf>,
    #[command(flatten)]
    fail_on: FailOnOption,
    /// Compare the run with this baseline; exit with code 1 if the run is worse
    #[arg(long, value_name = "NAME")]
    baseline: Option<String>,
    #[command(flatten)]
    comparison: ComparisonOptions,
    #[command(flatten, next_help_heading = "Monitoring")]
    watch: WatchOptions,
    #[command(flatten, next_help_heading = "Live metrics")]
    outlets: OutletOptions,
    #[command(flatten, next_help_heading = "CI output")]
    pipeline: Pipeline,
}

impl Options {
    /// A profile, compiled.
    pub(super) fn plan(&self, scenario: &Scenario, profile: &str) -> Result<Plan, Failure> {
        let duration = self.length.duration;
        let mut plan = self
            .load
            .plan(scenario, profile, duration, self.processes)?;
        self.stopping.change(&mut plan, profile)?;
        Ok(plan)
    }
}

pub(crate) fn run(options: &Options) -> Result<Exit, Failure> {
    refuse_misfits(options)?;
    let scenario = options.load.scenario()?;
    let plans = plans(options, &scenario)?;
    refuse_used_folders(options, &plans)?;
    let yardstick = options
        .baseline
        .as_deref()
        .map(|name| Yardstick::find(name, options.comparison))
        .transpose()?;
    let interrupts = Interrupts::watch().context("cannot watch for signals")?;
    let mut outlets = Outlets::open(&options.outlets)?;
    let several = plans.len() > 1;
    let begun = Timestamp::now();
    let commit = git::of_working_directory();
    let mut runs: Vec<JudgedRun> = Vec::new();
    for (profile, plan) in plans {
        let out = options.out.as_ref().map(|out| {
            if several {
                out.join(&profile)
            } else {
                out.clone()
            }
        });
        let locust = options.locust_csv.as_deref().map(|prefix| {
            if several {
                results::prefix_of(prefix, &profile)
            } else {
                prefix.to_owned()
            }
        });
        let session = Session {
            locust: locust.as_deref(),
            options: &options.load,
            processes: options.processes,
            worker_timeout: options.worker_timeout,
            watch: &options.watch,
            label: options.label.as_deref(),
            commit: commit.as_deref(),
            scenario: &scenario,
            interrupts: &interrupts,
            fail_on: options.fail_on.level(),
            yardstick: yardstick.as_ref(),
        };
        runs.push(session.play(&profile, Arc::new(plan), out.as_deref(), Some(&mut outlets))?);
        if interrupts.count() > 0 {
            break;
        }
    }
    outlets.close();
    let exit = runs
        .iter()
        .fold(Exit::Passed, |exit, run| exit.worse(run.exit));
    let mut exit = tell(options, exit, &runs);
    let judged: Vec<Judged> = runs.iter().map(JudgedRun::judged).collect();
    if several {
        let page = results::page_of_all(options.out.as_deref(), begun);
        terminal::say(&brunt_report::terminal_of_all(
            &judged,
            terminal::width(),
            true,
        ));
        match results::replace(&page, &brunt_report::html(&judged)) {
            Ok(()) => terminal::say(&format!("Report of all: {}\n", page.display())),
            Err(error) => {
                complain(&error.to_string());
                exit = exit.worse(Exit::Internal);
            }
        }
    }
    terminal::say(&brunt_report::terminal_last_line(
        &judged,
        exit.code(),
        true,
    ));
    Ok(exit)
}

/// Refuses to replace an earlier run unless told to, before anything is played.
fn refuse_used_folders(options: &Options, plans: &[(String, Plan)]) -> Result<(), Failure> {
    let Some(out) = &options.out else {
        return Ok(());
    };
    let own = plans.iter().map(|(profile, _)| out.join(profile));
    let of_profiles = own.filter(|_| plans.len() > 1);
    for folder in std::iter::once(out.clone()).chain(of_profiles) {
        results::refuse_used(&folder, options.force).map_err(Failure::Input)?;
    }
    Ok(())
}

fn refuse_misfits(options: &Options) -> Result<(), Failure> {
    let misfit = match &options.baseline {
        Some(_) if options.profiles.len() > 1 || options.profiles == [ALL] => {
            "a baseline is of one profile: name it alone, or leave --baseline out"
        }
        None if options.comparison.tolerance.is_some() => "--tolerance requires --baseline",
        None if options.comparison.allow_mismatch => "--allow-mismatch requires --baseline",
        _ => return Ok(()),
    };
    Err(Failure::Input(misfit.into()))
}

/// Says to a pipeline what came of all.
fn tell(options: &Options, exit: Exit, runs: &[JudgedRun]) -> Exit {
    let fail_on = options.fail_on.level();
    let checks = runs
        .iter()
        .map(|run| Checks::of_run(&run.judged(), fail_on));
    let checks: Vec<Checks> = checks.collect();
    let markdown = runs.iter().map(|run| {
        let page = run.report.to_string_lossy();
        brunt_report::markdown(&run.judged(), Some(&page))
    });
    let markdown: String = markdown.collect();
    options.pipeline.tell(exit, &checks, &markdown)
}

/// The profiles to play, compiled, so that what is wrong with the last is said before the first.
fn plans(options: &Options, scenario: &Scenario) -> Result<Vec<(String, Plan)>, Failure> {
    let names: Vec<String> = match options.profiles.as_slice() {
        [all] if all == ALL => scenario.profiles.keys().cloned().collect(),
        named => named.to_vec(),
    };
    for (at, name) in names.iter().enumerate() {
        if names[..at].contains(name) {
            let message = format!("the profile `{name}` is named twice; name each once");
            return Err(Failure::Input(message));
        }
    }
    names
        .into_iter()
        .map(|name| {
            let plan = options.plan(scenario, &name)?;
            Ok((name, plan))
        })
        .collect()
}

/// Workers send a heartbeat each second.
fn worker_timeout(text: &str) -> Result<Duration, String> {
    let timeout = brunt_scenario::duration(text)?;
    if timeout < WORKER_TIMEOUT_MIN {
        return Err("must be 3s or more".to_owned());
    }
    Ok(timeout)
}

fn label(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() || text.chars().any(char::is_control) {
        return Err("give a word or a few, on one line".to_owned());
    }
    Ok(text.to_owned())
}
