//! `brunt monitor`: watches a process or the machine, without any load.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Context;
use jiff::Timestamp;
use monitor::{Monitor, Subject};
use record::{MachineReading, Reading};
use report::csv;

use crate::exit::{Exit, Failure};
use crate::interrupt::Interrupts;
use crate::screen::LiveLine;
use crate::watched::{pid_of, subject_of};

/// The columns of the machine come first, under names that other tools use; the process's after.
const MACHINE_COLUMNS: [&str; 7] = [
    "cpu_percent",
    "memory_percent",
    "memory_mb",
    "disk_read_mb",
    "disk_write_mb",
    "network_sent_mb",
    "network_recv_mb",
];

/// Options of `brunt monitor`.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Watch this process with its children
    #[arg(long)]
    pid: Option<u32>,
    /// Watch the process that listens on this TCP port
    #[arg(long, conflicts_with = "pid")]
    port: Option<u16>,
    /// Stop after this long, such as 30s or 5m; without it, at Ctrl-C
    #[arg(short = 't', long, value_name = "DURATION", value_parser = scenario::duration)]
    duration: Option<Duration>,
    /// How often to look, at least 100ms
    #[arg(long, value_name = "DURATION", value_parser = scenario::duration, default_value = "1s")]
    interval: Duration,
    /// Write a CSV file
    #[arg(short = 'o', long, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(crate) fn run(options: &Options) -> Result<Exit, Failure> {
    if options.interval < Duration::from_millis(100) {
        return Err(Failure::Input("--interval is at least 100ms".into()));
    }
    let subject = match pid_of(options.pid, options.port)? {
        Some(pid) => subject_of(pid)?,
        None => Subject::Nothing,
    };
    let mut monitor = Monitor::new(subject).map_err(|error| Failure::Input(error.to_string()))?;
    let interrupts = Interrupts::watch().context("cannot watch for signals")?;
    let mut table = options.output.as_ref().map(Table::begin).transpose()?;
    let mut live = LiveLine::new(false);
    let begun = Instant::now();
    let end = options.duration.map(|duration| begun + duration);
    // The first reading has nothing to compare with: it is where the rates begin.
    monitor.read(begun.elapsed());
    for number in 1u32.. {
        let due = begun + options.interval * number;
        if end.is_some_and(|end| due > end) || !sleep_until(due, &interrupts) {
            break;
        }
        let reading = monitor.read(begun.elapsed());
        if let Some(table) = &mut table {
            table.row(&reading)?;
        }
        live.show(begun.elapsed().as_secs(), |_| line(&reading));
    }
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
struct Table {
    file: BufWriter<File>,
    path: PathBuf,
}

impl Table {
    fn begin(path: &PathBuf) -> Result<Self, Failure> {
        let file = File::create(path)
            .map_err(|error| Failure::Input(format!("cannot write {}: {error}", path.display())))?;
        let mut table = Self {
            file: BufWriter::new(file),
            path: path.clone(),
        };
        let process = csv::PROCESS_COLUMNS
            .iter()
            .map(|column| format!("process_{column}"));
        let machine = MACHINE_COLUMNS.iter().map(|column| (*column).to_owned());
        let columns: Vec<String> = std::iter::once("timestamp".to_owned())
            .chain(machine)
            .chain(process)
            .collect();
        table.line(&columns.join(","))?;
        Ok(table)
    }

    fn row(&mut self, reading: &Reading) -> Result<(), Failure> {
        let mut cells = vec![Timestamp::now().to_string()];
        cells.extend(machine_cells(&reading.machine));
        cells.extend(csv::process_cells(reading.target.as_ref()));
        self.line(&cells.join(","))
    }

    fn line(&mut self, line: &str) -> Result<(), Failure> {
        writeln!(self.file, "{line}")
            .and_then(|()| self.file.flush())
            .with_context(|| format!("cannot write {}", self.path.display()))?;
        Ok(())
    }
}

fn machine_cells(machine: &MachineReading) -> [String; 7] {
    [
        percent(machine.cpu_percent),
        percent(machine.memory_percent),
        megabytes(machine.memory_bytes),
        megabytes(machine.disk_read_bytes),
        megabytes(machine.disk_written_bytes),
        megabytes(machine.network_sent_bytes),
        megabytes(machine.network_received_bytes),
    ]
}

/// What is not known is an empty cell.
fn percent(value: Option<f64>) -> String {
    value.map_or_else(String::new, |value| format!("{value:.2}"))
}

fn megabytes(bytes: Option<u64>) -> String {
    bytes.map_or_else(String::new, |bytes| format!("{:.3}", bytes as f64 / 1e6))
}

fn count(value: Option<u64>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

fn line(reading: &Reading) -> String {
    let known = |text: String, unit: &str| {
        if text.is_empty() {
            "–".to_owned()
        } else {
            format!("{text} {unit}")
        }
    };
    let machine = &reading.machine;
    let mut line = format!(
        "machine: CPU {}, memory {}",
        known(percent(machine.cpu_percent), "%"),
        known(percent(machine.memory_percent), "%")
    );
    if let Some(process) = &reading.target {
        line += &format!(
            "   process: CPU {}, memory {}, {} threads",
            known(percent(process.cpu_percent), "%"),
            known(megabytes(process.rss_bytes), "MB"),
            known(count(process.threads), "").trim_end(),
        );
    }
    line
}
