//! The result of a run: what the grades of its targets amount to.

use crate::model::grade::Grade;

/// The result of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunResult {
    /// The targets decide: good or acceptable only if every applicable target is decided and nothing is
    /// missed; poor or critical as soon as one target is; inconclusive or not applicable otherwise.
    Graded(Grade),
    /// No target was asked, and requests were answered: there is nothing to pass or fail.
    NoTargets,
    /// No request was ever answered, so nothing of the service was measured.
    NoResponse,
    /// The generator or its machine distorted the run, so that it does not describe the service.
    Invalid,
}

impl RunResult {
    /// Every result, in the order in which legends list them.
    pub const ALL: [Self; 9] = [
        Self::Graded(Grade::Good),
        Self::Graded(Grade::Acceptable),
        Self::Graded(Grade::Poor),
        Self::Graded(Grade::Critical),
        Self::Graded(Grade::Inconclusive),
        Self::Graded(Grade::NotApplicable),
        Self::NoTargets,
        Self::NoResponse,
        Self::Invalid,
    ];

    /// Its name in files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Graded(grade) => grade.name(),
            Self::NoTargets => "no_targets",
            Self::NoResponse => "nothing_answered",
            Self::Invalid => "invalid",
        }
    }

    /// Its name in reports: the state word with which the headline begins, unless the run is incomplete or worse than a
    /// baseline.
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::Graded(grade) => grade.in_words(),
            Self::NoTargets => "no targets",
            Self::NoResponse => "nothing answered",
            Self::Invalid => "invalid",
        }
    }

    /// Its rank among the results of several runs: the result of all runs is the one with the highest rank,
    /// so that several runs are good only if each of them is.
    pub const fn rank(self) -> u8 {
        match self {
            Self::Graded(Grade::Good) => 0,
            Self::NoTargets => 1,
            Self::Graded(Grade::Acceptable) => 2,
            Self::Graded(Grade::NotApplicable) => 3,
            Self::Graded(Grade::Inconclusive) => 4,
            Self::Graded(Grade::Poor) => 5,
            Self::Graded(Grade::Critical) => 6,
            Self::Invalid => 7,
            Self::NoResponse => 8,
        }
    }

    /// The result, or inconclusive if the question is open and nothing was missed.
    pub(crate) const fn or_inconclusive_if(self, is_open: bool) -> Self {
        if is_open && !self.is_missed() {
            Self::Graded(Grade::Inconclusive)
        } else {
            self
        }
    }

    /// Whether a target was missed at poor or worse.
    pub const fn is_missed(self) -> bool {
        matches!(self, Self::Graded(Grade::Poor | Grade::Critical))
    }
}
