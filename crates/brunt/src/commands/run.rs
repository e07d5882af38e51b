//! `brunt run`: runs one profile or several, judges the results, and writes reports.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use brunt_report::{Checks, Judged};
use brunt_scenario::{Plan, Scenario};
use brunt_verdict::FailOn;
use jiff::Timestamp;

use crate::ci_output::CiOutputs;
use crate::cli::run::RunArgs;
use crate::compare::baseline_comparison::BaselineComparison;
use crate::config::RunConfig;
use crate::exit::{Exit, Failure, print_error};
use crate::live_export::LiveExporters;
use crate::run::run_session::{JudgedRun, RunPaths, RunSession};
use crate::system::git;
use crate::system::interrupts::Interrupts;
use crate::{results, terminal};

/// Name that selects all profiles.
const ALL: &str = "all";

pub(crate) fn run(args: &RunArgs) -> Result<Exit, Failure> {
    check_options(args)?;
    let config = RunConfig::from_run(args)?;
    let scenario = config.load.scenario()?;
    let plans = plans(args, &config, &scenario)?;
    check_out_directories(args, &plans)?;
    let baseline = args
        .baseline
        .as_deref()
        .map(|name| {
            let comparison = args.comparison;
            BaselineComparison::read(name, comparison.tolerance, comparison.allow_mismatch)
        })
        .transpose()?;
    let interrupts = Interrupts::watch().context("cannot watch for signals")?;
    let mut exporters = LiveExporters::open(&(&args.live_export).into())?;
    let several = plans.len() > 1;
    let started_at = Timestamp::now();
    let commit = git::of_working_directory();
    let mut runs: Vec<JudgedRun> = Vec::new();
    for (profile, plan) in plans {
        let out = args.out.as_ref().map(|out| {
            if several {
                out.join(&profile)
            } else {
                out.clone()
            }
        });
        let locust_prefix = args.locust_csv.as_deref().map(|prefix| {
            if several {
                results::prefix_of(prefix, &profile)
            } else {
                prefix.to_owned()
            }
        });
        let paths = RunPaths {
            out: out.as_deref(),
            locust_prefix: locust_prefix.as_deref(),
        };
        let session = RunSession {
            config: &config,
            commit: commit.as_deref(),
            scenario: &scenario,
            interrupts: &interrupts,
            baseline: baseline.as_ref(),
        };
        runs.push(session.run(&profile, Arc::new(plan), paths, Some(&mut exporters))?);
        if interrupts.count() > 0 {
            break;
        }
    }
    exporters.close();
    let exit = runs
        .iter()
        .fold(Exit::Passed, |exit, run| exit.worse(run.exit));
    let mut exit = write_ci_outputs(args, config.fail_on, exit, &runs);
    let judged: Vec<Judged> = runs.iter().map(JudgedRun::judged).collect();
    if several {
        let page = results::page_of_all(args.out.as_deref(), started_at);
        exit = exit.worse(report_all(&judged, &page));
    }
    terminal::print(&brunt_report::terminal_last_line(
        &judged,
        exit.code(),
        true,
    ));
    Ok(exit)
}

/// Prints the summary of all runs, and writes their common page.
fn report_all(judged: &[Judged], page: &Path) -> Exit {
    let text = brunt_report::terminal_of_all(judged, terminal::width(), true);
    terminal::print(&text);
    match results::replace(page, &brunt_report::html(judged)) {
        Ok(()) => {
            terminal::print(&format!("Report of all profiles: {}\n", page.display()));
            Exit::Passed
        }
        Err(error) => {
            print_error(&error.to_string());
            Exit::Internal
        }
    }
}

/// Checks before the first run that --out holds no earlier run, unless --force is given.
fn check_out_directories(args: &RunArgs, plans: &[(String, Plan)]) -> Result<(), Failure> {
    let Some(out) = &args.out else {
        return Ok(());
    };
    let own = plans.iter().map(|(profile, _)| out.join(profile));
    let of_profiles = own.filter(|_| plans.len() > 1);
    for folder in std::iter::once(out.clone()).chain(of_profiles) {
        results::refuse_used(&folder, args.force).map_err(Failure::Input)?;
    }
    Ok(())
}

/// Checks combinations of options that clap cannot check.
fn check_options(args: &RunArgs) -> Result<(), Failure> {
    let message = match &args.baseline {
        Some(_) if args.profiles.len() > 1 || args.profiles == [ALL] => {
            "--baseline requires a single profile; name one, or omit --baseline"
        }
        None if args.comparison.tolerance.is_some() => "--tolerance requires --baseline",
        None if args.comparison.allow_mismatch => "--allow-mismatch requires --baseline",
        _ => return Ok(()),
    };
    Err(Failure::Input(message.into()))
}

/// Writes the results of all runs for CI.
fn write_ci_outputs(args: &RunArgs, fail_on: FailOn, exit: Exit, runs: &[JudgedRun]) -> Exit {
    let checks = runs
        .iter()
        .map(|run| Checks::of_run(&run.judged(), fail_on));
    let checks: Vec<Checks> = checks.collect();
    let markdown = runs.iter().map(|run| {
        let report = run.report.as_ref().map(|path| path.to_string_lossy());
        brunt_report::markdown(&run.judged(), report.as_deref())
    });
    let markdown: String = markdown.collect();
    CiOutputs::from(&args.ci_output).write(exit, &checks, &markdown)
}

/// Compiles all profiles, so that an error in the last one is reported before the first one runs.
fn plans(
    args: &RunArgs,
    config: &RunConfig,
    scenario: &Scenario,
) -> Result<Vec<(String, Plan)>, Failure> {
    let names: Vec<String> = match args.profiles.as_slice() {
        [all] if all == ALL => scenario.profiles.keys().cloned().collect(),
        named => named.to_vec(),
    };
    for (at, name) in names.iter().enumerate() {
        if names[..at].contains(name) {
            let message = format!("profile `{name}` is named twice");
            return Err(Failure::Input(message));
        }
    }
    names
        .into_iter()
        .map(|name| {
            let plan = config.plan(scenario, &name)?;
            Ok((name, plan))
        })
        .collect()
}
