//! A file of JSON lines, or a pipe that somebody reads.

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use brunt_record::{Ending, Header};
use brunt_report::stream::{Interval, json_of_ending, json_of_interval, json_of_run};

use super::queue::{DroppedIntervals, Exporter};

/// A file that grows by a line a second.
pub(super) struct JsonLines {
    path: PathBuf,
    /// A pipe is opened by its first line: that waits until somebody reads.
    file: Option<File>,
}

impl JsonLines {
    /// Makes the file, or finds the pipe.
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
        let file = opened.map_err(|error| self.trouble(&error))?;
        Ok(self.file.insert(file))
    }

    fn write(&mut self, line: &str) -> Result<(), String> {
        let written = self.open()?.write_all(line.as_bytes());
        written.map_err(|error| self.trouble(&error))
    }

    fn trouble(&self, error: &std::io::Error) -> String {
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
        lost: DroppedIntervals,
    ) -> Result<(), String> {
        self.write(&json_of_interval(header, interval, lost.before))
    }

    fn ending(
        &mut self,
        _: &Header,
        ending: &Ending,
        lost: DroppedIntervals,
    ) -> Result<(), String> {
        self.write(&json_of_ending(ending, lost.before))
    }
}
