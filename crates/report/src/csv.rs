//! CSV files: requests, timeline, failures, resources. `docs/csv.md` describes the columns. A cell that
//! a spreadsheet would take for a formula begins with an apostrophe.

use record::{Interference, MachineReading, ProcessReading, RunRecord};

use crate::figures::{self, Durations, Figures};
use crate::series::{self, Percentiles};

/// A table as CSV text.
struct Table {
    writer: csv::Writer<Vec<u8>>,
}

impl Table {
    fn new(columns: &[&str]) -> Self {
        let mut table = Self {
            writer: csv::Writer::from_writer(Vec::new()),
        };
        table.row(columns.iter().map(|column| (*column).to_owned()));
        table
    }

    fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.writer
            .write_record(cells)
            .expect("rows as long as the head, written to memory");
    }

    fn into_text(self) -> String {
        let bytes = self.writer.into_inner().expect("memory takes everything");
        String::from_utf8(bytes).expect("cells are texts")
    }
}

/// A text that nobody takes for a formula.
fn text(cell: &str) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{cell}")
    } else {
        cell.to_owned()
    }
}

/// A number; empty where it is not known.
fn number(value: Option<f64>) -> String {
    value.map_or_else(String::new, |value| {
        let text = format!("{value:.3}");
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    })
}

fn count(value: Option<u64>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

/// A row for all requests, and one for each name.
pub fn requests(record: &RunRecord) -> String {
    let mut columns: Vec<String> = [
        "name",
        "method",
        "setup",
        "requests",
        "wire_requests",
        "failures",
        "unanswered",
        "error_rate_percent",
        "throughput_rps",
        "bytes_sent",
        "bytes_received",
    ]
    .map(str::to_owned)
    .to_vec();
    for measure in ["response", "service", "lag", "connect", "tls", "first_byte"] {
        for part in ["min", "mean", "p50", "p90", "p95", "p99", "p99_9", "max"] {
            columns.push(format!("{measure}_{part}_ms"));
        }
    }
    let mut table = Table::new(&columns.iter().map(String::as_str).collect::<Vec<_>>());
    let rows = std::iter::once(figures::total(record)).chain(figures::by_name(record));
    rows.for_each(|figures| table.row(request_cells(&figures)));
    table.into_text()
}

fn request_cells(figures: &Figures) -> Vec<String> {
    let mut cells = vec![
        text(&figures.name),
        figures.method.clone(),
        figures.setup.to_string(),
        figures.requests.to_string(),
        figures.wire_requests.to_string(),
        figures.failures.to_string(),
        figures.unanswered.to_string(),
        number(figures.error_rate),
        number(figures.throughput_rps),
        figures.bytes_sent.to_string(),
        figures.bytes_received.to_string(),
    ];
    let measures = [
        &figures.response_ms,
        &figures.service_ms,
        &figures.lag_ms,
        &figures.connect_ms,
        &figures.tls_ms,
        &figures.first_byte_ms,
    ];
    measures
        .into_iter()
        .for_each(|durations| cells.extend(duration_cells(durations)));
    cells
}

fn duration_cells(durations: &Durations) -> [String; 8] {
    [
        durations.min,
        durations.mean,
        durations.p50,
        durations.p90,
        durations.p95,
        durations.p99,
        durations.p99_9,
        durations.max,
    ]
    .map(number)
}

/// A row for each second.
pub fn timeline(record: &RunRecord) -> String {
    let mut table = Table::new(&[
        "second",
        "users",
        "in_flight",
        "oldest_in_flight_ms",
        "ok",
        "failed",
        "unanswered",
        "wire_requests",
        "response_p50_ms",
        "response_p95_ms",
        "response_p99_ms",
        "service_p50_ms",
        "service_p95_ms",
        "service_p99_ms",
        "lag_p99_ms",
        "bytes_sent",
        "bytes_received",
        "connections",
        "reopened",
        "stood_still_ms",
        "cpu_wait_ms",
        "cpu_busiest_ms",
        "kept_waiting_ms",
    ]);
    let percentiles = |part: &Percentiles| [part.p50, part.p95, part.p99].map(number);
    for point in series::points(record) {
        let counts = &point.counts;
        let mut cells = vec![
            point.second.to_string(),
            count(counts.users.map(u64::from)),
            count(counts.in_flight.map(u64::from)),
            count(counts.oldest_ms),
        ];
        cells.extend(
            [
                counts.ok,
                counts.failed,
                counts.unanswered,
                counts.wire_requests,
            ]
            .map(|count| count.to_string()),
        );
        cells.extend(percentiles(&point.response_ms));
        cells.extend(percentiles(&point.service_ms));
        cells.push(number(point.lag_p99_ms));
        cells.extend(
            [
                counts.bytes_sent,
                counts.bytes_received,
                counts.connections,
                counts.reopened,
                counts.stood_still_ms,
                counts.cpu_wait_ms,
                counts.cpu_busiest_ms,
            ]
            .map(|count| count.to_string()),
        );
        cells.push(number(Some(counts.kept_waiting_us as f64 / 1e3)));
        table.row(cells);
    }
    table.into_text()
}

/// A row for each way in which requests of one name failed.
pub fn failures(record: &RunRecord) -> String {
    let mut table = Table::new(&[
        "name", "method", "setup", "kind", "code", "count", "first_s", "last_s", "example",
    ]);
    for failure in record.timeline.failures() {
        let name = &record.header.names[failure.name.index()];
        table.row([
            text(&name.name),
            name.method.clone(),
            name.setup.to_string(),
            failure.kind.name().to_owned(),
            if failure.code == 0 {
                String::new()
            } else {
                failure.code.to_string()
            },
            failure.count.to_string(),
            number(Some(failure.first_ms as f64 / 1e3)),
            number(Some(failure.last_ms as f64 / 1e3)),
            text(failure.example.as_deref().unwrap_or_default()),
        ]);
    }
    table.into_text()
}

/// The columns of a watched process.
pub const PROCESS_COLUMNS: [&str; 9] = [
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

const INTERFERENCE_COLUMNS: [&str; 5] = [
    "stolen_ms",
    "throttled_ms",
    "pressure_percent",
    "clock_step_ms",
    "suspended_ms",
];

/// A row for each reading of the resources.
pub fn resources(record: &RunRecord) -> String {
    let named = |who: &str, columns: &[&str]| -> Vec<String> {
        columns
            .iter()
            .map(|column| format!("{who}_{column}"))
            .collect()
    };
    let mut columns = vec!["at_s".to_owned()];
    columns.extend(named("target", &PROCESS_COLUMNS));
    columns.extend(named("generator", &PROCESS_COLUMNS));
    columns.extend(named("machine", &MACHINE_COLUMNS));
    columns.extend(named("generator", &INTERFERENCE_COLUMNS));
    let mut table = Table::new(&columns.iter().map(String::as_str).collect::<Vec<_>>());
    for reading in &record.readings {
        let mut cells = vec![number(Some(reading.at_ms as f64 / 1e3))];
        cells.extend(process_cells(reading.target.as_ref()));
        cells.extend(process_cells(reading.generator.as_ref()));
        cells.extend(machine_cells(&reading.machine));
        cells.extend(interference_cells(reading.interference.as_ref()));
        table.row(cells);
    }
    table.into_text()
}

fn megabytes(bytes: Option<u64>) -> String {
    number(bytes.map(|bytes| bytes as f64 / 1e6))
}

/// The cells of a watched process, in the order of [`PROCESS_COLUMNS`]; empty where not known.
pub fn process_cells(process: Option<&ProcessReading>) -> [String; 9] {
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
