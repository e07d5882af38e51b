//! Header templates: header lines whose positions are known without parsing them.

use std::ops::Range;

use crate::expr::context::EvalContext;
use crate::expr::error::EvalError;
use crate::expr::expression::{Compiled, Template};
use crate::expr::fields::{each, entries};
use crate::spec::SET_BY_BRUNT;
use crate::value::{Encoding, Value};

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
    /// Further lines, the first of which may be left out or repeated.
    dynamic: Vec<DynamicLine>,
    /// Table of header fields, which replace others of the same name.
    table: Option<Compiled>,
}

/// A line of a template that an expression may leave out or repeat, or a line after it.
#[derive(Debug, Clone)]
enum DynamicLine {
    /// A name and a value that are always sent.
    Line(Box<str>, Template),
    /// A name and an expression.
    Value(Box<str>, Compiled),
    /// The fields of the table.
    Table,
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
    /// A template with the fields of a table, which replace those that are pushed.
    pub(crate) fn with_table(table: Compiled) -> Self {
        Self {
            table: Some(table),
            ..Self::default()
        }
    }

    /// Appends a line for each value of an expression: none for `none`, one for each item of a list.
    pub(crate) fn push_value(&mut self, name: &str, value: Compiled) {
        self.dynamic.push(DynamicLine::Value(name.into(), value));
    }

    /// Appends the fields of the table, if there is one.
    pub(crate) fn push_table(&mut self) {
        self.dynamic
            .extend(self.table.as_ref().map(|_| DynamicLine::Table));
    }

    /// Appends a line.
    pub(crate) fn push(&mut self, name: &str, value: Template) {
        if !self.dynamic.is_empty() || self.table.is_some() {
            self.dynamic.push(DynamicLine::Line(name.into(), value));
            return;
        }
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
        dynamic_fields: &mut Vec<FieldRange>,
    ) -> Result<(), EvalError> {
        for (literal, value) in &self.values {
            into.extend_from_slice(literal);
            let start = into.len();
            value.render(context, into)?;
            value_bytes.push(into.len() - start);
        }
        into.extend_from_slice(&self.tail);
        if self.dynamic.is_empty() {
            return Ok(());
        }
        self.render_dynamic(context, into, dynamic_fields)
    }

    fn render_dynamic(
        &self,
        context: &mut EvalContext,
        into: &mut Vec<u8>,
        fields: &mut Vec<FieldRange>,
    ) -> Result<(), EvalError> {
        let table = match &self.table {
            Some(table) => table.evaluate(context)?,
            None => Value::None,
        };
        let names = || entries(&table).map(|entries| entries.map(|(name, _)| name));
        if let Some(name) = names()?.find(|name| is_reserved(name)) {
            return Err(EvalError::Failed(format!(
                "invalid name of a header field in a table: `{name}`"
            )));
        }
        let mut lines = DynamicLines { into, fields };
        for line in &self.dynamic {
            match line {
                DynamicLine::Line(name, _) | DynamicLine::Value(name, _)
                    if names()?.any(|other| other.eq_ignore_ascii_case(name)) => {}
                DynamicLine::Line(name, value) => {
                    lines.push(name, |into| value.render(context, into))?;
                }
                DynamicLine::Value(name, value) => {
                    let value = value.evaluate(context)?;
                    each(&value, |value| lines.push_value(name, value))?;
                }
                DynamicLine::Table => {
                    for (name, value) in entries(&table)? {
                        each(&Value::of_json(value), |value| {
                            lines.push_value(name, value)
                        })?;
                    }
                }
            }
        }
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

/// Lines that are being rendered, with their positions.
struct DynamicLines<'a> {
    into: &'a mut Vec<u8>,
    fields: &'a mut Vec<FieldRange>,
}

impl DynamicLines<'_> {
    fn push(
        &mut self,
        name: &str,
        value: impl FnOnce(&mut Vec<u8>) -> Result<(), EvalError>,
    ) -> Result<(), EvalError> {
        let start = self.into.len();
        self.into.extend_from_slice(name.as_bytes());
        self.into.extend_from_slice(b": ");
        value(self.into)?;
        self.fields
            .push(FieldRange::new(start, name.len(), self.into.len()));
        self.into.extend_from_slice(b"\r\n");
        Ok(())
    }

    fn push_value(&mut self, name: &str, value: &Value) -> Result<(), EvalError> {
        self.push(name, |into| {
            value.write(Encoding::Header, into);
            Ok(())
        })
    }
}

/// Whether a table of header fields cannot contain this name. Cookies and the host have to be known beforehand.
fn is_reserved(name: &str) -> bool {
    let plain = name.to_ascii_lowercase();
    !is_token(name)
        || matches!(plain.as_str(), "cookie" | "host")
        || SET_BY_BRUNT.contains(&plain.as_str())
}

/// Whether a text is a valid header name or method (RFC 9110, section 5.6.2).
pub(crate) fn is_token(text: &str) -> bool {
    let may = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(may)
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
