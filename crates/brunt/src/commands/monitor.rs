//! `brunt monitor`: monitors processes or the machine, without a load.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context;
use brunt_record::{ProcessReading, Reading};
use brunt_report::csv::MonitorTable;
use jiff::Timestamp;

use crate::cli::tools::MonitorArgs;
use crate::exit::{Exit, Failure};
use crate::run::watch_targets::{self, WatchTargets};
use crate::system::interrupts::Interrupts;
use crate::terminal::ProgressLine;

pub(crate) fn run(args: &MonitorArgs) -> Result<Exit, Failure> {
    if args.interval < Duration::from_millis(100) {
        return Err(Failure::Input(
            "invalid --interval: must be 100ms or more".into(),
        ));
    }
    let targets = WatchTargets::from_config(&(&args.watch).into())?;
    let names: Vec<String> = targets
        .additional
        .iter()
        .map(|(name, _)| name.clone())
        .collect();
    let mut monitor = targets.monitor()?;
    let interrupts = Interrupts::watch().context("cannot watch for signals")?;
    let table = MonitorTable::new(targets.target.is_some(), &names);
    let output = args.output.as_deref();
    let mut file = output
        .map(|path| CsvFile::create(path, &table))
        .transpose()?;
    let mut live = ProgressLine::new(false);
    let started = Instant::now();
    let end = args.duration.map(|duration| started + duration);
    // Rates start with the second reading.
    monitor.read(started.elapsed());
    for number in 1u32.. {
        let due = started + args.interval * number;
        if end.is_some_and(|end| due > end) || !sleep_until(due, &interrupts) {
            break;
        }
        let reading = monitor.read(started.elapsed());
        if number == 1 {
            let unavailable = monitor.unavailable(&reading);
            watch_targets::print_unavailable(&unavailable, names.iter().map(String::as_str));
        }
        if let Some(file) = &mut file {
            file.add(&table.row(Timestamp::now().to_string(), &reading))?;
        }
        live.show(started.elapsed().as_secs(), |width| {
            line(&reading, &names, width)
        });
    }
    live.finish();
    Ok(Exit::Passed)
}

/// Sleeps until a time. Returns false if a signal arrives first.
fn sleep_until(due: Instant, interrupts: &Interrupts) -> bool {
    while interrupts.count() == 0 {
        let remaining = due.saturating_duration_since(Instant::now());
        if remaining.is_zero() {
            return true;
        }
        std::thread::sleep(remaining.min(Duration::from_millis(50)));
    }
    false
}

/// CSV file that is flushed after each row.
struct CsvFile {
    file: BufWriter<File>,
    path: PathBuf,
}

impl CsvFile {
    fn create(path: &Path, table: &MonitorTable) -> Result<Self, Failure> {
        let file = File::create(path)
            .map_err(|error| Failure::Input(format!("cannot write {}: {error}", path.display())))?;
        let mut csv = Self {
            file: BufWriter::new(file),
            path: path.to_owned(),
        };
        csv.add(&table.head())?;
        Ok(csv)
    }

    fn add(&mut self, line: &str) -> Result<(), Failure> {
        self.file
            .write_all(line.as_bytes())
            .and_then(|()| self.file.flush())
            .with_context(|| format!("cannot write {}", self.path.display()))?;
        Ok(())
    }
}

/// Progress line of a reading, of at most `width` columns.
fn line(reading: &Reading, names: &[String], width: usize) -> String {
    let machine = &reading.machine;
    let mut line = format!(
        "machine: CPU {}, memory {}",
        format_value(machine.cpu_percent, 1, "%"),
        format_value(machine.memory_percent, 1, "%")
    );
    if let Some(process) = &reading.target {
        line += &format!("   process: {}", format_process(process));
    }
    for (name, process) in names.iter().zip(&reading.additional_targets) {
        line += &format!("   {name}: {}", format_process(process));
    }
    if line.chars().count() > width {
        line = line
            .chars()
            .take(width.saturating_sub(1))
            .chain(['…'])
            .collect();
    }
    line
}

/// Usage of a process. CPU is in percent of the cores that it may use, or in cores if their number is unknown.
fn format_process(process: &ProcessReading) -> String {
    let cpu = match (process.cpu_percent, process.cpu_cores) {
        (None, Some(cores)) => format_value(Some(cores), 2, "cores"),
        (percent, _) => format_value(percent, 1, "%"),
    };
    let memory = process.rss_bytes.map(|bytes| bytes as f64 / 1e6);
    let threads = process.threads.map(|threads| threads as f64);
    format!(
        "CPU {cpu}, memory {}, {}",
        format_value(memory, 1, "MB"),
        format_value(threads, 0, "threads")
    )
}

/// Value with its unit; a dash if it is unknown.
fn format_value(value: Option<f64>, digits: usize, unit: &str) -> String {
    value.map_or_else(
        || "–".to_owned(),
        |value| format!("{value:.digits$} {unit}"),
    )
}
