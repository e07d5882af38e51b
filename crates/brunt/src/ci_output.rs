//! Output for CI: Markdown, JUnit XML and GitHub annotations.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::PathBuf;

use brunt_report::Checks;

use crate::exit::{Exit, print_error};
use crate::results::{self, WriteError};
use crate::terminal;

/// Environment variable with the file of the GitHub job summary.
const GITHUB_SUMMARY: &str = "GITHUB_STEP_SUMMARY";

/// Outputs of a command for CI.
#[derive(Debug, Clone)]
pub(crate) struct CiOutputs {
    /// File of the Markdown summary; `-`: standard output.
    pub(crate) markdown: Option<PathBuf>,
    /// File of the JUnit XML.
    pub(crate) junit: Option<PathBuf>,
    /// Whether to write annotations and the job summary of GitHub Actions.
    pub(crate) is_github: bool,
}

impl CiOutputs {
    /// Writes the results of runs or builds. If a file cannot be written, the error is printed, and the outcome is an
    /// internal error.
    pub(crate) fn write(&self, exit: Exit, checks: &[Checks], markdown: &str) -> Exit {
        let mut written = Vec::new();
        if let Some(file) = &self.markdown {
            if file.as_os_str() == "-" {
                terminal::print(markdown);
            } else {
                written.push(results::write_at(file, markdown));
            }
        }
        if let Some(file) = &self.junit {
            written.push(results::write_at(file, &brunt_report::junit(checks)));
        }
        if self.is_github {
            terminal::print(&brunt_report::github(checks));
            written.push(add_to_summary(markdown));
        }
        let mut exit = exit;
        for error in written.into_iter().filter_map(Result::err) {
            print_error(&error.to_string());
            exit = exit.worse(Exit::Internal);
        }
        exit
    }
}

/// Appends to the job summary, to which other steps write as well.
fn add_to_summary(text: &str) -> Result<(), WriteError> {
    let Some(file) = std::env::var_os(GITHUB_SUMMARY).map(PathBuf::from) else {
        return Ok(());
    };
    let opened = OpenOptions::new().create(true).append(true).open(&file);
    opened
        .and_then(|mut summary| summary.write_all(text.as_bytes()))
        .map_err(|error| results::write_error(&file, error))
}
