//! What the monitor could not see: it goes on without, and says so.

use serde::{Deserialize, Serialize};

/// What could not be seen: in words, with the file that would tell it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Unavailable {
    /// Of the process under test.
    pub target: Vec<String>,
    /// Of the others, each, in the order of [`crate::Generator::additional_targets`].
    pub additional_targets: Vec<Vec<String>>,
    /// Of the machine.
    pub machine: Vec<String>,
}

/// Of whom something could not be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject<'a> {
    /// The process under test.
    Target,
    /// The machine that brunt runs on.
    Machine,
    /// What was watched under this name.
    AdditionalTarget(&'a str),
}

impl<'a> Subject<'a> {
    /// Its name in files.
    pub fn name(self) -> &'a str {
        match self {
            Self::Target => "target",
            Self::Machine => "machine",
            Self::AdditionalTarget(name) => name,
        }
    }

    /// As people read it.
    pub fn description(self) -> &'a str {
        match self {
            Self::Target => "the process under test",
            Self::Machine => "the machine",
            Self::AdditionalTarget(name) => name,
        }
    }
}

impl Unavailable {
    /// What could not be seen, of whom; those of whom all was seen are left out. `names` are those of what was
    /// watched beside.
    pub fn each<'a>(
        &'a self,
        names: impl IntoIterator<Item = &'a str>,
    ) -> impl Iterator<Item = (Subject<'a>, &'a [String])> {
        let additional = names
            .into_iter()
            .map(Subject::AdditionalTarget)
            .zip(&self.additional_targets);
        [
            (Subject::Target, &self.target),
            (Subject::Machine, &self.machine),
        ]
        .into_iter()
        .chain(additional)
        .filter(|(_, what)| !what.is_empty())
        .map(|(subject, what)| (subject, what.as_slice()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_said_of_whom() {
        let unavailable = Unavailable {
            target: vec!["threads".into()],
            additional_targets: vec![vec![], vec!["disk".into(), "network".into()]],
            machine: vec![],
        };
        let said: Vec<_> = unavailable.each(["cache", "db"]).collect();
        let words: Vec<&str> = said
            .iter()
            .map(|(subject, _)| subject.description())
            .collect();
        assert_eq!(words, ["the process under test", "db"]);
        assert_eq!(said[0].0.name(), "target");
        assert_eq!(said[1].1, ["disk", "network"]);
    }
}
