//! Source map: the texts of a scenario (its file, included files, and assignments) in one space of positions, so that a
//! position identifies its text. The file itself comes first.

use std::ops::Range;
use std::sync::Arc;

use miette::NamedSource;

use crate::redact::Secrets;

/// A text with its position.
#[derive(Debug)]
pub(crate) struct SourceText {
    /// Name in messages.
    pub(crate) name: String,
    pub(crate) text: String,
    /// First position.
    pub(crate) base: usize,
}

/// All texts.
#[derive(Debug, Default)]
pub(crate) struct SourceMap {
    all: Vec<SourceText>,
}

impl SourceMap {
    /// Adds a text and returns its first position.
    pub(crate) fn add(&mut self, name: &str, text: &str) -> usize {
        // A gap of one, so that the end of a text differs from the beginning of the next.
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

    /// Text at a first position.
    pub(crate) fn at(&self, base: usize) -> &str {
        let source = self.all.iter().find(|source| source.base == base);
        source.map_or("", |source| &source.text)
    }

    /// The text of a location, with secrets masked, and the location within it.
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
