//! Checks that the license of every dependency permits its use in a program under `MIT OR Apache-2.0`.

use cargo_metadata::Metadata;
use spdx::{Expression, ParseMode};

use super::finding::Finding;

/// Licenses that only require a notice or, as MPL-2.0 does, apply only to their own files.
const ALLOWED: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "MPL-2.0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// A package and the license that its manifest states.
pub(super) struct Package {
    /// Name and version.
    pub(super) name: String,
    pub(super) license: Option<String>,
}

/// All packages of the workspace and its dependencies.
pub(super) fn packages(metadata: &Metadata) -> Vec<Package> {
    let package = |package: &cargo_metadata::Package| Package {
        name: format!("{} {}", package.name, package.version),
        license: package.license.clone(),
    };
    metadata.packages.iter().map(package).collect()
}

pub(super) fn check(packages: &[Package]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in packages {
        let problem = match &package.license {
            Some(license) => problem_with(license),
            None => Some("states no license".to_owned()),
        };
        if let Some(problem) = problem {
            findings.push(Finding::new(&package.name, problem));
        }
    }
    findings
}

/// The reason why a license is not allowed.
fn problem_with(license: &str) -> Option<String> {
    // Old packages write `MIT/Apache-2.0`.
    let expression = match Expression::parse_mode(license, ParseMode::LAX) {
        Ok(expression) => expression,
        Err(error) => {
            return Some(format!(
                "states `{license}`, which is not a valid license expression: {}",
                error.reason
            ));
        }
    };
    let satisfied = expression.evaluate(|term| ALLOWED.contains(&term.to_string().as_str()));
    (!satisfied)
        .then(|| format!("license `{license}` is not satisfied by those in tidy/licenses.rs"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(license: Option<&str>) -> Vec<String> {
        let package = Package {
            name: "leftpad 1.0.0".into(),
            license: license.map(str::to_owned),
        };
        check(&[package])
            .into_iter()
            .map(|finding| finding.to_string())
            .collect()
    }

    #[test]
    fn allowed_licenses_pass() {
        for license in [
            "MIT",
            "MIT/Apache-2.0",
            "Apache-2.0 / MIT",
            "(MIT OR Apache-2.0) AND Unicode-3.0",
            "GPL-3.0-only OR MIT",
            "Apache-2.0 WITH LLVM-exception",
        ] {
            assert_eq!(findings(Some(license)), Vec::<String>::new(), "{license}");
        }
    }

    #[test]
    fn other_licenses_are_rejected() {
        for license in [
            "GPL-3.0-only",
            "MIT AND LGPL-2.1-only",
            "AGPL-3.0-or-later",
            "SSPL-1.0",
        ] {
            assert_eq!(findings(Some(license)).len(), 1, "{license}");
        }
    }

    #[test]
    fn invalid_or_missing_license_is_rejected() {
        assert!(findings(Some("mine, all mine"))[0].contains("not a valid license expression"));
        assert_eq!(findings(None), ["leftpad 1.0.0: states no license"]);
    }
}
