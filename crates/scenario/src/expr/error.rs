//! Errors of evaluation.

use crate::data::Exhausted;

/// Why an expression gives no value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Halt {
    /// There is no row left for the user, who stops.
    StopUser,
    /// There is no row left, and the test stops.
    StopTest,
    /// It cannot be evaluated; why.
    Failed(String),
    /// A file of data cannot be read, or is not what it was when the run began; why.
    Unreadable(String),
}

impl Halt {
    pub(crate) fn failed(text: impl Into<String>) -> Self {
        Self::Failed(text.into())
    }
}

impl From<Exhausted> for Halt {
    fn from(exhausted: Exhausted) -> Self {
        match exhausted {
            Exhausted::StopUser => Self::StopUser,
            Exhausted::StopTest => Self::StopTest,
        }
    }
}
