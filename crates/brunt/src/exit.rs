//! Exit codes, and the failures that lead to them.

use std::io::Write;

use brunt_scenario::ScenarioError;
use brunt_verdict::Conclusion;

/// Summary of `docs/exit-codes.md` for `--help`.
pub(crate) const EXIT_CODES: &str = "\
Exit codes:
    0  passed, or no target is set and requests succeeded
    1  a target was missed, all requests failed, or the run is worse
       than its baseline, or build B is worse than build A
    2  invalid input: scenario, options, or runs that cannot be compared
    3  the run is invalid: it does not show how fast the service is
    4  nothing was measured: no response, or the setup failed
    5  inconclusive: a target is undecided, or no target applies
   70  internal error, or a file could not be written
  130  second Ctrl-C";

/// Outcome of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    Passed,
    TargetsMissed,
    WrongInput,
    NotValid,
    NothingMeasured,
    Inconclusive,
    Internal,
    Interrupted,
}

impl Exit {
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Passed => Conclusion::Passed.exit_code(),
            Self::TargetsMissed => Conclusion::Missed.exit_code(),
            Self::WrongInput => 2,
            Self::NotValid => Conclusion::Invalid.exit_code(),
            Self::NothingMeasured => Conclusion::NoResponse.exit_code(),
            Self::Inconclusive => Conclusion::Inconclusive.exit_code(),
            Self::Internal => 70,
            Self::Interrupted => 130,
        }
    }

    /// Returns the more severe outcome.
    pub(crate) fn worse(self, other: Self) -> Self {
        let rank = |exit: Self| match exit {
            Self::Passed => 0,
            Self::Inconclusive => 1,
            Self::TargetsMissed => 2,
            Self::NotValid => 3,
            Self::NothingMeasured => 4,
            Self::WrongInput => 5,
            Self::Internal => 6,
            Self::Interrupted => 7,
        };
        if rank(other) > rank(self) {
            other
        } else {
            self
        }
    }
}

/// Reason why a command did not complete.
#[derive(Debug)]
pub(crate) enum Failure {
    Scenario(Box<ScenarioError>),
    Input(String),
    NothingMeasured(String),
    /// Ctrl-C or SIGTERM arrived first.
    Stopped(String),
    Internal(anyhow::Error),
}

impl Failure {
    /// Message without formatting.
    pub(crate) fn into_message(self) -> String {
        match self {
            Self::Scenario(error) => error.to_string(),
            Self::Input(message) | Self::NothingMeasured(message) | Self::Stopped(message) => {
                message
            }
            Self::Internal(error) => format!("{error:#}"),
        }
    }

    /// Prints the error, and returns the outcome.
    pub(crate) fn print(self) -> Exit {
        match self {
            Self::Scenario(error) => {
                print_note(&format!("{:?}", miette::Report::new(*error)));
                Exit::WrongInput
            }
            Self::Input(message) => {
                print_error(&message);
                Exit::WrongInput
            }
            Self::NothingMeasured(message) => {
                print_error(&message);
                Exit::NothingMeasured
            }
            Self::Stopped(message) => {
                print_error(&message);
                Exit::Interrupted
            }
            Self::Internal(error) => {
                print_error(&format!("{error:#}"));
                Exit::Internal
            }
        }
    }
}

/// Prints an error to standard error.
pub(crate) fn print_error(message: &str) {
    let style = anstyle::Style::new()
        .bold()
        .fg_color(Some(anstyle::AnsiColor::Red.into()));
    print_note(&format!("{style}error:{style:#} {message}"));
}

/// Prints a line to standard error, which may be closed.
pub(crate) fn print_note(message: &str) {
    writeln!(anstream::stderr(), "{message}").ok();
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Internal(error)
    }
}

impl From<ScenarioError> for Failure {
    fn from(error: ScenarioError) -> Self {
        Self::Scenario(Box::new(error))
    }
}

impl From<Conclusion> for Exit {
    fn from(conclusion: Conclusion) -> Self {
        match conclusion {
            Conclusion::Passed => Self::Passed,
            Conclusion::Missed => Self::TargetsMissed,
            Conclusion::Inconclusive => Self::Inconclusive,
            Conclusion::Invalid => Self::NotValid,
            Conclusion::NoResponse => Self::NothingMeasured,
        }
    }
}
