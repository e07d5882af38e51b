//! A pipeline: what it hears of runs, in the forms that it reads.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::PathBuf;

use brunt_report::Checks;

use crate::exit::{Exit, complain};
use crate::results::{self, WriteError};
use crate::terminal;

/// Where GitHub wants the summary of a job.
const GITHUB_SUMMARY: &str = "GITHUB_STEP_SUMMARY";

/// What a pipeline hears.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Pipeline {
    /// Write a Markdown summary for a pull request comment to this file; - is standard output
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
    /// Write the result of each check as JUnit XML to this file
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Print GitHub annotations, and append the Markdown summary to the job summary
    #[arg(long)]
    github: bool,
}

impl Pipeline {
    /// Says what came of runs, or of builds. What cannot be written is said, and makes the exit code that of an
    /// internal error.
    pub(crate) fn tell(&self, exit: Exit, checks: &[Checks], markdown: &str) -> Exit {
        let mut written = Vec::new();
        if let Some(file) = &self.markdown {
            if file.as_os_str() == "-" {
                terminal::say(markdown);
            } else {
                written.push(results::write_at(file, markdown));
            }
        }
        if let Some(file) = &self.junit {
            written.push(results::write_at(file, &brunt_report::junit(checks)));
        }
        if self.github {
            terminal::say(&brunt_report::github(checks));
            written.push(add_to_summary(markdown));
        }
        let mut exit = exit;
        for error in written.into_iter().filter_map(Result::err) {
            complain(&error.to_string());
            exit = exit.worse(Exit::Internal);
        }
        exit
    }
}

/// The summary is not brunt's alone.
fn add_to_summary(text: &str) -> Result<(), WriteError> {
    let Some(file) = std::env::var_os(GITHUB_SUMMARY).map(PathBuf::from) else {
        return Ok(());
    };
    let opened = OpenOptions::new().create(true).append(true).open(&file);
    opened
        .and_then(|mut summary| summary.write_all(text.as_bytes()))
        .map_err(|error| results::write_error(&file, error))
}
