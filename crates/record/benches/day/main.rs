//! Records runs of several days in virtual time, and measures the memory and the disk space that they take.
//! `cargo xtask bench peers --only long-run` runs it.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line tool: its output is its work"
)]

mod shaped;

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use brunt_record::file::{RecordWriter, write_unended};
use brunt_record::{
    Ending, MetricsSnapshot, Reading, RunRecord, Sample, SecondRecorder, StoppedBy, second_of,
};

use shaped::Shape;

const DAY_S: u32 = 86_400;
/// Times at which sizes are printed, in seconds.
const LOOKS: [u32; 8] = [
    60,
    600,
    3_600,
    6 * 3_600,
    12 * 3_600,
    DAY_S,
    2 * DAY_S,
    4 * DAY_S,
];
/// Upper bound of the response time, in seconds.
const LATEST_S: usize = 4;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [rate, names, days, file] = &arguments[..] else {
        println!(
            "arguments: requests per second, number of names, number of days, path of the file to write"
        );
        return ExitCode::SUCCESS;
    };
    let number = |text: &String| text.parse::<u32>().map_err(io::Error::other);
    let result = number(rate)
        .and_then(|rate| simulate((rate, number(names)?), number(days)?, Path::new(file)));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn simulate((rate, names): (u32, u32), days: u32, file: &Path) -> io::Result<()> {
    let mut shape = Shape::new(rate, names);
    let length_s = days.saturating_mul(DAY_S);
    let mut run = RecordedRun::new(RunRecord::new(shape.header(length_s)), file)?;
    let mut recorder = SecondRecorder::new(&run.record.header.names);
    // Requests that end in this second, in the next one, and so on.
    let mut done: VecDeque<Vec<Sample>> = (0..LATEST_S).map(|_| Vec::new()).collect();
    let mut file_bytes_max = 0;
    for second in 0..length_s {
        for _ in 0..rate {
            let sample = shape.sample(second);
            let later = (second_of(sample.done_ns) - second) as usize;
            done[later.min(LATEST_S - 1)].push(sample);
        }
        recorder.start(second);
        if let Some(now) = done.pop_front() {
            now.iter().for_each(|sample| recorder.record(sample));
            done.push_back(Vec::new());
        }
        run.snapshot(recorder.to_snapshot())?;
        run.reading(shape.reading(second))?;
        let file_bytes = std::fs::metadata(file)?.len();
        file_bytes_max = file_bytes_max.max(file_bytes);
        if LOOKS.contains(&(second + 1)) {
            let width_s = run.record.timeline.width_s();
            println!(
                "at {} rss_kib {} file_bytes {file_bytes} width_s {width_s}",
                second + 1,
                rss_kib()?
            );
        }
    }
    println!("file_bytes_max {file_bytes_max}");
    println!("rewrites {}", run.rewrites);
    run.end(length_s)
}

/// A run that is recorded in memory and in its file, as brunt does.
struct RecordedRun {
    record: RunRecord,
    path: PathBuf,
    writer: RecordWriter<File>,
    rewrites: u32,
}

impl RecordedRun {
    fn new(record: RunRecord, path: &Path) -> io::Result<Self> {
        Ok(Self {
            writer: write_unended(&record, File::create(path)?)?,
            record,
            path: path.to_owned(),
            rewrites: 0,
        })
    }

    fn snapshot(&mut self, snapshot: MetricsSnapshot) -> io::Result<()> {
        let merged = self.record.timeline.merge(&snapshot);
        merged.map_err(io::Error::other)?;
        self.writer.snapshot(snapshot)
    }

    fn reading(&mut self, reading: Reading) -> io::Result<()> {
        self.record.readings.push(&reading);
        self.writer.reading(reading)?;
        if self.writer.needs_rewrite() {
            self.writer = write_unended(&self.record, File::create(&self.path)?)?;
            self.rewrites += 1;
        }
        Ok(())
    }

    fn end(self, length_s: u32) -> io::Result<()> {
        let ended_ms = u64::from(length_s) * 1_000;
        let ending = Ending {
            stopped_by: StoppedBy::Finished,
            load_ended_ms: ended_ms,
            ended_ms,
            stop_reason: None,
            missed_targets: Vec::new(),
            unavailable: brunt_record::Unavailable::default(),
        };
        self.writer.end(ending).map(drop)
    }
}

/// Resident memory of this process.
fn rss_kib() -> io::Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let rss = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let rss = rss.and_then(|text| text.trim().trim_end_matches(" kB").parse().ok());
    rss.ok_or_else(|| io::Error::other("/proc/self/status does not contain VmRSS"))
}
