//! Errors of evaluation.

use crate::data::Exhausted;

/// Reason why an expression has no value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EvalError {
    /// No row is left, and the user stops.
    StopUser,
    /// No row is left, and the test stops.
    StopTest,
    /// The expression cannot be evaluated, with the reason.
    Failed(String),
    /// A data file cannot be read or has changed since the run began, with the reason.
    Unreadable(String),
}

impl EvalError {
    pub(crate) fn failed(text: impl Into<String>) -> Self {
        Self::Failed(text.into())
    }
}

impl From<Exhausted> for EvalError {
    fn from(exhausted: Exhausted) -> Self {
        match exhausted {
            Exhausted::StopUser => Self::StopUser,
            Exhausted::StopTest => Self::StopTest,
        }
    }
}
