//! Checks the dependencies between the crates of the workspace. Data flows one way, so a crate may only depend on
//! crates before it.

use std::collections::BTreeSet;

use cargo_metadata::{DependencyKind, Metadata};

use super::finding::Finding;

/// Each crate with the crates that it may depend on.
const MAY_DEPEND_ON: &[(&str, &[&str])] = &[
    ("brunt-application-agent", &[]),
    ("brunt-bench", &["brunt-testbed"]),
    (
        "brunt",
        &[
            "brunt-application-agent",
            "brunt-engine",
            "brunt-import",
            "brunt-monitor",
            "brunt-record",
            "brunt-report",
            "brunt-scenario",
            "brunt-verdict",
        ],
    ),
    ("brunt-engine", &["brunt-record", "brunt-scenario"]),
    // For the names of secrets, and for tests that parse the imported scenarios.
    ("brunt-import", &["brunt-scenario"]),
    ("brunt-monitor", &["brunt-record"]),
    (
        "brunt-validation",
        &["brunt-record", "brunt-testbed", "brunt-verdict"],
    ),
    ("brunt-record", &[]),
    (
        "brunt-report",
        &["brunt-record", "brunt-scenario", "brunt-verdict"],
    ),
    ("brunt-scenario", &["brunt-record"]),
    // The agent with faults is a server of the testbed and never part of the release.
    ("brunt-testbed", &["brunt-application-agent"]),
    ("brunt-verdict", &["brunt-record", "brunt-scenario"]),
    ("xtask", &["brunt-bench"]),
];

/// The crate that all others may depend on in their tests.
const TEST_CRATE: &str = "brunt-testbed";

/// A dependency between two crates of the workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Edge {
    pub(super) from: String,
    pub(super) to: String,
    /// Whether it is a dev-dependency.
    pub(super) is_for_tests: bool,
}

/// Names of the workspace's crates.
pub(super) fn members(metadata: &Metadata) -> BTreeSet<String> {
    metadata
        .workspace_packages()
        .iter()
        .map(|package| package.name.to_string())
        .collect()
}

/// Dependencies between the workspace's crates.
pub(super) fn edges(metadata: &Metadata) -> Vec<Edge> {
    let members = members(metadata);
    let mut edges = Vec::new();
    for package in metadata.workspace_packages() {
        for dependency in package
            .dependencies
            .iter()
            .filter(|dependency| members.contains(&dependency.name))
        {
            edges.push(Edge {
                from: package.name.to_string(),
                to: dependency.name.clone(),
                is_for_tests: dependency.kind == DependencyKind::Development,
            });
        }
    }
    edges
}

pub(super) fn check(members: &BTreeSet<String>, edges: &[Edge]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for member in members {
        if allowed(member).is_none() {
            let text = "a crate without allowed dependencies: list them in tidy/crate_direction.rs";
            findings.push(Finding::new(member, text));
        }
    }
    for Edge {
        from,
        to,
        is_for_tests,
    } in edges
    {
        let Some(allowed) = allowed(from) else {
            continue;
        };
        if allowed.contains(&to.as_str()) || (*is_for_tests && to == TEST_CRATE) {
            continue;
        }
        let allowed = if allowed.is_empty() {
            "no crate".to_owned()
        } else {
            allowed.join(", ")
        };
        let text =
            format!("depends on {to}; it may depend on {allowed}, and in tests on {TEST_CRATE}");
        findings.push(Finding::new(from, text));
    }
    findings
}

fn allowed(member: &str) -> Option<&'static [&'static str]> {
    MAY_DEPEND_ON
        .iter()
        .find(|(name, _)| *name == member)
        .map(|(_, allowed)| *allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_edge(from: &str, to: &str, is_for_tests: bool) -> Vec<Finding> {
        let members = [from, to].map(str::to_owned).into();
        let edge = Edge {
            from: from.to_owned(),
            to: to.to_owned(),
            is_for_tests,
        };
        check(&members, &[edge])
    }

    #[test]
    fn dependency_in_the_direction_of_the_data_passes() {
        for (from, to) in [
            ("brunt-engine", "brunt-record"),
            ("brunt-report", "brunt-verdict"),
            ("brunt", "brunt-engine"),
        ] {
            assert_eq!(check_edge(from, to, false), []);
        }
    }

    #[test]
    fn dependency_against_the_direction_of_the_data_is_rejected() {
        for (from, to) in [
            ("brunt-record", "brunt-scenario"),
            ("brunt-verdict", "brunt-engine"),
            ("brunt-engine", "brunt-report"),
            ("brunt-monitor", "brunt-engine"),
            ("brunt-application-agent", "brunt-record"),
            ("brunt-testbed", "brunt-engine"),
        ] {
            assert_eq!(check_edge(from, to, false).len(), 1, "{from} -> {to}");
            assert_eq!(
                check_edge(from, to, true).len(),
                1,
                "{from} -> {to} in tests"
            );
        }
    }

    #[test]
    fn testbed_is_allowed_only_in_tests() {
        assert_eq!(check_edge("brunt-engine", "brunt-testbed", true), []);
        let findings = check_edge("brunt-engine", "brunt-testbed", false);
        let expected = "depends on brunt-testbed; it may depend on brunt-record, brunt-scenario, and in tests on brunt-testbed";
        assert_eq!(findings, [Finding::new("brunt-engine", expected)]);
    }

    #[test]
    fn crate_that_is_not_in_the_table_is_rejected() {
        let findings = check(&["core".to_owned()].into(), &[]);
        assert_eq!(findings.len(), 1);
        assert!(
            findings[0]
                .text
                .starts_with("a crate without allowed dependencies")
        );
    }
}
