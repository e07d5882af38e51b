//! Grades: how well a target was met.

use serde::Serialize;

/// The grade of a target, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Grade {
    /// The target was met.
    Good,
    /// The target was missed, and the acceptable threshold was met.
    Acceptable,
    /// The acceptable threshold was missed.
    Poor,
    /// The critical threshold was reached.
    Critical,
    /// The data do not decide the grade.
    Inconclusive,
    /// The load could never decide the target.
    NotApplicable,
}

impl Grade {
    /// Name in files.
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

    /// Name in reports.
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::NotApplicable => "not applicable",
            other => other.name(),
        }
    }

    /// Returns whether the data decide the grade.
    pub const fn is_decided(self) -> bool {
        !matches!(self, Self::Inconclusive | Self::NotApplicable)
    }
}

/// The range of grades that are possible according to the data, from good to critical. A threshold that is not set
/// excludes nothing.
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

    /// The range in words although the grade is undecided; `None` if nothing is known.
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
