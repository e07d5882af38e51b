//! The examples in the docs are valid scenarios.

use std::io;
use std::path::Path;
use std::sync::Arc;

use brunt_scenario::{Environment, FileContent, Scenario};

/// An environment in which every variable is set, and every data file has the same rows.
struct Anywhere;

impl Environment for Anywhere {
    fn variable(&self, _: &str) -> Option<String> {
        Some("secret".to_owned())
    }

    fn file(&self, _: &Path) -> io::Result<Arc<dyn FileContent>> {
        Ok(Arc::new(b"name\nann\nbob\n".to_vec()))
    }
}

/// The TOML examples of a page, one after the other: those of `docs/scenario.md` add up to one file.
fn examples(page: &str) -> String {
    let blocks = page
        .split("```toml\n")
        .skip(1)
        .map(|block| block.split("```").next());
    blocks
        .map(Option::unwrap_or_default)
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn examples_of_the_docs_are_valid() {
    let pages = [
        (
            "docs/scenario.md",
            include_str!("../../../docs/scenario.md"),
        ),
        (
            "docs/tutorial.md",
            include_str!("../../../docs/tutorial.md"),
        ),
        (
            "docs/coming-from-k6.md",
            include_str!("../../../docs/coming-from-k6.md"),
        ),
        (
            "docs/coming-from-locust.md",
            include_str!("../../../docs/coming-from-locust.md"),
        ),
        (
            "docs/coming-from-wrk-oha-hey.md",
            include_str!("../../../docs/coming-from-wrk-oha-hey.md"),
        ),
        ("README.md", include_str!("../../../README.md")),
    ];
    for (name, page) in pages {
        let text = examples(page);
        assert!(!text.is_empty(), "{name} has examples");
        let scenario = Scenario::read_in(name, &text, &Anywhere);
        assert!(
            scenario.is_ok(),
            "{:?}",
            miette::Report::new(scenario.unwrap_err())
        );
    }
}
