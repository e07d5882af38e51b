//! Tables of readings: those of a run, and those of `brunt monitor`.

use brunt_record::{Interference, MachineReading, ProcessReading, Reading, RunRecord};

use super::table::{Table, count, megabytes, number};

/// Columns of a monitored process in the first version.
const PROCESS_COLUMNS: [&str; 9] = [
    "cpu_percent",
    "busiest_thread_percent",
    "memory_mb",
    "anonymous_mb",
    "threads",
    "descriptors",
    "disk_read_mb",
    "disk_written_mb",
    "processes",
];

/// Columns that were added later: columns never move, so they follow all others.
const PROCESS_COLUMNS_ADDED: [&str; 7] = [
    "cpu_cores",
    "run_delay_ms",
    "network_sent_mb",
    "network_received_mb",
    "cpu_pressure_percent",
    "memory_pressure_percent",
    "io_pressure_percent",
];

const MACHINE_COLUMNS: [&str; 8] = [
    "cpu_percent",
    "steal_percent",
    "memory_percent",
    "memory_mb",
    "disk_read_mb",
    "disk_written_mb",
    "network_sent_mb",
    "network_received_mb",
];

const PRESSURE_COLUMNS: [&str; 3] = [
    "cpu_pressure_percent",
    "memory_pressure_percent",
    "io_pressure_percent",
];

const INTERFERENCE_COLUMNS: [&str; 5] = [
    "stolen_ms",
    "throttled_ms",
    "pressure_percent",
    "clock_step_ms",
    "suspended_ms",
];

/// First columns of `brunt monitor`, with names that other tools use.
const MONITOR_COLUMNS: [&str; 8] = [
    "timestamp",
    "cpu_percent",
    "memory_percent",
    "memory_mb",
    "disk_read_mb",
    "disk_write_mb",
    "network_sent_mb",
    "network_recv_mb",
];

/// A row for each reading of the resources.
pub fn resources(record: &RunRecord) -> String {
    let mut columns = vec!["at_s".to_owned()];
    columns.extend(named("target", &PROCESS_COLUMNS));
    columns.extend(named("generator", &PROCESS_COLUMNS));
    columns.extend(named("machine", &MACHINE_COLUMNS));
    columns.extend(named("generator", &INTERFERENCE_COLUMNS));
    columns.extend(named("target", &PROCESS_COLUMNS_ADDED));
    columns.extend(named("generator", &PROCESS_COLUMNS_ADDED));
    columns.extend(named("machine", &PRESSURE_COLUMNS));
    let additional = &record.header.generator.additional_targets;
    for watched in additional {
        columns.extend(all_named(&watched.name));
    }
    let mut table = Table::new(&columns);
    for reading in record.readings.iter() {
        let (target, generator) = (reading.target.as_ref(), reading.generator.as_ref());
        let mut cells = vec![number(Some(reading.at_ms as f64 / 1e3))];
        cells.extend(process_cells(target));
        cells.extend(process_cells(generator));
        cells.extend(machine_cells(&reading.machine));
        cells.extend(interference_cells(reading.interference.as_ref()));
        cells.extend(process_cells_added(target));
        cells.extend(process_cells_added(generator));
        cells.extend(pressure_cells(&reading.machine));
        for number in 0..additional.len() {
            cells.extend(all_cells(reading.additional_targets.get(number)));
        }
        table.row(cells);
    }
    table.into_text()
}

/// The table of `brunt monitor`, line by line.
#[derive(Debug)]
pub struct MonitorTable<'a> {
    /// Names of the additional processes, in the order of their readings.
    names: &'a [String],
    has_target: bool,
}

impl<'a> MonitorTable<'a> {
    /// Creates a table of the machine, the unnamed process if there is one, and named processes. Without any process the
    /// columns of the unnamed one are empty.
    pub fn new(has_target: bool, names: &'a [String]) -> Self {
        Self {
            names,
            has_target: has_target || names.is_empty(),
        }
    }

    /// Header line, with its line ending.
    pub fn head(&self) -> String {
        let mut columns: Vec<String> = MONITOR_COLUMNS.map(str::to_owned).to_vec();
        if self.has_target {
            columns.extend(all_named("process"));
        }
        for name in self.names {
            columns.extend(all_named(name));
        }
        columns.push("steal_percent".to_owned());
        columns.extend(PRESSURE_COLUMNS.map(str::to_owned));
        Table::new(&columns).into_text()
    }

    /// Row, with its line ending.
    pub fn row(&self, timestamp: String, reading: &Reading) -> String {
        let machine = &reading.machine;
        let mut cells = vec![
            timestamp,
            number(machine.cpu_percent),
            number(machine.memory_percent),
            megabytes(machine.memory_bytes),
            megabytes(machine.disk_read_bytes),
            megabytes(machine.disk_written_bytes),
            megabytes(machine.network_sent_bytes),
            megabytes(machine.network_received_bytes),
        ];
        if self.has_target {
            cells.extend(all_cells(reading.target.as_ref()));
        }
        for number in 0..self.names.len() {
            cells.extend(all_cells(reading.additional_targets.get(number)));
        }
        cells.push(number(machine.steal_percent));
        cells.extend(pressure_cells(machine));
        // The header has the same format as the other lines.
        Table::new(&cells).into_text()
    }
}

fn named<'a>(who: &'a str, columns: &'a [&str]) -> impl Iterator<Item = String> + use<'a> {
    columns.iter().map(move |column| format!("{who}_{column}"))
}

/// All columns of a process.
fn all_named(who: &str) -> impl Iterator<Item = String> + use<'_> {
    named(who, &PROCESS_COLUMNS).chain(named(who, &PROCESS_COLUMNS_ADDED))
}

fn all_cells(process: Option<&ProcessReading>) -> impl Iterator<Item = String> + use<> {
    let first = process_cells(process).into_iter();
    first.chain(process_cells_added(process))
}

/// Values in the order of [`PROCESS_COLUMNS`]; empty if unknown.
fn process_cells(process: Option<&ProcessReading>) -> [String; 9] {
    let Some(process) = process else {
        return Default::default();
    };
    [
        number(process.cpu_percent),
        number(process.busiest_thread_percent),
        megabytes(process.rss_bytes),
        megabytes(process.anonymous_bytes),
        count(process.threads),
        count(process.descriptors),
        megabytes(process.disk_read_bytes),
        megabytes(process.disk_written_bytes),
        process.processes.to_string(),
    ]
}

fn process_cells_added(process: Option<&ProcessReading>) -> [String; 7] {
    let Some(process) = process else {
        return Default::default();
    };
    [
        number(process.cpu_cores),
        number(process.run_delay_ms),
        megabytes(process.network_sent_bytes),
        megabytes(process.network_received_bytes),
        number(process.pressure.cpu_percent),
        number(process.pressure.memory_percent),
        number(process.pressure.io_percent),
    ]
}

fn pressure_cells(machine: &MachineReading) -> [String; 3] {
    let pressure = &machine.pressure;
    [
        number(pressure.cpu_percent),
        number(pressure.memory_percent),
        number(pressure.io_percent),
    ]
}

fn interference_cells(told: Option<&Interference>) -> [String; 5] {
    let Some(told) = told else {
        return Default::default();
    };
    [
        count(told.stolen_ms),
        count(told.throttled_ms),
        number(told.pressure_percent),
        told.clock_step_ms
            .map_or_else(String::new, |ms| ms.to_string()),
        count(told.suspended_ms),
    ]
}

fn machine_cells(machine: &MachineReading) -> [String; 8] {
    [
        number(machine.cpu_percent),
        number(machine.steal_percent),
        number(machine.memory_percent),
        megabytes(machine.memory_bytes),
        megabytes(machine.disk_read_bytes),
        megabytes(machine.disk_written_bytes),
        megabytes(machine.network_sent_bytes),
        megabytes(machine.network_received_bytes),
    ]
}
