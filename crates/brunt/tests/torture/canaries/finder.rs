//! Search for a word in bytes, in any encoding.

use std::path::Path;

use super::encodings::base64;

/// Finder of a word of letters and digits.
pub(super) struct Finder {
    /// The word and its hexadecimal form, in lower case: most encodings keep letters and digits.
    folded: Vec<String>,
    /// The invariant parts of its base64 encodings.
    exact: Vec<String>,
}

impl Finder {
    pub(super) fn new(word: &str) -> Self {
        let hex = word
            .bytes()
            .fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
        let mut exact = Vec::new();
        for word in [word.to_owned(), word.to_uppercase()] {
            // Some bits of the first and last characters belong to the neighbors.
            for before in 0..3 {
                let encoded = base64(&format!("{}{word}", "x".repeat(before)));
                let encoded = encoded.trim_end_matches('=');
                let end = (before + word.len()) * 8 / 6;
                exact.push(encoded[(before * 8).div_ceil(6)..end].to_owned());
            }
        }
        Self {
            folded: vec![word.to_lowercase(), hex],
            exact,
        }
    }

    /// Returns an excerpt around the word, if it is found.
    pub(super) fn find(&self, bytes: &[u8]) -> Option<String> {
        let text = String::from_utf8_lossy(bytes);
        let folded = text.to_ascii_lowercase();
        let found = self
            .folded
            .iter()
            .find_map(|word| folded.find(word.as_str()));
        let found = found.or_else(|| self.exact.iter().find_map(|word| text.find(word.as_str())));
        found.map(|at| {
            let from = text.floor_char_boundary(at.saturating_sub(80));
            let to = text.ceil_char_boundary((at + 60).min(text.len()));
            format!("{:?}", &text[from..to])
        })
    }
}

/// All files in a directory, except some.
pub(super) fn files(folder: &Path, except: &[&str]) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(inner) = folders.pop() {
        for entry in std::fs::read_dir(&inner).expect("a folder") {
            let path = entry.expect("an entry").path();
            let name = path
                .strip_prefix(folder)
                .expect("within it")
                .display()
                .to_string();
            if path.is_dir() {
                folders.push(path);
            } else if !except.contains(&name.as_str()) {
                found.push((name, std::fs::read(&path).expect("a file")));
            }
        }
    }
    found
}

#[test]
fn finder_finds_a_word_in_every_encoding() {
    use super::encodings::encoded;
    let finder = Finder::new("k07bird");
    for encoding in ["raw", "json", "html", "percent", "base64"] {
        let text = encoded(encoding, "x <\"k07bird\">");
        assert!(finder.find(text.as_bytes()).is_some(), "{text}");
        let other = encoded(encoding, "x <\"k08bird\">");
        assert!(finder.find(other.as_bytes()).is_none(), "{other}");
    }
}
