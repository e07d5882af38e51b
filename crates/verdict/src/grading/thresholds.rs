//! Thresholds: from three thresholds to one grade. Each threshold is tested separately and may be undecided; the
//! grade follows from the results.
//!
//! Every threshold is optional. Without `acceptable`, a missed target is poor. Without `target`, the best grade is
//! acceptable; with `critical` alone, every value that does not reach it is good. Without `critical`, the worst grade
//! is poor.

use brunt_record::{Metric, Target, ThresholdKind};

use crate::grading::evidence_gap::EvidenceGap;
use crate::model::grade::{Grade, PossibleGrades};

/// A threshold, with the comparison that meets it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Threshold {
    /// A value must be better than it.
    Limit(f64),
    /// A value must not be worse than it.
    Critical(f64),
}

impl Threshold {
    /// The threshold of a target that a kind names, if it is set.
    pub(crate) fn of(target: &Target, kind: ThresholdKind) -> Option<Self> {
        let level = target.threshold(kind)?;
        Some(match kind {
            ThresholdKind::Critical => Self::Critical(level),
            ThresholdKind::Target | ThresholdKind::Acceptable => Self::Limit(level),
        })
    }

    /// The threshold, in the metric's unit.
    pub(crate) fn level(self) -> f64 {
        match self {
            Self::Limit(level) | Self::Critical(level) => level,
        }
    }

    /// Returns whether a value of the metric meets it.
    pub(crate) fn is_met_by(self, value: f64, metric: Metric) -> bool {
        let (better, worse) = if metric.is_better_when_higher() {
            (value > self.level(), value < self.level())
        } else {
            (value < self.level(), value > self.level())
        };
        match self {
            Self::Limit(_) => better,
            Self::Critical(_) => !worse,
        }
    }
}

/// The result of testing one threshold.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum ThresholdResult {
    /// The threshold is met.
    Met,
    /// It is missed.
    Missed,
    /// The data do not decide.
    Undecided(EvidenceGap),
}

impl From<bool> for ThresholdResult {
    fn from(met: bool) -> Self {
        if met { Self::Met } else { Self::Missed }
    }
}

/// A target that its thresholds do not decide.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct UndecidedTarget {
    /// The reason.
    pub(crate) gap: EvidenceGap,
    /// The grades that are still possible.
    pub(crate) possible: PossibleGrades,
}

/// The grade that follows from the results of a target's thresholds, or the reason why none does.
///
/// A threshold that is certainly missed decides the stricter ones as well, whatever their own results: a service that
/// cannot serve 20 requests per second cannot serve 100. "Not critical" needs no certainty if a better threshold is
/// missed: the grade is at least poor.
pub(crate) fn grade(
    target: &Target,
    ask: impl Fn(Threshold) -> ThresholdResult,
) -> Result<Grade, UndecidedTarget> {
    use ThresholdResult::{Met, Missed, Undecided};
    let limit = |level: Option<f64>| level.map(|level| ask(Threshold::Limit(level)));
    let critical = target.critical.map(|level| ask(Threshold::Critical(level)));
    let (goal, acceptable) = (limit(target.target), limit(target.acceptable));
    let possible = |best| PossibleGrades {
        best,
        worst: match (&acceptable, &critical) {
            (Some(Met), _) => Grade::Acceptable,
            (_, Some(Met)) => Grade::Poor,
            _ => Grade::Critical,
        },
    };
    let open = |gap: &EvidenceGap, best| {
        Err(UndecidedTarget {
            gap: gap.clone(),
            possible: possible(best),
        })
    };
    match (&goal, &acceptable, &critical) {
        (_, _, Some(Missed)) => Ok(Grade::Critical),
        (_, Some(Missed), _) | (Some(Missed), None, _) => Ok(Grade::Poor),
        (Some(Met), _, _) | (None, None, Some(Met)) => Ok(Grade::Good),
        (Some(Missed) | None, Some(Met), _) => Ok(Grade::Acceptable),
        (Some(Missed), Some(Undecided(gap)), _) => open(gap, Grade::Acceptable),
        (Some(Undecided(gap)), ..)
        | (None, Some(Undecided(gap)), _)
        | (None, None, Some(Undecided(gap))) => open(gap, Grade::Good),
        (None, None, None) => open(
            &EvidenceGap::new("no threshold is set").and("set target, acceptable or critical"),
            Grade::Good,
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(metric: Metric, levels: [Option<f64>; 3]) -> Target {
        let [target, acceptable, critical] = levels;
        Target {
            metric,
            scope: None,
            target,
            acceptable,
            critical,
            stop_at: None,
        }
    }

    fn graded(metric: Metric, levels: [Option<f64>; 3], value: f64) -> Grade {
        let ask = |threshold: Threshold| ThresholdResult::from(threshold.is_met_by(value, metric));
        grade(&target(metric, levels), ask).unwrap()
    }

    #[test]
    fn each_combination_of_thresholds_has_its_grade() {
        use Grade::{Acceptable, Critical, Good, Poor};
        const VALUES: [f64; 7] = [99.0, 100.0, 150.0, 200.0, 300.0, 500.0, 501.0];
        let (t, a, c) = (Some(100.0), Some(200.0), Some(500.0));
        for (levels, grades) in [
            (
                [t, a, c],
                [Good, Acceptable, Acceptable, Poor, Poor, Poor, Critical],
            ),
            ([t, None, None], [Good, Poor, Poor, Poor, Poor, Poor, Poor]),
            (
                [None, a, None],
                [Acceptable, Acceptable, Acceptable, Poor, Poor, Poor, Poor],
            ),
            (
                [None, None, c],
                [Good, Good, Good, Good, Good, Good, Critical],
            ),
            (
                [t, a, None],
                [Good, Acceptable, Acceptable, Poor, Poor, Poor, Poor],
            ),
            ([t, None, c], [Good, Poor, Poor, Poor, Poor, Poor, Critical]),
            (
                [None, a, c],
                [
                    Acceptable, Acceptable, Acceptable, Poor, Poor, Poor, Critical,
                ],
            ),
        ] {
            for (value, expected) in VALUES.into_iter().zip(grades) {
                assert_eq!(
                    graded(Metric::Mean, levels, value),
                    expected,
                    "{value} of {levels:?}"
                );
            }
        }
    }

    #[test]
    fn more_throughput_is_better() {
        let levels = [Some(100.0), Some(50.0), Some(20.0)];
        for (value, expected) in [
            (100.1, Grade::Good),
            (100.0, Grade::Acceptable),
            (50.1, Grade::Acceptable),
            (50.0, Grade::Poor),
            (20.0, Grade::Poor),
            (19.9, Grade::Critical),
        ] {
            assert_eq!(
                graded(Metric::Throughput, levels, value),
                expected,
                "{value}"
            );
        }
    }

    fn answers(answers: &[ThresholdResult; 3]) -> Result<Grade, UndecidedTarget> {
        let all = target(Metric::Mean, [Some(1.0), Some(2.0), Some(3.0)]);
        grade(&all, |threshold| {
            let at = match threshold {
                Threshold::Limit(level) if level < 1.5 => 0,
                Threshold::Limit(_) => 1,
                Threshold::Critical(_) => 2,
            };
            answers[at].clone()
        })
    }

    #[test]
    fn undecided_threshold_matters_only_if_the_grade_depends_on_it() {
        use ThresholdResult::{Met, Missed, Undecided};
        let open = || Undecided(EvidenceGap::new("too little"));
        let possible = |answer: [ThresholdResult; 3]| {
            let undecided = answers(&answer).unwrap_err();
            assert_eq!(undecided.gap.reason(), "too little");
            undecided.possible.in_words()
        };
        assert_eq!(answers(&[open(), open(), Missed]), Ok(Grade::Critical));
        assert_eq!(answers(&[open(), Missed, open()]), Ok(Grade::Poor));
        assert_eq!(answers(&[Missed, Met, open()]), Ok(Grade::Acceptable));
        for (answers, known) in [
            ([open(), open(), open()], None),
            ([open(), open(), Met], Some("poor or better")),
            ([open(), Met, Met], Some("at least acceptable")),
            ([open(), Met, open()], Some("at least acceptable")),
            ([Missed, open(), open()], Some("acceptable at best")),
            ([Missed, open(), Met], Some("acceptable or poor")),
        ] {
            assert_eq!(possible(answers.clone()), known, "{answers:?}");
        }
    }

    #[test]
    fn without_thresholds_nothing_is_decided() {
        let none = target(Metric::Mean, [None; 3]);
        let gap = grade(&none, |_| ThresholdResult::Met).unwrap_err().gap;
        assert_eq!(
            gap.reason(),
            "no threshold is set; set target, acceptable or critical"
        );
    }
}
