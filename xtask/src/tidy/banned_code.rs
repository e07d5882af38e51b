//! Rejects code that hides gaps: unfinished parts, tests and examples that never run, and glob re-exports.

use super::finding::Finding;
use super::tokens::Token;
use super::tree::Source;

pub(super) fn check(sources: &[Source]) -> Vec<Finding> {
    sources.iter().flat_map(in_source).collect()
}

fn in_source(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (at, token) in source.tokens.iter().enumerate() {
        if let Some(text) = violation(&source.tokens[at..]) {
            findings.push(Finding::new(
                format!("{}:{}", source.path, token.line),
                text,
            ));
        }
    }
    findings
}

/// The violation that begins at the first of these tokens.
fn violation(tokens: &[Token]) -> Option<&'static str> {
    let text = |at: usize| tokens.get(at).map_or("", |token| token.text.as_str());
    match (text(0), text(1)) {
        ("todo" | "unimplemented", "!") => Some("unfinished code: finish or remove it"),
        ("pub", _) if exports_all(tokens) => Some("a glob re-export: name what is exported"),
        ("#", "[") if ignores_test(&tokens[2..]) => Some(
            "a test that is always ignored: run it, or call `brunt_testbed::skip` if it cannot run on a machine",
        ),
        ("doc", "=") if ignores_example(text(2)) => {
            Some("an example that is never compiled: use `no_run` or `text`")
        }
        _ => None,
    }
}

/// Whether these tokens begin a re-export with a glob, `pub use …*…;`.
fn exports_all(tokens: &[Token]) -> bool {
    let mut rest = tokens[1..].iter();
    let mut next = rest.next();
    if next.is_some_and(|token| token.text == "(") {
        next = rest.by_ref().skip_while(|token| token.text != ")").nth(1);
    }
    next.is_some_and(|token| token.text == "use")
        && rest
            .take_while(|token| token.text != ";")
            .any(|token| token.text == "*")
}

/// Whether an attribute, from its name on, is `ignore` or a `cfg_attr` that contains it.
fn ignores_test(attribute: &[Token]) -> bool {
    let Some(name) = attribute.first() else {
        return false;
    };
    match name.text.as_str() {
        "ignore" => true,
        "cfg_attr" => {
            let inside = attribute.iter().take_while(|token| token.text != "]");
            inside.into_iter().any(|token| token.text == "ignore")
        }
        _ => false,
    }
}

/// Whether a doc comment contains a code block marked `ignore`.
fn ignores_example(literal: &str) -> bool {
    let lines = literal.trim_matches('"').split("\\n");
    let fences = lines.filter_map(|line| line.trim().strip_prefix("```"));
    fences.into_iter().any(|marks| {
        marks
            .split(',')
            .any(|mark| mark.trim().starts_with("ignore"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(text: &str) -> usize {
        check(&[Source::new("a.rs", text)]).len()
    }

    #[test]
    fn unfinished_code_and_ignored_tests_are_rejected() {
        for text in [
            "fn f() { todo!() }",
            "fn f() { unimplemented!(\"later\") }",
            "#[test]\n#[ignore]\nfn f() {}",
            "#[test]\n#[ignore = \"slow\"]\nfn f() {}",
            "#[cfg_attr(not(feature = \"slow\"), ignore)]\nfn f() {}",
            "/// ```ignore\n/// f();\n/// ```\nfn f() {}",
            "//! ```rust,ignore\n//! f();\n//! ```\n",
            "/** Text\n```ignore\nf();\n```\n*/\nfn f() {}",
        ] {
            assert_eq!(count(text), 1, "{text}");
        }
    }

    #[test]
    fn glob_re_exports_are_rejected() {
        for text in [
            "pub use a::*;",
            "pub(crate) use a::b::*;",
            "pub use a::{b::*, c};",
            "pub(in crate::a) use b::*;",
        ] {
            assert_eq!(count(text), 1, "{text}");
        }
    }

    #[test]
    fn similar_code_passes() {
        for text in [
            "use super::*;",
            "pub use a::{b, c};\nconst D: usize = 2 * 3;",
            "pub fn todo(ignore: bool) -> bool { ignore != true }",
            "/// Never write `todo!()` or `#[ignore]`.\nfn f() {}",
            "const TEXT: &str = \"#[ignore] todo!()\";",
            "/// ```no_run\n/// f();\n/// ```\nfn f() {}",
            "#[cfg_attr(test, derive(Debug))]\nstruct A { ignore: bool }",
        ] {
            assert_eq!(count(text), 0, "{text}");
        }
    }

    #[test]
    fn finding_names_the_line() {
        let findings = check(&[Source::new("a.rs", "fn f() {\n    todo!()\n}\n")]);
        assert_eq!(findings[0].place, "a.rs:2");
    }
}
