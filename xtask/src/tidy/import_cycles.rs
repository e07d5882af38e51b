//! Rejects import cycles between the files of a crate: no file may depend, directly or through others, on a file that
//! depends on it.
//!
//! A file imports another if one of its `use` items or paths names an item that the other defines. A re-export is not an
//! import, since it names an item for other files. Code that is compiled only for tests does not count.

use std::collections::{BTreeMap, BTreeSet};

use petgraph::algo::tarjan_scc;
use petgraph::graph::{DiGraph, NodeIndex};
use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{Item, ItemMod, ItemUse, Macro, Path, Visibility};

use super::finding::Finding;
use super::modules::{ModuleId, Modules, for_each_use, is_for_tests};
use super::tree::File;

/// The names that a file imports from another: (importing file, defining file) → names.
type Imports = BTreeMap<(usize, usize), BTreeSet<String>>;

pub(super) fn check(files: &[File]) -> Vec<Finding> {
    let modules = Modules::read(files);
    let mut imports = Imports::new();
    for parsed in &modules.parsed {
        let mut visitor = ImportVisitor {
            modules: &modules,
            file: parsed.file,
            module: parsed.module,
            imports: &mut imports,
        };
        visitor.visit_file(&parsed.syntax);
    }
    let graph =
        DiGraph::<(), ()>::from_edges(imports.keys().map(|(from, to)| (index(*from), index(*to))));
    let components = tarjan_scc(&graph);
    components
        .into_iter()
        .filter(|component| component.len() > 1)
        .map(|component| {
            let members: BTreeSet<usize> = component.into_iter().map(NodeIndex::index).collect();
            finding(files, &imports, &members)
        })
        .collect()
}

/// A file's index as a node of the graph.
fn index(file: usize) -> u32 {
    u32::try_from(file).unwrap_or(u32::MAX)
}

/// The finding of a cycle: its files, and the names that they import from each other.
fn finding(files: &[File], imports: &Imports, members: &BTreeSet<usize>) -> Finding {
    let inside = imports
        .iter()
        .filter(|((from, to), _)| members.contains(from) && members.contains(to));
    let lines: Vec<String> = inside
        .map(|((from, to), names)| {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            format!(
                "\n    {} → {}: {}",
                files[*from].path,
                files[*to].path,
                names.join(", ")
            )
        })
        .collect();
    let first = members.first().map_or("", |first| &files[*first].path);
    Finding::new(
        first,
        format!(
            "{} files import each other in a cycle: move the items that they share to a file of their own{}",
            members.len(),
            lines.concat()
        ),
    )
}

/// Collects the imports of a file.
struct ImportVisitor<'a> {
    modules: &'a Modules,
    file: usize,
    module: ModuleId,
    imports: &'a mut Imports,
}

impl ImportVisitor<'_> {
    /// Records an import if the path names an item of another file.
    fn record(&mut self, path: &[String]) {
        if let Some((to, name)) = self.modules.definition(self.module, path)
            && to != self.file
        {
            let names = self.imports.entry((self.file, to)).or_default();
            names.insert(name.to_owned());
        }
    }

    /// Records the paths in a macro's tokens: identifiers joined by `::`.
    fn record_tokens(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Ident(ident) => {
                    if colons != 2 && !path.is_empty() {
                        self.record(&std::mem::take(&mut path));
                    }
                    path.push(ident.to_string());
                    colons = 0;
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
                other => {
                    if !path.is_empty() {
                        self.record(&std::mem::take(&mut path));
                    }
                    colons = 0;
                    if let TokenTree::Group(group) = other {
                        self.record_tokens(group.stream());
                    }
                }
            }
        }
        if !path.is_empty() {
            self.record(&path);
        }
    }
}

impl<'ast> Visit<'ast> for ImportVisitor<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        if !is_for_tests(item) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_use(&mut self, import: &'ast ItemUse) {
        if matches!(import.vis, Visibility::Inherited) {
            let mut paths = Vec::new();
            for_each_use(&import.tree, &mut Vec::new(), &mut |path, alias| {
                if alias.is_some() {
                    paths.push(path.to_vec());
                }
            });
            for path in paths {
                self.record(&path);
            }
        }
    }

    fn visit_item_mod(&mut self, module: &'ast ItemMod) {
        if module.content.is_none() {
            return;
        }
        if let Some(child) = self.modules.child(self.module, &module.ident.to_string()) {
            let outer = std::mem::replace(&mut self.module, child);
            visit::visit_item_mod(self, module);
            self.module = outer;
        }
    }

    fn visit_path(&mut self, path: &'ast Path) {
        let is_plain_name = path.leading_colon.is_none() && path.segments.len() == 1;
        // A plain name may be a local variable. If it is imported, its `use` has been recorded.
        if !is_plain_name {
            let names: Vec<String> = path
                .segments
                .iter()
                .map(|segment| segment.ident.to_string())
                .collect();
            self.record(&names);
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, invoked: &'ast Macro) {
        self.record_tokens(invoked.tokens.clone());
        visit::visit_macro(self, invoked);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(files: &[(&str, &str)]) -> Vec<String> {
        let files: Vec<File> = files
            .iter()
            .map(|(path, text)| File::new(path, text))
            .collect();
        check(&files).iter().map(Finding::to_string).collect()
    }

    const ROOT: (&str, &str) = ("crates/a/src/lib.rs", "mod one;\nmod two;\nmod three;\n");
    const EMPTY: (&str, &str) = ("crates/a/src/three.rs", "");

    #[test]
    fn cycle_of_two_files_is_found_for_every_form_of_import() {
        for back in [
            "use crate::one::One;",
            "use super::one::One;",
            "use super::one::{self, One as Other};",
            "fn f() { crate::one::One::new() }",
            "fn f() -> super::one::One { todo() }",
            "use super::one;\nfn f() { one::One::new() }",
            "use super::one::*;\nfn f() { g::<self::One>() }",
            "fn f() { println!(\"{}\", crate::one::One::new()) }",
            "mod inner { use super::super::one::One; }",
            "mod inner { fn f() { super::super::one::One::new() } }",
        ] {
            let found = findings(&[
                ROOT,
                (
                    "crates/a/src/one.rs",
                    "use crate::two::Two;\npub struct One;",
                ),
                ("crates/a/src/two.rs", &format!("pub struct Two;\n{back}")),
                EMPTY,
            ]);
            assert_eq!(found.len(), 1, "{back}");
            let text = &found[0];
            assert!(text.contains("2 files import each other"), "{text}");
            assert!(text.contains("one.rs → crates/a/src/two.rs: Two"), "{text}");
            assert!(text.contains("two.rs → crates/a/src/one.rs: One"), "{text}");
        }
    }

    #[test]
    fn cycle_of_three_files_through_a_re_export_is_one_finding() {
        let found = findings(&[
            (
                "crates/a/src/lib.rs",
                "mod one;\nmod two;\nmod three;\npub use one::One;",
            ),
            (
                "crates/a/src/one.rs",
                "use crate::two::Two;\npub struct One;",
            ),
            (
                "crates/a/src/two.rs",
                "use crate::three::Three;\npub struct Two;",
            ),
            (
                "crates/a/src/three.rs",
                "use crate::One;\npub struct Three;",
            ),
        ]);
        assert_eq!(found.len(), 1);
        assert!(found[0].contains("3 files"), "{}", found[0]);
    }

    #[test]
    fn child_that_imports_from_a_parent_that_imports_it_is_rejected() {
        let parent = "mod child;\nuse child::Child;\npub(crate) struct Parent(Child);";
        let found = findings(&[
            ("crates/a/src/lib.rs", "mod parent;"),
            ("crates/a/src/parent.rs", parent),
            (
                "crates/a/src/parent/child.rs",
                "use super::Parent;\npub(super) struct Child;",
            ),
        ]);
        assert_eq!(found.len(), 1, "{found:?}");
    }

    #[test]
    fn imports_in_one_direction_re_exports_and_tests_pass() {
        for (one, two) in [
            ("use crate::two::Two;\npub struct One;", "pub struct Two;"),
            (
                "pub use crate::two::Two;\npub struct One;",
                "use crate::one::One;\npub struct Two;",
            ),
            (
                "use crate::two::Two;\npub struct One;",
                "pub struct Two;\n#[cfg(test)]\nmod tests { use crate::one::One; }",
            ),
            (
                "use crate::two::Two;\npub struct One;",
                "pub struct Two;\n#[cfg(all(test, unix))]\nuse crate::one::One;",
            ),
            (
                "use crate::two::Two;\npub struct One;",
                "//! See [`crate::one::One`].\npub struct Two;\nconst A: &str = \"crate::one::One\";",
            ),
            (
                "use crate::two::Two;\npub struct One;",
                "use one::One;\npub struct Two;",
            ),
        ] {
            let root = ("crates/a/src/lib.rs", "mod one;\nmod two;\n");
            let files = [
                root,
                ("crates/a/src/one.rs", one),
                ("crates/a/src/two.rs", two),
            ];
            assert_eq!(findings(&files), Vec::<String>::new(), "{two}");
        }
    }

    #[test]
    fn modules_of_the_same_name_in_two_crates_are_distinct() {
        let found = findings(&[
            ("crates/a/src/lib.rs", "mod one;\nmod two;"),
            (
                "crates/a/src/one.rs",
                "use crate::two::Two;\npub struct One;",
            ),
            ("crates/a/src/two.rs", "pub struct Two;"),
            ("crates/b/src/lib.rs", "mod one;\nmod two;"),
            ("crates/b/src/one.rs", "pub struct One;"),
            (
                "crates/b/src/two.rs",
                "use crate::one::One;\npub struct Two;",
            ),
        ]);
        assert_eq!(found, Vec::<String>::new());
    }
}
