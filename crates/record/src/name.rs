//! Names that requests are grouped by, interned so that the hot path passes a number.

use serde::{Deserialize, Serialize};

use crate::Outcome;

/// Position of a request name in the run's list of names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NameId(pub u32);

impl NameId {
    /// Index in the list of names.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// A selection of requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope<'a> {
    /// All requests except the set-up, and requests of `on_start` that failed.
    All,
    /// The requests of one name.
    Name(NameId),
    /// The requests of several names together, each name once.
    Names(&'a [NameId]),
}

/// An entry of the run's list of names.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RequestName {
    /// Name that requests are grouped by.
    pub name: String,
    /// HTTP method.
    pub method: String,
    /// Whether it belongs to the set-up, which is shown but not judged.
    pub setup: bool,
    /// Kind of the named thing.
    #[serde(default)]
    pub kind: NameKind,
}

/// The kind of thing that a name stands for.
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
    /// Values of a custom metric, which are counted as response times in milliseconds.
    Metric,
    /// Requests of `on_start`, which a user sends before its tasks. They belong to the set-up. If one fails, its user does
    /// not start, and it counts as a failure among all requests.
    Start,
}

impl RequestName {
    /// Whether its requests belong to [`Scope::All`], with any outcome.
    pub fn is_judged(&self) -> bool {
        !self.setup && self.kind == NameKind::Request
    }

    /// Title among other names, as reports show it: with the method if requests of other methods have the same name.
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

    /// Whether its requests with this outcome belong to [`Scope::All`].
    pub fn is_judged_as(&self, outcome: Outcome) -> bool {
        self.is_judged() || self.kind == NameKind::Start && outcome != Outcome::Ok
    }

    /// Whether it names requests, not groups or values.
    pub fn is_of_requests(&self) -> bool {
        matches!(self.kind, NameKind::Request | NameKind::Start)
    }

    /// Title as reports show it: set-up requests are marked.
    pub fn title(&self) -> String {
        match self.kind {
            NameKind::Start => format!("[on_start] {}", self.name),
            _ if self.setup => format!("[setup] {}", self.name),
            _ => self.name.clone(),
        }
    }
}
