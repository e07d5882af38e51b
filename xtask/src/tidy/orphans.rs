//! Rejects Rust files that no crate includes: neither cargo compiles them as the root of a crate, nor does a `mod` item of
//! another file name them.

use std::collections::{BTreeMap, BTreeSet};

use syn::Item;

use super::finding::Finding;
use super::modules::{file_of, folder_of_children, is_root};
use super::tree::File;

/// Folders of a package that contain only Rust files of its crates.
const FOLDERS: &[&str] = &["src", "tests", "benches", "examples"];

pub(super) fn check(files: &[File]) -> Vec<Finding> {
    let mut reader = Reader {
        files,
        by_path: files
            .iter()
            .enumerate()
            .map(|(at, file)| (file.path.as_str(), at))
            .collect(),
        included: BTreeSet::new(),
        unreadable: Vec::new(),
    };
    for (at, file) in files.iter().enumerate() {
        if file.has_extension("rs") && is_root(&file.path) {
            reader.include(at);
        }
    }
    let orphans = files.iter().enumerate().filter(|(at, file)| {
        let in_package = file.path.split('/').any(|step| FOLDERS.contains(&step));
        file.has_extension("rs") && in_package && !reader.is_included(*at)
    });
    orphans
        .map(|(_, file)| {
            Finding::new(
                &file.path,
                "no `mod` item includes this file: include it, or delete it",
            )
        })
        .collect()
}

/// Follows the `mod` items of all crates.
struct Reader<'a> {
    files: &'a [File],
    by_path: BTreeMap<&'a str, usize>,
    included: BTreeSet<usize>,
    /// Folders of the child modules of files that cannot be parsed. Another rule reports these files.
    unreadable: Vec<String>,
}

impl Reader<'_> {
    fn include(&mut self, at: usize) {
        if !self.included.insert(at) {
            return;
        }
        let file = &self.files[at];
        let folder = folder_of_children(&file.path);
        match file.text().map(syn::parse_file) {
            Some(Ok(syntax)) => self.include_children(&file.path, &folder, &syntax.items),
            _ => self.unreadable.push(format!("{folder}/")),
        }
    }

    fn include_children(&mut self, own: &str, folder: &str, items: &[Item]) {
        for item in items {
            let Item::Mod(module) = item else { continue };
            let inside = format!("{folder}/{}", module.ident);
            if let Some((_, items)) = &module.content {
                self.include_children(own, &inside, items);
            } else if let Some(child) = file_of(own, &module.attrs, &inside, &self.by_path) {
                self.include(child);
            }
        }
    }

    /// Whether a file is part of a crate, or may be, since it could be included by a file that cannot be parsed.
    fn is_included(&self, at: usize) -> bool {
        let path = &self.files[at].path;
        let mut unreadable = self.unreadable.iter();
        self.included.contains(&at) || unreadable.any(|folder| path.starts_with(folder))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn orphans(files: &[(&str, &str)]) -> Vec<String> {
        let files: Vec<File> = files
            .iter()
            .map(|(path, text)| File::new(path, text))
            .collect();
        let findings = check(&files);
        findings.into_iter().map(|finding| finding.place).collect()
    }

    #[test]
    fn file_without_a_mod_item_is_an_orphan() {
        for path in [
            "crates/a/src/two.rs",
            "crates/a/src/one/two.rs",
            "crates/a/src/one/mod/two.rs",
            "crates/a/tests/file/two.rs",
            "crates/a/benches/day/two.rs",
            "xtask/src/tidy/two.rs",
        ] {
            let found = orphans(&[
                ("crates/a/src/lib.rs", "mod one;\n// mod two;\n"),
                ("crates/a/src/one.rs", "fn f() { let two = \"mod two;\"; }"),
                ("crates/a/tests/file/main.rs", "fn two() {}"),
                ("crates/a/benches/day/main.rs", ""),
                (path, "fn g() {}"),
            ]);
            assert_eq!(found, [path]);
        }
    }

    #[test]
    fn child_of_an_orphan_is_an_orphan() {
        let found = orphans(&[
            ("crates/a/src/lib.rs", ""),
            ("crates/a/src/one.rs", "mod two;"),
            ("crates/a/src/one/two.rs", ""),
        ]);
        assert_eq!(found, ["crates/a/src/one.rs", "crates/a/src/one/two.rs"]);
    }

    #[test]
    fn included_files_and_roots_pass() {
        let found = orphans(&[
            (
                "crates/a/src/lib.rs",
                "mod one;\n#[cfg(test)]\nmod tests;\nmod inner { mod two; }\n#[path = \"../other/three.rs\"]\nmod three;\n",
            ),
            ("crates/a/src/one.rs", "#[cfg(unix)]\nmod four;"),
            ("crates/a/src/one/four.rs", ""),
            ("crates/a/src/tests.rs", ""),
            ("crates/a/src/inner/two.rs", ""),
            ("crates/a/other/three.rs", ""),
            ("crates/a/src/main.rs", "mod five;"),
            ("crates/a/src/five/mod.rs", ""),
            ("crates/a/src/bin/tool.rs", ""),
            ("crates/a/tests/whole.rs", "mod shell;"),
            ("crates/a/tests/shell/mod.rs", ""),
            ("crates/a/tests/file/main.rs", "mod damage;"),
            ("crates/a/tests/file/damage.rs", ""),
            ("fuzz/every_form.rs", ""),
            ("crates/a/src/page.html", ""),
        ]);
        assert_eq!(found, Vec::<String>::new());
    }

    #[test]
    fn children_of_a_file_that_cannot_be_parsed_are_not_orphans() {
        let found = orphans(&[
            ("crates/a/src/lib.rs", "mod one;"),
            ("crates/a/src/one.rs", "mod two; fn"),
            ("crates/a/src/one/two.rs", ""),
        ]);
        assert_eq!(found, Vec::<String>::new());
    }
}
