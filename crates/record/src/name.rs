//! Names: what requests are grouped by, interned so that the hot path carries a number.

use serde::{Deserialize, Serialize};

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

/// A row of the run's table of names.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RequestName {
    /// The name that requests are grouped by.
    pub name: String,
    /// The HTTP method.
    pub method: String,
    /// Whether it belongs to the set-up: shown, and not judged.
    pub setup: bool,
}

impl RequestName {
    /// As reports show it: set-up requests are marked.
    pub fn title(&self) -> String {
        if self.setup {
            format!("[setup] {}", self.name)
        } else {
            self.name.clone()
        }
    }
}
