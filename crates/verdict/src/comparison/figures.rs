//! The measurements of a run, block by block, for comparisons with later runs: few and rounded, so that they fit into
//! a small file. The caller adds a format version.

use std::ops::Range;

use brunt_record::limits::NAMES_MAX;
use brunt_record::{Measure, PercentileValue, ProcessReading, RunRecord, Scope};
use serde::{Deserialize, Serialize};

use crate::comparison::metric::ComparedMetric;
use crate::window::time_window::TimeWindow;
use crate::window::totals::second_of_reading;
use crate::window::warm_up;

/// The number of blocks of a run; runs with fewer intervals have fewer blocks.
const BLOCKS: usize = 30;
/// Significant digits; a histogram has three.
const DIGITS: i32 = 5;

/// Measurements of a run after its warm-up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunMetrics {
    /// Length of a block, in seconds: the mean, if the run does not divide evenly.
    pub block_s: f64,
    /// All requests, then each name.
    pub rows: Vec<RequestMetrics>,
}

/// Measurements of some requests.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RequestMetrics {
    /// Method and name; `None`: all requests except set-up.
    pub name: Option<String>,
    /// Number of requests.
    pub requests: u64,
    /// Metrics, block by block.
    pub series: Vec<BlockSeries>,
}

/// One metric, block by block.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BlockSeries {
    /// The metric.
    pub metric: ComparedMetric,
    /// Values in its unit; `None` if the block has no value: nothing was read, or the percentile lies among the
    /// requests without a response.
    pub blocks: Vec<Option<f64>>,
}

/// The largest value of a block, number of rows and number of blocks that are accepted from a file.
const VALUE_MAX: f64 = 1e15;
const ROWS_MAX: usize = NAMES_MAX + 1;
const BLOCKS_MAX: usize = 1_000;

impl RunMetrics {
    /// Checks measurements from a file, so that mean and variance are finite. Returns what is invalid.
    pub(crate) fn check(&self) -> Result<(), String> {
        if !(0.0..=VALUE_MAX).contains(&self.block_s) {
            return Err(format!("blocks of {} s", self.block_s));
        }
        if self.rows.len() > ROWS_MAX {
            let rows = self.rows.len();
            return Err(format!("{rows} rows, more than {ROWS_MAX}"));
        }
        for series in self.rows.iter().flat_map(|row| &row.series) {
            let blocks = series.blocks.len();
            if blocks > BLOCKS_MAX {
                return Err(format!("{blocks} blocks, more than {BLOCKS_MAX}"));
            }
            let is_possible = |value: &&f64| (0.0..=VALUE_MAX).contains(*value);
            if let Some(value) = series.blocks.iter().flatten().find(|v| !is_possible(v)) {
                let measured = series.metric.name();
                return Err(format!("a block whose {measured} is {value}"));
            }
        }
        Ok(())
    }

    /// The measurements of a run.
    pub fn of(record: &RunRecord) -> Self {
        Self::in_blocks(record, &blocks(record))
    }

    /// The measurements of a part of a run, as one block.
    pub fn between(record: &RunRecord, from_s: f64, to_s: f64) -> Self {
        let part = TimeWindow::between(record, from_s, to_s);
        Self::in_blocks(record, &[part.intervals()])
    }

    fn in_blocks(record: &RunRecord, blocks: &[Range<usize>]) -> Self {
        let width_s = f64::from(record.timeline.width_s());
        let seconds: f64 = blocks
            .iter()
            .map(|block| block.len() as f64 * width_s)
            .sum();
        let mut rows = vec![requests(record, blocks, Scope::All, None)];
        for id in record.timeline.names_in(Scope::All) {
            let name = &record.timeline.names()[id.index()];
            // The same name with another method is a different request.
            let name = format!("{} {}", name.method, name.name);
            rows.push(requests(record, blocks, Scope::Name(id), Some(name)));
        }
        Self {
            block_s: rounded(seconds / (blocks.len() as f64).max(1.0)),
            rows,
        }
    }

    /// The measurements of a name, or of all requests.
    pub fn row(&self, name: Option<&str>) -> Option<&RequestMetrics> {
        self.rows.iter().find(|row| row.name.as_deref() == name)
    }
}

impl RequestMetrics {
    /// The blocks of one metric.
    pub fn series(&self, measured: ComparedMetric) -> Option<&BlockSeries> {
        let mut all = self.series.iter();
        all.find(|series| series.metric == measured)
    }
}

/// The intervals of each block, of nearly equal length.
fn blocks(record: &RunRecord) -> Vec<Range<usize>> {
    let intervals = warm_up::judged(record).intervals();
    let count = BLOCKS.min(intervals.len());
    let edge = |at: usize| intervals.start + at * intervals.len() / count;
    (0..count).map(|at| edge(at)..edge(at + 1)).collect()
}

fn requests(
    record: &RunRecord,
    blocks: &[Range<usize>],
    scope: Scope,
    name: Option<String>,
) -> RequestMetrics {
    let timeline = &record.timeline;
    let counts: Vec<(u64, u64)> = blocks
        .iter()
        .map(|block| {
            let counts = block.clone().map(|at| timeline.failed_at(at, scope));
            counts.fold((0, 0), |sum, (failed, all)| (sum.0 + failed, sum.1 + all))
        })
        .collect();
    let responses = blocks
        .iter()
        .map(|block| timeline.distribution_in(block.clone(), scope, Measure::Response));
    let responses: Vec<_> = responses.collect();
    let value = |measured: ComparedMetric, at: usize| -> Option<f64> {
        let block = &blocks[at];
        if let Some(q) = measured.percentile() {
            return responses[at].percentile(q).and_then(PercentileValue::ms);
        }
        match measured {
            ComparedMetric::Throughput => Some(throughput(record, block, scope)),
            ComparedMetric::ErrorRate => {
                let (failed, all) = counts[at];
                (all > 0).then(|| failed as f64 / all as f64 * 100.0)
            }
            ComparedMetric::CpuPerRequest => cpu_per_request(record, block),
            _ => memory(record, block),
        }
    };
    let of_process = [ComparedMetric::CpuPerRequest, ComparedMetric::Memory];
    let measured = ComparedMetric::ALL.into_iter();
    let series = measured
        // Resources of the process are not known per name.
        .filter(|measured| scope == Scope::All || !of_process.contains(measured))
        .map(|measured| BlockSeries {
            metric: measured,
            blocks: (0..blocks.len())
                .map(|at| value(measured, at).map(rounded))
                .collect(),
        })
        .filter(|series| series.blocks.iter().any(Option::is_some));
    RequestMetrics {
        name,
        requests: counts.iter().map(|(_, all)| all).sum(),
        series: series.collect(),
    }
}

fn length_s(record: &RunRecord, block: &Range<usize>) -> f64 {
    block.len() as f64 * f64::from(record.timeline.width_s())
}

/// Successful requests, by the second of their completion.
fn throughput(record: &RunRecord, block: &Range<usize>, scope: Scope) -> f64 {
    let timeline = &record.timeline;
    let done = timeline.distribution_in(block.clone(), scope, Measure::Service);
    done.ok.count() as f64 / length_s(record, block)
}

/// Readings of the process under test in a block.
fn readings(record: &RunRecord, block: &Range<usize>) -> impl Iterator<Item = ProcessReading> {
    let width_s = record.timeline.width_s() as usize;
    let seconds = block.start * width_s..block.end * width_s;
    let readings = record.readings.iter();
    readings
        .filter(move |reading| {
            second_of_reading(reading.at_ms).is_some_and(|second| seconds.contains(&second))
        })
        .filter_map(|reading| reading.target)
}

fn cpu_per_request(record: &RunRecord, block: &Range<usize>) -> Option<f64> {
    let busy = readings(record, block)
        .filter_map(|process| Some(process.cpu_percent? / 100.0 * process.cores?));
    let busy_cores = mean(busy)?;
    let width_s = record.timeline.width_s() as usize;
    let seconds = block.start * width_s..block.end * width_s;
    let seconds = record.timeline.seconds().range(seconds);
    let ended: u64 = seconds.map(|second| second.requests()).sum();
    (ended > 0).then(|| busy_cores * 1e3 * length_s(record, block) / ended as f64)
}

fn memory(record: &RunRecord, block: &Range<usize>) -> Option<f64> {
    let bytes = readings(record, block).filter_map(|process| process.rss_bytes);
    mean(bytes.map(|bytes| bytes as f64 / 1e6))
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = values.fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
    (count > 0.0).then(|| sum / count)
}

/// Rounds to the significant digits, so that a file is small and readable.
#[expect(clippy::cast_possible_truncation, reason = "the exponent of a float")]
fn rounded(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return value;
    }
    let digits = DIGITS - 1 - value.abs().log10().floor() as i32;
    if digits >= 0 {
        let scale = 10f64.powi(digits);
        (value * scale).round() / scale
    } else {
        let scale = 10f64.powi(-digits);
        (value / scale).round() * scale
    }
}
