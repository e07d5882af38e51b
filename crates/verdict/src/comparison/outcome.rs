//! Changes with their intervals, and the outcome that an interval implies. The interval that reports show is
//! the one that decides: there is no second test that could contradict it.

use crate::comparison::metric::ComparedMetric;
use crate::number;

/// The ends of an interval; `None`: open, nothing is excluded on that side.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ChangeInterval {
    /// Lower end.
    pub low: Option<f64>,
    /// Upper end.
    pub high: Option<f64>,
}

impl ChangeInterval {
    /// An interval that excludes nothing, because the noise is unknown.
    pub const UNKNOWN: Self = Self {
        low: None,
        high: None,
    };

    /// An interval with both ends.
    pub const fn between(low: f64, high: f64) -> Self {
        Self {
            low: Some(low),
            high: Some(high),
        }
    }

    pub(crate) fn map(self, of: impl Fn(f64) -> f64) -> Self {
        Self {
            low: self.low.map(&of),
            high: self.high.map(&of),
        }
    }

    /// The interval of the negated values.
    pub(crate) fn negated(self) -> Self {
        Self {
            low: self.high.map(|high| -high),
            high: self.low.map(|low| -low),
        }
    }
}

/// The change of a metric, with the interval that decides.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Change {
    /// The run's value divided by the baseline's.
    Ratio {
        /// The ratio.
        ratio: f64,
        /// The ratios that chance explains.
        interval: ChangeInterval,
    },
    /// The run's value minus the baseline's, in percentage points: for error rates, which may be zero.
    Points {
        /// The difference.
        by: f64,
        /// The differences that chance explains.
        interval: ChangeInterval,
    },
}

/// The largest change that does not count as a difference.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Tolerance {
    /// Proportion of the baseline's value (0 to 1).
    Share(f64),
    /// Percentage points.
    Points(f64),
}

/// The outcome of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The whole interval is worse than the tolerance allows.
    Worse,
    /// The whole interval is better than the tolerance.
    Better,
    /// The whole interval is within the tolerance, both ways.
    Same,
    /// Nothing in the interval is worse than the tolerance allows; whether it is better is not known.
    NotWorse,
    /// The interval contains tolerated and other changes.
    NotEnoughData,
}

impl Outcome {
    /// Name in files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Worse => "worse",
            Self::Better => "better",
            Self::Same => "same",
            Self::NotWorse => "not_worse",
            Self::NotEnoughData => "not_enough_data",
        }
    }

    /// Name in reports.
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::NotWorse => "not worse",
            Self::NotEnoughData => "not enough data",
            other => other.name(),
        }
    }

    /// The outcome of several rows: worse if any is, known only if all are.
    pub(crate) fn of_all(outcomes: impl Iterator<Item = Self>) -> Self {
        let all: Vec<Self> = outcomes.collect();
        if all.is_empty() {
            return Self::NotEnoughData;
        }
        let strongest = [
            Self::Worse,
            Self::NotEnoughData,
            Self::Better,
            Self::NotWorse,
        ];
        let found = strongest.into_iter().find(|outcome| all.contains(outcome));
        found.unwrap_or(Self::Same)
    }
}

impl Change {
    /// The same change with another interval.
    #[must_use]
    pub(crate) fn with(self, interval: ChangeInterval) -> Self {
        match self {
            Self::Ratio { ratio, .. } => Self::Ratio { ratio, interval },
            Self::Points { by, .. } => Self::Points { by, interval },
        }
    }

    /// The interval.
    pub const fn interval(self) -> ChangeInterval {
        match self {
            Self::Ratio { interval, .. } | Self::Points { interval, .. } => interval,
        }
    }

    /// The interval as a difference from no change, in the tolerance's unit, with the sign changed so that higher is
    /// worse.
    fn turned(self, measured: ComparedMetric) -> ChangeInterval {
        let ends = match self {
            Self::Ratio { interval, .. } => interval.map(|ratio| ratio - 1.0),
            Self::Points { interval, .. } => interval,
        };
        if measured.is_better_when_higher() {
            ends.negated()
        } else {
            ends
        }
    }

    /// The outcome that the interval implies.
    pub fn outcome(self, measured: ComparedMetric, tolerance: Tolerance) -> Outcome {
        let (Tolerance::Share(allowed) | Tolerance::Points(allowed)) = tolerance;
        let ChangeInterval { low, high } = self.turned(measured);
        if low.is_some_and(|low| low > allowed) {
            Outcome::Worse
        } else if high.is_some_and(|high| high < -allowed) {
            Outcome::Better
        } else if high.is_none_or(|high| high > allowed) {
            Outcome::NotEnoughData
        } else if low.is_some_and(|low| low >= -allowed) {
            Outcome::Same
        } else {
            Outcome::NotWorse
        }
    }

    /// The smallest tolerance under which the outcome would be "not worse"; `None` if the interval is open.
    pub(crate) fn tolerable(self, measured: ComparedMetric) -> Option<f64> {
        self.turned(measured).high
    }

    /// The change and its interval, in percent of the baseline or in percentage points.
    pub fn in_words(self) -> String {
        let interval = if self.interval() == ChangeInterval::UNKNOWN {
            "interval unknown".to_owned()
        } else {
            self.interval_in_words()
        };
        format!("{} ({interval})", self.by_in_words())
    }

    /// The change alone: `+12.3 %`.
    pub fn by_in_words(self) -> String {
        match self {
            Self::Ratio { ratio, .. } => format!("{} %", number::signed((ratio - 1.0) * 100.0)),
            Self::Points { by, .. } => format!("{} points", number::signed(by)),
        }
    }

    /// The interval alone, in the unit of the change: `+9 to +15.6`.
    pub fn interval_in_words(self) -> String {
        let ends = match self {
            Self::Ratio { interval, .. } => interval.map(|ratio| (ratio - 1.0) * 100.0),
            Self::Points { interval, .. } => interval,
        };
        match (ends.low.map(number::signed), ends.high.map(number::signed)) {
            (Some(low), Some(high)) => format!("{low} to {high}"),
            (Some(low), None) => format!("≥ {low}"),
            (None, Some(high)) => format!("≤ {high}"),
            (None, None) => "unknown".to_owned(),
        }
    }
}

impl Tolerance {
    /// In words: `5 %`, `0.1 points`.
    pub fn in_words(self) -> String {
        match self {
            Self::Share(share) => format!("{} %", number::measured(share * 100.0)),
            Self::Points(points) => format!("{} points", number::measured(points)),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ratio(ratio: f64, low: f64, high: f64) -> Change {
        Change::Ratio {
            ratio,
            interval: ChangeInterval::between(low, high),
        }
    }

    #[test]
    fn change_has_a_sign() {
        for (change, words) in [
            (ratio(1.123, 1.09, 1.156), "+12.3 % (+9 to +15.6)"),
            (ratio(0.5, 0.4, 1.0), "−50 % (−60 to 0)"),
            (
                Change::Points {
                    by: 0.25,
                    interval: ChangeInterval::between(-0.013, 0.5),
                },
                "+0.25 points (−0.01 to +0.5)",
            ),
            (
                Change::Ratio {
                    ratio: 1.256,
                    interval: ChangeInterval::UNKNOWN,
                },
                "+25.6 % (interval unknown)",
            ),
            (
                ratio(1.1, 1.0, 1.2).with(ChangeInterval {
                    low: None,
                    high: Some(1.2),
                }),
                "+10 % (≤ +20)",
            ),
        ] {
            assert_eq!(change.in_words(), words);
        }
    }

    #[test]
    fn interval_beyond_or_within_the_tolerance_decides() {
        use Outcome::{Better, NotEnoughData, NotWorse, Same, Worse};
        for (low, high, slower, less) in [
            (1.06, 1.3, Worse, Better),
            (1.04, 1.3, NotEnoughData, NotWorse),
            (0.96, 1.04, Same, Same),
            (0.9, 1.04, NotWorse, NotEnoughData),
            (0.8, 0.94, Better, Worse),
            (0.8, 1.2, NotEnoughData, NotEnoughData),
            (0.951, 1.049, Same, Same),
        ] {
            let change = ratio(1.0, low, high);
            let outcome = |measured| change.outcome(measured, Tolerance::Share(0.05));
            assert_eq!(outcome(ComparedMetric::P95), slower, "{low} to {high}");
            assert_eq!(outcome(ComparedMetric::Throughput), less, "{low} to {high}");
        }
        let unknown = ratio(9.0, 8.0, 10.0).with(ChangeInterval::UNKNOWN);
        let outcome = unknown.outcome(ComparedMetric::P95, Tolerance::Share(0.05));
        assert_eq!(outcome, NotEnoughData);
    }

    fn any_end() -> impl Strategy<Value = Option<f64>> {
        proptest::option::weighted(0.9, 0.2f64..3.0)
    }

    proptest! {
        /// Compares each end with the tolerance, as a reader does.
        #[test]
        fn outcome_never_contradicts_the_shown_interval(
            ends in (any_end(), any_end()), theta in 0.0f64..0.5, at in 0..ComparedMetric::ALL.len(),
        ) {
            let (low, high) = match ends {
                (Some(one), Some(other)) => (Some(one.min(other)), Some(one.max(other))),
                ends => ends,
            };
            let measured = ComparedMetric::ALL[at];
            let change = Change::Ratio { ratio: 1.0, interval: ChangeInterval { low, high } };
            let slower = !measured.is_better_when_higher();
            let [low, high] = [low, high].map(|end| end.map(|ratio| ratio - 1.0));
            let [gentle, harsh] = if slower { [low, high] } else { [high, low] };
            let sign = if slower { 1.0 } else { -1.0 };
            let gentle = gentle.map(|end| end * sign);
            let harsh = harsh.map(|end| end * sign);
            let outcome = change.outcome(measured, Tolerance::Share(theta));
            prop_assert_eq!(outcome == Outcome::Worse, gentle.is_some_and(|end| end > theta));
            let is_fine = harsh.is_some_and(|end| end <= theta);
            let said_fine = matches!(outcome, Outcome::Better | Outcome::Same | Outcome::NotWorse);
            prop_assert_eq!(said_fine, is_fine && outcome != Outcome::Worse);
            if outcome == Outcome::Same {
                prop_assert!(gentle.is_some_and(|end| end >= -theta));
            }
            if outcome == Outcome::Better {
                prop_assert!(harsh.is_some_and(|end| end < -theta));
            }
        }

        #[test]
        fn all_rows_together_are_worse_only_if_one_is(picked in proptest::collection::vec(0usize..5, 0..9)) {
            use Outcome::{Better, NotEnoughData, NotWorse, Same, Worse};
            let all: Vec<Outcome> =
                picked.into_iter().map(|at| [Worse, Better, Same, NotWorse, NotEnoughData][at]).collect();
            let together = Outcome::of_all(all.iter().copied());
            prop_assert_eq!(together == Worse, all.contains(&Worse));
            if matches!(together, Better | Same | NotWorse) {
                prop_assert!(!all.is_empty() && !all.contains(&NotEnoughData));
            }
            if together == Same {
                prop_assert!(all.iter().all(|outcome| *outcome == Same));
            }
        }
    }
}
