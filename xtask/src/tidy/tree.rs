//! The files that the rules check: those that git tracks or would add, with paths from the root.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail};

use super::finding::Finding;
use super::tokens::{Token, tokens};

/// A file and its contents.
#[derive(Clone, Debug)]
pub(super) struct File {
    /// Path from the root, with `/` as the separator.
    pub(super) path: String,
    pub(super) bytes: Vec<u8>,
}

impl File {
    #[cfg(test)]
    pub(super) fn new(path: &str, text: &str) -> Self {
        Self {
            path: path.to_owned(),
            bytes: text.as_bytes().to_vec(),
        }
    }

    /// The contents if they are UTF-8 without NUL.
    pub(super) fn text(&self) -> Option<&str> {
        std::str::from_utf8(&self.bytes)
            .ok()
            .filter(|text| !text.contains('\0'))
    }

    pub(super) fn has_extension(&self, extension: &str) -> bool {
        Path::new(&self.path)
            .extension()
            .is_some_and(|found| found == extension)
    }
}

/// A Rust file and its tokens.
pub(super) struct Source {
    pub(super) path: String,
    pub(super) tokens: Vec<Token>,
}

impl Source {
    #[cfg(test)]
    pub(super) fn new(path: &str, text: &str) -> Self {
        Self {
            path: path.to_owned(),
            tokens: tokens(text).unwrap(),
        }
    }
}

/// All files of the project.
pub(super) struct Tree {
    pub(super) files: Vec<File>,
}

impl Tree {
    /// Reads the files that `git ls-files` lists: tracked and untracked files, without ignored ones such as build output.
    ///
    /// # Errors
    ///
    /// If git fails or a file cannot be read.
    pub(super) fn read(root: &Path) -> anyhow::Result<Self> {
        let output = Command::new("git")
            .current_dir(root)
            .args([
                "ls-files",
                "-z",
                "--cached",
                "--others",
                "--exclude-standard",
            ])
            .output()
            .context("cannot run `git ls-files`")?;
        if !output.status.success() {
            let error = String::from_utf8_lossy(&output.stderr);
            bail!(
                "`git ls-files` in {} failed: {}",
                root.display(),
                error.trim()
            );
        }
        let listed = String::from_utf8(output.stdout)
            .context("`git ls-files` printed a path that is not UTF-8")?;
        let mut files = Vec::new();
        for path in listed.split_terminator('\0') {
            let on_disk = root.join(path);
            // git lists a deleted file until its deletion is staged.
            if !on_disk
                .symlink_metadata()
                .is_ok_and(|metadata| metadata.is_file())
            {
                continue;
            }
            let bytes = std::fs::read(&on_disk).with_context(|| format!("cannot read {path}"))?;
            files.push(File {
                path: path.to_owned(),
                bytes,
            });
        }
        files.sort_by(|one, other| one.path.cmp(&other.path));
        Ok(Self { files })
    }

    /// The Rust files that can be split into tokens.
    pub(super) fn sources(&self) -> Vec<Source> {
        let rust = self.files.iter().filter(|file| file.has_extension("rs"));
        rust.filter_map(|file| {
            let tokens = tokens(file.text()?).ok()?;
            Some(Source {
                path: file.path.clone(),
                tokens,
            })
        })
        .collect()
    }

    /// Findings for the Rust files that cannot be split into tokens, which the other rules skip.
    pub(super) fn unreadable(&self) -> Vec<Finding> {
        let rust = self.files.iter().filter(|file| file.has_extension("rs"));
        rust.filter_map(|file| match file.text().map(tokens) {
            Some(Ok(_)) => None,
            Some(Err(error)) => Some(Finding::new(&file.path, format!("invalid Rust: {error}"))),
            None => Some(Finding::new(&file.path, "invalid UTF-8")),
        })
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_with_invalid_rust_is_a_finding() {
        let files = vec![
            File::new("a.rs", "fn a() {}"),
            File::new("b.rs", "fn b( {}"),
        ];
        let tree = Tree { files };
        let places: Vec<String> = tree
            .unreadable()
            .into_iter()
            .map(|found| found.place)
            .collect();
        assert_eq!(places, ["b.rs"]);
        assert_eq!(tree.sources().len(), 1);
    }

    #[test]
    fn tree_of_the_project_contains_sources_and_no_build_output() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let tree = Tree::read(root).unwrap();
        assert!(
            tree.files
                .iter()
                .any(|file| file.path == "xtask/src/tidy/tree.rs")
        );
        assert!(
            !tree
                .files
                .iter()
                .any(|file| file.path.starts_with("target/"))
        );
    }
}
