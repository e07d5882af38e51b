//! Where a scenario's text comes from: its file, those that it includes, and what was said beside it.
//!
//! All texts have places in one space, one after the other, the file's own first: so a place says which
//! text it is in.

use std::ops::Range;
use std::sync::Arc;

use miette::NamedSource;

/// A text with its place among the others.
#[derive(Debug)]
pub(crate) struct Source {
    /// As messages name it.
    pub(crate) name: String,
    pub(crate) text: String,
    /// Where it begins.
    pub(crate) base: usize,
}

/// All texts.
#[derive(Debug, Default)]
pub(crate) struct Sources {
    all: Vec<Source>,
}

impl Sources {
    /// Adds a text; returns where it begins.
    pub(crate) fn add(&mut self, name: &str, text: &str) -> usize {
        // One apart, so that the end of one is not the begin of the next.
        let base = self
            .all
            .last()
            .map_or(0, |last| last.base + last.text.len() + 1);
        self.all.push(Source {
            name: name.to_owned(),
            text: text.to_owned(),
            base,
        });
        base
    }

    /// The text that begins there.
    pub(crate) fn at(&self, base: usize) -> &str {
        let source = self.all.iter().find(|source| source.base == base);
        source.map_or("", |source| &source.text)
    }

    /// The text that a place is in, to be shown, and the place within it.
    pub(crate) fn locate(
        &self,
        span: &Range<usize>,
    ) -> Option<(Arc<NamedSource<String>>, Range<usize>)> {
        let source = self
            .all
            .iter()
            .rev()
            .find(|source| source.base <= span.start)?;
        let within = |place: usize| (place - source.base).min(source.text.len());
        let shown = without_credentials(&source.text);
        let shown = NamedSource::new(&source.name, shown).with_language("TOML");
        Some((Arc::new(shown), within(span.start)..within(span.end)))
    }

    /// The file itself.
    pub(crate) fn file(&self) -> Option<&Source> {
        self.all.first()
    }
}

/// The text with what URLs hold of users and passwords hidden, each byte by one, so that places stay what they are.
fn without_credentials(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("://") {
        shown.push_str(before);
        shown.push_str("://");
        let is_end = |letter: char| letter.is_whitespace() || "/?#\"'".contains(letter);
        let authority = &after[..after.find(is_end).unwrap_or(after.len())];
        let credentials = authority.rfind('@').unwrap_or(0);
        shown.push_str(&"*".repeat(credentials));
        rest = &after[credentials..];
    }
    shown.push_str(rest);
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_hidden_and_nothing_else_is() {
        for (text, expected) in [
            (
                "a = \"http://ann:s3cret@h:1/p@q\" # x",
                "a = \"http://**********@h:1/p@q\" # x",
            ),
            (
                "http://a@b http://c/d?e@f é://é@g",
                "http://*@b http://c/d?e@f é://**@g",
            ),
            ("mail = 'a@b'", "mail = 'a@b'"),
            ("://@", "://@"),
        ] {
            let shown = without_credentials(text);
            assert_eq!(shown, expected);
            assert_eq!(shown.len(), text.len());
        }
    }
}
