//! The syntax of PowerShell, in which `curl.exe` is called on Windows.

use crate::curl::command_line::{Bytes, CommandWriter, ShellText};
use crate::error::ImportError;

/// Whether a text continues lines with backquotes, or reads variables of the environment like PowerShell.
pub(super) fn is_syntax_of(text: &[u8]) -> bool {
    let holds = |part: &[u8]| text.windows(part.len()).any(|window| window == part);
    // In bash, a backquote ends a command before it, without a space.
    holds(b" `\n") || holds(b"$env:")
}

/// Splits a text into commands.
pub(super) fn split(text: &[u8]) -> Result<ShellText, ImportError> {
    let mut rest = Bytes::new(text);
    let mut writer = CommandWriter::default();
    while let Some(byte) = rest.next() {
        match byte {
            b' ' | b'\t' => writer.end_word(),
            b'\n' | b';' => writer.end_command(false),
            b'|' => writer.end_command(true),
            b'#' if !writer.is_in_word() => {
                rest.take_while(|byte| byte != b'\n');
            }
            b'\'' => quoted(&mut rest, writer.word())?,
            b'"' => double_quoted(&mut rest, &mut writer)?,
            b'`' => match rest.next() {
                None | Some(b'\n') => {}
                Some(byte) => writer.word().push(byte),
            },
            b'$' => variable(&mut rest, &mut writer),
            _ => writer.word().push(byte),
        }
    }
    let mut text = writer.finish();
    for word in text
        .commands
        .iter_mut()
        .flat_map(|command| &mut command.words)
    {
        without_backslashes(word);
    }
    Ok(text)
}

fn quoted(rest: &mut Bytes, word: &mut Vec<u8>) -> Result<(), ImportError> {
    let begin = rest.clone();
    loop {
        match rest.next().ok_or_else(|| begin.open_quote())? {
            b'\'' if rest.skip(b"'") => word.push(b'\''),
            b'\'' => return Ok(()),
            byte => word.push(byte),
        }
    }
}

fn double_quoted(rest: &mut Bytes, writer: &mut CommandWriter) -> Result<(), ImportError> {
    let begin = rest.clone();
    writer.word();
    loop {
        match rest.next().ok_or_else(|| begin.open_quote())? {
            b'"' if rest.skip(b"\"") => writer.word().push(b'"'),
            // A backslash does not escape a quote for PowerShell, but people write it.
            b'\\' if rest.rest().starts_with(b"\"") && !ends_quotes(&rest.rest()[1..]) => {
                rest.next();
                writer.word().push(b'"');
            }
            b'"' => return Ok(()),
            b'`' => match rest.next().ok_or_else(|| begin.open_quote())? {
                b'n' => writer.word().push(b'\n'),
                b'r' => writer.word().push(b'\r'),
                b't' => writer.word().push(b'\t'),
                b'\n' => {}
                byte => writer.word().push(byte),
            },
            b'$' => variable(rest, writer),
            byte => writer.word().push(byte),
        }
    }
}

fn ends_quotes(next: &[u8]) -> bool {
    next.first().is_none_or(u8::is_ascii_whitespace)
}

/// Reads what follows `$`.
fn variable(rest: &mut Bytes, writer: &mut CommandWriter) {
    let is_braced = rest.skip(b"{");
    rest.skip(b"env:");
    let name = rest.take_while(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if name.first().is_none_or(u8::is_ascii_digit) {
        writer.word().push(b'$');
        writer.word().extend_from_slice(name);
        return;
    }
    if is_braced {
        rest.skip(b"}");
    }
    writer.push_variable(name);
}

/// Removes the backslashes before quotes that versions before 7.3 need around quotes in an argument.
fn without_backslashes(word: &mut Vec<u8>) {
    let plain = String::from_utf8_lossy(word).replace("\\\"", "\"");
    if word.windows(2).any(|pair| pair == b"\\\"") && std::str::from_utf8(word).is_ok() {
        *word = plain.into_bytes();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_split_like_in_power_shell() {
        let cases: [(&str, &[&str]); 5] = [
            (
                "curl.exe 'http://x/' `\n  -H 'a: it''s' `\n  --data-raw '{\"a\":1}'",
                &[
                    "curl.exe",
                    "http://x/",
                    "-H",
                    "a: it's",
                    "--data-raw",
                    "{\"a\":1}",
                ],
            ),
            ("a `\n \"b`n`\"c\"\"\"", &["a", "b\n\"c\""]),
            ("a `\n '{\\\"b\\\":1}'", &["a", "{\"b\":1}"]),
            ("a \"Bearer $env:TOKEN\"", &["a", "Bearer <TOKEN>"]),
            ("a `\n $env:X $5", &["a", "<X>", "$5"]),
        ];
        for (text, expected) in cases {
            assert!(is_syntax_of(text.as_bytes()), "{text}");
            let commands = split(text.as_bytes()).unwrap().commands;
            let words = commands.into_iter().flat_map(|command| command.words);
            let words = words.map(|word| {
                let word = String::from_utf8_lossy(&word).into_owned();
                word.replace('\u{fdd0}', "<").replace('\u{fdd1}', ">")
            });
            assert_eq!(words.collect::<Vec<_>>(), expected, "{text}");
        }
    }
}
