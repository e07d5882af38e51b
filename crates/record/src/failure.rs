//! Failures: how often each kind happened to each name, with one example.

use serde::{Deserialize, Serialize};

use crate::{FailureKind, NameId};

/// How often requests of one name failed in one way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The requests' name.
    pub name: NameId,
    /// What happened.
    pub kind: FailureKind,
    /// The status, or the operating system's error number; 0 where neither applies.
    pub code: u16,
    /// How often.
    pub count: u64,
    /// When it was first seen, in milliseconds of the run's clock.
    pub first_ms: u64,
    /// When it was last seen, in milliseconds of the run's clock.
    pub last_ms: u64,
    /// What one of them looked like.
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

    /// Adds a failure to a list that holds each (name, kind, code) once.
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
