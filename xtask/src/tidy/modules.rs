//! The module tree of each crate, and the resolution of paths to the files that define their items.

use std::collections::{BTreeMap, BTreeSet};

use syn::punctuated::Punctuated;
use syn::{Attribute, Expr, Item, Lit, Meta, Token, UseTree};

use super::tree::File;

/// Longest chain of re-exports that is followed. A longer one is assumed to be a cycle.
const HOPS_MAX: usize = 16;

/// A module in a file of its own, or inline.
struct Module {
    parent: Option<ModuleId>,
    /// Index into the files that were read.
    file: usize,
    children: BTreeMap<String, ModuleId>,
    /// Names that the module defines itself.
    items: BTreeSet<String>,
    /// Names that `use` items import, with their paths.
    imports: BTreeMap<String, Vec<String>>,
    /// Paths of glob imports.
    globs: Vec<Vec<String>>,
}

/// Index of a module in [`Modules`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ModuleId(usize);

/// The target of a path.
#[derive(Clone, Copy)]
enum Resolved {
    Module(ModuleId),
    /// An item, with the index of the file that defines it.
    Item(usize),
}

/// A parsed file of a crate. Files of modules that are compiled only for tests are left out.
pub(super) struct ParsedFile {
    /// Index into the files that were read.
    pub(super) file: usize,
    pub(super) module: ModuleId,
    pub(super) syntax: syn::File,
}

/// All modules of all crates.
#[derive(Default)]
pub(super) struct Modules {
    modules: Vec<Module>,
    pub(super) parsed: Vec<ParsedFile>,
}

impl Modules {
    /// Reads the modules of all crates among these files, starting from their root files. Files that cannot be parsed are
    /// left out, since another rule reports them.
    pub(super) fn read(files: &[File]) -> Self {
        let mut modules = Self::default();
        let by_path: BTreeMap<&str, usize> = files
            .iter()
            .enumerate()
            .map(|(at, file)| (file.path.as_str(), at))
            .collect();
        for (at, file) in files.iter().enumerate() {
            if is_root(&file.path) {
                modules.read_file(files, &by_path, at, None);
            }
        }
        modules
    }

    fn read_file(
        &mut self,
        files: &[File],
        by_path: &BTreeMap<&str, usize>,
        file: usize,
        parent: Option<ModuleId>,
    ) -> Option<ModuleId> {
        let syntax = syn::parse_file(files[file].text()?).ok()?;
        let id = self.add(file, parent);
        let folder = folder_of_children(&files[file].path);
        self.read_items(files, by_path, id, &folder, &syntax.items);
        self.parsed.push(ParsedFile {
            file,
            module: id,
            syntax,
        });
        Some(id)
    }

    fn add(&mut self, file: usize, parent: Option<ModuleId>) -> ModuleId {
        let id = ModuleId(self.modules.len());
        self.modules.push(Module {
            parent,
            file,
            children: BTreeMap::new(),
            items: BTreeSet::new(),
            imports: BTreeMap::new(),
            globs: Vec::new(),
        });
        id
    }

    fn read_items(
        &mut self,
        files: &[File],
        by_path: &BTreeMap<&str, usize>,
        id: ModuleId,
        folder: &str,
        items: &[Item],
    ) {
        for item in items.iter().filter(|item| !is_for_tests(item)) {
            match item {
                Item::Mod(module) => {
                    let name = module.ident.to_string();
                    let inside = format!("{folder}/{name}");
                    let child = if let Some((_, items)) = &module.content {
                        let child = self.add(self.modules[id.0].file, Some(id));
                        self.read_items(files, by_path, child, &inside, items);
                        Some(child)
                    } else {
                        let own = &files[self.modules[id.0].file].path;
                        file_of(own, &module.attrs, &inside, by_path)
                            .and_then(|file| self.read_file(files, by_path, file, Some(id)))
                    };
                    if let Some(child) = child {
                        self.modules[id.0].children.insert(name, child);
                    }
                }
                Item::Use(import) => {
                    let mut path = Vec::new();
                    self.read_use(id, &import.tree, &mut path);
                }
                item => {
                    if let Some(name) = name_of(item) {
                        self.modules[id.0].items.insert(name);
                    }
                }
            }
        }
    }

    fn read_use(&mut self, id: ModuleId, tree: &UseTree, path: &mut Vec<String>) {
        for_each_use(tree, path, &mut |path, alias| {
            let module = &mut self.modules[id.0];
            match alias {
                Some(alias) => {
                    module.imports.insert(alias.to_owned(), path.to_vec());
                }
                None => module.globs.push(path.to_vec()),
            }
        });
    }

    /// Resolves a path in a module. Returns the index of the file that defines the first item of the path, and the item's
    /// name; `None` for an item of another crate, and for a path that names only a module.
    pub(super) fn definition<'a>(
        &self,
        module: ModuleId,
        path: &'a [String],
    ) -> Option<(usize, &'a str)> {
        (1..=path.len()).find_map(
            |steps| match self.resolve(module, &path[..steps], HOPS_MAX)? {
                Resolved::Item(file) => Some((file, path[steps - 1].as_str())),
                Resolved::Module(_) => None,
            },
        )
    }

    /// The child of `module` with this name.
    pub(super) fn child(&self, module: ModuleId, name: &str) -> Option<ModuleId> {
        self.modules[module.0].children.get(name).copied()
    }

    fn resolve(&self, module: ModuleId, path: &[String], hops: usize) -> Option<Resolved> {
        let (first, mut rest) = path.split_first()?;
        let mut here = match first.as_str() {
            "crate" => Resolved::Module(self.root(module)),
            "self" => Resolved::Module(module),
            "super" => Resolved::Module(self.modules[module.0].parent?),
            name => self.lookup(module, name, hops)?,
        };
        while let (Resolved::Module(inside), Some((name, after))) = (here, rest.split_first()) {
            here = match name.as_str() {
                "super" => Resolved::Module(self.modules[inside.0].parent?),
                "self" => here,
                name => self.lookup(inside, name, hops)?,
            };
            rest = after;
        }
        Some(here)
    }

    fn lookup(&self, id: ModuleId, name: &str, hops: usize) -> Option<Resolved> {
        let hops = hops.checked_sub(1)?;
        let module = &self.modules[id.0];
        if let Some(child) = module.children.get(name) {
            return Some(Resolved::Module(*child));
        }
        if module.items.contains(name) {
            return Some(Resolved::Item(module.file));
        }
        if let Some(path) = module.imports.get(name) {
            // `use name;` of a crate with the same name would resolve to itself.
            return match path.as_slice() {
                [only] if only == name => None,
                path => self.resolve(id, path, hops),
            };
        }
        let globs = module.globs.iter();
        globs
            .into_iter()
            .find_map(|path| match self.resolve(id, path, hops)? {
                Resolved::Module(inside) if inside != id => self.lookup(inside, name, hops),
                _ => None,
            })
    }

    fn root(&self, module: ModuleId) -> ModuleId {
        let mut root = module;
        while let Some(parent) = self.modules[root.0].parent {
            root = parent;
        }
        root
    }
}

/// Calls `found` with every path of a `use` item and its name in this module, which is `None` for a glob.
pub(super) fn for_each_use(
    tree: &UseTree,
    path: &mut Vec<String>,
    found: &mut dyn FnMut(&[String], Option<&str>),
) {
    match tree {
        UseTree::Path(step) => {
            path.push(step.ident.to_string());
            for_each_use(&step.tree, path, found);
            path.pop();
        }
        UseTree::Name(name) if name.ident == "self" => {
            let last = path.last().cloned();
            found(path, last.as_deref());
        }
        UseTree::Name(name) => {
            let name = name.ident.to_string();
            path.push(name.clone());
            found(path, Some(&name));
            path.pop();
        }
        UseTree::Rename(renamed) => {
            let is_self = renamed.ident == "self";
            if !is_self {
                path.push(renamed.ident.to_string());
            }
            found(path, Some(&renamed.rename.to_string()));
            if !is_self {
                path.pop();
            }
        }
        UseTree::Glob(_) => found(path, None),
        UseTree::Group(group) => {
            for tree in &group.items {
                for_each_use(tree, path, found);
            }
        }
    }
}

/// Whether the item is compiled only for tests.
pub(super) fn is_for_tests(item: &Item) -> bool {
    attributes(item).iter().any(is_cfg_test)
}

/// Whether an attribute is `cfg(test)` or `cfg(all(test, …))`.
pub(super) fn is_cfg_test(attribute: &Attribute) -> bool {
    let is_test = |meta: &Meta| match meta {
        Meta::Path(path) => path.is_ident("test"),
        Meta::List(list) if list.path.is_ident("all") => list
            .parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated)
            .is_ok_and(|inside| inside.iter().any(|meta| meta.path().is_ident("test"))),
        _ => false,
    };
    attribute.path().is_ident("cfg")
        && attribute
            .parse_args::<Meta>()
            .is_ok_and(|meta| is_test(&meta))
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Union(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

fn name_of(item: &Item) -> Option<String> {
    let ident = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Macro(item) => item.ident.as_ref()?,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::Type(item) => &item.ident,
        Item::Union(item) => &item.ident,
        _ => return None,
    };
    Some(ident.to_string())
}

/// Whether cargo compiles the file at this path as the root of a crate.
pub(super) fn is_root(path: &str) -> bool {
    let steps: Vec<&str> = path.split('/').collect();
    match steps.as_slice() {
        [.., "src", "lib.rs"] | [.., "main.rs"] | [.., "src", "bin", _] => true,
        [
            before @ ..,
            "tests" | "benches" | "examples" | "fuzz_targets",
            name,
        ] => name.strip_suffix(".rs").is_some() && !before.contains(&"src"),
        _ => false,
    }
}

/// The folder with the child modules of the file at this path.
pub(super) fn folder_of_children(path: &str) -> String {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    if ["lib.rs", "main.rs", "mod.rs"].contains(&name) || is_root(path) {
        return folder.to_owned();
    }
    format!("{folder}/{}", name.trim_end_matches(".rs"))
}

/// Index of the file of `mod name;`: `name.rs`, `name/mod.rs`, or the value of `#[path]`.
pub(super) fn file_of(
    own: &str,
    attributes: &[Attribute],
    inside: &str,
    by_path: &BTreeMap<&str, usize>,
) -> Option<usize> {
    let given = attributes.iter().find_map(|attribute| {
        let Meta::NameValue(pair) = &attribute.meta else {
            return None;
        };
        let Expr::Lit(literal) = &pair.value else {
            return None;
        };
        let Lit::Str(text) = &literal.lit else {
            return None;
        };
        pair.path.is_ident("path").then(|| text.value())
    });
    let paths = match given {
        Some(given) => {
            let folder = own.rsplit_once('/').map_or("", |(folder, _)| folder);
            vec![normalized(&format!("{folder}/{given}"))]
        }
        None => vec![format!("{inside}.rs"), format!("{inside}/mod.rs")],
    };
    paths
        .iter()
        .find_map(|path| by_path.get(path.as_str()).copied())
}

/// Resolves the `..` of a path.
fn normalized(path: &str) -> String {
    let mut steps = Vec::new();
    for step in path.split('/') {
        match step {
            ".." => {
                steps.pop();
            }
            step => steps.push(step),
        }
    }
    steps.join("/")
}
