//! `brunt monitor`: watches processes or the machine, without any load.

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
        return Err(Failure::Input("--interval must be 100ms or more".into()));
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
    let mut file = output.map(|path| Rows::begin(path, &table)).transpose()?;
    let mut live = ProgressLine::new(false);
    let begun = Instant::now();
    let end = args.duration.map(|duration| begun + duration);
    // The first reading has nothing to compare with: it is where the rates begin.
    monitor.read(begun.elapsed());
    for number in 1u32.. {
        let due = begun + args.interval * number;
        if end.is_some_and(|end| due > end) || !sleep_until(due, &interrupts) {
            break;
        }
        let reading = monitor.read(begun.elapsed());
        if number == 1 {
            let unseen = monitor.unavailable(&reading);
            watch_targets::tell_unseen(&unseen, names.iter().map(String::as_str));
        }
        if let Some(file) = &mut file {
            file.add(&table.row(Timestamp::now().to_string(), &reading))?;
        }
        live.show(begun.elapsed().as_secs(), |width| {
            line(&reading, &names, width)
        });
    }
    live.leave();
    Ok(Exit::Passed)
}

/// False where the user asked to end.
fn sleep_until(due: Instant, interrupts: &Interrupts) -> bool {
    while interrupts.count() == 0 {
        let left = due.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return true;
        }
        std::thread::sleep(left.min(Duration::from_millis(50)));
    }
    false
}

/// A CSV file; each row is there as soon as it was read.
struct Rows {
    file: BufWriter<File>,
    path: PathBuf,
}

impl Rows {
    fn begin(path: &Path, table: &MonitorTable) -> Result<Self, Failure> {
        let file = File::create(path)
            .map_err(|error| Failure::Input(format!("cannot write {}: {error}", path.display())))?;
        let mut rows = Self {
            file: BufWriter::new(file),
            path: path.to_owned(),
        };
        rows.add(&table.head())?;
        Ok(rows)
    }

    fn add(&mut self, line: &str) -> Result<(), Failure> {
        self.file
            .write_all(line.as_bytes())
            .and_then(|()| self.file.flush())
            .with_context(|| format!("cannot write {}", self.path.display()))?;
        Ok(())
    }
}

/// What a reading says, in so many columns.
fn line(reading: &Reading, names: &[String], width: usize) -> String {
    let machine = &reading.machine;
    let mut line = format!(
        "machine: CPU {}, memory {}",
        known(machine.cpu_percent, 1, "%"),
        known(machine.memory_percent, 1, "%")
    );
    if let Some(process) = &reading.target {
        line += &format!("   process: {}", of_process(process));
    }
    for (name, process) in names.iter().zip(&reading.additional_targets) {
        line += &format!("   {name}: {}", of_process(process));
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

/// CPU in percent of the cores that it may use, or in cores where nobody says how many these are.
fn of_process(process: &ProcessReading) -> String {
    let cpu = match (process.cpu_percent, process.cpu_cores) {
        (None, Some(cores)) => known(Some(cores), 2, "cores"),
        (percent, _) => known(percent, 1, "%"),
    };
    let memory = process.rss_bytes.map(|bytes| bytes as f64 / 1e6);
    let threads = process.threads.map(|threads| threads as f64);
    format!(
        "CPU {cpu}, memory {}, {}",
        known(memory, 1, "MB"),
        known(threads, 0, "threads")
    )
}

/// What is not known is a dash.
fn known(value: Option<f64>, digits: usize, unit: &str) -> String {
    value.map_or_else(
        || "–".to_owned(),
        |value| format!("{value:.digits$} {unit}"),
    )
}
