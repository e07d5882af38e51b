//! Every dependency may be shipped in a program under `MIT OR Apache-2.0`.

use cargo_metadata::Metadata;
use spdx::{Expression, ParseMode};

use super::finding::Finding;

/// Licences that ask no more than a notice, or (MPL-2.0) only something for their own files.
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

/// A package and its licence as it states it.
pub(super) struct Package {
    pub(super) name: String,
    pub(super) licence: Option<String>,
}

pub(super) fn packages(metadata: &Metadata) -> Vec<Package> {
    let package = |package: &cargo_metadata::Package| Package {
        name: format!("{} {}", package.name, package.version),
        licence: package.license.clone(),
    };
    metadata.packages.iter().map(package).collect()
}

pub(super) fn check(packages: &[Package]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in packages {
        let problem = match &package.licence {
            Some(licence) => problem_with(licence),
            None => Some("states no licence".to_owned()),
        };
        if let Some(problem) = problem {
            findings.push(Finding::new(&package.name, problem));
        }
    }
    findings
}

fn problem_with(licence: &str) -> Option<String> {
    // Old packages write `MIT/Apache-2.0`.
    let expression = match Expression::parse_mode(licence, ParseMode::LAX) {
        Ok(expression) => expression,
        Err(error) => {
            return Some(format!(
                "states `{licence}`, which is no licence: {}",
                error.reason
            ));
        }
    };
    let satisfied = expression.evaluate(|term| ALLOWED.contains(&term.to_string().as_str()));
    (!satisfied).then(|| format!("licence `{licence}` is not met by those in tidy/licences.rs"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(licence: Option<&str>) -> Vec<String> {
        let package = Package {
            name: "leftpad 1.0.0".into(),
            licence: licence.map(str::to_owned),
        };
        check(&[package])
            .into_iter()
            .map(|finding| finding.to_string())
            .collect()
    }

    #[test]
    fn allowed_licences_pass() {
        for licence in [
            "MIT",
            "MIT/Apache-2.0",
            "Apache-2.0 / MIT",
            "(MIT OR Apache-2.0) AND Unicode-3.0",
            "GPL-3.0-only OR MIT",
            "Apache-2.0 WITH LLVM-exception",
        ] {
            assert_eq!(findings(Some(licence)), Vec::<String>::new(), "{licence}");
        }
    }

    #[test]
    fn other_licences_are_rejected() {
        for licence in [
            "GPL-3.0-only",
            "MIT AND LGPL-2.1-only",
            "AGPL-3.0-or-later",
            "SSPL-1.0",
        ] {
            assert_eq!(findings(Some(licence)).len(), 1, "{licence}");
        }
    }

    #[test]
    fn a_licence_that_is_none_is_rejected() {
        assert!(findings(Some("mine, all mine"))[0].contains("which is no licence"));
        assert_eq!(findings(None), ["leftpad 1.0.0: states no licence"]);
    }
}
