//! Grades: how well a target was met.

use serde::Serialize;

/// How well a target was met, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Grade {
    /// The target was met.
    Good,
    /// The target was missed, the acceptable threshold met.
    Acceptable,
    /// The acceptable threshold was missed.
    Poor,
    /// The critical threshold was reached.
    Critical,
    /// The data do not decide.
    Inconclusive,
    /// The load could never decide it.
    NotApplicable,
}

impl Grade {
    /// Its name in files and reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Acceptable => "acceptable",
            Self::Poor => "poor",
            Self::Critical => "critical",
            Self::Inconclusive => "inconclusive",
            Self::NotApplicable => "not_applicable",
        }
    }

    /// Its name in reports.
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::NotApplicable => "not applicable",
            other => other.name(),
        }
    }

    /// Whether the data decide it.
    pub const fn is_decided(self) -> bool {
        !matches!(self, Self::Inconclusive | Self::NotApplicable)
    }
}

/// The grades that the data leave possible, from good to critical. A threshold that is not set rules out
/// nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PossibleGrades {
    /// The best of them.
    pub best: Grade,
    /// The worst of them.
    pub worst: Grade,
}

impl PossibleGrades {
    /// The only possible grade.
    pub(crate) const fn only(grade: Grade) -> Self {
        Self {
            best: grade,
            worst: grade,
        }
    }

    /// The grade, if only one is possible.
    pub fn decided(self) -> Option<Grade> {
        (self.best == self.worst).then_some(self.best)
    }

    /// The grades that are possible for the worse of two targets.
    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            best: self.best.max(other.best),
            worst: self.worst.max(other.worst),
        }
    }

    /// What is known although the grade is not decided; `None` if nothing is.
    pub fn in_words(self) -> Option<&'static str> {
        match (self.best, self.worst) {
            (Grade::Good, Grade::Acceptable) => Some("at least acceptable"),
            (Grade::Good, Grade::Poor) => Some("poor or better"),
            (Grade::Acceptable, Grade::Poor) => Some("acceptable or poor"),
            (Grade::Acceptable, _) => Some("acceptable at best"),
            (Grade::Poor, _) => Some("poor at best"),
            _ => None,
        }
    }
}
