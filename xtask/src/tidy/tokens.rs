//! Rust source as a flat list of tokens with their lines, so that no rule mistakes a comment or a string for code.

use proc_macro2::{Delimiter, LexError, TokenStream, TokenTree};

/// A token. Brackets are tokens, and a doc comment is the sequence `#`, `[`, `doc`, `=`, its text, `]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) text: String,
    /// Line number, from 1.
    pub(super) line: usize,
}

impl Token {
    /// Whether the token is an identifier or a keyword.
    pub(super) fn is_identifier(&self) -> bool {
        self.text
            .starts_with(|first: char| first.is_alphabetic() || first == '_')
            && self
                .text
                .chars()
                .all(|character| character.is_alphanumeric() || character == '_')
    }
}

/// Splits the text of a file into tokens.
///
/// # Errors
///
/// If the text is not valid Rust.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, LexError> {
    let mut list = Vec::new();
    flatten(text.parse()?, &mut list);
    Ok(list)
}

fn flatten(stream: TokenStream, list: &mut Vec<Token>) {
    for tree in stream {
        match tree {
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Brace => ("{", "}"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::None => ("", ""),
                };
                list.push(token(open, group.span_open()));
                flatten(group.stream(), list);
                list.push(token(close, group.span_close()));
            }
            TokenTree::Ident(identifier) => {
                list.push(token(&identifier.to_string(), identifier.span()));
            }
            TokenTree::Punct(punct) => list.push(token(&punct.as_char().to_string(), punct.span())),
            TokenTree::Literal(literal) => list.push(token(&literal.to_string(), literal.span())),
        }
    }
}

fn token(text: &str, span: proc_macro2::Span) -> Token {
    Token {
        text: text.to_owned(),
        line: span.start().line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(source: &str) -> Vec<String> {
        tokens(source)
            .unwrap()
            .into_iter()
            .map(|token| token.text)
            .collect()
    }

    #[test]
    fn comments_are_left_out_and_strings_are_single_tokens() {
        assert_eq!(
            texts("// mod a;\nmod b; /* mod c; */ const D: &str = \"mod e;\";").join(" "),
            { "mod b ; const D : & str = \"mod e;\" ;" }
        );
    }

    #[test]
    fn token_has_the_line_of_its_start() {
        let found = tokens("mod a;\n\nmod b {\n    fn c() {}\n}\n").unwrap();
        let line = |text: &str| found.iter().find(|token| token.text == text).unwrap().line;
        assert_eq!((line("a"), line("b"), line("c"), line("}")), (1, 3, 4, 4));
    }

    #[test]
    fn identifiers_are_distinguished_from_numbers_and_punctuation() {
        let found = tokens("a _b 1c :").unwrap();
        let are: Vec<bool> = found.iter().map(Token::is_identifier).collect();
        assert_eq!(are, [true, true, false, false]);
    }
}
