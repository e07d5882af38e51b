//! Tests that were skipped because they cannot run on this machine.
//!
//! The output of a passing test is captured, so a skipped test also appends a line `skipped: <test>: <reason>` to a file
//! whose path this module passes in an environment variable.

use std::path::Path;

use anyhow::{Context, bail};
use tempfile::NamedTempFile;

/// Environment variable with the path of the file.
pub(super) const VARIABLE: &str = "BRUNT_SKIPPED";

/// The temporary file that skipped tests append to during a check.
pub(super) struct Skips {
    file: NamedTempFile,
}

/// A skipped test.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Skip {
    pub(super) test: String,
    pub(super) reason: String,
}

impl Skips {
    /// Creates the file.
    pub(super) fn start() -> anyhow::Result<Self> {
        let file = NamedTempFile::with_prefix("brunt-skipped-")
            .context("cannot create a temporary file for the names of skipped tests")?;
        Ok(Self { file })
    }

    pub(super) fn path(&self) -> &Path {
        self.file.path()
    }

    /// Prints one line per skipped test and returns the skips.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, or a line has another form.
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
            bail!(
                "invalid line `{line}` in the file of {VARIABLE}: must be `skipped: <test>: <reason>`"
            );
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
    fn line_is_parsed_into_test_and_reason() {
        let skips = parse("skipped: report::looks_right: no chromium: install it\n").unwrap();
        let expected = Skip {
            test: "report::looks_right".into(),
            reason: "no chromium: install it".into(),
        };
        assert_eq!(skips, [expected]);
    }

    #[test]
    fn empty_file_has_no_skips() {
        assert_eq!(parse("").unwrap(), []);
    }

    #[test]
    fn line_of_another_form_is_an_error() {
        let error = parse("skip report: no chromium\n").unwrap_err().to_string();
        assert!(error.contains("`skip report: no chromium`"), "{error}");
    }

    #[test]
    fn appended_line_is_read_back() {
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
