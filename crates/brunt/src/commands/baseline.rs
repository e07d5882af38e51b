//! `brunt baseline`: saves runs, and compares later runs with them.

mod save;

use brunt_report::{Checks, Judged};
use brunt_verdict::baseline::Baseline;
use brunt_verdict::comparison::Outcome;
use brunt_verdict::{FailOn, RunResult};

use crate::ci_output::CiOutputs;
use crate::cli::results::{BaselineArgs, BaselineCommand, BaselineCompareArgs};
use crate::compare::baseline_comparison::BaselineComparison;
use crate::exit::{Exit, Failure};
use crate::results::baseline_files;
use crate::{results, terminal};

pub(crate) fn run(args: &BaselineArgs) -> Result<Exit, Failure> {
    match &args.command {
        BaselineCommand::Save(args) => save::run(args),
        BaselineCommand::List => list(),
        BaselineCommand::Show { name } => show(name),
        BaselineCommand::Compare(args) => compare(args),
        BaselineCommand::Delete { name } => {
            let file = baseline_files::remove(name)?;
            terminal::print(&format!("deleted {}\n", file.display()));
            Ok(Exit::Passed)
        }
    }
}

fn list() -> Result<Exit, Failure> {
    let names = baseline_files::names()
        .map_err(|error| Failure::Input(format!("cannot list the baselines: {error}")))?;
    if names.is_empty() {
        terminal::print(
            "no baselines in this directory yet\nsave one with `brunt baseline save NAME`\n",
        );
        return Ok(Exit::Passed);
    }
    let baselines: Vec<Baseline> = names
        .iter()
        .map(|name| baseline_files::read(name))
        .collect::<Result<_, _>>()?;
    terminal::print(&brunt_report::terminal_of_baselines(
        &baselines,
        terminal::width(),
        true,
    ));
    Ok(Exit::Passed)
}

fn show(name: &str) -> Result<Exit, Failure> {
    let baseline = baseline_files::read(name)?;
    terminal::print(&brunt_report::terminal_of_baseline(
        &baseline,
        terminal::width(),
        true,
    ));
    Ok(Exit::Passed)
}

fn compare(args: &BaselineCompareArgs) -> Result<Exit, Failure> {
    if let Some(out) = &args.out {
        results::refuse_run(out, args.force).map_err(Failure::Input)?;
    }
    let comparison = &args.comparison;
    let baseline =
        BaselineComparison::read(&args.name, comparison.tolerance, comparison.allow_mismatch)?;
    let record = results::record_of(&args.run)?;
    let differences = baseline.differences(&record.header)?;
    let verdict = baseline.judge(&record, differences);
    let Some(with_baseline) = &verdict.baseline else {
        let message = "the verdict contains no comparison";
        return Err(Failure::Internal(anyhow::anyhow!(message)));
    };
    terminal::print(&brunt_report::terminal_of_baseline_comparison(
        with_baseline,
        terminal::width(),
        true,
    ));
    let fail_on: FailOn = args.fail_on.into();
    let exit = match verdict.result {
        _ if fail_on == FailOn::Never => Exit::Passed,
        RunResult::Invalid => Exit::NotValid,
        RunResult::NoResponse => Exit::NothingMeasured,
        _ => match with_baseline.comparison.outcome() {
            Outcome::Worse => Exit::TargetsMissed,
            Outcome::NotEnoughData => Exit::Inconclusive,
            Outcome::Better | Outcome::Same | Outcome::NotWorse => Exit::Passed,
        },
    };
    let run = Judged {
        record: &record,
        verdict: &verdict,
        exit_code: exit.code(),
    };
    if let Some(out) = &args.out {
        results::replace_in(out, "summary.json", &brunt_report::summary_json(&run))?;
        results::replace_in(out, "report.html", &brunt_report::html(&[run]))?;
    }
    let checks = [Checks::of_baseline_comparison(&run, fail_on)];
    let written = args.out.as_ref().map(|out| out.join("report.html"));
    let page = written.or_else(|| results::page_of(&args.run));
    let page = page.map(|page| page.display().to_string());
    let markdown = brunt_report::markdown(&run, page.as_deref());
    Ok(CiOutputs::from(&args.ci_output).write(exit, &checks, &markdown))
}
