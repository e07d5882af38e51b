//! Exporter to a file or a named pipe: one line of JSON per second.

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use brunt_record::{Ending, Header};
use brunt_report::stream::{Interval, json_of_ending, json_of_interval, json_of_run};

use super::queue::{DroppedIntervals, Exporter};

/// Exporter to a file or a named pipe.
pub(super) struct JsonLines {
    path: PathBuf,
    /// `None` for a pipe until its first line: opening a pipe blocks until it has a reader.
    file: Option<File>,
}

impl JsonLines {
    /// Creates the file. A pipe is opened later.
    pub(super) fn new(path: &Path) -> Result<Self, String> {
        let is_pipe = path
            .metadata()
            .is_ok_and(|found| found.file_type().is_fifo());
        let mut lines = Self {
            path: path.to_owned(),
            file: None,
        };
        if !is_pipe {
            lines.open()?;
        }
        Ok(lines)
    }

    fn open(&mut self) -> Result<&mut File, String> {
        let opened = match self.file.take() {
            Some(file) => Ok(file),
            None => File::create(&self.path),
        };
        let file = opened.map_err(|error| self.write_error(&error))?;
        Ok(self.file.insert(file))
    }

    fn write(&mut self, line: &str) -> Result<(), String> {
        let written = self.open()?.write_all(line.as_bytes());
        written.map_err(|error| self.write_error(&error))
    }

    fn write_error(&self, error: &std::io::Error) -> String {
        format!("cannot write {}: {error}", self.path.display())
    }
}

impl Exporter for JsonLines {
    fn run(&mut self, header: &Arc<Header>) -> Result<(), String> {
        self.write(&json_of_run(header))
    }

    fn interval(
        &mut self,
        header: &Arc<Header>,
        interval: &Arc<Interval>,
        dropped: DroppedIntervals,
    ) -> Result<(), String> {
        self.write(&json_of_interval(header, interval, dropped.before))
    }

    fn ending(
        &mut self,
        _: &Header,
        ending: &Ending,
        dropped: DroppedIntervals,
    ) -> Result<(), String> {
        self.write(&json_of_ending(ending, dropped.before))
    }
}
