//! Data that the monitor could not read. The run continues without it, and reports list it.

use serde::{Deserialize, Serialize};

/// Descriptions of the missing data, each with the file that would contain it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Unavailable {
    /// Data of the process under test.
    pub target: Vec<String>,
    /// Data of each other process, in the order of [`crate::Generator::additional_targets`].
    pub additional_targets: Vec<Vec<String>>,
    /// Data of the machine.
    pub machine: Vec<String>,
}

/// The monitored process or machine whose data is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject<'a> {
    /// The process under test.
    Target,
    /// The machine that brunt runs on.
    Machine,
    /// The additional process with this name.
    AdditionalTarget(&'a str),
}

impl<'a> Subject<'a> {
    /// Name in files.
    pub fn name(self) -> &'a str {
        match self {
            Self::Target => "target",
            Self::Machine => "machine",
            Self::AdditionalTarget(name) => name,
        }
    }

    /// Name in texts.
    pub fn description(self) -> &'a str {
        match self {
            Self::Target => "the process under test",
            Self::Machine => "the machine",
            Self::AdditionalTarget(name) => name,
        }
    }
}

impl Unavailable {
    /// The missing data of each subject, without subjects whose data is complete. `names` are the names of the additional
    /// processes.
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
        .filter(|(_, missing)| !missing.is_empty())
        .map(|(subject, missing)| (subject, missing.as_slice()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_subjects_with_missing_data_are_listed() {
        let unavailable = Unavailable {
            target: vec!["threads".into()],
            additional_targets: vec![vec![], vec!["disk".into(), "network".into()]],
            machine: vec![],
        };
        let listed: Vec<_> = unavailable.each(["cache", "db"]).collect();
        let subjects: Vec<&str> = listed
            .iter()
            .map(|(subject, _)| subject.description())
            .collect();
        assert_eq!(subjects, ["the process under test", "db"]);
        assert_eq!(listed[0].0.name(), "target");
        assert_eq!(listed[1].1, ["disk", "network"]);
    }
}
