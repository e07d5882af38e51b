//! The rows of a comparison, and their joint outcome.

use crate::comparison::metric::ComparedMetric;
use crate::comparison::outcome::{Change, ChangeInterval, Outcome, Tolerance};
use crate::stats::run_difference;

/// A run compared with a baseline.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// All requests first, then each name.
    pub rows: Vec<ComparisonRow>,
    /// Knowledge about the noise between the baseline's runs.
    pub between_runs: BetweenRuns,
}

/// Knowledge about the noise between a baseline's runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BetweenRuns {
    /// The noise is part of the intervals.
    Known {
        /// Number of runs in the baseline.
        runs: usize,
    },
    /// Fewer than three runs: there are no intervals, and no row is decided.
    Unknown {
        /// Number of runs in the baseline.
        runs: usize,
    },
}

impl BetweenRuns {
    /// The knowledge that a number of runs gives.
    pub fn of(runs: usize) -> Self {
        if runs < run_difference::RUNS_MIN {
            Self::Unknown { runs }
        } else {
            Self::Known { runs }
        }
    }
}

/// One metric of some requests.
#[derive(Debug, Clone, PartialEq)]
pub struct ComparisonRow {
    /// Name of the requests; `None`: all.
    pub name: Option<String>,
    /// The metric.
    pub metric: ComparedMetric,
    /// The baseline's value from which the change was computed; `None` if there is not enough data.
    pub baseline: Option<f64>,
    /// The run's value from which the change was computed.
    pub run: Option<f64>,
    /// The change; `None` if there is not enough data.
    pub change: Option<Change>,
    /// The largest change that does not count as a difference.
    pub tolerance: Tolerance,
    /// Whether it decides. Others are only shown, and among many of them, some are worse by chance.
    pub is_tested: bool,
    /// In an A/B test: the number of pairs of blocks from which the row was computed.
    pub pairs: Option<usize>,
}

impl ComparisonRow {
    /// The outcome that the shown interval implies.
    pub fn outcome(&self) -> Outcome {
        self.change.map_or(Outcome::NotEnoughData, |change| {
            change.outcome(self.metric, self.tolerance)
        })
    }

    /// The change in words: `+12 % (+9 to +15)`; `None` if there is not enough data.
    pub fn change_in_words(&self) -> Option<String> {
        self.change.map(Change::in_words)
    }

    /// Keeps the values and drops the interval.
    pub(crate) fn leave_undecided(&mut self) {
        self.change = self
            .change
            .map(|change| change.with(ChangeInterval::UNKNOWN));
    }
}

impl Comparison {
    /// Returns whether any tested metric is worse.
    pub fn is_worse(&self) -> bool {
        self.outcome() == Outcome::Worse
    }

    /// The outcome of all tested rows: worse if any is, and known only if all are.
    pub fn outcome(&self) -> Outcome {
        Outcome::of_all(self.tested().map(ComparisonRow::outcome))
    }

    /// Returns whether any tested row is decided.
    pub fn tells_anything(&self) -> bool {
        let mut tested = self.tested();
        tested.any(|row| row.outcome() != Outcome::NotEnoughData)
    }

    /// The rows that decide.
    pub fn tested(&self) -> impl Iterator<Item = &ComparisonRow> {
        self.rows.iter().filter(|row| row.is_tested)
    }

    /// Keeps the values and drops the intervals, because the run does not describe the service.
    pub(crate) fn leave_undecided(&mut self) {
        self.rows
            .iter_mut()
            .for_each(ComparisonRow::leave_undecided);
    }
}
