//! Checks that every crate inherits its lints, edition and dependencies from the workspace.

use toml::{Table, Value};

use super::finding::Finding;
use super::tree::File;

/// Keys of `[package]` that a crate must inherit.
const INHERITED: &[&str] = &["version", "edition", "rust-version", "license", "publish"];

/// Tables whose entries must be declared in `[workspace.dependencies]`.
const DEPENDENCIES: &[&str] = &["dependencies", "dev-dependencies", "build-dependencies"];

/// Manifests of separate workspaces. Fuzzing needs a C++ compiler and goose many crates, which the build and the tests
/// do not need.
const SEPARATE: &[&str] = &["fuzz/Cargo.toml", "peers/goose/Cargo.toml"];

pub(super) fn check(files: &[File]) -> Vec<Finding> {
    let manifests = files
        .iter()
        .filter(|file| file.path.ends_with("/Cargo.toml"))
        .filter(|file| !SEPARATE.contains(&file.path.as_str()));
    manifests.flat_map(in_manifest).collect()
}

fn in_manifest(file: &File) -> Vec<Finding> {
    let manifest: Table = match file.text().unwrap_or_default().parse() {
        Ok(manifest) => manifest,
        Err(error) => return vec![Finding::new(&file.path, format!("not TOML: {error}"))],
    };
    let mut findings = Vec::new();
    if !inherits(manifest.get("lints")) {
        findings.push(Finding::new(
            &file.path,
            "does not inherit the workspace's lints: add `[lints] workspace = true`",
        ));
    }
    let package = manifest.get("package");
    for key in INHERITED {
        if !inherits(package.and_then(|package| package.get(key))) {
            let text = format!("sets its own `{key}`: write `{key}.workspace = true`");
            findings.push(Finding::new(&file.path, text));
        }
    }
    for (name, dependency) in dependencies(&manifest) {
        if !inherits(Some(dependency)) {
            let text = format!(
                "declares `{name}` itself: move it to [workspace.dependencies] and write `{name}.workspace = true`"
            );
            findings.push(Finding::new(&file.path, text));
        }
    }
    findings
}

/// All dependencies of a manifest, including those for one platform.
fn dependencies(manifest: &Table) -> Vec<(&String, &Value)> {
    let platforms = manifest
        .get("target")
        .and_then(Value::as_table)
        .into_iter()
        .flat_map(Table::values);
    let tables = std::iter::once(manifest).chain(platforms.filter_map(Value::as_table));
    tables
        .flat_map(|table| {
            DEPENDENCIES
                .iter()
                .filter_map(|key| table.get(*key)?.as_table())
        })
        .flat_map(Table::iter)
        .collect()
}

/// Whether a value is `{ workspace = true }`.
fn inherits(value: Option<&Value>) -> bool {
    value
        .and_then(|value| value.get("workspace"))
        .and_then(Value::as_bool)
        == Some(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
[package]
name = "engine"
version.workspace = true
edition.workspace = true
rust-version.workspace = true
license.workspace = true
publish.workspace = true

[lints]
workspace = true

[dependencies]
url.workspace = true
"#;

    fn findings(text: &str) -> Vec<String> {
        let file = File::new("crates/engine/Cargo.toml", text);
        check(&[file])
            .into_iter()
            .map(|finding| finding.text)
            .collect()
    }

    #[test]
    fn crate_that_inherits_everything_passes() {
        assert_eq!(findings(GOOD), Vec::<String>::new());
    }

    #[test]
    fn crate_with_its_own_lints_is_rejected() {
        for text in [
            GOOD.replace("[lints]\nworkspace = true", ""),
            GOOD.replace("[lints]\nworkspace = true", "[lints]\nworkspace = false"),
            GOOD.replace(
                "[lints]\nworkspace = true",
                "[lints.clippy]\nall = \"allow\"",
            ),
        ] {
            let found = findings(&text);
            assert_eq!(
                found,
                ["does not inherit the workspace's lints: add `[lints] workspace = true`"]
            );
        }
    }

    #[test]
    fn crate_with_its_own_edition_is_rejected() {
        let found = findings(&GOOD.replace("edition.workspace = true", "edition = \"2021\""));
        assert_eq!(
            found,
            ["sets its own `edition`: write `edition.workspace = true`"]
        );
    }

    #[test]
    fn dependency_declared_in_the_crate_is_rejected() {
        for text in [
            GOOD.replace("url.workspace = true", "url = \"2\""),
            GOOD.replace("url.workspace = true", "url = { version = \"2\" }"),
            format!("{GOOD}\n[dev-dependencies]\ntempfile = \"3\"\n"),
            format!("{GOOD}\n[target.'cfg(unix)'.dependencies]\nlibc = \"0.2\"\n"),
        ] {
            let found = findings(&text);
            assert_eq!(found.len(), 1, "{text}");
            assert!(
                found[0].contains("[workspace.dependencies]"),
                "{}",
                found[0]
            );
        }
    }

    #[test]
    fn manifest_that_is_not_toml_is_rejected() {
        assert!(findings("[package")[0].starts_with("not TOML"));
    }
}
