//! The text form of a corpus: one entry per line.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::Context;

/// The entries of a corpus folder as sorted lines, each with its line end. Empty entries are left out.
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

/// Escapes an entry. Printable ASCII except the backslash stays; other bytes become a backslash and two hexadecimal digits.
fn escaped(bytes: &[u8]) -> String {
    let mut line = String::new();
    for byte in bytes {
        match byte {
            b' '..=b'~' if *byte != b'\\' => line.push(char::from(*byte)),
            // Writing to a string cannot fail.
            _ => write!(line, "\\{byte:02x}").unwrap_or_default(),
        }
    }
    line
}

/// Reverses [`escaped`].
///
/// # Errors
///
/// If two hexadecimal digits do not follow a backslash.
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
    fn escaped_entry_is_unescaped_to_the_same_bytes() {
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(unescaped(&escaped(&all)).unwrap(), all);
        assert_eq!(escaped(b"HTTP/1.1 200\r\n\\"), "HTTP/1.1 200\\0d\\0a\\5c");
        assert!(unescaped("\\0").is_err());
    }
}
