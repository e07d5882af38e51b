//! Locust's four CSV files, with its names, columns and formats, for scripts that read them. The values have brunt's
//! definitions; `docs/csv.md` lists the differences.

use std::time::Duration;

use brunt_record::{Distribution, Measure, NameId, Outcome, RunRecord, Scope};

use super::table::{Table, text};
use super::time_series;
use crate::request_stats::{self, RequestStats};

/// Locust's default percentiles, with their column titles.
const PERCENTILES: [(&str, f64); 11] = [
    ("50%", 0.5),
    ("66%", 0.66),
    ("75%", 0.75),
    ("80%", 0.8),
    ("90%", 0.9),
    ("95%", 0.95),
    ("98%", 0.98),
    ("99%", 0.99),
    ("99.9%", 0.999),
    ("99.99%", 0.9999),
    ("100%", 1.0),
];

/// Text for a missing value.
const NOT_KNOWN: &str = "N/A";

/// Name of the row of all requests.
const ALL: &str = "Aggregated";

/// Time format of Locust.
const MOMENT: &str = "%Y-%m-%dT%H:%M:%SZ";

/// `PREFIX_stats.csv`: a row for each name that was requested, and one for all.
pub fn stats(record: &RunRecord) -> String {
    let mut columns = vec![
        "Type",
        "Name",
        "Request Count",
        "Failure Count",
        "Median Response Time",
        "Average Response Time",
        "Min Response Time",
        "Max Response Time",
        "Average Content Size",
        "Requests/s",
        "Failures/s",
    ];
    columns.extend(PERCENTILES.map(|(head, _)| head));
    let mut table = new(&columns);
    let names = (0u32..).map(|id| Scope::Name(NameId(id)));
    let mut rows: Vec<Row> = names
        .zip(request_stats::by_name(record))
        .filter(|(_, stats)| !stats.setup && stats.requests > 0)
        .map(|(scope, stats)| Row::of(record, scope, stats))
        .collect();
    rows.sort_by(|a, b| (&a.name, &a.method).cmp(&(&b.name, &b.method)));
    let all = Row::of(record, Scope::All, request_stats::total(record));
    rows.push(Row {
        name: ALL.to_owned(),
        ..all
    });
    for row in rows {
        let mut cells = vec![row.method, text(&row.name)];
        cells.extend(row.totals.cells());
        cells.extend([
            per_second(row.requests_per_s),
            per_second(row.failures_per_s),
        ]);
        cells.extend(percentiles(&row.totals.waited));
        table.row(cells);
    }
    table.into_text()
}

/// `PREFIX_stats_history.csv`: a row for each second of the run; its percentiles are those of the second.
pub fn history(record: &RunRecord) -> String {
    let mut columns = vec![
        "Timestamp",
        "User Count",
        "Type",
        "Name",
        "Requests/s",
        "Failures/s",
    ];
    columns.extend(PERCENTILES.map(|(head, _)| head));
    columns.extend([
        "Total Request Count",
        "Total Failure Count",
        "Total Median Response Time",
        "Total Average Response Time",
        "Total Min Response Time",
        "Total Max Response Time",
        "Total Average Content Size",
    ]);
    let mut table = new(&columns);
    let timeline = &record.timeline;
    let row_s = time_series::row_s(timeline);
    let mut totals = Totals::default();
    for (second, counts) in time_series::counts(timeline) {
        let waited = time_series::durations(timeline, second, Measure::Response);
        totals.waited.ok.merge(&waited.ok);
        totals.waited.unanswered += waited.unanswered;
        let failures = counts.failed + counts.unanswered;
        totals.requests += counts.requests();
        totals.failures += failures;
        totals.bytes_received += counts.bytes_received;
        let mut cells = vec![
            ended_at(record, second + row_s - 1).to_string(),
            counts.users.unwrap_or(0).to_string(),
            String::new(),
            ALL.to_owned(),
            per_second(counts.requests() as f64 / row_s as f64),
            per_second(failures as f64 / row_s as f64),
        ];
        cells.extend(percentiles(&waited));
        cells.extend(totals.cells());
        table.row(cells);
    }
    table.into_text()
}

/// `PREFIX_failures.csv`: a row for each way in which requests of a name failed.
pub fn failures(record: &RunRecord) -> String {
    let columns = [
        "Method",
        "Name",
        "Error",
        "Occurrences",
        "First Seen",
        "Last Seen",
    ];
    let mut table = new(&columns);
    let moment = |ms| {
        let at = record.header.started_at + Duration::from_millis(ms);
        at.strftime(MOMENT).to_string()
    };
    for failure in record.timeline.failures() {
        let name = &record.header.names[failure.name.index()];
        if name.setup && !name.is_judged_as(Outcome::Failed) {
            continue;
        }
        let error = match failure.code {
            0 => failure.kind.name().to_owned(),
            code => format!("{} {code}", failure.kind.name()),
        };
        table.row([
            name.method.clone(),
            text(&name.name),
            error,
            failure.count.to_string(),
            moment(failure.first_ms),
            moment(failure.last_ms),
        ]);
    }
    table.into_text()
}

/// `PREFIX_exceptions.csv`: only the header. The rows would be errors in the Python code of Locust users, which brunt does
/// not have.
pub fn exceptions() -> String {
    new(&["Count", "Message", "Traceback", "Nodes"]).into_text()
}

/// A request name, or all.
struct Row {
    method: String,
    name: String,
    totals: Totals,
    requests_per_s: f64,
    failures_per_s: f64,
}

/// Counts and durations up to a time.
#[derive(Default)]
struct Totals {
    requests: u64,
    failures: u64,
    bytes_received: u64,
    waited: Distribution,
}

impl Row {
    fn of(record: &RunRecord, scope: Scope, stats: RequestStats) -> Self {
        let seconds = record.throughput_s();
        let a_second = |count: u64| {
            if seconds > 0.0 {
                count as f64 / seconds
            } else {
                0.0
            }
        };
        Self {
            requests_per_s: a_second(stats.requests),
            failures_per_s: a_second(stats.failures),
            totals: Totals {
                requests: stats.requests,
                failures: stats.failures,
                bytes_received: stats.bytes_received,
                waited: record.timeline.distribution(scope, Measure::Response),
            },
            method: stats.method,
            name: stats.name,
        }
    }
}

impl Totals {
    /// Count, failures, median, average, minimum, maximum, size. Locust's median is in whole milliseconds, and 0 without
    /// requests.
    fn cells(&self) -> [String; 7] {
        let ok = &self.waited.ok;
        let median = if self.waited.count() == 0 {
            "0".to_owned()
        } else {
            percentile(&self.waited, 0.5)
        };
        let ms = |ns: Option<f64>| number(ns.unwrap_or(0.0) / 1e6);
        let size = self.bytes_received as f64 / self.requests.max(1) as f64;
        [
            self.requests.to_string(),
            self.failures.to_string(),
            median,
            ms(ok.mean_ns()),
            ms(ok.min_ns().map(|ns| ns as f64)),
            ms(ok.max_ns().map(|ns| ns as f64)),
            number(size),
        ]
    }
}

/// Joins cells with the line ending of Python's `csv` module.
fn new(columns: &[&str]) -> Table {
    Table::ending_lines_with(csv::Terminator::CRLF, columns)
}

fn percentiles(waited: &Distribution) -> impl Iterator<Item = String> {
    PERCENTILES.map(|(_, q)| percentile(waited, q)).into_iter()
}

/// Percentile in whole milliseconds, as in Locust; missing without requests, or if it is among requests without a response.
fn percentile(waited: &Distribution, q: f64) -> String {
    let ms = waited
        .percentile(q)
        .and_then(brunt_record::PercentileValue::ms);
    ms.map_or_else(|| NOT_KNOWN.to_owned(), |ms| format!("{ms:.0}"))
}

fn number(value: f64) -> String {
    format!("{value:?}")
}

fn per_second(value: f64) -> String {
    format!("{value:.6}")
}

/// Unix time in whole seconds.
fn ended_at(record: &RunRecord, second: usize) -> i64 {
    let after = Duration::from_secs(second as u64 + 1);
    (record.header.started_at + after).as_second()
}
