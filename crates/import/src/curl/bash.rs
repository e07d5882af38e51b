//! The syntax of bash, in which browsers copy commands, and of similar shells.

use crate::curl::command_line::{Bytes, CommandWriter, Input, ShellText};
use crate::error::ImportError;

const SUBSTITUTION: &str = "the output of another command is not known; write its value";

/// A document after a command (`<<`), whose text follows the line.
#[derive(Debug)]
struct HereDocument {
    /// The line that ends it.
    end: Vec<u8>,
    /// Whether variables in it are expanded.
    expands: bool,
    /// Whether tabs at the beginning of lines are removed.
    strips_tabs: bool,
}

/// Splits a text into commands. Variables become marks.
pub(super) fn split(text: &[u8]) -> Result<ShellText, ImportError> {
    let mut rest = Bytes::new(text);
    let mut writer = CommandWriter::default();
    let mut documents: Vec<HereDocument> = Vec::new();
    while let Some(byte) = rest.next() {
        match byte {
            b' ' | b'\t' => writer.end_word(),
            b'\n' => {
                writer.end_word();
                for document in documents.drain(..) {
                    let content = here_document(&mut rest, &document, &mut writer);
                    writer.set_input(Input::Bytes(content));
                }
                writer.end_command(false);
            }
            // Inside a word it belongs to a URL without quotes.
            b';' | b'&' if writer.is_in_word() && continues_word(&rest) => writer.word().push(byte),
            b'&' if rest.peek() == Some(b'>') => writer.end_word(),
            b'|' => {
                let feeds = !rest.skip(b"|");
                rest.skip(b"&");
                writer.end_command(feeds);
            }
            b';' | b'&' => writer.end_command(false),
            b'<' | b'>' => redirection(byte, &mut rest, &mut writer, &mut documents)?,
            // A comment of the shell, up to the end of the line.
            b'#' if !writer.is_in_word() => {
                rest.take_while(|byte| byte != b'\n');
            }
            _ => word_byte(byte, &mut rest, &mut writer)?,
        }
    }
    Ok(writer.finish())
}

/// Whether what follows `;` or `&` is part of a URL, and not another command.
fn continues_word(rest: &Bytes) -> bool {
    let next = rest.rest();
    let is_of_word = |byte: &u8| !byte.is_ascii_whitespace() && !b";&|>".contains(byte);
    next.first().is_some_and(is_of_word) && !next.starts_with(b"curl ")
}

/// Reads a byte of a word: a quote, an escape, a variable, or itself.
fn word_byte(byte: u8, rest: &mut Bytes, writer: &mut CommandWriter) -> Result<(), ImportError> {
    match byte {
        b'\'' => quoted(rest, writer.word()),
        b'"' => double_quoted(rest, writer),
        b'$' if rest.peek() == Some(b'\'') => {
            rest.next();
            escaped(rest, writer.word())
        }
        b'$' if rest.peek() == Some(b'"') => Ok(()),
        b'$' | b'`' => {
            writer.word();
            variable(byte, rest, writer);
            Ok(())
        }
        b'\\' => {
            match rest.next() {
                None | Some(b'\n') => {}
                Some(byte) => writer.word().push(byte),
            }
            Ok(())
        }
        _ => {
            writer.word().push(byte);
            Ok(())
        }
    }
}

/// Reads what follows `<` or `>`. Output is not part of a request.
fn redirection(
    byte: u8,
    rest: &mut Bytes,
    writer: &mut CommandWriter,
    documents: &mut Vec<HereDocument>,
) -> Result<(), ImportError> {
    // A number before it is that of a file: `2>`.
    let number = writer.take_word();
    if number
        .as_ref()
        .is_some_and(|word| !word.iter().all(u8::is_ascii_digit))
    {
        *writer.word() = number.unwrap_or_default();
        writer.end_word();
    }
    let is_string = byte == b'<' && rest.skip(b"<<");
    let is_document = !is_string && byte == b'<' && rest.skip(b"<");
    let strips_tabs = is_document && rest.skip(b"-");
    if !is_string && !is_document {
        rest.take_while(|byte| b">&|".contains(&byte));
    }
    rest.take_while(|byte| byte == b' ' || byte == b'\t');
    let expands = !matches!(rest.peek(), Some(b'\'' | b'"' | b'\\'));
    while let Some(byte) = rest.peek() {
        if byte.is_ascii_whitespace() || b";&|<>".contains(&byte) {
            break;
        }
        rest.next();
        word_byte(byte, rest, writer)?;
    }
    let mut word = writer.take_word().unwrap_or_default();
    if is_string {
        word.push(b'\n');
        writer.set_input(Input::Bytes(word));
    } else if is_document {
        documents.push(HereDocument {
            end: word,
            expands,
            strips_tabs,
        });
    } else if byte == b'<' {
        writer.set_input(Input::File(word));
    }
    Ok(())
}

/// Reads the lines of a document.
fn here_document(rest: &mut Bytes, document: &HereDocument, writer: &mut CommandWriter) -> Vec<u8> {
    let mut content = Vec::new();
    while !rest.rest().is_empty() {
        let mut line = rest.take_while(|byte| byte != b'\n');
        let is_ended = rest.next().is_some();
        while document.strips_tabs && line.starts_with(b"\t") {
            line = &line[1..];
        }
        if line == document.end {
            break;
        }
        content.extend_from_slice(line);
        if is_ended {
            content.push(b'\n');
        }
    }
    if !document.expands {
        return content;
    }
    let mut rest = Bytes::new(&content);
    while let Some(byte) = rest.next() {
        match byte {
            b'\\' => match rest.next() {
                Some(b'\n') => {}
                Some(byte @ (b'$' | b'`' | b'\\')) => writer.word().push(byte),
                other => {
                    writer.word().push(b'\\');
                    writer.word().extend(other);
                }
            },
            b'$' | b'`' => variable(byte, &mut rest, writer),
            _ => writer.word().push(byte),
        }
    }
    writer.take_word().unwrap_or_default()
}

fn quoted(rest: &mut Bytes, word: &mut Vec<u8>) -> Result<(), ImportError> {
    let begin = rest.clone();
    word.extend_from_slice(rest.take_while(|byte| byte != b'\''));
    rest.next().map(|_| ()).ok_or_else(|| begin.open_quote())
}

fn double_quoted(rest: &mut Bytes, writer: &mut CommandWriter) -> Result<(), ImportError> {
    let begin = rest.clone();
    writer.word();
    loop {
        match rest.next().ok_or_else(|| begin.open_quote())? {
            b'"' => return Ok(()),
            b'\\' => match rest.next().ok_or_else(|| begin.open_quote())? {
                b'\n' => {}
                byte @ (b'"' | b'\\' | b'$' | b'`' | b'!') => writer.word().push(byte),
                byte => writer.word().extend([b'\\', byte]),
            },
            byte @ (b'$' | b'`') => variable(byte, rest, writer),
            byte => writer.word().push(byte),
        }
    }
}

/// Reads what follows `$` or a backquote: a variable, the output of a command, or text.
fn variable(byte: u8, rest: &mut Bytes, writer: &mut CommandWriter) {
    let is_of_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    if byte == b'`' || rest.peek() == Some(b'(') {
        let end = if byte == b'`' { b'`' } else { b')' };
        let command = substitution(rest, end);
        let shown = String::from_utf8_lossy(&command).into_owned();
        writer
            .text
            .warnings
            .push((SUBSTITUTION, format!("`{shown}`")));
        writer.word().extend_from_slice(b"REPLACE-ME");
        return;
    }
    let is_braced = rest.skip(b"{");
    let name = match rest.peek() {
        Some(first) if first.is_ascii_alphabetic() || first == b'_' => rest.take_while(is_of_name),
        _ => &[],
    };
    match (is_braced, name) {
        (false, []) => writer.word().push(b'$'),
        (false, name) => writer.push_variable(name),
        (true, name) => {
            let more = rest.take_while(|byte| byte != b'}' && byte != b'\n');
            if name.is_empty() || !rest.skip(b"}") {
                writer.word().extend_from_slice(b"${");
                writer.word().extend_from_slice(name);
                writer.word().extend_from_slice(more);
                return;
            }
            if !more.is_empty() {
                let shown = String::from_utf8_lossy(name).into_owned();
                let what = "an expansion of a variable was left out; the variable is used as it is";
                writer.text.warnings.push((what, shown));
            }
            writer.push_variable(name);
        }
    }
}

/// Reads a command up to the byte that ends it.
fn substitution(rest: &mut Bytes, end: u8) -> Vec<u8> {
    let mut depth = usize::from(end == b'`');
    let mut command = Vec::new();
    while let Some(byte) = rest.next() {
        match byte {
            b'`' if end == b'`' => break,
            b'(' => depth += 1,
            b')' if end == b')' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    break;
                }
            }
            _ => {}
        }
        command.push(byte);
    }
    let begin = usize::from(end == b')');
    command.get(begin..).unwrap_or_default().to_vec()
}

/// Reads `$'…'` with the escapes of C. UTF-8 may be escaped byte by byte.
fn escaped(rest: &mut Bytes, word: &mut Vec<u8>) -> Result<(), ImportError> {
    let begin = rest.clone();
    let mut letter_bytes = [0; 4];
    loop {
        let byte = match rest.next().ok_or_else(|| begin.open_quote())? {
            b'\'' => return Ok(()),
            b'\\' => match rest.next().ok_or_else(|| begin.open_quote())? {
                b'n' => b'\n',
                b't' => b'\t',
                b'r' => b'\r',
                b'a' => 7,
                b'b' => 8,
                b'e' | b'E' => 0x1b,
                b'f' => 0xc,
                b'v' => 0xb,
                b'x' => number(rest, 16, 2)
                    .and_then(|code| u8::try_from(code).ok())
                    .unwrap_or(b'x'),
                first @ b'0'..=b'7' => {
                    let first = u32::from(first - b'0');
                    let code = (0..2).fold(first, |code, _| match number(rest, 8, 1) {
                        Some(digit) => code * 8 + digit,
                        None => code,
                    });
                    u8::try_from(code & 0xff).unwrap_or_default()
                }
                kind @ (b'u' | b'U') => {
                    let letter = unicode(rest, if kind == b'u' { 4 } else { 8 });
                    word.extend_from_slice(letter.encode_utf8(&mut letter_bytes).as_bytes());
                    continue;
                }
                byte => byte,
            },
            byte => byte,
        };
        word.push(byte);
    }
}

/// Reads the code of a character; a pair of surrogates is one character.
fn unicode(rest: &mut Bytes, digits: usize) -> char {
    let Some(code) = number(rest, 16, digits) else {
        return 'u';
    };
    if !(0xd800..0xdc00).contains(&code) {
        return char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
    }
    let mut ahead = rest.clone();
    let low = ahead
        .skip(b"\\u")
        .then(|| number(&mut ahead, 16, 4))
        .flatten()
        .filter(|low| (0xdc00..0xe000).contains(low));
    match low {
        Some(low) => {
            *rest = ahead;
            let code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
            char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)
        }
        None => char::REPLACEMENT_CHARACTER,
    }
}

fn number(rest: &mut Bytes, base: u32, digits: usize) -> Option<u32> {
    let mut code = None;
    for _ in 0..digits {
        let digit = rest.peek().and_then(|byte| char::from(byte).to_digit(base));
        let Some(digit) = digit else { break };
        rest.next();
        code = Some(code.unwrap_or(0_u32).wrapping_mul(base).wrapping_add(digit));
    }
    code
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The words of all commands, with the variables in angle brackets.
    fn words(text: &str) -> Vec<String> {
        let commands = split(text.as_bytes()).unwrap().commands;
        let words = commands.iter().map(|command| {
            let words = command.words.iter();
            words.map(|word| {
                let word = String::from_utf8_lossy(word);
                word.replace('\u{fdd0}', "<").replace('\u{fdd1}', ">")
            })
        });
        let mut all = Vec::new();
        for command in words {
            all.extend(command);
            all.push("<end>".to_owned());
        }
        all.pop();
        all
    }

    #[test]
    fn words_are_split_like_in_bash() {
        let cases: [(&str, &[&str]); 20] = [
            ("curl  a\tb", &["curl", "a", "b"]),
            ("a \\\n  b \\\n c", &["a", "b", "c"]),
            ("'a b' \"c \\\"d\\\" $e\"f", &["a b", "c \"d\" <e>f"]),
            ("'it'\\''s'", &["it's"]),
            ("'' \"\"", &["", ""]),
            ("$'a\\'b\\n\\x41\\u00e9\\101'", &["a'b\nAéA"]),
            ("$'\\ud83d\\ude00 \\xc3\\xa9'", &["😀 é"]),
            ("$'\\ud83d!' '$x' \"\\$x\"", &["\u{fffd}!", "$x", "$x"]),
            (
                "a ; b && c\nd || e",
                &["a", "<end>", "b", "<end>", "c", "<end>", "d", "<end>", "e"],
            ),
            ("# note\na #b c#d", &["a"]),
            ("a\\ b", &["a b"]),
            ("\"a\\qb\"", &["a\\qb"]),
            ("$'\\U0001F600'", &["😀"]),
            ("curl http://x/?a=1&b=2 &", &["curl", "http://x/?a=1&b=2"]),
            ("a http://x/|jq .", &["a", "http://x/", "<end>", "jq", "."]),
            ("a >out 2>&1 b 2> /dev/null &>x", &["a", "b"]),
            (
                "a ${B}c ${d:-e} $1 $ x",
                &["a", "<B>c", "<d>", "$1", "$", "x"],
            ),
            (
                "a \"$(date +%s)\" `b`c",
                &["a", "REPLACE-ME", "REPLACE-MEc"],
            ),
            ("a $\"b\" '{\"re\":\"^\"}'", &["a", "b", "{\"re\":\"^\"}"]),
            (
                "a http://x/;curl y",
                &["a", "http://x/", "<end>", "curl", "y"],
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(words(text), expected, "{text}");
        }
    }

    #[test]
    fn bytes_that_are_not_text_are_kept() {
        let commands = split(b"a $'caf\\xe9' '\xff'").unwrap().commands;
        assert_eq!(
            commands[0].words[1..],
            [b"caf\xe9".to_vec(), b"\xff".to_vec()]
        );
    }

    #[test]
    fn standard_input_is_read_from_redirections() {
        let input = |text: &str| split(text.as_bytes()).unwrap().commands[0].input.clone();
        let bytes = |text: &str| Some(Input::Bytes(text.as_bytes().to_vec()));
        assert_eq!(input("a < b.json c"), Some(Input::File(b"b.json".to_vec())));
        assert_eq!(input("a <<< 'b c' d"), bytes("b c\n"));
        assert_eq!(input("a <<END -x\nb\n c\nEND\nd"), bytes("b\n c\n"));
        assert_eq!(input("a <<-'END'\n\tb $c\n\tEND\n"), bytes("b $c\n"));
        assert_eq!(
            input("a <<END\n$b\\$c\nEND"),
            bytes("\u{fdd0}b\u{fdd1}$c\n")
        );
        assert_eq!(input("a > b"), None);
    }

    #[test]
    fn error_of_an_open_quote_names_its_place() {
        for text in ["curl 'abc", "curl \"abc", "curl $'abc\\", "curl \"abc\\"] {
            let error = split(text.as_bytes()).unwrap_err();
            assert!(error.to_string().contains("before `abc"), "{error}");
        }
    }
}
