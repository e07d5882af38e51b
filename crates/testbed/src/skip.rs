//! Reporting of tests that cannot run on this machine.

use std::env;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::Path;

/// Reports that a test is skipped and why, in one line on standard error (even if the output of the
/// test is captured) and in the file that `BRUNT_SKIPPED` names, if it is set. The test has to return
/// after this.
///
/// # Panics
/// If `CI` is `true`, since every test must run then, or if the line cannot be written.
#[track_caller]
pub fn skip(test: &str, reason: &str) {
    let file = env::var_os("BRUNT_SKIPPED").filter(|name| !name.is_empty());
    let ci = env::var_os("CI").is_some_and(|value| value == "true");
    // `eprint!` is captured in a passing test.
    let mut out = io::stderr();
    note(test, reason, &mut out, file.as_deref().map(Path::new), ci);
}

#[track_caller]
fn note(test: &str, reason: &str, out: &mut impl Write, file: Option<&Path>, ci: bool) {
    let line = format!("skipped: {test}: {}\n", reason.replace('\n', " "));
    out.write_all(line.as_bytes())
        .unwrap_or_else(|error| panic!("cannot write `{}`: {error}", line.trim_end()));
    if let Some(file) = file {
        OpenOptions::new()
            .append(true)
            .create(true)
            .open(file)
            .and_then(|mut file| file.write_all(line.as_bytes()))
            .unwrap_or_else(|error| {
                panic!(
                    "cannot append to {} (BRUNT_SKIPPED): {error}",
                    file.display()
                )
            });
    }
    assert!(!ci, "{} (CI=true: every test must run)", line.trim_end());
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::panic::catch_unwind;

    use super::*;

    #[test]
    fn appends_a_line_for_each_test() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("skipped");
        let mut out = Vec::new();
        for (test, reason) in [
            ("draws a report", "chromium is missing"),
            ("fills a disk", "root is\nneeded"),
        ] {
            note(test, reason, &mut out, Some(&file), false);
        }
        let lines =
            "skipped: draws a report: chromium is missing\nskipped: fills a disk: root is needed\n";
        assert_eq!(fs::read_to_string(&file).unwrap(), lines);
        assert_eq!(out, lines.as_bytes());
    }

    #[test]
    fn fails_under_ci_and_still_notes() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("skipped");
        let panic =
            catch_unwind(|| note("a", "b", &mut io::sink(), Some(&file), true)).unwrap_err();
        assert_eq!(
            panic.downcast_ref::<String>().unwrap(),
            "skipped: a: b (CI=true: every test must run)"
        );
        assert_eq!(fs::read_to_string(&file).unwrap(), "skipped: a: b\n");
    }

    #[test]
    #[should_panic(expected = "/nowhere/skipped (BRUNT_SKIPPED)")]
    fn fails_if_the_line_cannot_be_written() {
        let file = Path::new("/nowhere/skipped");
        note("a", "b", &mut io::sink(), Some(file), false);
    }
}
