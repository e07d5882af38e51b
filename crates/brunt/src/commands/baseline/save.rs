//! `brunt baseline save`: keeps runs that were made, or makes them.

use std::sync::Arc;

use anyhow::Context;
use brunt_record::RunRecord;
use brunt_verdict::baseline::Baseline;

use crate::baselines;
use crate::commit;
use crate::exit::{Exit, Failure, note};
use crate::interrupt::Interrupts;
use crate::load_options::{LengthOptions, LoadOptions};
use crate::session::Session;
use crate::stage::WORKER_TIMEOUT;
use crate::watch_options::WatchOptions;
use crate::{results, screen};
use brunt_verdict::FailOn;

/// Options of `brunt baseline save`.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// What to call it; a baseline of that name is replaced
    name: String,
    /// The runs: folders, names, or latest; three or more show how runs differ [default: latest]
    #[arg(value_name = "RUN")]
    kept: Vec<String>,
    /// Make so many runs now, and keep those
    #[arg(long, value_name = "N", conflicts_with = "kept", value_parser = clap::value_parser!(u32).range(1..=20))]
    runs: Option<u32>,
    /// The profile of the runs to make
    #[arg(long, requires = "runs", default_value = "load")]
    profile: String,
    /// Keep runs that are not valid, broke off, or differ in their conditions
    #[arg(long)]
    force: bool,
    #[command(flatten, next_help_heading = "How the runs are made")]
    length: LengthOptions,
    #[command(flatten, next_help_heading = "How the runs are made")]
    load: LoadOptions,
    #[command(flatten)]
    watch: WatchOptions,
}

pub(crate) fn run(options: &Options) -> Result<Exit, Failure> {
    // A name that will not do is said before the load.
    baselines::file_of(&options.name)?;
    let is_load_given = options.length.duration.is_some() || options.load.is_given();
    if options.runs.is_none() && is_load_given {
        let message = "how load is made is said of runs that are made: give --runs N, too";
        return Err(Failure::Input(message.into()));
    }
    let records = match options.runs {
        Some(runs) => play(options, runs)?,
        None if options.kept.is_empty() => vec![baselines::record_of(results::LATEST)?],
        None => options
            .kept
            .iter()
            .map(|run| baselines::record_of(run))
            .collect::<Result<_, _>>()?,
    };
    let baseline = Baseline::of(&options.name, &records, options.force)
        .map_err(|unfit| Failure::Input(format!("{unfit}, or give --force")))?;
    let file = baselines::write(&baseline)?;
    let runs = baseline.runs.len();
    let s = if runs == 1 { "" } else { "s" };
    screen::say(&format!(
        "saved {runs} run{s} as baseline `{}`: {}\n",
        baseline.name,
        file.display()
    ));
    if let Some(weakness) = baseline.weakness() {
        note(&format!("note: {weakness}"));
    }
    Ok(Exit::Passed)
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
    let commit = commit::of_working_directory();
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
