//! The rows of a comparison, and what they come to together.

use crate::comparison::metric::ComparedMetric;
use crate::comparison::outcome::{Change, ChangeInterval, Outcome, Tolerance};
use crate::stats::run_difference;

/// A run compared with a baseline.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// All requests first, then each name.
    pub rows: Vec<ComparisonRow>,
    /// What is known of the noise between the baseline's runs.
    pub between_runs: BetweenRuns,
}

/// What is known of the differences between a baseline's runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BetweenRuns {
    /// It is part of the intervals.
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
    /// What a number of runs shows.
    pub fn of(runs: usize) -> Self {
        if runs < run_difference::RUNS_MIN {
            Self::Unknown { runs }
        } else {
            Self::Known { runs }
        }
    }
}

/// One measure of some requests.
#[derive(Debug, Clone, PartialEq)]
pub struct ComparisonRow {
    /// The requests' name; `None`: all.
    pub name: Option<String>,
    /// What was measured.
    pub metric: ComparedMetric,
    /// The baseline's value from which the change was computed; `None` if there is not enough data for one.
    pub baseline: Option<f64>,
    /// The run's value from which the change was computed.
    pub run: Option<f64>,
    /// The change from the one to the other; `None` if there is not enough data for it.
    pub change: Option<Change>,
    /// The largest change that does not count as a difference.
    pub tolerance: Tolerance,
    /// Whether it decides. Others are shown, and among many of them some are worse by chance.
    pub is_tested: bool,
    /// Of two builds in one sitting: the number of pairs of blocks from which the row was computed.
    pub pairs: Option<usize>,
}

impl ComparisonRow {
    /// The outcome that the shown interval implies.
    pub fn outcome(&self) -> Outcome {
        self.change.map_or(Outcome::NotEnoughData, |change| {
            change.outcome(self.metric, self.tolerance)
        })
    }

    /// How it changed, in words: `+12 % (+9 to +15)`; `None` if there is not enough data for that.
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
    /// Whether the run is worse: any row that is tested.
    pub fn is_worse(&self) -> bool {
        self.outcome() == Outcome::Worse
    }

    /// The outcome of the tested rows together: worse if any is, and known only if all are.
    pub fn outcome(&self) -> Outcome {
        Outcome::of_all(self.tested().map(ComparisonRow::outcome))
    }

    /// Whether any tested row is decided.
    pub fn tells_anything(&self) -> bool {
        let mut tested = self.tested();
        tested.any(|row| row.outcome() != Outcome::NotEnoughData)
    }

    /// The rows that decide.
    pub fn tested(&self) -> impl Iterator<Item = &ComparisonRow> {
        self.rows.iter().filter(|row| row.is_tested)
    }

    /// Keeps the values and drops the intervals: the run says nothing about the service.
    pub(crate) fn leave_undecided(&mut self) {
        self.rows
            .iter_mut()
            .for_each(ComparisonRow::leave_undecided);
    }
}
