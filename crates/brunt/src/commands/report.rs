//! `brunt report`: writes a report of an earlier run, in any format, from its record.

use std::io::Write;
use std::path::Path;

use brunt_record::RunRecord;
use brunt_report::{Checks, Judged};
use brunt_verdict::{FailOn, Verdict};

use crate::cli::results::{ReportArgs, ReportFormatArgs};
use crate::exit::{Exit, Failure};
use crate::{results, terminal};

pub(crate) fn run(args: &ReportArgs) -> Result<Exit, Failure> {
    let record = results::record_of(&args.run)?;
    let format = &args.format;
    if let Some(folder) = &format.csv {
        for (name, text) in results::csv_files(&record) {
            results::write_in(folder, name, &text)?;
        }
        return Ok(Exit::Passed);
    }
    if let Some(prefix) = &format.locust_csv {
        results::write_locust(&record, prefix)?;
        return Ok(Exit::Passed);
    }
    let verdict = brunt_verdict::judge(&record);
    let text = text(args, &record, &verdict);
    match &args.output {
        Some(file) => results::write_at(file, &text)?,
        None => print(format, &text)?,
    }
    Ok(Exit::Passed)
}

fn text(args: &ReportArgs, record: &RunRecord, verdict: &Verdict) -> String {
    let format = &args.format;
    let fail_on: FailOn = args.fail_on.into();
    let run = Judged {
        record,
        verdict,
        exit_code: verdict.conclusion(fail_on).exit_code(),
    };
    if format.html {
        brunt_report::html(&[run])
    } else if format.json {
        brunt_report::summary_json(&run)
    } else if format.markdown {
        let existing = || results::page_of(&args.run).map(|page| page.display().to_string());
        brunt_report::markdown(&run, args.report_url.clone().or_else(existing).as_deref())
    } else if format.junit {
        brunt_report::junit(&[Checks::of_run(&run, fail_on)])
    } else {
        brunt_report::terminal(&run, terminal::width(), args.output.is_none())
    }
}

/// Prints a report. Only the text for a terminal is colored. A closed pipe, as with `head`, is not an error; a full disk
/// is one.
fn print(format: &ReportFormatArgs, text: &str) -> Result<(), Failure> {
    let is_for_terminal = !(format.html || format.json || format.markdown || format.junit);
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
