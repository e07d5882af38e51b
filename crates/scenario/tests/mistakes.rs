//! Error messages for mistakes in scenario files: what, where, what is accepted, the remedy.

#[path = "mistakes/table.rs"]
mod table;

use miette::{GraphicalReportHandler, GraphicalTheme};
use proptest::prelude::*;
use std::io;
use std::path::Path;
use std::sync::Arc;

use brunt_scenario::{Environment, FileContent, Scenario};
use table::{GET, file, mistakes};

/// One file, and an empty environment.
struct OneFile;

impl Environment for OneFile {
    fn variable(&self, _: &str) -> Option<String> {
        None
    }

    fn file(&self, path: &Path) -> io::Result<Arc<dyn FileContent>> {
        match path.to_str() {
            Some("people.csv") => Ok(Arc::new(b"name,password\nann,nna\n".to_vec())),
            Some("broken.json") => Ok(Arc::new(b"[1, 2".to_vec())),
            _ => Err(io::Error::other("no such file")),
        }
    }
}

/// Error message at 80 columns and without color; empty for a valid file.
fn shown(text: &str) -> String {
    let mut shown = String::new();
    if let Err(error) = Scenario::read_in("brunt.toml", text, &OneFile) {
        GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor())
            .with_width(80)
            .render_report(&mut shown, &error)
            .expect("text");
    }
    shown
}

#[test]
fn every_mistake_is_reported_with_its_location_and_a_remedy() {
    assert_eq!(shown(&file(GET, "")), "", "the file without mistakes");
    let mut page = String::new();
    for (name, text) in mistakes() {
        let shown = shown(&text);
        assert!(!shown.is_empty(), "{name} goes through");
        page += &format!("=== {name}\n{shown}\n");
    }
    insta::assert_snapshot!(page);
}

#[test]
fn several_mistakes_are_reported_at_once() {
    let text = file(
        "get = \"x\"\ntimeout = \"x\"",
        "[targets]\np101 = { target = \"1s\" }",
    );
    let shown = shown(&text);
    assert!(shown.contains("3 problems"), "{shown}");
}

#[test]
fn consequences_of_a_mistake_are_not_reported() {
    let cases = [
        // The request has no path only because the path is not a text.
        file("get = 5", ""),
        // The class has no tasks only because they are not a list.
        file(GET, "").replace("[[users.visitor.tasks]]", "[users.visitor.tasks]"),
        // No class extends one that could not be read.
        file(
            GET,
            "[users.other]\nextends = \"third\"\n[users.third]\ntasks = 7",
        ),
        // The request would have this name without the mistake.
        file(
            "get = \"/\"\nname = 7",
            "[request_targets.\"seven\"]\np95 = { target = \"1s\" }",
        ),
        // A repaired name exists.
        file(
            "get = \"/\"\nnmae = \"seven\"",
            "[request_targets.\"seven\"]\np95 = { target = \"1s\" }",
        ),
        file(GET, "")
            .replace("[users.visitor]", "[user.visitor]")
            .replace("[[users", "[[user"),
        file(GET, "[profiles.mine]\nusres = 5\nduration = \"1s\""),
    ];
    for text in cases {
        let shown = shown(&text);
        assert!(shown.contains("1 problem"), "{text}\n{shown}");
    }
}

proptest! {
    #[test]
    fn reader_accepts_any_text(
        pieces in prop::collection::vec(prop::sample::select(vec![
            "[users.a]\n", "[[users.a.tasks]]\n", "extends = \"a\"\n", "get = \"/\"\n", "wait = \"1s\"\n",
            "[profiles.p]\n", "users = 1\n", "duration = \"1s\"\n", "stages = []\n", "[targets]\n",
            "p50 = {}\n", "{{", "}}", "\"", "=", "pick(", ")", "[data]\n", "x = [1, 2.5, true, \"é\"]\n",
            "weight = nan\n", "[[setup]]\n", "wieght = 1\n", "users = []\n", "tasks = 5\n", "stages = [{ users = 1 }]\n", "[user.b]\n", "json = { a = [1, { b = \"{{ pick(x) }}\" }] }\n", "\u{0}", "日",
        ]), 0..25)
    ) {
        let text = pieces.concat();
        prop_assert!(shown(&text).len() < 100_000);
    }
}
