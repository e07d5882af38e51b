//! Checks that links from the project's pages to its files have a target.

use std::collections::BTreeSet;

use regex::Regex;

use super::finding::Finding;
use super::tree::File;

pub(super) fn check(files: &[File]) -> anyhow::Result<Vec<Finding>> {
    let pattern = Pattern::new()?;
    let known = known_paths(files);
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| file.has_extension("md")) {
        for (line, target) in pattern.targets(file.text().unwrap_or_default()) {
            let exists =
                resolve(&file.path, &target).is_some_and(|path| known.contains(path.as_str()));
            if !exists {
                let place = format!("{}:{line}", file.path);
                findings.push(Finding::new(
                    place,
                    format!("links to `{target}`, which is not in the project"),
                ));
            }
        }
    }
    Ok(findings)
}

/// Paths of all files and their folders. The root is the empty path.
fn known_paths(files: &[File]) -> BTreeSet<&str> {
    let mut known = BTreeSet::from([""]);
    for file in files {
        known.insert(file.path.as_str());
        known.extend(file.path.match_indices('/').map(|(at, _)| &file.path[..at]));
    }
    known
}

/// The path, from the root, of a link's target in `page`; `None` if it is outside of the project.
fn resolve(page: &str, target: &str) -> Option<String> {
    let path = target.split(['#', '?']).next().unwrap_or(target);
    let mut parts: Vec<&str> = page.split('/').collect();
    parts.pop();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            name => parts.push(name),
        }
    }
    (!path.starts_with('/')).then(|| parts.join("/"))
}

/// Patterns that find the links of a page.
struct Pattern {
    /// `[text](target)`, `[name]: target`, `src="target"`, `href="target"`.
    link: Regex,
    /// Inline code.
    code: Regex,
    /// Targets with a scheme, and anchors of the same page.
    external: Regex,
}

impl Pattern {
    fn new() -> anyhow::Result<Self> {
        Ok(Self {
            link: Regex::new(
                r#"\]\(\s*<?([^)\s>]+)|^ {0,3}\[[^\]]+\]:\s*<?([^\s>]+)|\b(?:src|href)\s*=\s*"([^"]+)""#,
            )?,
            code: Regex::new(r"`[^`]*`")?,
            external: Regex::new(r"^(?:[A-Za-z][A-Za-z0-9+.-]*:|//|#)")?,
        })
    }

    /// Lines and targets of all links to files of the project. Code is skipped.
    fn targets(&self, page: &str) -> Vec<(usize, String)> {
        let mut targets = Vec::new();
        let mut fence: Option<&str> = None;
        for (line, text) in (1..).zip(page.lines()) {
            let trimmed = text.trim_start();
            let mark = ["```", "~~~"]
                .into_iter()
                .find(|mark| trimmed.starts_with(mark));
            match (fence, mark) {
                (None, Some(_)) => fence = mark,
                (Some(open), Some(mark)) if open == mark => fence = None,
                (Some(_), _) => {}
                (None, None) => {
                    let text = self.code.replace_all(text, "code");
                    let found = self.link.captures_iter(&text);
                    let found = found.filter_map(|groups| groups.iter().skip(1).flatten().next());
                    let own = found.filter(|target| !self.external.is_match(target.as_str()));
                    targets.extend(own.map(|target| (line, target.as_str().to_owned())));
                }
            }
        }
        targets
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(page: &str) -> Vec<String> {
        let files = [
            File::new("README.md", ""),
            File::new("docs/guide.md", page),
            File::new("docs/images/report.png", ""),
        ];
        check(&files)
            .unwrap()
            .into_iter()
            .map(|finding| finding.to_string())
            .collect()
    }

    #[test]
    fn links_to_existing_files_pass() {
        for page in [
            "[home](../README.md), [part](../README.md#words), [folder](images/), [root](..)",
            "![a picture](images/report.png \"a title\")",
            "<img src=\"images/report.png\" width=\"600\">",
            "see [the guide]\n\n[the guide]: guide.md",
            "[elsewhere](https://example.org/a.md), [here](#words), [mail](mailto:a@example.org)",
        ] {
            assert_eq!(findings(page), Vec::<String>::new(), "{page}");
        }
    }

    #[test]
    fn links_to_missing_files_are_rejected() {
        for page in [
            "[gone](gone.md)",
            "[`code` as text](gone.md#part)",
            "![picture](images/gone.png)",
            "<a href=\"gone.md\">gone</a>",
            "[ref]: gone.md",
            "[out of the project](../../README.md)",
            "[absolute](/README.md)",
            "[one](guide.md) and [two](gone.md)",
        ] {
            assert_eq!(findings(page).len(), 1, "{page}");
        }
    }

    #[test]
    fn finding_names_page_line_and_target() {
        let expected = "docs/guide.md:3: links to `gone.md`, which is not in the project";
        assert_eq!(findings("# Guide\n\n[gone](gone.md)\n"), [expected]);
    }

    #[test]
    fn links_in_code_are_skipped() {
        assert_eq!(
            findings("```md\n[gone](gone.md)\n```\n`[gone](gone.md)`\n"),
            Vec::<String>::new()
        );
        assert_eq!(findings("```\na\n```\n[gone](gone.md)\n").len(), 1);
    }
}
