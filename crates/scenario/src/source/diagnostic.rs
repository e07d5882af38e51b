//! Diagnostics: the errors of a scenario file, each with its location, the accepted values and the remedy.

use std::ops::Range;
use std::sync::Arc;

use miette::{LabeledSpan, NamedSource, SourceSpan};

use crate::redact::Secrets;
use crate::source::source_map::SourceMap;

/// One error.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Diagnostic {
    message: String,
    span: Option<Range<usize>>,
    label: String,
    help: Option<String>,
}

impl Diagnostic {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            span: None,
            label: String::new(),
            help: None,
        }
    }

    pub(crate) fn at(mut self, span: Range<usize>, label: impl Into<String>) -> Self {
        self.span = Some(span);
        self.label = label.into();
        self
    }

    /// Byte range in the file.
    pub(crate) fn span(&self) -> Option<&Range<usize>> {
        self.span.as_ref()
    }

    /// Shifts the location, for a text that begins at this position.
    pub(crate) fn moved(mut self, by: usize) -> Self {
        self.span = self.span.map(|span| span.start + by..span.end + by);
        self
    }

    fn masked(self, secrets: &Secrets) -> Self {
        Self {
            message: secrets.mask_values(&self.message),
            label: secrets.mask_values(&self.label),
            help: self.help.map(|help| secrets.mask_values(&help)),
            ..self
        }
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl miette::Diagnostic for Diagnostic {
    fn help<'a>(&'a self) -> Option<Box<dyn std::fmt::Display + 'a>> {
        self.help
            .as_ref()
            .map(|help| Box::new(help) as Box<dyn std::fmt::Display>)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let span = SourceSpan::from(self.span.clone()?);
        let label = LabeledSpan::new_with_span(Some(self.label.clone()), span);
        Some(Box::new(std::iter::once(label)))
    }
}

/// A diagnostic with its source text.
#[derive(Debug, thiserror::Error)]
#[error("{diagnostic}")]
struct Placed {
    diagnostic: Diagnostic,
    source_code: Option<Arc<NamedSource<String>>>,
}

impl miette::Diagnostic for Placed {
    fn help<'a>(&'a self) -> Option<Box<dyn std::fmt::Display + 'a>> {
        miette::Diagnostic::help(&self.diagnostic)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        self.diagnostic.labels()
    }

    fn source_code(&self) -> Option<&dyn miette::SourceCode> {
        let source = self.source_code.as_ref()?;
        Some(source.as_ref())
    }
}

/// A scenario file with all its errors.
#[derive(Debug, thiserror::Error)]
#[error("{file} cannot be used: {} {}", .diagnostics.len(), if .diagnostics.len() == 1 { "problem" } else { "problems" })]
pub struct ScenarioError {
    file: String,
    diagnostics: Vec<Placed>,
}

impl ScenarioError {
    pub(crate) fn new(
        sources: &SourceMap,
        diagnostics: Vec<Diagnostic>,
        secrets: &Secrets,
    ) -> Self {
        let placed = |diagnostic: Diagnostic| {
            let mut diagnostic = diagnostic.masked(secrets);
            let span = diagnostic.span.as_ref();
            let located = span.and_then(|span| sources.locate(span, secrets));
            let source_code = located.map(|(source, span)| {
                diagnostic.span = Some(span);
                source
            });
            Placed {
                diagnostic,
                source_code,
            }
        };
        Self {
            file: sources
                .file()
                .map_or_else(String::new, |file| file.name.clone()),
            diagnostics: diagnostics.into_iter().map(placed).collect(),
        }
    }
}

impl miette::Diagnostic for ScenarioError {
    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn miette::Diagnostic> + 'a>> {
        Some(Box::new(
            self.diagnostics
                .iter()
                .map(|diagnostic| diagnostic as &dyn miette::Diagnostic),
        ))
    }
}

/// Known name that is nearest to a name; `None` if none is near.
pub(crate) fn near<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let nearest = known
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(name, candidate), candidate))
        .min();
    let (distance, candidate) = nearest?;
    (distance <= (name.chars().count() / 3).max(1)).then_some(candidate)
}

/// "did you mean …" if one of the known names is near, and otherwise all known names.
pub(crate) fn suggestion<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    match near(name, known.iter().copied()) {
        Some(candidate) => format!("did you mean `{candidate}`?"),
        None if known.is_empty() => "none is defined".to_owned(),
        None => format!("available: {}", known.join(", ")),
    }
}

/// Syntax error of the TOML parser, with its location.
pub(crate) fn syntax(error: &toml::de::Error, text: &str) -> Diagnostic {
    let message = error.message().lines().next().unwrap_or_default();
    let diagnostic = Diagnostic::new(message);
    match error.span() {
        Some(span) => diagnostic.at(span.start.min(text.len())..span.end.min(text.len()), "here"),
        None => diagnostic,
    }
}
