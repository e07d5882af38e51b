//! Templates: text with `{{ expressions }}`, compiled to segments that render into a buffer; the common
//! ones without allocating.

use rand::RngExt;

use crate::expression::Compiled;
use crate::function;
use crate::scope::{Halt, Scope};
use crate::value::{Encoding, Value};

/// A text that is rendered anew for each request.
#[derive(Debug, Clone, Default)]
pub struct Template {
    segments: Vec<Segment>,
}

/// A part of a template.
#[derive(Debug, Clone)]
pub(crate) enum Segment {
    Literal(Box<[u8]>),
    /// One of some values, stored as they are written.
    Pick(Box<[Box<[u8]>]>),
    Expression(Compiled, Encoding),
}

/// Longer lists are not stored again as they are written.
const PICK_MAX: usize = 10_000;

impl Template {
    /// Appends the next rendering.
    #[inline]
    pub fn render(&self, scope: &mut Scope, into: &mut Vec<u8>) -> Result<(), Halt> {
        for segment in &self.segments {
            match segment {
                Segment::Literal(bytes) => into.extend_from_slice(bytes),
                Segment::Pick(choices) => {
                    into.extend_from_slice(&choices[function::place(choices.len(), scope.random)]);
                }
                Segment::Expression(Compiled::Uniform(low, high), _) => {
                    let number = scope.random.random_range(*low..=*high);
                    into.extend_from_slice(ryu::Buffer::new().format(number).as_bytes());
                }
                Segment::Expression(Compiled::RandInt(low, high), _) => {
                    let number = scope.random.random_range(*low..=*high);
                    into.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
                }
                Segment::Expression(expression, encoding) => {
                    expression.evaluate(scope)?.write(*encoding, into);
                }
            }
        }
        Ok(())
    }

    /// What it always renders to, where that is the same each time.
    pub fn literal_bytes(&self) -> Option<&[u8]> {
        match &self.segments[..] {
            [] => Some(&[]),
            [Segment::Literal(bytes)] => Some(bytes),
            _ => None,
        }
    }

    pub(crate) fn literal(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        if let Some(Segment::Literal(before)) = self.segments.last_mut() {
            *before = [before, bytes].concat().into();
        } else {
            self.segments.push(Segment::Literal(bytes.into()));
        }
    }

    /// Appends an expression whose values are written so.
    pub(crate) fn expression(&mut self, expression: Compiled, encoding: Encoding) {
        let written = |value: &Value| {
            let mut bytes = Vec::new();
            value.write(encoding, &mut bytes);
            bytes
        };
        match expression {
            Compiled::Constant(value) => self.literal(&written(&value)),
            Compiled::Pick(values) if values.len() <= PICK_MAX => {
                let choices = values.iter().map(|value| written(value).into());
                self.segments.push(Segment::Pick(choices.collect()));
            }
            other => self.segments.push(Segment::Expression(other, encoding)),
        }
    }

    pub(crate) fn append(&mut self, other: Self) {
        for segment in other.segments {
            match segment {
                Segment::Literal(bytes) => self.literal(&bytes),
                segment => self.segments.push(segment),
            }
        }
    }
}
