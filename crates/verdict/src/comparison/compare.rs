//! A run compared with the runs of a baseline, row by row. A block is the sample, not a request: requests of
//! one stall are slow together, and know too much of each other. Rows of all requests that are in [`TESTED`]
//! decide; the others are shown.
//!
//! The tested rows are decided together: each interval carries its part of the risk (Bonferroni), so that
//! with 95 % confidence all of them hold the truth at once, and the outcome of each is what its interval says.

use crate::comparison::figures::{Figures, Requests};
use crate::comparison::metric::Measured;
use crate::comparison::outcome::{Change, Ends, Tolerance};
use crate::comparison::row::{BetweenRuns, Comparison, Row};
use crate::stats::run_difference::{Difference, Prior, Sample};

/// What decides: few rows, since each takes its part of the risk.
pub const TESTED: [Measured; 5] = [
    Measured::Throughput,
    Measured::ErrorRate,
    Measured::P50,
    Measured::P95,
    Measured::CpuPerRequest,
];
/// The risk at each end of an interval: of all tested rows together, or of a single row that is shown.
const RISK: f64 = 0.025;
/// A change by this share is allowed.
const THETA: f64 = 0.05;
/// The same of percentiles under a millisecond, where a clock's tick and a cache line are seen.
const THETA_SHORT: f64 = 0.1;
/// Shorter than this, in milliseconds.
const SHORT_MS: f64 = 1.0;
/// A difference of error rates by this is allowed, in percentage points: a share of next to nothing is nothing.
pub(super) const POINTS: f64 = 0.1;
/// The share of a run's blocks that have a value.
const TELL: f64 = 0.75;

/// Compares a run with those of a baseline. `theta` is the change that is allowed, as a share; unless it is
/// set, 5 %, and 10 % of percentiles under a millisecond.
pub fn compare(baseline: &[Figures], run: &Figures, theta: Option<f64>) -> Comparison {
    let measures = run.rows.iter().flat_map(|requests| {
        let series = requests.series.iter();
        series.map(move |series| (requests, series.metric))
    });
    let asked: Vec<(Row, Option<Question>)> = measures
        .map(|(requests, measured)| {
            let question = Question::of(baseline, run, requests, measured);
            (row(requests, measured, question.as_ref(), theta), question)
        })
        .collect();
    let decided = |(row, question): &&(Row, Option<Question>)| {
        row.is_tested && question.as_ref().is_some_and(Question::has_interval)
    };
    let together = asked.iter().filter(decided).count().max(1) as f64;
    let rows = asked.into_iter().map(|(mut row, question)| {
        let risk = if row.is_tested { RISK / together } else { RISK };
        row.change = question.map(|question| question.change(risk));
        row
    });
    Comparison {
        rows: rows.collect(),
        between_runs: BetweenRuns::of(baseline.len()),
    }
}

/// A row without its change.
fn row(
    requests: &Requests,
    measured: Measured,
    question: Option<&Question>,
    theta: Option<f64>,
) -> Row {
    let baseline = question.map(|question| question.baseline);
    Row {
        name: requests.name.clone(),
        metric: measured,
        baseline,
        run: question.map(|question| question.run),
        change: None,
        tolerance: tolerance_of(measured, baseline.unwrap_or(SHORT_MS), theta),
        is_tested: requests.name.is_none() && TESTED.contains(&measured),
        pairs: None,
    }
}

/// The change that is allowed of a measure that usually has this value. `theta` is the share that somebody set.
pub(super) fn tolerance_of(measured: Measured, value: f64, theta: Option<f64>) -> Tolerance {
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

/// What is asked of one row: the difference of logarithms, or of percentages.
struct Question {
    measured: Measured,
    baseline: f64,
    run: f64,
    difference: Difference,
}

impl Question {
    fn of(
        baseline: &[Figures],
        run: &Figures,
        requests: &Requests,
        measured: Measured,
    ) -> Option<Self> {
        let name = requests.name.as_deref();
        let usual: Vec<Sample> = baseline
            .iter()
            .filter_map(|figures| sample(figures, figures.row(name)?, measured))
            .collect();
        let own = sample(run, requests, measured)?;
        let difference = Difference::of(&usual, &own, prior_of(measured))?;
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
            ends.map_or(Ends::UNKNOWN, |(low, high)| {
                Ends::between(shown(low), shown(high))
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

fn is_share(measured: Measured) -> bool {
    measured == Measured::ErrorRate
}

/// What the blocks of a run tell of a measure: its logarithm, so that a difference is a ratio; or a percentage.
fn sample(figures: &Figures, requests: &Requests, measured: Measured) -> Option<Sample> {
    let blocks = &requests.series(measured)?.blocks;
    let known: Vec<f64> = blocks.iter().flatten().copied().collect();
    if (known.len() as f64) < TELL * blocks.len() as f64 {
        return None;
    }
    if is_share(measured) {
        return Sample::of(&known).map(|sample| at_least_binomial(sample, requests.requests));
    }
    let least = match measured {
        // A block in which nothing was answered is told as if half a request had been.
        Measured::Throughput => 0.5 / figures.block_s.max(f64::MIN_POSITIVE),
        _ => f64::MIN_POSITIVE,
    };
    let logarithms: Vec<f64> = known.iter().map(|value| value.max(least).ln()).collect();
    Sample::of(&logarithms)
}

/// A share is no surer than so many independent requests make it, even where none failed.
fn at_least_binomial(sample: Sample, requests: u64) -> Sample {
    let count = (requests as f64).max(1.0);
    let share = sample.mean / 100.0;
    let least = (share * (1.0 - share) + 1.0 / count) / count * 1e4;
    Sample {
        variance: sample.variance.max(least),
        ..sample
    }
}

/// The noise that is expected of a measure; `None` if nothing is known about it.
pub(super) fn prior_of(measured: Measured) -> Option<Prior> {
    let is_known = measured.percentile().is_some() || measured == Measured::Throughput;
    is_known.then_some(Prior {
        deviation: 0.007,
        freedom: 2.0,
    })
}

#[cfg(test)]
mod tests {
    use super::super::{Outcome, Series};
    use super::*;

    /// A run whose blocks go up and down by 2 %.
    fn figures(names: usize, of: impl Fn(Measured) -> Option<f64>) -> Figures {
        let series = |measured: Measured| {
            let value = of(measured)?;
            let wobble = |at: usize| 1.0 + ((at * 7_919 % 101) as f64 / 50.0 - 1.0) * 0.02;
            Some(Series {
                metric: measured,
                blocks: (0..30)
                    .map(|at| Some((value * wobble(at) * 1e4).round() / 1e4))
                    .collect(),
            })
        };
        let requests = |name: Option<String>| Requests {
            name,
            requests: 100_000,
            series: Measured::ALL.into_iter().filter_map(series).collect(),
        };
        let named = (0..names).map(|at| requests(Some(format!("/items/{at}"))));
        Figures {
            block_s: 4.0,
            rows: std::iter::once(requests(None)).chain(named).collect(),
        }
    }

    /// A service whose figures are all these.
    fn value(measured: Measured) -> f64 {
        match measured {
            Measured::Throughput => 100.0,
            Measured::ErrorRate => 0.0,
            Measured::P50 => 0.5,
            _ => 20.0,
        }
    }

    fn usual(runs: usize, names: usize) -> Vec<Figures> {
        vec![figures(names, |it| Some(value(it))); runs]
    }

    fn outcome(baseline: usize, measured: Measured, factor: f64) -> Outcome {
        let changed = |it: Measured| {
            let factor = if it == measured { factor } else { 1.0 };
            Some(value(it) * factor)
        };
        let found = compare(&usual(baseline, 0), &figures(0, changed), None);
        let row = found.rows.iter().find(|row| row.metric == measured);
        row.unwrap().outcome()
    }

    #[test]
    fn prior_noise_is_known_for_response_times_and_throughput_alone() {
        for measured in Measured::ALL {
            let is_unknown = matches!(
                measured,
                Measured::CpuPerRequest | Measured::Memory | Measured::ErrorRate
            );
            assert_eq!(prior_of(measured).is_none(), is_unknown, "{measured:?}");
        }
        let baseline = [0.0, 1e-5, -1e-5].map(|mean| Sample {
            mean,
            variance: 1e-6,
            freedom: 29.0,
        });
        let run = Sample {
            mean: 0.1,
            ..baseline[0]
        };
        let low = |prior| {
            Difference::of(&baseline, &run, prior)
                .unwrap()
                .ends(0.025)
                .unwrap()
                .0
        };
        assert!(low(prior_of(Measured::P95)) < 0.095);
        assert!(low(None) >= 0.095);
    }

    #[test]
    fn worse_has_a_direction_and_a_margin() {
        for (measured, factor, expected) in [
            (Measured::P95, 1.1, Outcome::Worse),
            (Measured::P95, 0.9, Outcome::Better),
            (Measured::P95, 1.02, Outcome::Same),
            (Measured::P95, 1.05, Outcome::NotEnoughData),
            (Measured::Throughput, 0.9, Outcome::Worse),
            (Measured::Throughput, 1.1, Outcome::Better),
            (Measured::P50, 1.07, Outcome::Same),
            (Measured::P50, 1.2, Outcome::Worse),
            (Measured::Memory, 1.2, Outcome::Worse),
        ] {
            let found = outcome(3, measured, factor);
            assert_eq!(found, expected, "{measured:?} times {factor}");
        }
        assert_eq!(outcome(0, Measured::P95, 2.0), Outcome::NotEnoughData);
    }

    #[test]
    fn errors_are_compared_by_points() {
        let rate =
            |percent: f64| figures(0, move |it| (it == Measured::ErrorRate).then_some(percent));
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
    fn names_are_shown_and_not_tested() {
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
                assert_eq!(change.interval(), Ends::UNKNOWN, "{row:?}");
                assert_eq!(row.outcome(), Outcome::NotEnoughData);
            }
        }
    }

    #[test]
    fn tested_rows_share_the_risk_and_others_do_not() {
        let width = |measured: Measured, of: &[Measured]| {
            let of = |it: Measured| of.contains(&it).then(|| value(it));
            let found = compare(&vec![figures(0, of); 3], &figures(0, of), None);
            let mut rows = found.rows.iter();
            let row = rows.find(|row| row.metric == measured).unwrap();
            let interval = row.change.unwrap().interval();
            interval.high.unwrap() - interval.low.unwrap()
        };
        let alone = width(Measured::P50, &[Measured::P50]);
        let among = width(Measured::P50, &TESTED);
        assert!(among > 1.5 * alone, "{alone} {among}");
        let shown = |of| width(Measured::P99, of);
        let (few, many) = (shown(&[Measured::P99]), shown(&Measured::ALL));
        assert!((few - many).abs() < 1e-12, "{few} {many}");
    }

    #[test]
    fn a_run_that_is_too_short_says_so() {
        let mut run = usual(1, 0).remove(0);
        for series in &mut run.rows[0].series {
            series.blocks.truncate(19);
        }
        let found = compare(&usual(3, 0), &run, None);
        let mut rows = found.rows.iter();
        assert!(rows.all(|row| row.outcome() == Outcome::NotEnoughData && row.change.is_none()));
    }

    #[test]
    fn three_runs_of_ten_names_fit_a_small_file() {
        let runs = vec![figures(10, |it| Some(value(it) * 7.0)); 3];
        let text = serde_json::to_string(&runs).unwrap();
        assert!(text.len() < 80_000, "{} bytes", text.len());
        let read: Vec<Figures> = serde_json::from_str(&text).unwrap();
        assert_eq!(read, runs);
    }
}
