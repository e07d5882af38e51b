//! CSV files: requests, timeline, failures, resources, and those of Locust. `docs/csv.md` describes the columns. A cell that
//! a spreadsheet would interpret as a formula begins with an apostrophe.

pub mod locust;
mod resources;
mod table;
mod time_series;

use brunt_record::RunRecord;

use self::table::{Table, count, number, text};
use self::time_series::Percentiles;
use crate::request_stats::{self, Durations, RequestStats};

pub use resources::{MonitorTable, resources};

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
    columns.push("retries".into());
    let mut table = Table::new(&columns);
    let rows = std::iter::once(request_stats::total(record)).chain(request_stats::by_name(record));
    rows.for_each(|stats| table.row(request_cells(&stats)));
    table.into_text()
}

fn request_cells(stats: &RequestStats) -> Vec<String> {
    let mut cells = vec![
        text(&stats.name),
        stats.method.clone(),
        stats.setup.to_string(),
        stats.requests.to_string(),
        stats.wire_requests.to_string(),
        stats.failures.to_string(),
        stats.unanswered.to_string(),
        number(stats.error_rate),
        number(stats.throughput_rps),
        stats.bytes_sent.to_string(),
        stats.bytes_received.to_string(),
    ];
    let measures = [
        &stats.response_ms,
        &stats.service_ms,
        &stats.lag_ms,
        &stats.connect_ms,
        &stats.tls_ms,
        &stats.first_byte_ms,
    ];
    measures
        .into_iter()
        .for_each(|durations| cells.extend(duration_cells(durations)));
    cells.push(stats.retries.to_string());
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
        "reconnects",
        "generator_stall_ms",
        "cpu_wait_ms",
        "busiest_thread_cpu_ms",
        "max_wakeup_delay_ms",
        "retries",
        "cookies_dropped",
    ]);
    let percentiles = |part: &Percentiles| [part.p50, part.p95, part.p99].map(number);
    for row in time_series::rows(&record.timeline) {
        let counts = &row.counts;
        let mut cells = vec![
            row.second.to_string(),
            count(counts.users.map(u64::from)),
            count(counts.in_flight.map(u64::from)),
            count(counts.oldest_in_flight_ms),
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
        cells.extend(percentiles(&row.response_ms));
        cells.extend(percentiles(&row.service_ms));
        cells.push(number(row.lag_p99_ms));
        cells.extend(
            [
                counts.bytes_sent,
                counts.bytes_received,
                counts.connections,
                counts.reconnects,
                counts.generator_stall_ms,
                counts.cpu_wait_ms,
                counts.busiest_thread_cpu_ms,
            ]
            .map(|count| count.to_string()),
        );
        cells.push(number(Some(counts.max_wakeup_delay_us as f64 / 1e3)));
        cells.extend([counts.retries, counts.cookies_dropped].map(|count| count.to_string()));
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
