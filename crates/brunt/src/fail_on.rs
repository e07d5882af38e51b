//! When a run fails: from which grade on, and whether what is not decided counts.

use report::Severity;
use verdict::{Beside, Grade, Verdict};

use crate::exit::Exit;

/// When a run fails.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct Bar {
    /// From this grade on a run fails, with exit code 1
    #[arg(long, value_enum, default_value_t = FailOn::Poor, value_name = "GRADE")]
    fail_on: FailOn,
    /// Fail on targets that are not decided, too
    #[arg(long)]
    strict: bool,
}

/// From which grade on a run fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum FailOn {
    Poor,
    Critical,
    Never,
}

impl Bar {
    /// What no run fails on.
    pub(crate) const NONE: Self = Self {
        fail_on: FailOn::Never,
        strict: false,
    };

    /// The same for reports.
    pub(crate) fn severity(self) -> Severity {
        Severity {
            failed_from: match self.fail_on {
                FailOn::Poor => Some(Grade::Poor),
                FailOn::Critical => Some(Grade::Critical),
                FailOn::Never => None,
            },
            is_strict: self.strict,
        }
    }

    /// What a graded run ends with.
    pub(crate) fn exit(self, worst: Grade, verdict: &Verdict) -> Exit {
        let beside = verdict.beside.as_ref();
        if beside.is_some_and(|beside| beside.comparison.is_worse()) || !self.passes(worst, verdict)
        {
            return Exit::TargetsMissed;
        }
        beside.map_or(Exit::Passed, |beside| unless_worse(beside, self.strict))
    }

    fn passes(self, worst: Grade, verdict: &Verdict) -> bool {
        let undecided = verdict
            .judgements
            .iter()
            .any(|row| row.grade == Grade::Inconclusive);
        let missed = match self.fail_on {
            FailOn::Poor => matches!(worst, Grade::Poor | Grade::Critical),
            FailOn::Critical => worst == Grade::Critical,
            FailOn::Never => false,
        };
        !(missed || self.strict && undecided)
    }
}

/// What a comparison ends with that shows nothing worse: where it tells nothing at all, it did not pass;
/// nor, `strict`, where it leaves anything open.
pub(crate) fn unless_worse(beside: &Beside, strict: bool) -> Exit {
    let comparison = &beside.comparison;
    let is_open = comparison.outcome() == verdict::comparison::Outcome::NotEnoughData;
    if !comparison.tells_anything() || strict && is_open {
        Exit::NotEnoughData
    } else {
        Exit::Passed
    }
}
