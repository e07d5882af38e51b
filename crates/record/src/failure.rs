//! Failures: counts by request name and kind, with one example each.

use serde::{Deserialize, Serialize};

use crate::{FailureKind, NameId};

/// Count of the failures of one kind among requests of one name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The requests' name.
    pub name: NameId,
    /// Kind of failure.
    pub kind: FailureKind,
    /// Status code, or error number of the operating system; 0 if neither applies.
    pub code: u16,
    /// Number of failures.
    pub count: u64,
    /// Time of the first failure, in milliseconds of the run's clock.
    pub first_ms: u64,
    /// Time of the last failure, in milliseconds of the run's clock.
    pub last_ms: u64,
    /// Text that describes one of them.
    pub example: Option<String>,
}

impl Failure {
    /// The kind and its code, such as "status 503".
    pub fn in_words(&self) -> String {
        match self.code {
            0 => self.kind.name().to_owned(),
            code => format!("{} {code}", self.kind.name()),
        }
    }

    fn is_like(&self, other: &Self) -> bool {
        (self.name, self.kind, self.code) == (other.name, other.kind, other.code)
    }

    /// Adds it to a list that contains each (name, kind, code) once.
    pub(crate) fn add_to(&self, failures: &mut Vec<Self>) {
        match failures.iter_mut().find(|known| known.is_like(self)) {
            Some(known) => {
                known.count = known.count.saturating_add(self.count);
                known.first_ms = known.first_ms.min(self.first_ms);
                known.last_ms = known.last_ms.max(self.last_ms);
                if known.example.is_none() {
                    known.example.clone_from(&self.example);
                }
            }
            None => failures.push(self.clone()),
        }
    }
}
