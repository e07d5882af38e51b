//! Recorder of a run: the record in memory, and its file for as long as the disk accepts it.

use std::fs::File;

use brunt_engine::Clock;
use brunt_record::file::RecordWriter;
use brunt_record::{Command, Ending, Event, Header, MetricsSnapshot, RunRecord, duration_ms};

use crate::exit::print_error;
use crate::results::{RECORD_FILE, RunFolder, WriteError};

/// Records a run in memory, and on disk until a write fails.
pub(super) struct RunRecorder<'a> {
    pub(super) record: RunRecord,
    folder: Option<&'a RunFolder>,
    writer: Option<RecordWriter<File>>,
    pub(super) write_error: Option<WriteError>,
}

impl<'a> RunRecorder<'a> {
    pub(super) fn begin(header: Header, folder: Option<&'a RunFolder>) -> Self {
        let mut recorder = Self {
            record: RunRecord::new(header),
            folder,
            writer: None,
            write_error: None,
        };
        recorder.write_all();
        recorder
    }

    /// Rewrites the record file from memory.
    fn write_all(&mut self) {
        let Some(folder) = self.folder else {
            return;
        };
        let written = folder.replace(RECORD_FILE, |file| {
            brunt_record::file::write_unended(&self.record, file)
        });
        match written {
            Ok(writer) => self.writer = Some(writer),
            Err(error) => self.give_up_writing(error),
        }
    }

    pub(super) fn increment(&mut self, increment: MetricsSnapshot) {
        if let Err(error) = self.record.timeline.merge(&increment) {
            // Not expected: generator and timeline have the same names.
            self.give_up(std::io::Error::other(error));
            return;
        }
        self.write(|writer| writer.snapshot(increment));
    }

    pub(super) fn reading(&mut self, reading: brunt_record::Reading) {
        self.record.readings.push(&reading);
        self.write(|writer| writer.reading(reading));
        if self
            .writer
            .as_ref()
            .is_some_and(RecordWriter::needs_rewrite)
        {
            self.write_all();
        }
    }

    pub(super) fn event(&mut self, clock: Clock, command: Command) {
        let event = Event {
            at_ms: duration_ms(clock.elapsed()),
            command,
        };
        self.record.events.push(event);
        self.write(|writer| writer.event(event));
    }

    pub(super) fn end(&mut self, ending: Ending) {
        self.record.ending = Some(ending.clone());
        if let Some(writer) = self.writer.take()
            && let Err(error) = writer.end(ending)
        {
            self.give_up(error);
        }
    }

    fn write(&mut self, write: impl FnOnce(&mut RecordWriter<File>) -> std::io::Result<()>) {
        if let Some(writer) = &mut self.writer
            && let Err(error) = write(writer)
        {
            self.give_up(error);
        }
    }

    fn give_up(&mut self, error: std::io::Error) {
        if let Some(folder) = self.folder {
            self.give_up_writing(folder.error(RECORD_FILE, error));
        }
    }

    /// Stops writing; the run continues in memory. The error is printed now and at the end.
    fn give_up_writing(&mut self, error: WriteError) {
        self.writer = None;
        if self.write_error.is_none() {
            print_error(&format!(
                "{error}; the run continues without its record file, and its result will be printed"
            ));
            self.write_error = Some(error);
        }
    }
}
