//! The tests that said they cannot run on this machine.
//!
//! A test's output is captured while it passes, so a skipped test also appends its line to a file that this module
//! names in the environment: `skipped: <test>: <reason>`.

use std::path::Path;

use anyhow::{Context, bail};
use tempfile::NamedTempFile;

/// The variable that names the file to the tests.
pub(super) const VARIABLE: &str = "BRUNT_SKIPPED";

/// The file that skipped tests write to during one check.
pub(super) struct Skips {
    file: NamedTempFile,
}

/// One test that did not run.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Skip {
    pub(super) test: String,
    pub(super) reason: String,
}

impl Skips {
    pub(super) fn start() -> anyhow::Result<Self> {
        let file = NamedTempFile::with_prefix("brunt-skipped-")
            .context("cannot create a temporary file for the names of skipped tests")?;
        Ok(Self { file })
    }

    pub(super) fn path(&self) -> &Path {
        self.file.path()
    }

    /// Prints one line per skipped test and gives them back.
    pub(super) fn print(&self) -> anyhow::Result<Vec<Skip>> {
        let path = self.path();
        let text = std::fs::read_to_string(path).with_context(|| {
            format!(
                "cannot read the names of skipped tests in {}",
                path.display()
            )
        })?;
        let skips = parse(&text)?;
        for skip in &skips {
            println!("skipped: {}: {}", skip.test, skip.reason);
        }
        Ok(skips)
    }
}

fn parse(text: &str) -> anyhow::Result<Vec<Skip>> {
    let mut skips = Vec::new();
    for line in text.lines() {
        let parts = line
            .strip_prefix("skipped: ")
            .and_then(|rest| rest.split_once(": "));
        let Some((test, reason)) = parts else {
            bail!("`{line}` in {VARIABLE} is not of the form `skipped: <test>: <reason>`");
        };
        skips.push(Skip {
            test: test.to_owned(),
            reason: reason.to_owned(),
        });
    }
    Ok(skips)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_gives_the_test_and_its_reason() {
        let skips = parse("skipped: report::looks_right: no chromium: install it\n").unwrap();
        let expected = Skip {
            test: "report::looks_right".into(),
            reason: "no chromium: install it".into(),
        };
        assert_eq!(skips, [expected]);
    }

    #[test]
    fn no_lines_are_no_skips() {
        assert_eq!(parse("").unwrap(), []);
    }

    #[test]
    fn another_line_is_an_error_and_no_silence() {
        let error = parse("skip report: no chromium\n").unwrap_err().to_string();
        assert!(error.contains("`skip report: no chromium`"), "{error}");
    }

    #[test]
    fn what_a_test_appended_is_read_back() {
        let skips = Skips::start().unwrap();
        std::fs::write(skips.path(), "skipped: full_disk: not root\n").unwrap();
        let read = skips.print().unwrap();
        assert_eq!(
            read,
            [Skip {
                test: "full_disk".into(),
                reason: "not root".into()
            }]
        );
    }
}
