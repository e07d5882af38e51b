//! A run beside the runs of a baseline, row by row. A block is the sample, not a request: requests of one
//! stall are slow together, and know too much of each other. What is asked of all requests is tested; what
//! is asked of single names is shown.

use super::difference::{Difference, RUNS_MIN};
use super::row::{BetweenRuns, Change, Comparison, Outcome, Row};
use super::sample::Sample;
use super::{Figures, Measured, Requests, holm};
use crate::Interval;

/// The risk that any tested row is called worse by chance, where all are worse by just what is allowed; and
/// that of each end of an interval.
const RISK: f64 = 0.025;
/// A difference by this share is none.
const THETA: f64 = 0.05;
/// The same of percentiles under a millisecond, where a clock's tick and a cache line are seen.
const THETA_SHORT: f64 = 0.1;
/// Shorter than this, in milliseconds.
const SHORT_MS: f64 = 1.0;
/// A difference of error rates by this is none, in points of percent: a share of next to nothing is nothing.
pub(super) const POINTS: f64 = 0.1;
/// Of a run's blocks, so many have to tell.
const TELL: f64 = 0.75;

/// Compares a run with those of a baseline. A difference by less than `theta`, a share, is none; unless it
/// is set, that is 5 %, and 10 % of percentiles under a millisecond.
pub fn compare(baseline: &[Figures], run: &Figures, theta: Option<f64>) -> Comparison {
    let mut rows = Vec::new();
    let mut asked = Vec::new();
    for requests in &run.rows {
        for measured in requests.series.iter().map(|series| series.measured) {
            let question = Question::of(baseline, run, requests, measured);
            let (row, question) = question.map_or_else(
                || (nothing(requests, measured, theta), None),
                |question| (question.row(requests, theta), Some(question)),
            );
            rows.push(row);
            asked.push(question);
        }
    }
    decide(&mut rows, &asked);
    let runs = baseline.len();
    let between_runs = if runs < RUNS_MIN {
        BetweenRuns::Unknown { runs }
    } else {
        BetweenRuns::Known { runs }
    };
    Comparison { rows, between_runs }
}

fn nothing(requests: &Requests, measured: Measured, theta: Option<f64>) -> Row {
    Row {
        name: requests.name.clone(),
        measured,
        baseline: None,
        run: None,
        change: None,
        theta: theta.unwrap_or(THETA),
        outcome: Outcome::NotEnoughData,
        is_tested: requests.name.is_none(),
    }
}

fn decide(rows: &mut [Row], asked: &[Option<Question>]) {
    let open: Vec<usize> = (0..rows.len())
        .filter(|at| rows[*at].is_tested && asked[*at].is_some())
        .collect();
    let chances = |better: bool| -> Vec<f64> {
        let all = rows.iter().zip(asked);
        let chance = |(row, question): (&Row, &Option<Question>)| {
            let question = question.as_ref()?;
            Some(question.chance(row.theta, better))
        };
        all.map(|pair| chance(pair).unwrap_or(1.0)).collect()
    };
    let believed = |chances: &[f64]| -> Vec<bool> {
        let tested: Vec<f64> = open.iter().map(|at| chances[*at]).collect();
        let mut all: Vec<bool> = chances.iter().map(|chance| *chance <= RISK).collect();
        for (at, is_believed) in open.iter().zip(holm::believed(&tested, RISK)) {
            all[*at] = is_believed;
        }
        all
    };
    let (worse, better) = (believed(&chances(false)), believed(&chances(true)));
    for (at, row) in rows.iter_mut().enumerate() {
        let Some(question) = &asked[at] else {
            continue;
        };
        row.outcome = if worse[at] {
            Outcome::Worse
        } else if better[at] {
            Outcome::Better
        } else if question.is_within(row.theta) {
            Outcome::Same
        } else {
            Outcome::NotEnoughData
        };
    }
}

/// By which share a measure may differ from such a value, unless somebody says.
pub(super) fn theta_of(measured: Measured, value: f64) -> f64 {
    if measured.percentile().is_some() && value < SHORT_MS {
        THETA_SHORT
    } else {
        THETA
    }
}

/// What is asked of one row: the difference, turned so that more is worse. It is one of logarithms, or of
/// percent.
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
        let difference = Difference::of(&usual, &own)?;
        let of_baseline = own.mean - difference.mean;
        let shown = |mean: f64| if is_share(measured) { mean } else { mean.exp() };
        Some(Self {
            measured,
            baseline: shown(of_baseline),
            run: shown(own.mean),
            difference: difference.turned(measured.worse()),
        })
    }

    fn row(&self, requests: &Requests, theta: Option<f64>) -> Row {
        Row {
            baseline: Some(self.baseline),
            run: Some(self.run),
            change: Some(self.change()),
            theta: theta.unwrap_or_else(|| theta_of(self.measured, self.baseline)),
            ..nothing(requests, self.measured, theta)
        }
    }

    fn change(&self) -> Change {
        let difference = self.difference.clone().turned(self.measured.worse());
        let (low, high) = difference.ends(RISK);
        if is_share(self.measured) {
            return Change::Points {
                by: difference.mean,
                interval: Interval {
                    low,
                    high: Some(high),
                },
            };
        }
        Change::Ratio {
            ratio: difference.mean.exp(),
            interval: Interval {
                low: low.exp(),
                high: Some(high.exp()),
            },
        }
    }

    fn margin(&self, theta: f64) -> f64 {
        if is_share(self.measured) {
            POINTS.max(theta * self.baseline)
        } else {
            theta.ln_1p()
        }
    }

    fn chance(&self, theta: f64, better: bool) -> f64 {
        let margin = self.margin(theta);
        if better {
            self.difference.chance_not_under(-margin)
        } else {
            self.difference.chance_not_over(margin)
        }
    }

    fn is_within(&self, theta: f64) -> bool {
        let (low, high) = self.difference.ends(RISK);
        let margin = self.margin(theta);
        low > -margin && high < margin
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

#[cfg(test)]
mod tests {
    use super::super::Series;
    use super::*;

    /// A run whose blocks go up and down by 2 %.
    fn figures(names: usize, of: impl Fn(Measured) -> Option<f64>) -> Figures {
        let series = |measured: Measured| {
            let value = of(measured)?;
            let wobble = |at: usize| 1.0 + ((at * 7_919 % 101) as f64 / 50.0 - 1.0) * 0.02;
            Some(Series {
                measured,
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
        let row = found.rows.iter().find(|row| row.measured == measured);
        row.unwrap().outcome
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
            let found = compare(&[rate(before), rate(before)], &rate(after), None);
            found.rows[0].outcome
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
        let found = compare(&usual(2, 1), &run, None);
        assert!(!found.is_worse());
        let named = found.rows.iter().filter(|row| row.name.is_some());
        assert!(named.clone().all(|row| !row.is_tested));
        assert!(named.clone().any(|row| row.outcome == Outcome::Worse));
        assert_eq!(found.between_runs, BetweenRuns::Unknown { runs: 2 });
    }

    #[test]
    fn a_run_that_is_too_short_says_so() {
        let mut run = usual(1, 0).remove(0);
        for series in &mut run.rows[0].series {
            series.blocks.truncate(19);
        }
        let found = compare(&usual(3, 0), &run, None);
        let mut rows = found.rows.iter();
        assert!(rows.all(|row| row.outcome == Outcome::NotEnoughData && row.change.is_none()));
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
