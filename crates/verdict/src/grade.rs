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
    /// The data do not decide, or the load was never offered.
    Inconclusive,
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
        }
    }
}
