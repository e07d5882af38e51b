//! Time buckets: a run cut into equal parts of whole seconds, up to a maximum number, for charts and tables over time.
//! Unknown values are `None`, so that no line is drawn across them.

use std::ops::Range;

use brunt_record::{
    Distribution, Histogram, Load, Measure, Outcome, PercentileValue, Reading, RunRecord, Second,
};
use brunt_verdict::search::Rates;

/// Lag from which on a request counts as late, in nanoseconds.
const LATE_NS: u64 = 10_000_000;
/// Widths of a bucket in histogram intervals, times a power of ten.
const STEPS: [u32; 10] = [1, 2, 3, 4, 5, 6, 10, 12, 15, 30];
/// Number of rows of the heat map per decade.
pub(crate) const ROWS_PER_DECADE: f64 = 8.0;
/// Lower end of the lowest row, in milliseconds.
pub(crate) const LOWEST_MS: f64 = 0.01;
/// Maximum number of rows: up to a thousand seconds.
const ROWS_MAX: f64 = 8.0 * ROWS_PER_DECADE - 1.0;

/// The seconds and readings of a run, unpacked once for all buckets.
pub(crate) struct UnpackedRun<'a> {
    record: &'a RunRecord,
    seconds: Vec<Second>,
    /// Readings, each with the second that it ends.
    readings: Vec<(u32, TimedReading)>,
}

/// A run in time buckets of equal width.
pub(crate) struct TimeBuckets<'a> {
    /// Width of a bucket, in seconds.
    pub(crate) width_s: u32,
    pub(crate) all: Vec<TimeBucket<'a>>,
}

/// One time bucket.
pub(crate) struct TimeBucket<'a> {
    /// First second.
    pub(crate) from_s: u32,
    /// Number of seconds; fewer in the last bucket.
    pub(crate) seconds: &'a [Second],
    pub(crate) readings: &'a [(u32, TimedReading)],
    /// Planned level at its middle: users, or requests per second in the open model.
    pub(crate) planned: f64,
    pub(crate) starts: IntendedStarts,
    pub(crate) response: Percentiles,
    pub(crate) service: Percentiles,
    /// Lags of all requests, with any outcome.
    pub(crate) lag: Percentiles,
    /// Rows of the heat map with their counts: response time, then service time.
    pub(crate) rows: [Vec<(u8, u64)>; 2],
}

/// A reading with the seconds since the previous one.
pub(crate) struct TimedReading {
    pub(crate) since_s: f64,
    pub(crate) reading: Reading,
}

/// Requests whose intended start is in a bucket.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct IntendedStarts {
    pub(crate) all: u64,
    /// Number of requests that brunt dispatched late.
    pub(crate) late: u64,
}

/// Percentiles of durations; `None` without requests. A value among unanswered requests is drawn as such.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Percentiles {
    pub(crate) p50: Option<PercentileValue>,
    pub(crate) p95: Option<PercentileValue>,
    pub(crate) p99: Option<PercentileValue>,
    pub(crate) max: Option<PercentileValue>,
}

impl Percentiles {
    pub(crate) fn of(distribution: &Distribution) -> Self {
        let at = |q| distribution.percentile(q);
        Self {
            p50: at(0.5),
            p95: at(0.95),
            p99: at(0.99),
            max: at(1.0),
        }
    }
}

impl<'a> UnpackedRun<'a> {
    pub(crate) fn of(record: &'a RunRecord) -> Self {
        Self {
            record,
            seconds: record.timeline.seconds().iter().collect(),
            readings: timed_readings(record).collect(),
        }
    }
}

impl<'a> TimeBuckets<'a> {
    /// Cuts a run into at most `most` buckets.
    pub(crate) fn of(unpacked: &'a UnpackedRun, most: usize) -> Self {
        let record = unpacked.record;
        let width_s = width_s(record, most);
        let load = record.load();
        let rates = Rates::of(record);
        let mut merge = BucketMerger::of(record);
        let length = length_s(record);
        let buckets = (0..length.div_ceil(width_s)).map(|at| {
            let seconds = at * width_s..(at * width_s + width_s).min(length);
            merge.bucket(intervals(record, &seconds));
            TimeBucket::of(unpacked, seconds, (&load, &rates), &merge)
        });
        let all = buckets.collect();
        Self { width_s, all }
    }
}

impl TimeBuckets<'_> {
    /// End of the last bucket, in seconds.
    pub(crate) fn end_s(&self) -> f64 {
        f64::from(self.width_s) * self.all.len() as f64
    }
}

impl<'a> TimeBucket<'a> {
    fn of(
        unpacked: &'a UnpackedRun,
        part: Range<u32>,
        (load, rates): (&Load, &Rates),
        merge: &BucketMerger,
    ) -> Self {
        let place = |second: u32| {
            unpacked
                .readings
                .partition_point(|(known, _)| *known < second)
        };
        let readings = &unpacked.readings[place(part.start)..place(part.end)];
        let within = |second: u32| (second as usize).min(unpacked.seconds.len());
        let seconds = &unpacked.seconds[within(part.start)..within(part.end)];
        let middle_s = f64::midpoint(part.start.into(), part.end.into());
        Self {
            from_s: part.start,
            seconds,
            readings,
            planned: rates.rate(load.level_at(middle_s)),
            starts: merge.starts,
            response: Percentiles::of(&merge.response),
            service: Percentiles::of(&merge.service),
            lag: Percentiles::of(&merge.lag),
            rows: [rows(&merge.response.ok), rows(&merge.service.ok)],
        }
    }

    /// Sum over its seconds, per second; `None` without seconds.
    pub(crate) fn rate(&self, of: impl Fn(&Second) -> u64) -> Option<f64> {
        let sum: u64 = self.seconds.iter().map(of).sum();
        self.per_second(sum)
    }

    /// A count of the bucket, per second; `None` without seconds.
    pub(crate) fn per_second(&self, count: u64) -> Option<f64> {
        (!self.seconds.is_empty()).then(|| count as f64 / self.seconds.len() as f64)
    }

    /// Maximum over its seconds.
    pub(crate) fn max(&self, of: impl Fn(&Second) -> Option<f64>) -> Option<f64> {
        self.seconds.iter().filter_map(of).reduce(f64::max)
    }

    /// Mean over its readings.
    pub(crate) fn mean_reading(&self, of: impl Fn(&Reading) -> Option<f64>) -> Option<f64> {
        let read = self
            .readings
            .iter()
            .filter_map(|(_, timed)| of(&timed.reading));
        let (sum, count) = read.fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
        (count > 0.0).then(|| sum / count)
    }

    /// Maximum over its readings.
    pub(crate) fn max_reading(&self, of: impl Fn(&Reading) -> Option<f64>) -> Option<f64> {
        let read = self
            .readings
            .iter()
            .filter_map(|(_, timed)| of(&timed.reading));
        read.reduce(f64::max)
    }

    /// Counts since the previous reading, per second.
    pub(crate) fn reading_rate(&self, of: impl Fn(&Reading) -> Option<f64>) -> Option<f64> {
        let read = self
            .readings
            .iter()
            .map(|(_, timed)| timed)
            .filter(|timed| timed.since_s > 0.0);
        let read = read.filter_map(|timed| Some((of(&timed.reading)?, timed.since_s)));
        let (sum, seconds) = read.fold((0.0, 0.0), |(sum, seconds), (count, since_s)| {
            (sum + count, seconds + since_s)
        });
        (seconds > 0.0).then(|| sum / seconds)
    }
}

/// Duration of a run in charts: the load, up to the last response, and the wait for requests in flight. An incomplete last
/// second is omitted, since its counts are not rates.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float cast saturates, and a run's length is not negative"
)]
pub(crate) fn length_s(record: &RunRecord) -> u32 {
    let ended_s = record
        .ending
        .as_ref()
        .map_or(0.0, |ending| (ending.ended_ms as f64 / 1e3).floor());
    record.throughput_s().round().max(ended_s).max(1.0) as u32
}

pub(crate) fn width_s(record: &RunRecord, most: usize) -> u32 {
    let interval_s = record.timeline.width_s();
    let most = u32::try_from(most).unwrap_or(u32::MAX).max(1);
    let powers = (0u32..9).map(|power| 10u32.saturating_pow(power));
    let mut widths = powers
        .flat_map(|power| STEPS.map(|step| step.saturating_mul(power)))
        .map(|step| step.saturating_mul(interval_s))
        .collect::<Vec<_>>();
    widths.sort_unstable();
    let length_s = length_s(record);
    let narrow_enough = widths
        .iter()
        .find(|width| length_s.div_ceil(**width) <= most);
    narrow_enough.copied().unwrap_or(length_s)
}

pub(crate) fn intervals(record: &RunRecord, seconds: &Range<u32>) -> Range<usize> {
    let interval_s = record.timeline.width_s();
    (seconds.start / interval_s) as usize..seconds.end.div_ceil(interval_s) as usize
}

/// Readings, each with the second that it ends.
fn timed_readings(record: &RunRecord) -> impl Iterator<Item = (u32, TimedReading)> {
    let mut before_ms = None;
    record.readings.iter().map(move |reading| {
        let since_ms = before_ms.map_or(0, |before| reading.at_ms.saturating_sub(before));
        before_ms = Some(reading.at_ms);
        let second = reading.at_ms.saturating_sub(500) / 1000;
        let since_s = since_ms as f64 / 1e3;
        let second = u32::try_from(second).unwrap_or(u32::MAX);
        (second, TimedReading { since_s, reading })
    })
}

/// The histograms of all names in some intervals, merged.
struct BucketMerger<'a> {
    record: &'a RunRecord,
    response: Distribution,
    service: Distribution,
    lag: Distribution,
    starts: IntendedStarts,
}

impl<'a> BucketMerger<'a> {
    fn of(record: &'a RunRecord) -> Self {
        Self {
            record,
            response: Distribution::default(),
            service: Distribution::default(),
            lag: Distribution::default(),
            starts: IntendedStarts::default(),
        }
    }

    fn bucket(&mut self, intervals: Range<usize>) {
        for merged in [&mut self.response, &mut self.service, &mut self.lag] {
            merged.ok.clear();
            merged.unanswered = 0;
        }
        self.starts = IntendedStarts::default();
        let names = self.record.timeline.names();
        for cell in intervals.flat_map(|interval| self.record.timeline.cells(interval)) {
            let (name, measure, outcome, sparse) = cell;
            if !names[name.index()].is_judged_as(outcome) {
                continue;
            }
            match (measure, outcome) {
                (Measure::Response, Outcome::Ok) => self.response.ok.merge_compact(&sparse),
                (Measure::Response, Outcome::Unanswered) => {
                    self.response.unanswered += sparse.count();
                }
                (Measure::Service, Outcome::Ok) => self.service.ok.merge_compact(&sparse),
                (Measure::Lag, _) => self.lag.ok.merge_compact(&sparse),
                _ => {}
            }
            if measure == Measure::Response {
                self.starts.all += sparse.count();
            }
        }
        self.starts.late = self.lag.ok.count_above(LATE_NS);
    }
}

/// Rows of the heat map with the counts of durations.
fn rows(durations: &Histogram) -> Vec<(u8, u64)> {
    let mut rows: Vec<(u8, u64)> = Vec::new();
    for (ns, count) in durations.counts() {
        let row = row(ns as f64 / 1e6);
        match rows.last_mut() {
            Some((last, known)) if *last == row => *known += count,
            _ => rows.push((row, count)),
        }
    }
    rows
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "it lies between 0 and ROWS_MAX"
)]
fn row(ms: f64) -> u8 {
    ((ms / LOWEST_MS).log10() * ROWS_PER_DECADE)
        .floor()
        .clamp(0.0, ROWS_MAX) as u8
}
