//! `brunt baseline save`: keeps runs that were made, or makes them.

use std::sync::Arc;

use anyhow::Context;
use brunt_record::RunRecord;
use brunt_verdict::baseline::{Allow, Baseline, BaselineError};

use crate::config::load_config::{LengthOptions, LoadOptions};
use crate::config::watch_config::WatchOptions;
use crate::exit::{Exit, Failure, note};
use crate::results::baseline_files;
use crate::run::environment::WORKER_TIMEOUT;
use crate::run::run_session::Session;
use crate::system::git;
use crate::system::interrupts::Interrupts;
use crate::{results, terminal};
use brunt_verdict::FailOn;

/// Options of `brunt baseline save`.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Name of the baseline; an existing one is replaced
    name: String,
    /// The runs: directories, names, or latest; three or more show the noise between runs [default: latest]
    #[arg(value_name = "RUN")]
    kept: Vec<String>,
    /// Make this many new runs, and save those
    #[arg(long, value_name = "N", conflicts_with = "kept", value_parser = clap::value_parser!(u32).range(1..=20))]
    runs: Option<u32>,
    /// Use this profile for the new runs
    #[arg(long, requires = "runs", default_value = "load")]
    profile: String,
    /// Save runs even if they are invalid or incomplete
    #[arg(long)]
    allow_invalid: bool,
    /// Save runs together even if their conditions differ, such as the machine or the scenario
    #[arg(long)]
    allow_mismatch: bool,
    #[command(flatten, next_help_heading = "Load of the new runs")]
    length: LengthOptions,
    #[command(flatten, next_help_heading = "Load of the new runs")]
    load: LoadOptions,
    #[command(flatten)]
    watch: WatchOptions,
}

pub(crate) fn run(options: &Options) -> Result<Exit, Failure> {
    // A name that will not do is said before the load.
    baseline_files::file_of(&options.name)?;
    let is_load_given = options.length.duration.is_some() || options.load.is_given();
    if options.runs.is_none() && is_load_given {
        let message = "how load is made is said of runs that are made: give --runs N, too";
        return Err(Failure::Input(message.into()));
    }
    let records = match options.runs {
        Some(runs) => play(options, runs)?,
        None if options.kept.is_empty() => vec![baseline_files::record_of(results::LATEST)?],
        None => options
            .kept
            .iter()
            .map(|run| baseline_files::record_of(run))
            .collect::<Result<_, _>>()?,
    };
    let allow = Allow {
        invalid: options.allow_invalid,
        mismatch: options.allow_mismatch,
    };
    let baseline = Baseline::of(&options.name, &records, allow).map_err(refused)?;
    let file = baseline_files::write(&baseline)?;
    let runs = baseline.runs.len();
    let s = if runs == 1 { "" } else { "s" };
    terminal::say(&format!(
        "saved {runs} run{s} as baseline `{}`: {}\n",
        baseline.name,
        file.display()
    ));
    if let Some(weakness) = baseline.weakness() {
        note(&format!("note: {weakness}"));
    }
    Ok(Exit::Passed)
}

/// Why runs cannot be saved, with the option that saves them anyway.
fn refused(unfit: BaselineError) -> Failure {
    let remedy = match unfit {
        BaselineError::NotValid { .. } | BaselineError::NotWhole { .. } => {
            ", or save it anyway with --allow-invalid"
        }
        BaselineError::Differ { .. } => "; save them anyway with --allow-mismatch",
        BaselineError::NoRuns | BaselineError::Search { .. } => "",
    };
    Failure::Input(format!("{unfit}{remedy}"))
}

fn play(options: &Options, runs: u32) -> Result<Vec<RunRecord>, Failure> {
    let scenario = options.load.scenario()?;
    let plan = Arc::new(options.load.plan(
        &scenario,
        &options.profile,
        options.length.duration,
        1,
    )?);
    if plan.load.search.is_some() {
        let profile = &options.profile;
        return Err(Failure::Input(format!(
            "profile `{profile}` is a search, which has no level of its own; keep runs of a profile that holds a \
             level, such as load"
        )));
    }
    let interrupts = Interrupts::watch().context("cannot watch for signals")?;
    let commit = git::of_working_directory();
    let session = Session {
        processes: 1,
        worker_timeout: WORKER_TIMEOUT,
        locust: None,
        options: &options.load,
        watch: &options.watch,
        label: None,
        commit: commit.as_deref(),
        scenario: &scenario,
        interrupts: &interrupts,
        fail_on: FailOn::Never,
        yardstick: None,
    };
    let mut records = Vec::new();
    for number in 1..=runs {
        note(&format!("run {number} of {runs}"));
        let run = session.play(&options.profile, plan.clone(), None, None)?;
        if interrupts.count() > 0 {
            let message = "stopped before all runs were made; nothing was saved";
            return Err(Failure::Stopped(message.into()));
        }
        records.push(run.record);
    }
    Ok(records)
}
