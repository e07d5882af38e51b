//! When a run fails: from which grade on, and whether what is not decided counts.

use verdict::{Grade, Verdict};

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
    /// What a graded run ends with.
    pub(crate) fn exit(self, worst: Grade, verdict: &Verdict) -> Exit {
        if self.passes(worst, verdict) {
            Exit::Passed
        } else {
            Exit::TargetsMissed
        }
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
