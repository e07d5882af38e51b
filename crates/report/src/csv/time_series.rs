//! Time series: a run second by second, or in coarser rows if it is very long.

use brunt_record::{Distribution, Measure, Scope, Second, Timeline};

/// A row of a run: one second, unless the run is very long.
#[derive(Debug, Clone)]
pub(crate) struct TimeSeriesRow {
    /// The second in which it starts.
    pub(crate) second: usize,
    pub(crate) counts: Second,
    pub(crate) response_ms: Percentiles,
    pub(crate) service_ms: Percentiles,
    pub(crate) lag_p99_ms: Option<f64>,
}

/// Percentiles in milliseconds.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Percentiles {
    pub(crate) p50: Option<f64>,
    pub(crate) p95: Option<f64>,
    pub(crate) p99: Option<f64>,
}

impl Percentiles {
    fn of(distribution: &Distribution) -> Self {
        let at = |q| {
            distribution
                .percentile(q)
                .and_then(brunt_record::PercentileValue::ms)
        };
        Self {
            p50: at(0.5),
            p95: at(0.95),
            p99: at(0.99),
        }
    }
}

/// Largest number of rows of a run in a table: the seconds of a week.
const ROWS_MAX: usize = 7 * 86_400;

/// Recorded duration, in seconds.
fn length_s(timeline: &Timeline) -> usize {
    let intervals_s = timeline.intervals() * timeline.width_s() as usize;
    timeline.seconds().len().max(intervals_s)
}

/// The seconds that a row covers, so that a run of any length has at most [`ROWS_MAX`] rows: 1, or a power of two.
pub(crate) fn row_s(timeline: &Timeline) -> usize {
    length_s(timeline).div_ceil(ROWS_MAX).next_power_of_two()
}

/// The counts of a run, row by row, each with the second in which it starts.
pub(crate) fn counts(timeline: &Timeline) -> impl Iterator<Item = (usize, Second)> {
    let row_s = row_s(timeline);
    (0..length_s(timeline)).step_by(row_s).map(move |from_s| {
        let seconds = timeline.seconds().range(from_s..from_s + row_s);
        let both = seconds.reduce(|earlier, later| followed_by(earlier, &later));
        (from_s, both.unwrap_or_default())
    })
}

/// The counts of a second and of the next one, together.
fn followed_by(earlier: Second, later: &Second) -> Second {
    let mut both = earlier;
    both.merge(later);
    Second {
        users: later.users,
        in_flight: later.in_flight,
        ..both
    }
}

/// The durations of the intervals that start in a row.
pub(crate) fn durations(timeline: &Timeline, from_s: usize, measure: Measure) -> Distribution {
    let width_s = timeline.width_s() as usize;
    let end_s = from_s + row_s(timeline);
    let intervals = from_s.div_ceil(width_s)..end_s.div_ceil(width_s);
    timeline.distribution_in(intervals, Scope::All, measure)
}

/// A run row by row: every second, or, in a run that is longer than a week, every 2, 4, 8 … seconds. If the intervals of
/// histograms are wider, their percentiles are in the row in which they start.
pub(crate) fn rows(timeline: &Timeline) -> impl Iterator<Item = TimeSeriesRow> {
    counts(timeline).map(|(second, counts)| {
        let at = |measure| durations(timeline, second, measure);
        // Only response times include requests without a response.
        let of_answers = |measure| {
            Percentiles::of(&Distribution {
                unanswered: 0,
                ..at(measure)
            })
        };
        TimeSeriesRow {
            second,
            counts,
            response_ms: Percentiles::of(&at(Measure::Response)),
            service_ms: of_answers(Measure::Service),
            lag_p99_ms: of_answers(Measure::Lag).p99,
        }
    })
}
