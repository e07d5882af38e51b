//! Series: a run second by second, for charts and tables. What is not known is `None`, so that no
//! line is drawn across it.

use record::{Distribution, Measure, RunRecord, Scope, Second};

/// One second of a run.
#[derive(Debug, Clone, Default)]
pub(crate) struct Point {
    pub(crate) second: u32,
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
        let at = |q| distribution.percentile(q).and_then(record::Waited::ms);
        Self {
            p50: at(0.5),
            p95: at(0.95),
            p99: at(0.99),
        }
    }
}

/// Every second of a run. Where the intervals of histograms are wider than a second, their percentiles
/// stand at their first second.
pub(crate) fn points(record: &RunRecord) -> Vec<Point> {
    let timeline = &record.timeline;
    let width = timeline.width_s() as usize;
    let length = timeline.seconds().len().max(timeline.intervals() * width);
    (0..length)
        .map(|second| {
            let mut point = Point {
                second: u32::try_from(second).unwrap_or(u32::MAX),
                counts: timeline.seconds().get(second).unwrap_or_default(),
                ..Point::default()
            };
            if second % width == 0 {
                let at = |measure| timeline.distribution_at(second / width, Scope::All, measure);
                // Only what users wait for ranks the unanswered.
                let of_answers = |measure| {
                    Percentiles::of(&Distribution {
                        unanswered: 0,
                        ..at(measure)
                    })
                };
                point.response_ms = Percentiles::of(&at(Measure::Response));
                point.service_ms = of_answers(Measure::Service);
                point.lag_p99_ms = of_answers(Measure::Lag).p99;
            }
            point
        })
        .collect()
}
