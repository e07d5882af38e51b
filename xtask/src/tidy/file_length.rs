//! Checks the length of Rust files. A file contains one topic; more than 1,000 lines need a reason, which is listed here.

use super::finding::Finding;
use super::tree::File;

const LINES_MAX: usize = 1_000;

/// Longer files, each with the reason.
pub(super) const LONGER: &[(&str, &str)] = &[];

pub(super) fn check(files: &[File], longer: &[(&str, &str)]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut reasons_used = Vec::new();
    for file in files.iter().filter(|file| file.has_extension("rs")) {
        let lines = file.text().map_or(0, |text| text.lines().count());
        if lines <= LINES_MAX {
            continue;
        }
        if longer.iter().any(|(path, _)| *path == file.path) {
            reasons_used.push(file.path.as_str());
            continue;
        }
        let text = format!(
            "{lines} lines, at most {LINES_MAX}: split it by topic, or give a reason in tidy/file_length.rs"
        );
        findings.push(Finding::new(&file.path, text));
    }
    let stale = longer
        .iter()
        .filter(|(path, _)| !reasons_used.contains(path));
    findings.extend(stale.map(|(path, _)| {
        Finding::new(
            *path,
            "listed as a long file, but is not one: remove it from tidy/file_length.rs",
        )
    }));
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(lines: usize) -> File {
        File::new("crates/engine/src/user.rs", &"// a line\n".repeat(lines))
    }

    #[test]
    fn file_of_the_largest_length_passes() {
        assert_eq!(check(&[file(LINES_MAX)], &[]), []);
    }

    #[test]
    fn longer_file_is_rejected() {
        let findings = check(&[file(LINES_MAX + 1)], &[]);
        assert_eq!(findings.len(), 1);
        assert!(
            findings[0].text.starts_with("1001 lines, at most 1000"),
            "{}",
            findings[0]
        );
    }

    #[test]
    fn longer_file_with_a_reason_passes() {
        let longer = [("crates/engine/src/user.rs", "one table")];
        assert_eq!(check(&[file(LINES_MAX + 1)], &longer), []);
    }

    #[test]
    fn reason_for_a_short_file_is_rejected() {
        let longer = [("crates/engine/src/user.rs", "one table")];
        let findings = check(&[file(20)], &longer);
        assert_eq!(findings.len(), 1);
        assert!(
            findings[0]
                .text
                .starts_with("listed as a long file, but is not one")
        );
    }

    #[test]
    fn long_markdown_file_passes() {
        let page = File::new("docs/guide.md", &"a line\n".repeat(2_000));
        assert_eq!(check(&[page], &[]), []);
    }
}
