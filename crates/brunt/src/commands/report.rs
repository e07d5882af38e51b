//! `brunt report`: makes any form of report again from a run's record.

use std::io::Write;
use std::path::Path;

use brunt_record::RunRecord;
use brunt_report::{Checks, Judged};
use brunt_verdict::{FailOn, Verdict};

use crate::cli::results::{ReportArgs, ReportFormatArgs};
use crate::exit::{Exit, Failure};
use crate::results::{baseline_files, export_files};
use crate::{results, terminal};

pub(crate) fn run(args: &ReportArgs) -> Result<Exit, Failure> {
    let record = baseline_files::record_of(&args.run)?;
    let form = &args.format;
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
    let text = text(args, &record, &verdict);
    match &args.output {
        Some(file) => results::write_at(file, &text)?,
        None => print(form, &text)?,
    }
    Ok(Exit::Passed)
}

fn text(args: &ReportArgs, record: &RunRecord, verdict: &Verdict) -> String {
    let form = &args.format;
    let fail_on: FailOn = args.fail_on.into();
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
        let own = || results::page_of(&args.run).map(|page| page.display().to_string());
        brunt_report::markdown(&run, args.report_url.clone().or_else(own).as_deref())
    } else if form.junit {
        brunt_report::junit(&[Checks::of_run(&run, fail_on)])
    } else {
        brunt_report::terminal(&run, terminal::width(), args.output.is_none())
    }
}

/// Only the text for a terminal has colours. A reader that has gone (as `head` does) is no error; a disk that
/// is full is one.
fn print(form: &ReportFormatArgs, text: &str) -> Result<(), Failure> {
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
