//! A run compared with the runs of a baseline, row by row. A block is the sample, not a request, since requests
//! during one stall are correlated. Rows of all requests with a metric in [`TESTED`] decide; the others are only
//! shown.
//!
//! The tested rows are decided together: each interval has its part of the risk (Bonferroni), so that with 95 %
//! confidence all of them contain the true values, and each outcome follows from its interval.

use crate::comparison::figures::{RequestMetrics, RunMetrics};
use crate::comparison::metric::ComparedMetric;
use crate::comparison::outcome::{Change, ChangeInterval, Tolerance};
use crate::comparison::row::{BetweenRuns, Comparison, ComparisonRow};
use crate::stats::run_difference::{BlockMean, Prior, RunDifference};

/// Metrics that decide: few, since each takes its part of the risk.
pub const TESTED: [ComparedMetric; 5] = [
    ComparedMetric::Throughput,
    ComparedMetric::ErrorRate,
    ComparedMetric::P50,
    ComparedMetric::P95,
    ComparedMetric::CpuPerRequest,
];
/// The risk at each end of an interval: of all tested rows together, or of a single row that is only shown.
const RISK: f64 = 0.025;
/// The default tolerance, as a proportion.
const THETA: f64 = 0.05;
/// The default tolerance of percentiles below a millisecond, at which clock ticks and cache lines matter.
const THETA_SHORT: f64 = 0.1;
/// Percentiles below this are short, in milliseconds.
const SHORT_MS: f64 = 1.0;
/// The smallest tolerance of error rates, in percentage points: a proportion of almost nothing is almost nothing.
pub(super) const POINTS: f64 = 0.1;
/// The proportion of a run's blocks that must have a value.
const TELL: f64 = 0.75;

/// Compares a run with those of a baseline. `theta` is the tolerance, as a proportion; the default is 5 %, and 10 %
/// for percentiles below a millisecond.
pub fn compare(baseline: &[RunMetrics], run: &RunMetrics, theta: Option<f64>) -> Comparison {
    let measures = run.rows.iter().flat_map(|requests| {
        let series = requests.series.iter();
        series.map(move |series| (requests, series.metric))
    });
    let tests: Vec<(ComparisonRow, Option<RowTest>)> = measures
        .map(|(requests, measured)| {
            let test = RowTest::of(baseline, run, requests, measured);
            (row(requests, measured, test.as_ref(), theta), test)
        })
        .collect();
    let decided = |(row, test): &&(ComparisonRow, Option<RowTest>)| {
        row.is_tested && test.as_ref().is_some_and(RowTest::has_interval)
    };
    let together = tests.iter().filter(decided).count().max(1) as f64;
    let rows = tests.into_iter().map(|(mut row, test)| {
        let risk = if row.is_tested { RISK / together } else { RISK };
        row.change = test.map(|test| test.change(risk));
        row
    });
    Comparison {
        rows: rows.collect(),
        between_runs: BetweenRuns::of(baseline.len()),
    }
}

/// A row without its change.
fn row(
    requests: &RequestMetrics,
    measured: ComparedMetric,
    test: Option<&RowTest>,
    theta: Option<f64>,
) -> ComparisonRow {
    let baseline = test.map(|test| test.baseline);
    ComparisonRow {
        name: requests.name.clone(),
        metric: measured,
        baseline,
        run: test.map(|test| test.run),
        change: None,
        tolerance: tolerance_of(measured, baseline.unwrap_or(SHORT_MS), theta),
        is_tested: requests.name.is_none() && TESTED.contains(&measured),
        pairs: None,
    }
}

/// The tolerance of a metric with this usual value. `theta` is the proportion that the user set.
pub(super) fn tolerance_of(measured: ComparedMetric, value: f64, theta: Option<f64>) -> Tolerance {
    let usual = if measured.percentile().is_some() && value < SHORT_MS {
        THETA_SHORT
    } else {
        THETA
    };
    let theta = theta.unwrap_or(usual);
    if is_share(measured) {
        Tolerance::Points(POINTS.max(theta * value))
    } else {
        Tolerance::Share(theta)
    }
}

/// The test of one row: the difference of logarithms, or of percentages.
struct RowTest {
    measured: ComparedMetric,
    baseline: f64,
    run: f64,
    difference: RunDifference,
}

impl RowTest {
    fn of(
        baseline: &[RunMetrics],
        run: &RunMetrics,
        requests: &RequestMetrics,
        measured: ComparedMetric,
    ) -> Option<Self> {
        let name = requests.name.as_deref();
        let usual: Vec<BlockMean> = baseline
            .iter()
            .filter_map(|figures| sample(figures, figures.row(name)?, measured))
            .collect();
        let own = sample(run, requests, measured)?;
        let difference = RunDifference::of(&usual, &own, prior_of(measured))?;
        let of_baseline = own.mean - difference.mean;
        let shown = |mean: f64| if is_share(measured) { mean } else { mean.exp() };
        Some(Self {
            measured,
            baseline: shown(of_baseline),
            run: shown(own.mean),
            difference,
        })
    }

    fn has_interval(&self) -> bool {
        self.difference.ends(RISK).is_some()
    }

    fn change(&self, risk: f64) -> Change {
        let ends = self.difference.ends(risk);
        let interval = |shown: fn(f64) -> f64| {
            ends.map_or(ChangeInterval::UNKNOWN, |(low, high)| {
                ChangeInterval::between(shown(low), shown(high))
            })
        };
        if is_share(self.measured) {
            Change::Points {
                by: self.difference.mean,
                interval: interval(|points| points),
            }
        } else {
            Change::Ratio {
                ratio: self.difference.mean.exp(),
                interval: interval(f64::exp),
            }
        }
    }
}

fn is_share(measured: ComparedMetric) -> bool {
    measured == ComparedMetric::ErrorRate
}

/// The sample of a metric: logarithms of its blocks, so that a difference is a ratio; or percentages.
fn sample(
    figures: &RunMetrics,
    requests: &RequestMetrics,
    measured: ComparedMetric,
) -> Option<BlockMean> {
    let blocks = &requests.series(measured)?.blocks;
    let known: Vec<f64> = blocks.iter().flatten().copied().collect();
    if (known.len() as f64) < TELL * blocks.len() as f64 {
        return None;
    }
    if is_share(measured) {
        return BlockMean::of(&known).map(|sample| at_least_binomial(sample, requests.requests));
    }
    let least = match measured {
        // A block without responses counts as half a response.
        ComparedMetric::Throughput => 0.5 / figures.block_s.max(f64::MIN_POSITIVE),
        _ => f64::MIN_POSITIVE,
    };
    let logarithms: Vec<f64> = known.iter().map(|value| value.max(least).ln()).collect();
    BlockMean::of(&logarithms)
}

/// A proportion is not more certain than its number of independent requests allows, even if none failed.
fn at_least_binomial(sample: BlockMean, requests: u64) -> BlockMean {
    let count = (requests as f64).max(1.0);
    let share = sample.mean / 100.0;
    let least = (share * (1.0 - share) + 1.0 / count) / count * 1e4;
    BlockMean {
        variance: sample.variance.max(least),
        ..sample
    }
}

/// The prior noise of a metric; `None` if there is no prior.
pub(super) fn prior_of(measured: ComparedMetric) -> Option<Prior> {
    let is_known = measured.percentile().is_some() || measured == ComparedMetric::Throughput;
    is_known.then_some(Prior {
        deviation: 0.007,
        freedom: 2.0,
    })
}

#[cfg(test)]
mod tests {
    use super::super::{BlockSeries, Outcome};
    use super::*;

    /// A run whose blocks vary by 2 %.
    fn figures(names: usize, of: impl Fn(ComparedMetric) -> Option<f64>) -> RunMetrics {
        let series = |measured: ComparedMetric| {
            let value = of(measured)?;
            let wobble = |at: usize| 1.0 + ((at * 7_919 % 101) as f64 / 50.0 - 1.0) * 0.02;
            Some(BlockSeries {
                metric: measured,
                blocks: (0..30)
                    .map(|at| Some((value * wobble(at) * 1e4).round() / 1e4))
                    .collect(),
            })
        };
        let requests = |name: Option<String>| RequestMetrics {
            name,
            requests: 100_000,
            series: ComparedMetric::ALL.into_iter().filter_map(series).collect(),
        };
        let named = (0..names).map(|at| requests(Some(format!("/items/{at}"))));
        RunMetrics {
            block_s: 4.0,
            rows: std::iter::once(requests(None)).chain(named).collect(),
        }
    }

    /// Values of a service.
    fn value(measured: ComparedMetric) -> f64 {
        match measured {
            ComparedMetric::Throughput => 100.0,
            ComparedMetric::ErrorRate => 0.0,
            ComparedMetric::P50 => 0.5,
            _ => 20.0,
        }
    }

    fn usual(runs: usize, names: usize) -> Vec<RunMetrics> {
        vec![figures(names, |it| Some(value(it))); runs]
    }

    fn outcome(baseline: usize, measured: ComparedMetric, factor: f64) -> Outcome {
        let changed = |it: ComparedMetric| {
            let factor = if it == measured { factor } else { 1.0 };
            Some(value(it) * factor)
        };
        let found = compare(&usual(baseline, 0), &figures(0, changed), None);
        let row = found.rows.iter().find(|row| row.metric == measured);
        row.unwrap().outcome()
    }

    #[test]
    fn prior_noise_is_known_for_response_times_and_throughput_alone() {
        for measured in ComparedMetric::ALL {
            let is_unknown = matches!(
                measured,
                ComparedMetric::CpuPerRequest | ComparedMetric::Memory | ComparedMetric::ErrorRate
            );
            assert_eq!(prior_of(measured).is_none(), is_unknown, "{measured:?}");
        }
        let baseline = [0.0, 1e-5, -1e-5].map(|mean| BlockMean {
            mean,
            variance: 1e-6,
            freedom: 29.0,
        });
        let run = BlockMean {
            mean: 0.1,
            ..baseline[0]
        };
        let low = |prior| {
            RunDifference::of(&baseline, &run, prior)
                .unwrap()
                .ends(0.025)
                .unwrap()
                .0
        };
        assert!(low(prior_of(ComparedMetric::P95)) < 0.095);
        assert!(low(None) >= 0.095);
    }

    #[test]
    fn worse_depends_on_direction_and_tolerance() {
        for (measured, factor, expected) in [
            (ComparedMetric::P95, 1.1, Outcome::Worse),
            (ComparedMetric::P95, 0.9, Outcome::Better),
            (ComparedMetric::P95, 1.02, Outcome::Same),
            (ComparedMetric::P95, 1.05, Outcome::NotEnoughData),
            (ComparedMetric::Throughput, 0.9, Outcome::Worse),
            (ComparedMetric::Throughput, 1.1, Outcome::Better),
            (ComparedMetric::P50, 1.07, Outcome::Same),
            (ComparedMetric::P50, 1.2, Outcome::Worse),
            (ComparedMetric::Memory, 1.2, Outcome::Worse),
        ] {
            let found = outcome(3, measured, factor);
            assert_eq!(found, expected, "{measured:?} times {factor}");
        }
        assert_eq!(outcome(0, ComparedMetric::P95, 2.0), Outcome::NotEnoughData);
    }

    #[test]
    fn error_rates_are_compared_in_points() {
        let rate = |percent: f64| {
            figures(0, move |it| {
                (it == ComparedMetric::ErrorRate).then_some(percent)
            })
        };
        let outcome = |before: f64, after: f64| {
            let found = compare(&vec![rate(before); 3], &rate(after), None);
            found.rows[0].outcome()
        };
        assert_eq!(outcome(0.0, 0.0), Outcome::Same);
        assert_eq!(outcome(0.0, 1.0), Outcome::Worse);
        assert_eq!(outcome(1.0, 0.0), Outcome::Better);
        assert_eq!(outcome(0.01, 0.03), Outcome::Same);
    }

    #[test]
    fn rows_of_names_are_not_tested() {
        let mut run = figures(1, |it| Some(value(it) * 2.0));
        run.rows[0] = usual(1, 0)[0].rows[0].clone();
        let found = compare(&usual(3, 1), &run, None);
        assert!(!found.is_worse());
        let named = found.rows.iter().filter(|row| row.name.is_some());
        assert!(named.clone().all(|row| !row.is_tested));
        assert!(named.clone().any(|row| row.outcome() == Outcome::Worse));
        assert_eq!(found.between_runs, BetweenRuns::Known { runs: 3 });
    }

    #[test]
    fn baseline_of_fewer_than_three_runs_decides_nothing() {
        let run = figures(1, |it| Some(value(it) * 2.0));
        for runs in [1, 2] {
            let found = compare(&usual(runs, 1), &run, None);
            assert_eq!(found.between_runs, BetweenRuns::Unknown { runs });
            assert_eq!(found.outcome(), Outcome::NotEnoughData);
            for row in &found.rows {
                let change = row.change.unwrap();
                assert_eq!(change.interval(), ChangeInterval::UNKNOWN, "{row:?}");
                assert_eq!(row.outcome(), Outcome::NotEnoughData);
            }
        }
    }

    #[test]
    fn tested_rows_divide_the_risk_and_others_do_not() {
        let width = |measured: ComparedMetric, of: &[ComparedMetric]| {
            let of = |it: ComparedMetric| of.contains(&it).then(|| value(it));
            let found = compare(&vec![figures(0, of); 3], &figures(0, of), None);
            let mut rows = found.rows.iter();
            let row = rows.find(|row| row.metric == measured).unwrap();
            let interval = row.change.unwrap().interval();
            interval.high.unwrap() - interval.low.unwrap()
        };
        let alone = width(ComparedMetric::P50, &[ComparedMetric::P50]);
        let among = width(ComparedMetric::P50, &TESTED);
        assert!(among > 1.5 * alone, "{alone} {among}");
        let shown = |of| width(ComparedMetric::P99, of);
        let (few, many) = (shown(&[ComparedMetric::P99]), shown(&ComparedMetric::ALL));
        assert!((few - many).abs() < 1e-12, "{few} {many}");
    }

    #[test]
    fn run_that_is_too_short_has_not_enough_data() {
        let mut run = usual(1, 0).remove(0);
        for series in &mut run.rows[0].series {
            series.blocks.truncate(19);
        }
        let found = compare(&usual(3, 0), &run, None);
        let mut rows = found.rows.iter();
        assert!(rows.all(|row| row.outcome() == Outcome::NotEnoughData && row.change.is_none()));
    }

    #[test]
    fn three_runs_of_ten_names_fit_into_a_small_file() {
        let runs = vec![figures(10, |it| Some(value(it) * 7.0)); 3];
        let text = serde_json::to_string(&runs).unwrap();
        assert!(text.len() < 80_000, "{} bytes", text.len());
        let read: Vec<RunMetrics> = serde_json::from_str(&text).unwrap();
        assert_eq!(read, runs);
    }
}
