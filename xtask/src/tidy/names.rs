//! Rejects vague words, which would fit anything, at the end of the names of files, folders, modules and types.

use super::finding::Finding;
use super::tree::{File, Source};

const BANNED: &[&str] = &[
    "common",
    "handler",
    "handlers",
    "helper",
    "helpers",
    "imp",
    "manager",
    "managers",
    "misc",
    "processor",
    "processors",
    "util",
    "utils",
];

/// Keywords that are followed by a name that this rule checks.
const KEYWORDS: &[&str] = &["enum", "mod", "struct", "trait", "type", "union"];

pub(super) fn check(files: &[File], sources: &[Source]) -> Vec<Finding> {
    let mut findings: Vec<Finding> = files.iter().flat_map(in_path).collect();
    findings.extend(sources.iter().flat_map(in_source));
    findings
}

fn in_path(file: &File) -> Vec<Finding> {
    let parts =
        file.path
            .split('/')
            .map(|part| match part.trim_start_matches('.').split_once('.') {
                Some((stem, _)) => stem,
                None => part,
            });
    let banned = parts.filter_map(|part| Some((part, banned_word(part)?)));
    banned
        .map(|(part, word)| Finding::new(&file.path, message(part, word)))
        .collect()
}

fn in_source(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    for pair in source.tokens.windows(2) {
        let [keyword, name] = pair else { continue };
        if !KEYWORDS.contains(&keyword.text.as_str()) || !name.is_identifier() {
            continue;
        }
        if let Some(word) = banned_word(&name.text) {
            let place = format!("{}:{}", source.path, name.line);
            findings.push(Finding::new(place, message(&name.text, word)));
        }
    }
    findings
}

fn message(name: &str, word: &str) -> String {
    format!("`{name}` ends in `{word}`, which is vague: use a noun for its role")
}

fn banned_word(name: &str) -> Option<&'static str> {
    let last = last_word(name).to_lowercase();
    BANNED.iter().copied().find(|word| *word == last)
}

/// The last word of a name in `snake_case`, `kebab-case` or `CamelCase`, such as `Manager` of `HTTPManager`.
fn last_word(name: &str) -> &str {
    let name = name.rsplit(['_', '-']).next().unwrap_or(name);
    let letters: Vec<(usize, char)> = name.char_indices().collect();
    let starts_word = |at: usize| {
        let (before, here) = (letters[at - 1].1, letters[at].1);
        let after_is_lower = letters
            .get(at + 1)
            .is_some_and(|(_, after)| after.is_lowercase());
        here.is_uppercase() && (!before.is_uppercase() || after_is_lower)
    };
    let start = (1..letters.len()).rev().find(|at| starts_word(*at));
    start.map_or(name, |at| &name[letters[at].0..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_text(text: &str) -> Vec<String> {
        let source = Source::new("crates/engine/src/lib.rs", text);
        check(&[], &[source])
            .into_iter()
            .map(|finding| finding.to_string())
            .collect()
    }

    #[test]
    fn last_word_is_found_in_every_case_style() {
        for (name, word) in [
            ("user", "user"),
            ("user_manager", "manager"),
            ("user-manager", "manager"),
            ("UserManager", "Manager"),
            ("HTTPManager", "Manager"),
            ("Impulse", "Impulse"),
            ("RustIMP", "IMP"),
            ("", ""),
        ] {
            assert_eq!(last_word(name), word, "{name}");
        }
    }

    #[test]
    fn banned_types_and_modules_are_rejected() {
        for text in [
            "mod utils;",
            "pub(crate) mod test_helpers {}",
            "pub struct ExportManager;",
            "enum Common {}",
            "trait RequestHandler {}",
            "type EventProcessor = ();",
            "mod inner { mod imp {} }",
        ] {
            assert_eq!(in_text(text).len(), 1, "{text}");
        }
    }

    #[test]
    fn finding_names_the_line() {
        let expected = "crates/engine/src/lib.rs:2: `PoolManager` ends in `manager`, which is vague: \
                        use a noun for its role";
        assert_eq!(in_text("\nstruct PoolManager;"), [expected]);
    }

    #[test]
    fn banned_words_in_prose_and_inside_names_pass() {
        for text in [
            "/// The type handler is gone; struct Manager was too.\nstruct Pool;",
            "const TEXT: &str = \"mod utils;\";",
            "struct ImportedUser;",
            "mod implied;",
            "fn f() { let a = b.union(common); }",
        ] {
            assert_eq!(in_text(text), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn banned_files_and_folders_are_rejected() {
        for path in [
            "crates/engine/src/utils.rs",
            "crates/brunt/tests/common/mod.rs",
            "docs/misc.md",
        ] {
            assert_eq!(check(&[File::new(path, "")], &[]).len(), 1, "{path}");
        }
        for path in [
            "crates/engine/src/user.rs",
            ".ci/run",
            ".gitignore",
            "LICENSE-MIT",
        ] {
            assert_eq!(check(&[File::new(path, "")], &[]), [], "{path}");
        }
    }
}
