//! The result of a run: what its targets come to together.

use brunt_record::{RunRecord, StoppedBy};

use crate::grade::{Grade, Possible};
use crate::row::Row;
use crate::stall;

/// The result of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunResult {
    /// The targets decide: good or acceptable only if every applicable target is decided and nothing is
    /// missed; poor or critical as soon as one target is; inconclusive or not applicable otherwise.
    Graded(Grade),
    /// No target was asked, and requests were answered: there is nothing to pass or fail.
    NoTargets,
    /// No request was ever answered, so nothing of the service was measured.
    NothingAnswered,
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
        Self::NothingAnswered,
        Self::Invalid,
    ];

    /// Its name in files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Graded(grade) => grade.name(),
            Self::NoTargets => "no_targets",
            Self::NothingAnswered => "nothing_answered",
            Self::Invalid => "invalid",
        }
    }

    /// Its name in reports: the state word with which the headline begins, unless the run is incomplete or worse than a
    /// baseline.
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::Graded(grade) => grade.in_words(),
            Self::NoTargets => "no targets",
            Self::NothingAnswered => "nothing answered",
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
            Self::NothingAnswered => 8,
        }
    }

    /// The result, or inconclusive if the question is open and nothing was missed.
    pub(crate) const fn unless(self, is_open: bool) -> Self {
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

/// How a run ended, as far as its result depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Completion {
    /// The load was played as planned, or as far as the scenario or a target asked for.
    Complete,
    /// The user stopped the run, or the record has no ending: what came later was never measured.
    CutShort,
    /// The service stopped answering, and the run ended for it or before it answered again.
    ServiceStopped,
}

impl Completion {
    pub(crate) fn of(record: &RunRecord) -> Self {
        match record.ending.as_ref().map(|ending| ending.stopped_by) {
            Some(StoppedBy::EverythingFailed | StoppedBy::TargetEnded) => Self::ServiceStopped,
            _ if stall::for_good(record).is_some() => Self::ServiceStopped,
            None | Some(StoppedBy::Interrupted | StoppedBy::Terminated) => Self::CutShort,
            _ => Self::Complete,
        }
    }
}

/// What the rows of a valid run with answers come to.
pub(crate) fn of_rows(rows: &[Row], completion: Completion) -> RunResult {
    if completion == Completion::ServiceStopped {
        return RunResult::Graded(Grade::Critical);
    }
    if rows.is_empty() {
        return RunResult::NoTargets;
    }
    let Some(possible) = possible(rows) else {
        return RunResult::Graded(Grade::NotApplicable);
    };
    let missed = decided(rows).max().filter(|grade| *grade >= Grade::Poor);
    let grade = match missed {
        Some(missed) => missed,
        None if completion == Completion::CutShort => Grade::Inconclusive,
        None => possible.decided().unwrap_or(Grade::Inconclusive),
    };
    RunResult::Graded(grade)
}

/// The grades that the applicable rows leave possible together; `None` if no row is applicable.
pub(crate) fn possible(rows: &[Row]) -> Option<Possible> {
    let applicable = rows.iter().filter_map(Row::possible);
    applicable.reduce(Possible::and)
}

fn decided(rows: &[Row]) -> impl Iterator<Item = Grade> {
    rows.iter().filter_map(|row| row.possible()?.decided())
}
