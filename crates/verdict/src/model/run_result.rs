//! The result of a run: what the grades of its targets amount to.

use crate::model::grade::Grade;

/// The result of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunResult {
    /// The targets decide: good or acceptable only if every applicable target is decided and nothing is missed; poor
    /// or critical as soon as one target is; inconclusive or not applicable otherwise.
    Graded(Grade),
    /// No targets are set, and there were responses: the run can neither pass nor fail.
    NoTargets,
    /// No request got a response, so nothing was measured.
    NoResponse,
    /// The generator or its machine distorted the run, so that it does not describe the service.
    Invalid,
}

impl RunResult {
    /// All results, in the order of legends.
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

    /// Name in files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Graded(grade) => grade.name(),
            Self::NoTargets => "no_targets",
            Self::NoResponse => "no_response",
            Self::Invalid => "invalid",
        }
    }

    /// Name in reports: the state word at the beginning of the headline, unless the run is incomplete or worse than a
    /// baseline.
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::Graded(grade) => grade.in_words(),
            Self::NoTargets => "no targets",
            Self::NoResponse => "no response",
            Self::Invalid => "invalid",
        }
    }

    /// Rank among the results of several runs. The result of all runs is the one with the highest rank, so several
    /// runs are good only if each of them is.
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

    /// Returns inconclusive if the question is open and no target was missed.
    pub(crate) const fn or_inconclusive_if(self, is_open: bool) -> Self {
        if is_open && !self.is_missed() {
            Self::Graded(Grade::Inconclusive)
        } else {
            self
        }
    }

    /// Returns whether a target was missed with grade poor or critical.
    pub const fn is_missed(self) -> bool {
        matches!(self, Self::Graded(Grade::Poor | Grade::Critical))
    }
}
