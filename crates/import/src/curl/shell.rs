//! Splits command lines into words, in the syntax of the shell that they were written for.
//!
//! The available crates support neither `$'…'`, which browsers write for each body that contains a quote, nor the syntax
//! that they write for Windows, and words need not be UTF-8.

use crate::curl::command_line::ShellText;
use crate::curl::{bash, cmd, power_shell};
use crate::error::ImportError;

/// Splits a text into commands, in the syntax of the shell that it was written for.
pub(super) fn split(text: &[u8]) -> Result<ShellText, ImportError> {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let text = with_unix_lines(text);
    if power_shell::is_syntax_of(&text) {
        power_shell::split(&text)
    } else if cmd::is_syntax_of(&text) {
        cmd::split(&text)
    } else {
        bash::split(&text)
    }
}

/// Replaces the line ends of a Windows file. A body may contain some of them in a file with other line ends.
fn with_unix_lines(text: &[u8]) -> Vec<u8> {
    let is_windows = text
        .iter()
        .enumerate()
        .filter(|(_, byte)| **byte == b'\n')
        .all(|(at, _)| at > 0 && text[at - 1] == b'\r');
    if !is_windows {
        return text.to_vec();
    }
    let lines = text.split(|byte| *byte == b'\n');
    let lines = lines.map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    lines.collect::<Vec<_>>().join(&b'\n')
}
