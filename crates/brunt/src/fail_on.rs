//! The grade from which a run fails.

use brunt_verdict::{Conclusion, FailOn};

use crate::exit::Exit;

/// The grade from which a run fails.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct FailOnOption {
    /// Exit with code 1 from this grade on; never: exit with 0 whenever a report is written
    #[arg(long, value_enum, default_value_t = Level::Poor, value_name = "GRADE")]
    fail_on: Level,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Level {
    Poor,
    Critical,
    Never,
}

impl FailOnOption {
    /// The same for verdicts and reports.
    pub(crate) fn level(self) -> FailOn {
        match self.fail_on {
            Level::Poor => FailOn::Poor,
            Level::Critical => FailOn::Critical,
            Level::Never => FailOn::Never,
        }
    }
}

impl From<Conclusion> for Exit {
    fn from(conclusion: Conclusion) -> Self {
        match conclusion {
            Conclusion::Passed => Self::Passed,
            Conclusion::Missed => Self::TargetsMissed,
            Conclusion::Inconclusive => Self::Inconclusive,
            Conclusion::Invalid => Self::NotValid,
            Conclusion::NothingAnswered => Self::NothingMeasured,
        }
    }
}
