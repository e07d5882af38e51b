//! Checks that the repository contains only sources: small text files, except for images of the docs and old records.

use super::finding::Finding;
use super::tree::File;

/// Largest file, in bytes.
const BYTES_MAX: usize = 512 * 1024;

/// Folders and extensions of binary files that are allowed.
const BINARY: &[(&str, &str)] = &[
    ("docs/images/", "png"),
    ("crates/record/tests/data/", "brunt"),
];

pub(super) fn check(files: &[File]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in files {
        if file.bytes.len() > BYTES_MAX {
            let text = format!(
                "has {} bytes, at most {BYTES_MAX} are allowed",
                file.bytes.len()
            );
            findings.push(Finding::new(&file.path, text));
        }
        if file.text().is_none() && !may_be_binary(file) {
            let text = "not a text file: only images of the docs and old run records may be binary";
            findings.push(Finding::new(&file.path, text));
        }
    }
    findings
}

fn may_be_binary(file: &File) -> bool {
    BINARY.iter().any(|(folder, extension)| {
        let name = file.path.strip_prefix(folder);
        name.is_some_and(|name| !name.contains('/')) && file.has_extension(extension)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(path: &str, bytes: &[u8]) -> Vec<String> {
        let file = File {
            path: path.to_owned(),
            bytes: bytes.to_vec(),
        };
        check(&[file])
            .into_iter()
            .map(|finding| finding.text)
            .collect()
    }

    #[test]
    fn small_text_passes() {
        assert_eq!(
            findings("docs/guide.md", "größer\n".as_bytes()),
            Vec::<String>::new()
        );
        assert_eq!(
            findings("docs/guide.md", &vec![b'a'; BYTES_MAX]),
            Vec::<String>::new()
        );
    }

    #[test]
    fn large_file_is_rejected() {
        let found = findings("docs/guide.md", &vec![b'a'; BYTES_MAX + 1]);
        assert_eq!(found, ["has 524289 bytes, at most 524288 are allowed"]);
    }

    #[test]
    fn binary_files_are_rejected() {
        for bytes in [b"\x7fELF\0\0".as_slice(), b"\xff\xfe".as_slice()] {
            assert_eq!(findings("crates/brunt/tests/server", bytes).len(), 1);
            assert_eq!(findings("docs/images/deeper/report.png", bytes).len(), 1);
            assert_eq!(findings("docs/images/report.jpg", bytes).len(), 1);
        }
    }

    #[test]
    fn images_of_the_docs_pass() {
        assert_eq!(
            findings("docs/images/report.png", b"\x89PNG\r\n\x1a\n\0"),
            Vec::<String>::new()
        );
    }
}
