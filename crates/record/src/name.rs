//! Names: what requests are grouped by, interned so that the hot path carries a number.

use serde::{Deserialize, Serialize};

use crate::Outcome;

/// The place of a request name in the run's table of names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NameId(pub u32);

impl NameId {
    /// As an index into the table of names.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// Which requests are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope<'a> {
    /// All but the set-up; requests of `on_start` that failed are among them.
    All,
    /// Those of one name.
    Name(NameId),
    /// Those of several names, together: each name once.
    Names(&'a [NameId]),
}

/// A row of the run's table of names.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RequestName {
    /// The name that requests are grouped by.
    pub name: String,
    /// The HTTP method.
    pub method: String,
    /// Whether it belongs to the set-up: shown, and not judged.
    pub setup: bool,
    /// What it names.
    #[serde(default)]
    pub kind: NameKind,
}

/// What a name stands for.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum NameKind {
    /// Requests.
    #[default]
    Request,
    /// Groups of steps, each timed as one: their durations are counted as response times.
    Group,
    /// Values of a metric of the user's own: they are counted as response times of as many milliseconds.
    Metric,
    /// Requests of `on_start`, that a user does before its tasks. They belong to the set-up; one that fails keeps its user
    /// from starting, and counts among all requests as one that failed.
    Start,
}

impl RequestName {
    /// Whether it is among what is judged as all requests.
    pub fn is_judged(&self) -> bool {
        !self.setup && self.kind == NameKind::Request
    }

    /// As reports show it beside others: the name, with the method if requests of other methods have the same name.
    pub fn title_among(&self, all: &[Self]) -> String {
        let is_shared = all.iter().any(|other| {
            (&other.name, other.setup, other.kind) == (&self.name, self.setup, self.kind)
                && other.method != self.method
        });
        if is_shared {
            format!("{} {}", self.method, self.title())
        } else {
            self.title()
        }
    }

    /// Whether a request that ended so is among what is judged as all requests.
    pub fn is_judged_as(&self, outcome: Outcome) -> bool {
        self.is_judged() || self.kind == NameKind::Start && outcome != Outcome::Ok
    }

    /// Whether it names requests, rather than groups or values.
    pub fn is_of_requests(&self) -> bool {
        matches!(self.kind, NameKind::Request | NameKind::Start)
    }

    /// As reports show it: set-up requests are marked.
    pub fn title(&self) -> String {
        match self.kind {
            NameKind::Start => format!("[on_start] {}", self.name),
            _ if self.setup => format!("[setup] {}", self.name),
            _ => self.name.clone(),
        }
    }
}
