//! Header templates: header lines whose positions are known without parsing them.

use std::ops::Range;

use crate::expr::context::EvalContext;
use crate::expr::error::EvalError;
use crate::expr::expression::Template;

/// The header lines of a request, neither `Host` nor those that frame the body: literal bytes, and values that are
/// rendered for each request.
#[derive(Debug, Clone, Default)]
pub struct HeaderTemplate {
    /// Literal bytes, each followed by a rendered value.
    values: Vec<(Box<[u8]>, Template)>,
    /// Literal bytes after the last value.
    tail: Vec<u8>,
    fields: Vec<TemplateField>,
    /// The number of literal bytes.
    literal_bytes: usize,
}

/// A line of a template.
#[derive(Debug, Clone, Copy)]
struct TemplateField {
    /// Number of literal bytes before its name.
    literals_before: usize,
    /// Number of rendered values before its name.
    values_before: usize,
    name_bytes: usize,
    /// Length of its value; `None`: it is rendered.
    value_bytes: Option<usize>,
}

/// Position of a header field in the bytes of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldRange {
    /// Name, as typed.
    pub name: Range<usize>,
    /// Its value.
    pub value: Range<usize>,
}

impl HeaderTemplate {
    /// Appends a line.
    pub(crate) fn push(&mut self, name: &str, value: Template) {
        let mut field = TemplateField {
            literals_before: self.literal_bytes,
            values_before: self.values.len(),
            name_bytes: name.len(),
            value_bytes: None,
        };
        self.literal(name.as_bytes());
        self.literal(b": ");
        if let Some(bytes) = value.literal_bytes() {
            field.value_bytes = Some(bytes.len());
            self.literal(bytes);
        } else {
            let before = std::mem::take(&mut self.tail);
            self.values.push((before.into(), value));
        }
        self.literal(b"\r\n");
        self.fields.push(field);
    }

    fn literal(&mut self, bytes: &[u8]) {
        self.tail.extend_from_slice(bytes);
        self.literal_bytes += bytes.len();
    }

    /// Appends the lines, and the lengths of the values that were rendered.
    #[inline]
    pub(crate) fn render(
        &self,
        context: &mut EvalContext,
        into: &mut Vec<u8>,
        value_bytes: &mut Vec<usize>,
    ) -> Result<(), EvalError> {
        for (literal, value) in &self.values {
            into.extend_from_slice(literal);
            let start = into.len();
            value.render(context, into)?;
            value_bytes.push(into.len() - start);
        }
        into.extend_from_slice(&self.tail);
        Ok(())
    }

    /// Positions of its fields, if its lines begin at `start` and its rendered values have these lengths.
    pub(crate) fn ranges(
        &self,
        start: usize,
        value_bytes: &[usize],
    ) -> impl Iterator<Item = FieldRange> {
        self.fields.iter().map(move |field| {
            let (before, own) = value_bytes.split_at(field.values_before);
            let at = start + field.literals_before + before.iter().sum::<usize>();
            let own = field.value_bytes.or_else(|| own.first().copied());
            let value_at = at + field.name_bytes + 2;
            FieldRange::new(at, field.name_bytes, value_at + own.unwrap_or(0))
        })
    }
}

impl FieldRange {
    /// The field whose line begins at `start`.
    pub(crate) fn new(start: usize, name_bytes: usize, value_end: usize) -> Self {
        let name = start..start + name_bytes;
        Self {
            value: name.end + 2..value_end,
            name,
        }
    }
}
