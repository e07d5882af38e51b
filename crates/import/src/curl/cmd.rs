//! The syntax of `cmd.exe`, in which browsers copy commands on Windows.

use crate::curl::command_line::{Bytes, CommandWriter, ShellText};
use crate::error::ImportError;

/// Whether a text escapes with carets: one before a quote or a line break, outside of quotes.
pub(super) fn is_syntax_of(text: &[u8]) -> bool {
    let mut quote = None;
    let mut bytes = text.iter().enumerate();
    while let Some((at, byte)) = bytes.next() {
        match (byte, quote) {
            (b'\\', None | Some(b'"')) => {
                bytes.next();
            }
            (b'^', None) => {
                let next = &text[at + 1..];
                if next.starts_with(b"\"") || next.starts_with(b"\n") || next.starts_with(b"\r\n") {
                    return true;
                }
            }
            (b'\'' | b'"', None) => quote = Some(*byte),
            (byte, Some(open)) if *byte == open => quote = None,
            _ => {}
        }
    }
    false
}

/// Splits a text into commands: first as `cmd.exe` reads carets, then as programs read quotes.
pub(super) fn split(text: &[u8]) -> Result<ShellText, ImportError> {
    let mut writer = CommandWriter::default();
    for line in lines(text) {
        words(&line, &mut writer)?;
        writer.end_command(false);
    }
    Ok(writer.finish())
}

/// The command lines without carets. A caret escapes the next character; at the end of a line, it joins the line with the
/// next one, or stands for the line break if an empty line follows. In quotes that are not escaped, it is a character.
fn lines(text: &[u8]) -> Vec<Vec<u8>> {
    let mut rest = Bytes::new(text);
    let mut lines = vec![Vec::new()];
    let mut is_quoted = false;
    while let Some(byte) = rest.next() {
        let last = lines.len() - 1;
        let line = &mut lines[last];
        match byte {
            b'^' if !is_quoted => match rest.next() {
                Some(b'\n') if rest.skip(b"\n") => line.push(b'\n'),
                Some(b'\n') | None => {}
                Some(byte) => line.push(byte),
            },
            b'\n' => {
                is_quoted = false;
                lines.push(Vec::new());
            }
            b'&' | b'|' if !is_quoted => lines.push(Vec::new()),
            _ => {
                is_quoted ^= byte == b'"';
                line.push(byte);
            }
        }
    }
    lines
}

/// Reads the words of a command line. A backslash escapes a quote, and itself as browsers write it.
fn words(line: &[u8], writer: &mut CommandWriter) -> Result<(), ImportError> {
    let mut rest = Bytes::new(line);
    while let Some(byte) = rest.next() {
        match byte {
            b' ' | b'\t' | b'\n' => writer.end_word(),
            b'"' => quoted(&mut rest, writer)?,
            b'\\' if rest.skip(b"\"") => writer.word().push(b'"'),
            _ => writer.word().push(byte),
        }
    }
    Ok(())
}

fn quoted(rest: &mut Bytes, writer: &mut CommandWriter) -> Result<(), ImportError> {
    let begin = rest.clone();
    writer.word();
    loop {
        match rest.next().ok_or_else(|| begin.open_quote())? {
            b'"' if rest.skip(b"\"") => writer.word().push(b'"'),
            b'"' => return Ok(()),
            b'\\' => match rest.peek() {
                Some(byte @ (b'"' | b'\\')) => {
                    rest.next();
                    writer.word().push(byte);
                }
                _ => writer.word().push(b'\\'),
            },
            byte => writer.word().push(byte),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words_of(text: &str) -> Vec<String> {
        let commands = split(text.as_bytes()).unwrap().commands;
        let words = commands.into_iter().flat_map(|command| command.words);
        words
            .map(|word| String::from_utf8_lossy(&word).into_owned())
            .collect()
    }

    #[test]
    fn carets_and_quotes_are_read_like_on_windows() {
        let cases: [(&str, &[&str]); 7] = [
            (
                "curl ^\"http://x/?a^&b^\" ^\n  -d ^\"^{^\\^\"c^\\^\":1^}^\"",
                &["curl", "http://x/?a&b", "-d", "{\"c\":1}"],
            ),
            (
                "curl ^\"http://x/?f^\\[n^\\]=1^\"",
                &["curl", "http://x/?f\\[n\\]=1"],
            ),
            (
                "curl \"http://x/a^b\" ^\n -H \"A: it's\"",
                &["curl", "http://x/a^b", "-H", "A: it's"],
            ),
            ("curl -d ^\"a^\n\nb^\"", &["curl", "-d", "a\nb"]),
            (
                "curl -d \"{\"\"a\"\":1}\" ^\n x",
                &["curl", "-d", "{\"a\":1}", "x"],
            ),
            (
                "curl ^\"C:\\\\a^\" ^\"b%^20c^\"",
                &["curl", "C:\\a", "b%20c"],
            ),
            ("curl ^\"a^\" & curl ^\"b^\"", &["curl", "a", "curl", "b"]),
        ];
        for (text, expected) in cases {
            assert!(is_syntax_of(text.as_bytes()), "{text}");
            assert_eq!(words_of(text), expected, "{text}");
        }
    }

    #[test]
    fn caret_in_quotes_of_bash_is_not_a_sign_of_cmd() {
        let cases = [
            "curl 'http://x/' --data-raw '{\"re\":\"^\",\"s\":\"x\"}'",
            "curl \"a^\" -d \"^\\\"\"",
            "curl a^b",
            "curl 'it'\\''s^\"'",
        ];
        for text in cases {
            assert!(!is_syntax_of(text.as_bytes()), "{text}");
        }
    }
}
