//! Rejects words and phrases in prose that a reader would have to decode, and suggests the field's words instead.

use regex::Regex;

use super::finding::Finding;
use super::prose::{self, Kind, Passage};
use super::tree::{File, Source};

/// A pattern that is rejected, and the suggestion.
struct Rule {
    /// A regular expression, which ignores case.
    pattern: &'static str,
    instead: &'static str,
    /// Whether the pattern is rejected only at the beginning of an item's documentation.
    only_first: bool,
}

const fn rule(pattern: &'static str, instead: &'static str) -> Rule {
    Rule {
        pattern,
        instead,
        only_first: false,
    }
}

/// The rules. A match that has a group named `fine` or `fine2` is correct English and passes.
const RULES: &[Rule] = &[
    Rule {
        pattern: r"^\s*(What|How|Who|Whoever|Where|That|So many|So long) ",
        instead: "begin with a noun phrase or a verb",
        only_first: true,
    },
    rule(r"\bso (many|often)\b", "the number of, how often"),
    rule(r"\bso long\b(?<fine> as)?", "for …, the duration"),
    rule(
        r"(?<fine>\bthere )?\b(is|are|was|were) no (?<fine2>(longer|more|less|fewer)\b)?\w*",
        "is not a …, there is no …, invalid …",
    ),
    rule(
        r"(?<fine>\bthere )?\b(is|are|was|were) none\b",
        "there is no …, is not a …",
    ),
    rule(
        r"\bas (\w+ ){1,4}ha(s|ve) (it|them)\b",
        "according to …, per …",
    ),
    rule(
        r"\bbeside\b",
        "in parallel with, compared with, in addition to, next to",
    ),
    rule(r"\breckon\w*\b", "compute"),
    rule(r"\banew\b", "again"),
    rule(r"\bamiss\b", "wrong"),
    rule(r"\bmeanwhile\b", "during"),
    rule(r"\ball the same\b", "anyway"),
    rule(r"\bbut for\b", "except"),
    rule(r"\bin the place of\b", "instead of"),
    rule(r"\bin turns\b", "alternately"),
    rule(r"\b(stands|lies|stand|lie) in\b", "is in, is described in"),
    rule(r"\bunder way\b", "in flight, running"),
    rule(r"\btaken? up\b|\btook up\b", "dispatched, started"),
    rule(r"\b(hear|hears|heard)\b", "receive"),
    rule(
        r"\b(is|are|was|were|be|been|being) told\b",
        "receives, is notified, is reported",
    ),
    rule(
        r"(?<fine>\bLLM )?\banswer(s|ed|ing)?\b",
        "response, respond",
    ),
    rule(r"\bgood-?bye\b", "close, GOAWAY"),
    rule(
        r"\bbrunt (knows|suspects|thinks|believes|wants|looks|sees)\b",
        "a technical subject and verb",
    ),
    rule(
        r"\b((?<fine>analyses)|(colour|favour|behaviour|honour|neighbour|judgement|centre|licence|artefact|analyse|organise|recognise)\w*)\b",
        "American spelling",
    ),
    rule(
        r"\b(whilst|amongst|towards|upon|whereby|thereof|therein|hitherto)\b",
        "while, among, toward, on, …",
    ),
];

/// Files and folders that are not checked, each with the reason.
const ALLOWED: &[(&str, &str)] = &[
    (
        "crates/application-agent/src/scoring.rs",
        "lists transition words of LLM responses",
    ),
    ("xtask/src/tidy/wording.rs", "names the patterns"),
    ("CONTRIBUTING.md", "names the patterns"),
];

pub(super) fn check(files: &[File], sources: &[Source]) -> anyhow::Result<Vec<Finding>> {
    let mut rules = Vec::new();
    for rule in RULES {
        rules.push((Regex::new(&format!("(?im){}", rule.pattern))?, rule));
    }
    let mut findings = Vec::new();
    for file in files {
        if ALLOWED.iter().any(|(path, _)| file.path.starts_with(path)) {
            continue;
        }
        let passages = if file.has_extension("md") {
            prose::of_markdown(file)
        } else if let Some(source) = sources.iter().find(|source| source.path == file.path) {
            prose::of_rust(file, source)
        } else {
            continue;
        };
        for passage in &passages {
            findings.extend(in_passage(&rules, &file.path, passage));
        }
    }
    Ok(findings)
}

/// Findings of one passage.
fn in_passage(rules: &[(Regex, &Rule)], path: &str, passage: &Passage) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (pattern, rule) in rules {
        if rule.only_first && passage.kind != Kind::Doc {
            continue;
        }
        for found in pattern.captures_iter(&passage.text) {
            let Some(whole) = found.get(0) else { continue };
            let is_fine = ["fine", "fine2"]
                .iter()
                .any(|name| found.name(name).is_some());
            if is_fine || rule.only_first && whole.start() > 0 {
                continue;
            }
            let before = &passage.text[..whole.start()];
            let line = passage.line + before.matches('\n').count();
            findings.push(Finding::new(
                format!("{path}:{line}"),
                format!("\"{}\": write {}", whole.as_str().trim(), rule.instead),
            ));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::finding::Finding;
    use super::*;

    fn findings(path: &str, text: &str) -> Vec<Finding> {
        let files = [File::new(path, text)];
        let sources: Vec<Source> = files
            .iter()
            .filter(|file| file.has_extension("rs"))
            .map(|file| Source::new(&file.path, text))
            .collect();
        check(&files, &sources).unwrap()
    }

    #[test]
    fn rejected_pattern_is_found_in_every_kind_of_prose() {
        for text in [
            "What a run leaves.",
            "It is run so many times.",
            "It waits so long.",
            "That is no number.",
            "There were some, and these are none.",
            "As Locust has it, users wait.",
            "It runs beside the load.",
            "Beside the load it runs.",
            "The figures are reckoned anew.",
            "Its reasons stand in the header.",
            "A request under way is waited for.",
            "The engine hears of it.",
            "Whoever asks is told.",
            "brunt knows the service.",
            "Its behaviour is known.",
            "The service answered.",
        ] {
            let doc = findings("xtask/src/a.rs", &format!("/// {text}\nfn f() {{}}\n"));
            assert!(!doc.is_empty(), "{text}");
            assert_eq!(doc[0].place, "xtask/src/a.rs:1");
            if !text.starts_with("What") {
                let literal = format!("fn f() {{\n    g(\"{text}\")\n}}\n");
                assert_eq!(
                    findings("xtask/src/a.rs", &literal)[0].place,
                    "xtask/src/a.rs:2",
                    "{text}"
                );
                assert!(
                    !findings("docs/a.md", &format!("# A\n\n{text}\n")).is_empty(),
                    "{text}"
                );
                assert!(
                    !findings("xtask/src/a.rs", &format!("// {text}\n")).is_empty(),
                    "{text}"
                );
            }
        }
    }

    #[test]
    fn correct_english_code_and_names_pass() {
        for text in [
            "The number of requests. What follows is not the beginning.",
            "There is no such file; it is no longer needed, so long as it is closed.",
            "The number of rows; `None` if there is none.",
            "The agent keeps the last 500 analyses.",
            "`is no number` and `answer` are code.",
            "The LLM answers.",
            "Besides, an unanswered request counts: `beside`.",
        ] {
            assert_eq!(
                findings("xtask/src/a.rs", &format!("/// {text}\nfn f() {{}}\n")),
                [],
                "{text}"
            );
            assert_eq!(findings("docs/a.md", text), [], "{text}");
        }
        let code = "fn beside() { anew(\"so many\") }\n";
        assert_eq!(findings("xtask/src/a.rs", code), []);
        assert_eq!(
            findings("docs/a.md", "```sh\nbrunt so many beside\n```\n"),
            []
        );
    }

    #[test]
    fn finding_names_the_line_inside_a_passage() {
        let text = "fn f() {}\n\n/// A figure.\n///\n/// It is anew.\nfn g() {}\n";
        assert_eq!(
            findings("xtask/src/a.rs", text)[0].place,
            "xtask/src/a.rs:5"
        );
    }
}
