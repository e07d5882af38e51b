//! Data flows one way through the crates, so each may know only those before it.

use std::collections::BTreeSet;

use cargo_metadata::{DependencyKind, Metadata};

use super::finding::Finding;

/// Every crate with the crates it may depend on.
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
    // For the names of secrets, and in its tests: what it writes has to be accepted.
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
    // The agent with a fault is a server of the testbed, never of what ships.
    ("brunt-testbed", &["brunt-application-agent"]),
    ("brunt-verdict", &["brunt-record", "brunt-scenario"]),
    ("xtask", &["brunt-bench"]),
];

/// The crate that any other may use in its tests.
const FOR_TESTS: &str = "brunt-testbed";

/// A dependency between two crates of the workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Edge {
    pub(super) from: String,
    pub(super) to: String,
    pub(super) only_for_tests: bool,
}

pub(super) fn members(metadata: &Metadata) -> BTreeSet<String> {
    metadata
        .workspace_packages()
        .iter()
        .map(|package| package.name.to_string())
        .collect()
}

pub(super) fn edges(metadata: &Metadata) -> Vec<Edge> {
    let members = members(metadata);
    let mut edges = Vec::new();
    for package in metadata.workspace_packages() {
        for dependency in package
            .dependencies
            .iter()
            .filter(|it| members.contains(&it.name))
        {
            edges.push(Edge {
                from: package.name.to_string(),
                to: dependency.name.clone(),
                only_for_tests: dependency.kind == DependencyKind::Development,
            });
        }
    }
    edges
}

pub(super) fn check(members: &BTreeSet<String>, edges: &[Edge]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for member in members {
        if allowed(member).is_none() {
            let text =
                "a crate without a place: say what it may depend on in tidy/crate_direction.rs";
            findings.push(Finding::new(member, text));
        }
    }
    for Edge {
        from,
        to,
        only_for_tests,
    } in edges
    {
        let Some(allowed) = allowed(from) else {
            continue;
        };
        if allowed.contains(&to.as_str()) || (*only_for_tests && to == FOR_TESTS) {
            continue;
        }
        let known = if allowed.is_empty() {
            "none".to_owned()
        } else {
            allowed.join(", ")
        };
        let text =
            format!("depends on {to}; it may depend on {known}, and in tests on {FOR_TESTS}");
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

    fn check_edge(from: &str, to: &str, only_for_tests: bool) -> Vec<Finding> {
        let members = [from, to].map(str::to_owned).into();
        let edge = Edge {
            from: from.to_owned(),
            to: to.to_owned(),
            only_for_tests,
        };
        check(&members, &[edge])
    }

    #[test]
    fn the_way_of_the_data_passes() {
        for (from, to) in [
            ("brunt-engine", "brunt-record"),
            ("brunt-report", "brunt-verdict"),
            ("brunt", "brunt-engine"),
        ] {
            assert_eq!(check_edge(from, to, false), []);
        }
    }

    #[test]
    fn against_the_way_of_the_data_is_rejected() {
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
    fn the_testbed_is_for_tests_only() {
        assert_eq!(check_edge("brunt-engine", "brunt-testbed", true), []);
        let findings = check_edge("brunt-engine", "brunt-testbed", false);
        let expected = "depends on brunt-testbed; it may depend on brunt-record, brunt-scenario, and in tests on brunt-testbed";
        assert_eq!(findings, [Finding::new("brunt-engine", expected)]);
    }

    #[test]
    fn a_crate_that_the_table_does_not_know_is_rejected() {
        let findings = check(&["core".to_owned()].into(), &[]);
        assert_eq!(findings.len(), 1);
        assert!(findings[0].text.starts_with("a crate without a place"));
    }
}
