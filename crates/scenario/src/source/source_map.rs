//! Source map: the texts of a scenario (its file, those that it includes, and assignments) in one space of positions.
//!
//! All texts have places in one space, one after the other, the file's own first: so a place says which
//! text it is in.

use std::ops::Range;
use std::sync::Arc;

use miette::NamedSource;

use crate::redact::Secrets;

/// A text with its place among the others.
#[derive(Debug)]
pub(crate) struct SourceText {
    /// As messages name it.
    pub(crate) name: String,
    pub(crate) text: String,
    /// Where it begins.
    pub(crate) base: usize,
}

/// All texts.
#[derive(Debug, Default)]
pub(crate) struct SourceMap {
    all: Vec<SourceText>,
}

impl SourceMap {
    /// Adds a text; returns where it begins.
    pub(crate) fn add(&mut self, name: &str, text: &str) -> usize {
        // One apart, so that the end of one is not the begin of the next.
        let base = self
            .all
            .last()
            .map_or(0, |last| last.base + last.text.len() + 1);
        self.all.push(SourceText {
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
        secrets: &Secrets,
    ) -> Option<(Arc<NamedSource<String>>, Range<usize>)> {
        let source = self
            .all
            .iter()
            .rev()
            .find(|source| source.base <= span.start)?;
        let within = |place: usize| (place - source.base).min(source.text.len());
        let shown = secrets.mask_in_place(&source.text);
        let shown = NamedSource::new(&source.name, shown).with_language("TOML");
        Some((Arc::new(shown), within(span.start)..within(span.end)))
    }

    /// The file itself.
    pub(crate) fn file(&self) -> Option<&SourceText> {
        self.all.first()
    }
}
