//! A corpus as a text: an entry a line.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::Context;

/// The entries of a corpus, a line each, in an order that does not change.
pub(super) fn lines_of(folder: &Path) -> anyhow::Result<Vec<String>> {
    let mut lines = Vec::new();
    for entry in fs::read_dir(folder)? {
        let bytes = fs::read(entry?.path())?;
        if !bytes.is_empty() {
            lines.push(escaped(&bytes) + "\n");
        }
    }
    lines.sort();
    Ok(lines)
}

/// Bytes that can be read stay as they are; all others are a backslash and two hexadecimal digits.
fn escaped(bytes: &[u8]) -> String {
    let mut line = String::new();
    for byte in bytes {
        match byte {
            b' '..=b'~' if *byte != b'\\' => line.push(char::from(*byte)),
            // Writing to a text does not fail.
            _ => write!(line, "\\{byte:02x}").unwrap_or_default(),
        }
    }
    line
}

pub(super) fn unescaped(line: &str) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut rest = line;
    while let Some((before, after)) = rest.split_once('\\') {
        bytes.extend_from_slice(before.as_bytes());
        let digits = after.get(..2).context("a backslash without two digits")?;
        bytes.push(u8::from_str_radix(digits, 16)?);
        rest = &after[2..];
    }
    bytes.extend_from_slice(rest.as_bytes());
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_comes_back_from_its_line() {
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(unescaped(&escaped(&all)).unwrap(), all);
        assert_eq!(escaped(b"HTTP/1.1 200\r\n\\"), "HTTP/1.1 200\\0d\\0a\\5c");
        assert!(unescaped("\\0").is_err());
    }
}
