//! `brunt report`: makes any form of report again from a run's record.

use std::io::Write;
use std::path::{Path, PathBuf};

use brunt_record::RunRecord;
use brunt_report::{Checks, Judged};
use brunt_verdict::Verdict;

use crate::exit::{Exit, Failure};
use crate::fail_on::FailOnOption;
use crate::results::{baseline_files, export_files};
use crate::{results, terminal};

/// Options of `brunt report`.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The run: its directory, its name, its record.brunt, or latest
    #[arg(value_name = "RUN", default_value = results::LATEST)]
    run: String,
    #[command(flatten)]
    form: Form,
    /// Write to this file [default: standard output]
    #[arg(short = 'o', long, value_name = "FILE", conflicts_with_all = ["csv", "locust_csv"])]
    output: Option<PathBuf>,
    /// Link to this HTML report in --markdown [default: the run's own report, if it exists]
    #[arg(long, value_name = "URL", requires = "markdown")]
    report_url: Option<String>,
    #[command(flatten, next_help_heading = "Grading")]
    fail_on: FailOnOption,
}

/// What is made; the text for a terminal where nothing is said.
#[expect(clippy::struct_excessive_bools, reason = "a flag for each form")]
#[derive(Debug, clap::Args)]
#[group(multiple = false)]
struct Form {
    /// Write the text that a terminal shows (the default)
    #[arg(long)]
    text: bool,
    /// Write the HTML report
    #[arg(long)]
    html: bool,
    /// Write summary.json
    #[arg(long)]
    json: bool,
    /// Write a Markdown summary for a pull request comment
    #[arg(long)]
    markdown: bool,
    /// Write the result of each check as JUnit XML
    #[arg(long)]
    junit: bool,
    /// Write requests.csv, timeline.csv, failures.csv and resources.csv to this directory
    #[arg(long, value_name = "DIR")]
    csv: Option<PathBuf>,
    /// Write Locust's four CSV files, with names that start with this prefix
    #[arg(long, value_name = "PREFIX")]
    locust_csv: Option<PathBuf>,
}

pub(crate) fn run(options: &Options) -> Result<Exit, Failure> {
    let record = baseline_files::record_of(&options.run)?;
    let form = &options.form;
    if let Some(folder) = &form.csv {
        for (name, text) in export_files::csv_files(&record) {
            results::write_in(folder, name, &text)?;
        }
        return Ok(Exit::Passed);
    }
    if let Some(prefix) = &form.locust_csv {
        export_files::write_locust(&record, prefix)?;
        return Ok(Exit::Passed);
    }
    let verdict = brunt_verdict::judge(&record);
    let text = text(options, &record, &verdict);
    match &options.output {
        Some(file) => results::write_at(file, &text)?,
        None => print(form, &text)?,
    }
    Ok(Exit::Passed)
}

fn text(options: &Options, record: &RunRecord, verdict: &Verdict) -> String {
    let form = &options.form;
    let fail_on = options.fail_on.level();
    let run = Judged {
        record,
        verdict,
        exit_code: verdict.conclusion(fail_on).exit_code(),
    };
    if form.html {
        brunt_report::html(&[run])
    } else if form.json {
        brunt_report::summary_json(&run)
    } else if form.markdown {
        let own = || results::page_of(&options.run).map(|page| page.display().to_string());
        brunt_report::markdown(&run, options.report_url.clone().or_else(own).as_deref())
    } else if form.junit {
        brunt_report::junit(&[Checks::of_run(&run, fail_on)])
    } else {
        brunt_report::terminal(&run, terminal::width(), options.output.is_none())
    }
}

/// Only the text for a terminal has colours. A reader that has gone (as `head` does) is no error; a disk that
/// is full is one.
fn print(form: &Form, text: &str) -> Result<(), Failure> {
    let is_for_terminal = !(form.html || form.json || form.markdown || form.junit);
    let written = if is_for_terminal {
        let mut to = anstream::stdout();
        write!(to, "{text}").and_then(|()| to.flush())
    } else {
        let mut to = std::io::stdout();
        to.write_all(text.as_bytes()).and_then(|()| to.flush())
    };
    match written {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        Err(error) => Err(results::write_error(Path::new("standard output"), error).into()),
        Ok(()) => Ok(()),
    }
}
