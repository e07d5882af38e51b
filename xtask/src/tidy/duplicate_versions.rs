//! Checks that the release contains each dependency in one version. Two versions cost build time and size, and their
//! types are incompatible.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context;
use cargo_metadata::{DependencyKind, Metadata, PackageId};

use super::finding::Finding;

/// Dependencies that may have several versions, each with the reason.
pub(super) const ALLOWED: &[(&str, &str)] = &[
    (
        "glam",
        "optional dependency of a disabled feature of statrs: it is listed but not built",
    ),
    (
        "getrandom",
        "ring 0.17 is the newest and requires 0.2; other crates require newer versions",
    ),
    (
        "syn",
        "used only by macros at build time; jiff, maud and miette still require syn 2",
    ),
    ("unicode-width", "miette 7 is the newest and requires 0.1"),
];

/// Crates of the workspace that are not part of the release.
const NOT_SHIPPED: &[&str] = &["brunt-bench", "brunt-testbed", "brunt-validation", "xtask"];

/// Name and version of the released crates and of all their dependencies.
///
/// # Errors
///
/// If the metadata has no resolved dependencies.
pub(super) fn shipped(metadata: &Metadata) -> anyhow::Result<BTreeSet<(String, String)>> {
    let resolve = metadata
        .resolve
        .as_ref()
        .context("cargo metadata resolved no dependencies")?;
    let mut next: BTreeMap<&PackageId, Vec<&PackageId>> = BTreeMap::new();
    for node in &resolve.nodes {
        let built_in = node.deps.iter().filter(|dependency| {
            dependency
                .dep_kinds
                .iter()
                .any(|kind| kind.kind != DependencyKind::Development)
        });
        next.insert(
            &node.id,
            built_in.map(|dependency| &dependency.pkg).collect(),
        );
    }
    let roots = metadata.workspace_packages();
    let mut pending: Vec<&PackageId> = roots
        .iter()
        .filter(|package| !NOT_SHIPPED.contains(&package.name.as_str()))
        .map(|package| &package.id)
        .collect();
    let mut reached = BTreeSet::new();
    while let Some(id) = pending.pop() {
        if reached.insert(id) {
            pending.extend(next.get(id).into_iter().flatten().copied());
        }
    }
    let packages = metadata
        .packages
        .iter()
        .filter(|package| reached.contains(&package.id));
    Ok(packages
        .map(|package| (package.name.to_string(), package.version.to_string()))
        .collect())
}

pub(super) fn check(
    shipped: &BTreeSet<(String, String)>,
    allowed: &[(&str, &str)],
) -> Vec<Finding> {
    let mut versions: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (name, version) in shipped {
        versions.entry(name).or_default().push(version);
    }
    versions.retain(|_, versions| versions.len() > 1);
    let mut findings = Vec::new();
    for (name, versions) in &versions {
        if !allowed.iter().any(|(allowed, _)| allowed == name) {
            let text = format!(
                "has versions {}: `cargo tree --invert {name}@{}` shows the crates that require it; \
                 use one version, or give a reason in tidy/duplicate_versions.rs",
                versions.join(" and "),
                versions[0]
            );
            findings.push(Finding::new(*name, text));
        }
    }
    let stale = allowed
        .iter()
        .filter(|(name, _)| !versions.contains_key(name));
    findings.extend(stale.map(|(name, _)| {
        Finding::new(
            *name,
            "listed with several versions, but has one: remove it from tidy/duplicate_versions.rs",
        )
    }));
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(packages: &[(&str, &str)]) -> BTreeSet<(String, String)> {
        packages
            .iter()
            .map(|(name, version)| ((*name).into(), (*version).into()))
            .collect()
    }

    #[test]
    fn one_version_each_passes() {
        assert_eq!(
            check(&set(&[("serde", "1.0.1"), ("syn", "3.0.0")]), &[]),
            []
        );
    }

    #[test]
    fn two_versions_are_rejected_with_a_command_to_find_them() {
        let findings = check(&set(&[("syn", "2.0.0"), ("syn", "3.0.0")]), &[]);
        assert_eq!(findings.len(), 1);
        assert!(findings[0].text.starts_with("has versions 2.0.0 and 3.0.0"));
        assert!(findings[0].text.contains("cargo tree --invert syn@2.0.0"));
    }

    #[test]
    fn two_versions_with_a_reason_pass() {
        assert_eq!(
            check(
                &set(&[("syn", "2.0.0"), ("syn", "3.0.0")]),
                &[("syn", "macros")]
            ),
            []
        );
    }

    #[test]
    fn reason_without_two_versions_is_rejected() {
        assert_eq!(
            check(&set(&[("syn", "3.0.0")]), &[("syn", "macros")]).len(),
            1
        );
    }
}
