//! Splits command lines into words, like a shell.
//!
//! The available crates support neither `$'…'`, which browsers write for each body that contains a quote, nor the syntax
//! that they write for Windows. Variables are not expanded: `$HOME` is five letters.

use crate::error::ImportError;

/// A token of a command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    Word(String),
    /// End of a command: `;`, `&&`, `|` or the end of a line.
    End,
}

/// Splits a text into words and ends of commands.
pub(super) fn split(text: &str) -> Result<Vec<Token>, ImportError> {
    let text = text.replace("\r\n", "\n");
    let text = if is_of_windows(&text) {
        without_carets(&text)
    } else {
        text
    };
    let mut tokens = Vec::new();
    let mut word: Option<String> = None;
    let mut rest = text.chars().peekable();
    while let Some(letter) = rest.next() {
        match letter {
            ' ' | '\t' => tokens.extend(word.take().map(Token::Word)),
            // Inside a word it belongs to a URL without quotes.
            ';' | '&' | '|'
                if word.is_some() && rest.peek().is_some_and(|next| is_of_word(*next)) =>
            {
                word.get_or_insert_default().push(letter);
            }
            '\n' | ';' | '&' | '|' => {
                tokens.extend(word.take().map(Token::Word));
                if tokens.last().is_some_and(|token| *token != Token::End) {
                    tokens.push(Token::End);
                }
            }
            // A comment of the shell, up to the end of the line.
            '#' if word.is_none() => while rest.next_if(|letter| *letter != '\n').is_some() {},
            '\'' => quoted(&mut rest, word.get_or_insert_default())?,
            '"' => double_quoted(&mut rest, word.get_or_insert_default())?,
            '$' if rest.peek() == Some(&'\'') => {
                rest.next();
                escaped(&mut rest, word.get_or_insert_default())?;
            }
            '\\' => match rest.next() {
                None | Some('\n') => {}
                Some(letter) => word.get_or_insert_default().push(letter),
            },
            letter => word.get_or_insert_default().push(letter),
        }
    }
    tokens.extend(word.map(Token::Word));
    Ok(tokens)
}

fn is_of_word(letter: char) -> bool {
    !letter.is_whitespace() && !matches!(letter, ';' | '&' | '|')
}

type Letters<'a> = std::iter::Peekable<std::str::Chars<'a>>;

fn open(rest: &str) -> ImportError {
    let near = rest.chars().take(20).collect();
    ImportError::OpenQuote { near }
}

fn text_of(rest: &Letters) -> String {
    rest.clone().take(20).collect()
}

fn quoted(rest: &mut Letters, word: &mut String) -> Result<(), ImportError> {
    let begin = text_of(rest);
    loop {
        match rest.next().ok_or_else(|| open(&begin))? {
            '\'' => return Ok(()),
            letter => word.push(letter),
        }
    }
}

fn double_quoted(rest: &mut Letters, word: &mut String) -> Result<(), ImportError> {
    let begin = text_of(rest);
    loop {
        match rest.next().ok_or_else(|| open(&begin))? {
            '"' => return Ok(()),
            '\\' => match rest.next().ok_or_else(|| open(&begin))? {
                '\n' => {}
                letter @ ('"' | '\\' | '$' | '`' | '!') => word.push(letter),
                letter => word.extend(['\\', letter]),
            },
            letter => word.push(letter),
        }
    }
}

/// Reads `$'…'` with the escapes of C. Bytes are collected before decoding, since UTF-8 may be escaped byte by byte.
fn escaped(rest: &mut Letters, word: &mut String) -> Result<(), ImportError> {
    let begin = text_of(rest);
    let mut bytes = Vec::new();
    let mut letter_bytes = [0; 4];
    loop {
        let letter = match rest.next().ok_or_else(|| open(&begin))? {
            '\'' => break,
            '\\' => match rest.next().ok_or_else(|| open(&begin))? {
                'n' => '\n',
                't' => '\t',
                'r' => '\r',
                'a' => '\u{7}',
                'b' => '\u{8}',
                'e' | 'E' => '\u{1b}',
                'f' => '\u{c}',
                'v' => '\u{b}',
                'x' => {
                    bytes.push(
                        number(rest, 16, 2)
                            .and_then(|code| u8::try_from(code).ok())
                            .unwrap_or(b'x'),
                    );
                    continue;
                }
                first @ '0'..='7' => {
                    let first = first.to_digit(8).unwrap_or_default();
                    let code = (0..2).fold(first, |code, _| match number(rest, 8, 1) {
                        Some(digit) => code * 8 + digit,
                        None => code,
                    });
                    bytes.push(u8::try_from(code & 0xff).unwrap_or_default());
                    continue;
                }
                'u' => unicode(rest, 4),
                'U' => unicode(rest, 8),
                letter => letter,
            },
            letter => letter,
        };
        bytes.extend_from_slice(letter.encode_utf8(&mut letter_bytes).as_bytes());
    }
    word.push_str(&String::from_utf8_lossy(&bytes));
    Ok(())
}

/// Reads the code of a character; a pair of surrogates is one character.
fn unicode(rest: &mut Letters, digits: usize) -> char {
    let Some(code) = number(rest, 16, digits) else {
        return 'u';
    };
    if !(0xd800..0xdc00).contains(&code) {
        return char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
    }
    let mut ahead = rest.clone();
    let low = (ahead.next() == Some('\\') && ahead.next() == Some('u'))
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

fn number(rest: &mut Letters, base: u32, digits: usize) -> Option<u32> {
    let mut code = None;
    for _ in 0..digits {
        let Some(digit) = rest.peek().and_then(|letter| letter.to_digit(base)) else {
            break;
        };
        rest.next();
        code = Some(code.unwrap_or(0_u32).wrapping_mul(base).wrapping_add(digit));
    }
    code
}

/// Whether a command was copied for `cmd.exe`, which escapes with carets.
fn is_of_windows(text: &str) -> bool {
    text.contains("^\"") || text.contains("^\n")
}

/// Removes the carets like `cmd.exe`: a caret escapes the next character; at the end of a line, it joins the line with the
/// next one, or stands for the line break if an empty line follows.
fn without_carets(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text.chars().peekable();
    while let Some(letter) = rest.next() {
        match letter {
            '^' => match rest.next() {
                Some('\n') if rest.peek() == Some(&'\n') => {
                    rest.next();
                    plain.push('\n');
                }
                Some('\n') | None => {}
                Some(letter) => plain.push(letter),
            },
            letter => plain.push(letter),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        let tokens = split(text).unwrap();
        let word = |token| match token {
            Token::Word(word) => word,
            Token::End => "<end>".to_owned(),
        };
        tokens.into_iter().map(word).collect()
    }

    #[test]
    fn words_are_split_like_in_a_shell() {
        let cases: [(&str, &[&str]); 15] = [
            ("curl  a\tb", &["curl", "a", "b"]),
            ("a \\\n  b \\\r\n c", &["a", "b", "c"]),
            ("'a b' \"c \\\"d\\\" $e\"f", &["a b", "c \"d\" $ef"]),
            ("'it'\\''s'", &["it's"]),
            ("'' \"\"", &["", ""]),
            ("$'a\\'b\\n\\x41\\u00e9\\101'", &["a'b\nAéA"]),
            ("$'\\ud83d\\ude00 \\xc3\\xa9'", &["😀 é"]),
            ("$'\\ud83d!' $x", &["\u{fffd}!", "$x"]),
            (
                "a ; b && c\nd",
                &["a", "<end>", "b", "<end>", "c", "<end>", "d"],
            ),
            ("# note\na #b c#d", &["a"]),
            ("a\\ b", &["a b"]),
            ("\"a\\qb\"", &["a\\qb"]),
            (
                "curl ^\"http://x/?a^&b^\" ^\n  -d ^\"^{^\\^\"c^\\^\":1^}^\"",
                &["curl", "http://x/?a&b", "-d", "{\"c\":1}"],
            ),
            ("$'\\U0001F600'", &["😀"]),
            (
                "curl http://x/?a=1&b=2 &",
                &["curl", "http://x/?a=1&b=2", "<end>"],
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(words(text), expected, "{text}");
        }
    }

    #[test]
    fn error_of_an_open_quote_names_its_place() {
        for text in ["curl 'abc", "curl \"abc", "curl $'abc\\", "curl \"abc\\"] {
            let error = split(text).unwrap_err();
            assert!(error.to_string().contains("before `abc"), "{error}");
        }
    }
}
