//! What a comparison comes to, row by row.

use super::Measured;
use crate::{Interval, number};

/// What a run is beside a baseline.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// All requests first, then each name.
    pub rows: Vec<Row>,
    /// What the baseline knows of the noise between runs.
    pub between_runs: BetweenRuns,
}

/// What a baseline knows of how its runs differ from each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BetweenRuns {
    /// It is in the intervals.
    Known {
        /// The baseline's runs.
        runs: usize,
    },
    /// With fewer than three runs nothing: intervals are those of these runs alone, and too narrow for others.
    Unknown {
        /// The baseline's runs.
        runs: usize,
    },
}

/// One measure of some requests.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The requests' name; `None`: all.
    pub name: Option<String>,
    /// What was measured.
    pub measured: Measured,
    /// In a usual block of the baseline; `None` where it does not tell.
    pub baseline: Option<f64>,
    /// In a usual block of the run.
    pub run: Option<f64>,
    /// From the one to the other; `None` where there is not enough data for it.
    pub change: Option<Change>,
    /// A difference by this share is none.
    pub theta: f64,
    /// What it comes to.
    pub outcome: Outcome,
    /// Whether a run is judged by it: that of all requests. Others are shown, and among many of them some
    /// are worse by chance.
    pub is_tested: bool,
}

/// How a measure changed, with its interval of 95 %.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Change {
    /// The run's over the baseline's.
    Ratio {
        /// The ratio.
        ratio: f64,
        /// The ratios that chance explains.
        interval: Interval,
    },
    /// The run's less the baseline's, in points of percent: for error rates, which may be zero.
    Points {
        /// The difference.
        by: f64,
        /// The differences that chance explains.
        interval: Interval,
    },
}

/// What a row comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Worse by more than θ, beyond chance.
    Worse,
    /// Better by more than θ, beyond chance.
    Better,
    /// Within θ, beyond chance.
    Same,
    /// None of these is beyond chance.
    NotEnoughData,
}

impl Outcome {
    /// Its name in files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Worse => "worse",
            Self::Better => "better",
            Self::Same => "same",
            Self::NotEnoughData => "not_enough_data",
        }
    }

    /// Its name in reports.
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::NotEnoughData => "not enough data",
            other => other.name(),
        }
    }
}

impl Comparison {
    /// Whether the run is worse: any row that is tested.
    pub fn is_worse(&self) -> bool {
        self.outcome() == Outcome::Worse
    }

    /// What the tested rows come to: worse where any is, and known only where all are.
    pub fn outcome(&self) -> Outcome {
        let has = |outcome| self.tested().any(|row| row.outcome == outcome);
        if has(Outcome::Worse) {
            Outcome::Worse
        } else if has(Outcome::NotEnoughData) || self.tested().next().is_none() {
            Outcome::NotEnoughData
        } else if has(Outcome::Better) {
            Outcome::Better
        } else {
            Outcome::Same
        }
    }

    /// Whether any tested row is known.
    pub fn tells_anything(&self) -> bool {
        let mut tested = self.tested();
        tested.any(|row| row.outcome != Outcome::NotEnoughData)
    }

    /// The rows by which a run is judged.
    pub fn tested(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(|row| row.is_tested)
    }

    /// The values stay, the outcomes go: the run says nothing of the service.
    pub(crate) fn leave_undecided(&mut self) {
        for row in &mut self.rows {
            row.outcome = Outcome::NotEnoughData;
        }
    }
}

impl Row {
    /// How it changed, in words: `+12 % (+9 to +15 %)`; `None` where there is not enough data for that.
    pub fn change_in_words(&self) -> Option<String> {
        self.change.map(Change::in_words)
    }
}

impl Change {
    /// The change and its interval in words, as percent of the baseline or as points of percent.
    pub fn in_words(self) -> String {
        let (by, interval, unit, scale) = match self {
            Self::Ratio { ratio, interval } => (ratio - 1.0, interval, "%", 1.0),
            Self::Points { by, interval } => (by, interval, "points", 0.0),
        };
        let percent = |value: f64| number::signed(if scale > 0.0 { value * 100.0 } else { value });
        let low = percent(interval.low - scale);
        let high = interval.high.map(|high| percent(high - scale));
        let high = high.unwrap_or_else(|| "more".into());
        format!("{} {unit} ({low} to {high})", percent(by))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_have_signs() {
        let interval = |low, high| Interval {
            low,
            high: Some(high),
        };
        for (change, words) in [
            (
                Change::Ratio {
                    ratio: 1.123,
                    interval: interval(1.09, 1.156),
                },
                "+12.3 % (+9 to +15.6)",
            ),
            (
                Change::Ratio {
                    ratio: 0.5,
                    interval: interval(0.4, 1.0),
                },
                "−50 % (−60 to 0)",
            ),
            (
                Change::Points {
                    by: 0.25,
                    interval: interval(-0.013, 0.5),
                },
                "+0.25 points (−0.01 to +0.5)",
            ),
        ] {
            assert_eq!(change.in_words(), words);
        }
    }
}
