//! Extracts the prose of a file: Markdown outside of code, comments, doc comments, and string literals of several words.

use super::tokens::Token;
use super::tree::{File, Source};

/// Smallest number of words of a string literal that counts as prose. Shorter ones are names or keys.
const LITERAL_WORDS_MIN: usize = 3;

/// A piece of prose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Passage {
    /// Line of its beginning, from 1.
    pub(super) line: usize,
    pub(super) kind: Kind,
    /// The text without code, with the same lines.
    pub(super) text: String,
}

/// The place of a passage in its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Markdown,
    Comment,
    /// The complete documentation of an item.
    Doc,
    /// A string literal.
    Literal,
}

/// The passages of a Markdown page, one per line.
pub(super) fn of_markdown(file: &File) -> Vec<Passage> {
    let mut is_code = false;
    let lines = file.text().unwrap_or_default().lines().enumerate();
    let prose = lines.filter_map(|(at, text)| {
        if text.trim_start().starts_with("```") {
            is_code = !is_code;
            return None;
        }
        (!is_code).then(|| Passage {
            line: at + 1,
            kind: Kind::Markdown,
            text: without_code(text),
        })
    });
    prose.collect()
}

/// The passages of a Rust file: its comments, doc comments and literals.
pub(super) fn of_rust(file: &File, source: &Source) -> Vec<Passage> {
    let mut passages = comments(file.text().unwrap_or_default());
    let tokens = &source.tokens;
    let mut at = 0;
    while at < tokens.len() {
        if let Some(doc) = doc_line(&tokens[at..]) {
            let begins = tokens[at].line;
            let mut text = doc.to_owned();
            at = after_doc_line(tokens, at);
            while let Some(more) = tokens.get(at..).and_then(doc_line) {
                text.push('\n');
                text.push_str(more);
                at = after_doc_line(tokens, at);
            }
            passages.push(Passage {
                line: begins,
                kind: Kind::Doc,
                text: doc_prose(&text),
            });
            continue;
        }
        let token = &tokens[at];
        let is_text = token.text.starts_with('"')
            || token.text.starts_with("r\"")
            || token.text.starts_with("r#");
        if is_text && token.text.split_whitespace().count() >= LITERAL_WORDS_MIN {
            passages.push(Passage {
                line: token.line,
                kind: Kind::Literal,
                text: without_code(&token.text),
            });
        }
        at += 1;
    }
    passages
}

/// The text of the doc attribute that begins at the first of these tokens.
fn doc_line(tokens: &[Token]) -> Option<&str> {
    let text = |at: usize| tokens.get(at).map_or("", |token| token.text.as_str());
    let skip = usize::from(text(1) == "!");
    let is_doc =
        text(0) == "#" && text(1 + skip) == "[" && text(2 + skip) == "doc" && text(3 + skip) == "=";
    is_doc.then(|| {
        tokens
            .get(4 + skip)
            .map(|token| token.text.trim_matches('"'))
    })?
}

fn after_doc_line(tokens: &[Token], at: usize) -> usize {
    let rest = tokens[at..].iter();
    at + rest.take_while(|token| token.text != "]").count() + 1
}

/// Line comments that are not documentation. Adjacent ones are one passage.
fn comments(text: &str) -> Vec<Passage> {
    let mut passages: Vec<Passage> = Vec::new();
    let mut last = 0;
    for (at, line) in text.lines().enumerate() {
        let line = line.trim_start();
        let Some(comment) = line.strip_prefix("//") else {
            continue;
        };
        if comment.starts_with(['/', '!']) {
            continue;
        }
        match passages.last_mut() {
            Some(passage) if last + 1 == at && last > 0 => {
                passage.text.push('\n');
                passage.text.push_str(&without_code(comment));
            }
            _ => passages.push(Passage {
                line: at + 1,
                kind: Kind::Comment,
                text: without_code(comment),
            }),
        }
        last = at;
    }
    passages
}

/// Documentation without its code.
fn doc_prose(text: &str) -> String {
    let mut is_code = false;
    let lines = text.lines().map(|line| {
        if line.trim_start().starts_with("```") {
            is_code = !is_code;
            return String::new();
        }
        if is_code {
            String::new()
        } else {
            without_code(line)
        }
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// A line without the text between backquotes.
fn without_code(line: &str) -> String {
    line.split('`').step_by(2).collect::<Vec<_>>().join("`")
}
