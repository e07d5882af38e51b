//! `brunt baseline`: keeps runs, and compares later ones with them.

mod save;

use std::path::PathBuf;

use brunt_report::{Checks, Judged};
use brunt_verdict::baseline::Baseline;
use brunt_verdict::comparison::Outcome;
use brunt_verdict::{FailOn, RunResult};

use crate::ci_output::Pipeline;
use crate::exit::{Exit, Failure};
use crate::fail_on::FailOnOption;
use crate::results::baseline_files::{self, ComparisonOptions, Yardstick};
use crate::{results, terminal};

/// Options of `brunt baseline`.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Save runs as a baseline
    Save(Box<save::Options>),
    /// List the saved baselines
    List,
    /// Show the content of a baseline
    Show {
        /// Name of the baseline, or path of its .json file
        name: String,
    },
    /// Compare a run with a baseline; exit with code 1 if the run is worse
    Compare(CompareOptions),
    /// Delete a baseline
    Delete {
        /// Name of the baseline, or path of its .json file
        name: String,
    },
}

#[derive(Debug, clap::Args)]
struct CompareOptions {
    /// Name of the baseline, or path of its .json file
    name: String,
    /// The run: its directory, its name, or latest
    #[arg(default_value = results::LATEST)]
    run: String,
    #[command(flatten)]
    comparison: ComparisonOptions,
    #[command(flatten)]
    fail_on: FailOnOption,
    /// Write report.html and summary.json with the comparison to this directory
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Write to --out even if it holds a run
    #[arg(long, requires = "out")]
    force: bool,
    #[command(flatten, next_help_heading = "CI output")]
    pipeline: Pipeline,
}

pub(crate) fn run(options: &Options) -> Result<Exit, Failure> {
    match &options.verb {
        Verb::Save(options) => save::run(options),
        Verb::List => list(),
        Verb::Show { name } => show(name),
        Verb::Compare(options) => compare(options),
        Verb::Delete { name } => {
            let file = baseline_files::remove(name)?;
            terminal::say(&format!("removed {}\n", file.display()));
            Ok(Exit::Passed)
        }
    }
}

fn list() -> Result<Exit, Failure> {
    let names = baseline_files::names()
        .map_err(|error| Failure::Input(format!("cannot read the folder of baselines: {error}")))?;
    if names.is_empty() {
        terminal::say(
            "there are no baselines here yet\nmake one with `brunt baseline save NAME`\n",
        );
        return Ok(Exit::Passed);
    }
    let baselines: Vec<Baseline> = names
        .iter()
        .map(|name| baseline_files::read(name))
        .collect::<Result<_, _>>()?;
    terminal::say(&brunt_report::terminal_of_baselines(
        &baselines,
        terminal::width(),
        true,
    ));
    Ok(Exit::Passed)
}

fn show(name: &str) -> Result<Exit, Failure> {
    let baseline = baseline_files::read(name)?;
    terminal::say(&brunt_report::terminal_of_baseline(
        &baseline,
        terminal::width(),
        true,
    ));
    Ok(Exit::Passed)
}

fn compare(options: &CompareOptions) -> Result<Exit, Failure> {
    if let Some(out) = &options.out {
        results::refuse_run(out, options.force).map_err(Failure::Input)?;
    }
    let yardstick = Yardstick::find(&options.name, options.comparison)?;
    let record = baseline_files::record_of(&options.run)?;
    let differences = yardstick.differences(&record.header)?;
    let verdict = yardstick.judge(&record, differences);
    let Some(beside) = &verdict.baseline else {
        let message = "the run was not compared";
        return Err(Failure::Internal(anyhow::anyhow!(message)));
    };
    terminal::say(&brunt_report::terminal_of_baseline_comparison(
        beside,
        terminal::width(),
        true,
    ));
    let fail_on = options.fail_on.level();
    let exit = match verdict.result {
        _ if fail_on == FailOn::Never => Exit::Passed,
        RunResult::Invalid => Exit::NotValid,
        RunResult::NothingAnswered => Exit::NothingMeasured,
        _ => match beside.comparison.outcome() {
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
    if let Some(out) = &options.out {
        results::replace_in(out, "summary.json", &brunt_report::summary_json(&run))?;
        results::replace_in(out, "report.html", &brunt_report::html(&[run]))?;
    }
    let checks = [Checks::of_baseline_comparison(&run, fail_on)];
    let written = options.out.as_ref().map(|out| out.join("report.html"));
    let page = written.or_else(|| results::page_of(&options.run));
    let page = page.map(|page| page.display().to_string());
    let markdown = brunt_report::markdown(&run, page.as_deref());
    Ok(options.pipeline.tell(exit, &checks, &markdown))
}

impl From<results::WriteError> for Failure {
    fn from(error: results::WriteError) -> Self {
        Self::Internal(error.into())
    }
}
