//! `brunt baseline save`: saves existing or new runs as a baseline.

use std::sync::Arc;

use anyhow::Context;
use brunt_record::RunRecord;
use brunt_verdict::baseline::{Allow, Baseline, BaselineError};

use crate::cli::results::BaselineSaveArgs;
use crate::config::RunConfig;
use crate::exit::{Exit, Failure, print_note};
use crate::results::{self, baseline_files};
use crate::run::run_session::{RunPaths, RunSession};
use crate::system::git;
use crate::system::interrupts::Interrupts;
use crate::terminal;

pub(crate) fn run(args: &BaselineSaveArgs) -> Result<Exit, Failure> {
    // An invalid name is reported before the load.
    baseline_files::file_of(&args.name)?;
    let config = RunConfig::from_baseline_save(args)?;
    let is_load_given = config.load.is_given();
    if args.runs.is_none() && is_load_given {
        let message = "load options require --runs N";
        return Err(Failure::Input(message.into()));
    }
    let records = match args.runs {
        Some(runs) => new_runs(args, &config, runs)?,
        None if args.saved_runs.is_empty() => vec![results::record_of(results::LATEST)?],
        None => args
            .saved_runs
            .iter()
            .map(|run| results::record_of(run))
            .collect::<Result<_, _>>()?,
    };
    let allow = Allow {
        invalid: args.allow_invalid,
        mismatch: args.allow_mismatch,
    };
    let baseline = Baseline::of(&args.name, &records, allow).map_err(save_error)?;
    let file = baseline_files::write(&baseline)?;
    terminal::print(&format!(
        "saved {} as baseline `{}`: {}\n",
        terminal::number_of(baseline.runs.len(), "run"),
        baseline.name,
        file.display()
    ));
    if let Some(weakness) = baseline.weakness() {
        print_note(&format!("note: {weakness}"));
    }
    Ok(Exit::Passed)
}

/// Error of runs that cannot be saved, with the option that saves them anyway.
#[expect(clippy::needless_pass_by_value, reason = "signature for `map_err`")]
fn save_error(error: BaselineError) -> Failure {
    let remedy = match error {
        BaselineError::NotValid { .. } | BaselineError::NotWhole { .. } => {
            ", or save it anyway with --allow-invalid"
        }
        BaselineError::Differ { .. } => "; save them anyway with --allow-mismatch",
        BaselineError::NoRuns | BaselineError::Search { .. } => "",
    };
    Failure::Input(format!("{error}{remedy}"))
}

/// Runs the profile a number of times.
fn new_runs(
    args: &BaselineSaveArgs,
    config: &RunConfig,
    runs: u32,
) -> Result<Vec<RunRecord>, Failure> {
    let scenario = config.load.scenario()?;
    let plan = Arc::new(config.plan(&scenario, &args.profile)?);
    if plan.load.search.is_some() {
        let profile = &args.profile;
        return Err(Failure::Input(format!(
            "cannot save runs of profile `{profile}`: it is a search; choose a profile with a fixed load level, such as `load`"
        )));
    }
    let interrupts = Interrupts::watch().context("cannot watch for signals")?;
    let commit = git::of_working_directory();
    let session = RunSession {
        config,
        commit: commit.as_deref(),
        scenario: &scenario,
        interrupts: &interrupts,
        baseline: None,
    };
    let mut records = Vec::new();
    for number in 1..=runs {
        print_note(&format!("run {number} of {runs}"));
        let run = session.run(&args.profile, plan.clone(), RunPaths::default(), None)?;
        if interrupts.count() > 0 {
            let message = "stopped before all runs were complete; no baseline was saved";
            return Err(Failure::Stopped(message.into()));
        }
        records.push(run.record);
    }
    Ok(records)
}
