//! Expressions: the content of `{{ … }}` with resolved names. Common ones are compiled, and Jinja evaluates the rest.
//! Templates are texts with expressions, compiled to segments that render into a buffer, the common ones without
//! allocation.

use std::sync::Arc;

use rand::RngExt;

use crate::data::SourceId;
use crate::expr::context::{EvalContext, VariableId};
use crate::expr::error::EvalError;
use crate::expr::fields::{each, entries};
use crate::expr::function::{self, Function};
use crate::expr::jinja::JinjaProgram;
use crate::json::numbers;
use crate::random::draw_index;
use crate::value::{Encoding, Value, write_text};

/// A compiled expression.
#[derive(Debug, Clone)]
pub struct Expression(pub(crate) Compiled);

#[derive(Debug, Clone)]
pub(crate) enum Compiled {
    Constant(Value),
    /// A variable, with its name for messages.
    Variable(VariableId, Arc<str>),
    /// A member of a table, or an item of a list.
    Member(Box<Compiled>, Key),
    Pick(Arc<[Value]>),
    Uniform(f64, f64),
    RandInt(i64, i64),
    /// The next row of a source.
    Next(SourceId),
    /// A random row of a source that is not in memory.
    PickRow(SourceId),
    Seq,
    /// The next number of a sequence with this name and first number.
    NamedSeq(Arc<str>, u64),
    /// The number of the user.
    UserNumber,
    Call(Function, Box<[Compiled]>),
    /// A text with expressions.
    Text(Box<Template>),
    /// JSON with expressions.
    Json(Box<Template>),
    Jinja(Arc<JinjaProgram>),
    /// An expression with secret results.
    Secret(Box<Compiled>),
}

/// Key of a table or index of a list.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Key {
    Name(Arc<str>),
    Index(i64),
}

/// Largest number of arguments of a function.
const ARGUMENTS_MAX: usize = 2;

impl Expression {
    /// Evaluates the expression.
    #[inline]
    pub fn evaluate(&self, context: &mut EvalContext) -> Result<Value, EvalError> {
        self.0.evaluate(context)
    }
}

impl Compiled {
    /// Whether its value depends only on variables, without random numbers.
    pub(crate) fn is_steady(&self) -> bool {
        match self {
            Self::Constant(_) | Self::Variable(..) => true,
            Self::Member(of, _) => of.is_steady(),
            _ => false,
        }
    }

    pub(crate) fn evaluate(&self, context: &mut EvalContext) -> Result<Value, EvalError> {
        Ok(match self {
            Self::Constant(value) => value.clone(),
            Self::Variable(id, name) => match &context.variables[id.index()] {
                Value::Undefined => return Err(unset(name)),
                value => value.clone(),
            },
            Self::Member(of, key) => return member(&of.evaluate(context)?, key),
            Self::Pick(values) => values[draw_index(values.len(), context.random)].clone(),
            Self::Uniform(low, high) => Value::Float(context.random.random_range(*low..=*high)),
            Self::RandInt(low, high) => Value::Integer(context.random.random_range(*low..=*high)),
            Self::Next(source) => {
                return context.shared.next(*source, context.user, context.random);
            }
            Self::PickRow(source) => return context.shared.pick(*source, context.random),
            Self::UserNumber => function::sequence_value(context.user),
            Self::Seq => function::sequence_value(context.shared.number()),
            Self::NamedSeq(name, first) => {
                function::sequence_value(context.shared.number_of(name, *first))
            }
            Self::Call(function, expressions) => {
                let mut arguments: [Value; ARGUMENTS_MAX] = Default::default();
                for (argument, expression) in arguments.iter_mut().zip(expressions) {
                    *argument = expression.evaluate(context)?;
                }
                let arguments = &arguments[..expressions.len()];
                return function.call(arguments, context.random, || context.shared.now());
            }
            Self::Text(template) => {
                let mut bytes = Vec::new();
                template.render(context, &mut bytes)?;
                Value::text(String::from_utf8_lossy(&bytes))
            }
            Self::Json(template) => {
                let mut bytes = Vec::new();
                template.render(context, &mut bytes)?;
                let json = numbers::parse(&String::from_utf8_lossy(&bytes));
                Value::of_json(&json.map_err(|error| EvalError::Failed(error.to_string()))?)
            }
            Self::Jinja(program) => return program.evaluate(context),
            Self::Secret(expression) => {
                let value = expression.evaluate(context)?;
                context.recent_secrets.push(value.clone());
                value
            }
        })
    }

    /// The same expression without noting its secret results, which a variable will contain.
    pub(crate) fn unnoted(self) -> Self {
        match self {
            Self::Secret(expression) => *expression,
            other => other,
        }
    }

    /// Value, if it depends only on variables, and they are set.
    pub(crate) fn of_variables(&self, variables: &[Value]) -> Option<Value> {
        match self {
            Self::Constant(value) => Some(value.clone()),
            Self::Variable(id, _) => variables.get(id.index()).cloned(),
            Self::Member(of, key) => member(&of.of_variables(variables)?, key).ok(),
            _ => None,
        }
    }

    /// Whether its value may be `none`, a list or a table.
    pub(crate) fn may_be_compound(&self) -> bool {
        let is_compound = |value: &Value| matches!(value, Value::None | Value::Json(_));
        match self {
            Self::Constant(value) => is_compound(value),
            Self::Pick(values) => values.iter().any(is_compound),
            Self::Uniform(..)
            | Self::RandInt(..)
            | Self::Seq
            | Self::NamedSeq(..)
            | Self::UserNumber
            | Self::Text(_) => false,
            Self::Call(function, _) => function.draws_values(),
            Self::Secret(expression) => expression.may_be_compound(),
            Self::Variable(..)
            | Self::Member(..)
            | Self::Next(_)
            | Self::PickRow(_)
            | Self::Json(_)
            | Self::Jinja(_) => true,
        }
    }

    /// A text in base64.
    pub(crate) fn base64_of(text: Template) -> Self {
        match text.literal_bytes() {
            Some(bytes) => Self::Constant(Value::text(function::base64(bytes))),
            None => Self::Call(Function::Base64, [Self::Text(Box::new(text))].into()),
        }
    }

    /// Value, if it is constant.
    pub(crate) fn constant(&self) -> Option<&Value> {
        match self {
            Self::Constant(value) => Some(value),
            _ => None,
        }
    }
}

pub(crate) fn unset(name: &str) -> EvalError {
    EvalError::Failed(format!("variable `{name}` is not set"))
}

fn member(of: &Value, key: &Key) -> Result<Value, EvalError> {
    let found = match (of, key) {
        (Value::Json(json), Key::Name(name)) => json.get(name.as_ref()),
        (Value::Json(json), Key::Index(index)) => json.as_array().and_then(|items| {
            let from_end = || items.len().checked_sub(usize::try_from(-index).ok()?);
            let at = usize::try_from(*index).ok().or_else(from_end)?;
            items.get(at)
        }),
        _ => None,
    };
    found.map(Value::of_json).ok_or_else(|| {
        let key = match key {
            Key::Name(name) => name.to_string(),
            Key::Index(index) => index.to_string(),
        };
        EvalError::Failed(format!("no `{key}` in `{}`", excerpt(of)))
    })
}

fn excerpt(value: &Value) -> String {
    let text = value.in_text();
    match text.char_indices().nth(80) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// A text that is rendered for each request.
#[derive(Debug, Clone, Default)]
pub struct Template {
    segments: Vec<Segment>,
}

/// A part of a template.
#[derive(Debug, Clone)]
pub(crate) enum Segment {
    Literal(Box<[u8]>),
    /// A random one of some values, stored in encoded form.
    Pick(Box<[Box<[u8]>]>),
    Expression(Compiled, Encoding),
    Fields(Box<FormFields>),
}

/// Largest number of values that are stored in encoded form.
const PICK_MAX: usize = 10_000;

impl Template {
    /// Renders the text and appends it.
    #[inline]
    pub fn render(&self, context: &mut EvalContext, into: &mut Vec<u8>) -> Result<(), EvalError> {
        for segment in &self.segments {
            match segment {
                Segment::Literal(bytes) => into.extend_from_slice(bytes),
                Segment::Pick(choices) => {
                    into.extend_from_slice(&choices[draw_index(choices.len(), context.random)]);
                }
                Segment::Expression(Compiled::Uniform(low, high), _) => {
                    let number = context.random.random_range(*low..=*high);
                    into.extend_from_slice(ryu::Buffer::new().format(number).as_bytes());
                }
                Segment::Expression(Compiled::RandInt(low, high), _) => {
                    let number = context.random.random_range(*low..=*high);
                    into.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
                }
                Segment::Expression(expression, encoding) => {
                    expression.evaluate(context)?.write(*encoding, into);
                }
                Segment::Fields(fields) => fields.render(context, into)?,
            }
        }
        Ok(())
    }

    /// The rendered bytes, if they are always the same.
    pub fn literal_bytes(&self) -> Option<&[u8]> {
        match &self.segments[..] {
            [] => Some(&[]),
            [Segment::Literal(bytes)] => Some(bytes),
            _ => None,
        }
    }

    /// A text without expressions.
    pub(crate) fn of(text: &str) -> Self {
        let mut template = Self::default();
        template.literal(text.as_bytes());
        template
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

    /// Appends an expression with the encoding of its values.
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

    /// Appends the fields of a form, or those of a query to its path.
    pub(crate) fn fields(&mut self, is_query: bool, fields: Vec<FormField>) {
        if fields.is_empty() {
            return;
        }
        let is_flat = fields
            .iter()
            .all(|field| matches!(field, FormField::Always(_)));
        let literals = self.segments.iter().filter_map(|segment| match segment {
            Segment::Literal(bytes) => Some(bytes),
            _ => None,
        });
        let has_query = literals.into_iter().any(|bytes| bytes.contains(&b'?'));
        let may_have_query = self
            .segments
            .iter()
            .any(|segment| matches!(segment, Segment::Expression(_, encoding) if encoding.may_begin_query()));
        if !is_flat || is_query && may_have_query && !has_query {
            let fields = fields.into();
            let fields = FormFields { is_query, fields };
            self.segments.push(Segment::Fields(Box::new(fields)));
            return;
        }
        let ends_open = match self.segments.last() {
            Some(Segment::Literal(bytes)) => bytes.ends_with(b"?") || bytes.ends_with(b"&"),
            _ => false,
        };
        let mut separator: &[u8] = match (is_query, has_query) {
            (true, false) => b"?",
            (true, true) if !ends_open => b"&",
            _ => b"",
        };
        for field in fields {
            if let FormField::Always(pair) = field {
                self.literal(separator);
                self.append(pair);
                separator = b"&";
            }
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

/// A field of a query or a form.
#[derive(Debug, Clone)]
pub(crate) enum FormField {
    /// A name and a value that are always sent, encoded.
    Always(Template),
    /// An encoded name, and an expression with the encoding of its values.
    Value(Template, Compiled, Encoding),
    /// The fields of a table.
    Table(Compiled),
}

/// Fields of a query or a form.
#[derive(Debug, Clone)]
pub(crate) struct FormFields {
    pub(crate) is_query: bool,
    pub(crate) fields: Box<[FormField]>,
}

impl FormFields {
    /// Appends the fields. Those of a query follow the path in the same buffer.
    pub(crate) fn render(
        &self,
        context: &mut EvalContext,
        into: &mut Vec<u8>,
    ) -> Result<(), EvalError> {
        let mut is_first = true;
        for field in &self.fields {
            match field {
                FormField::Always(pair) => {
                    self.separate(&mut is_first, into);
                    pair.render(context, into)?;
                }
                FormField::Value(name, expression, encoding) => {
                    let value = expression.evaluate(context)?;
                    each(&value, |value| {
                        self.separate(&mut is_first, into);
                        name.render(context, into)?;
                        into.push(b'=');
                        value.write(*encoding, into);
                        Ok(())
                    })?;
                }
                FormField::Table(expression) => {
                    let table = expression.evaluate(context)?;
                    for (name, value) in entries(&table)? {
                        each(&Value::of_json(value), |value| {
                            self.separate(&mut is_first, into);
                            write_text(name, Encoding::Form, into);
                            into.push(b'=');
                            value.write(Encoding::Form, into);
                            Ok(())
                        })?;
                    }
                }
            }
        }
        Ok(())
    }

    fn separate(&self, is_first: &mut bool, into: &mut Vec<u8>) {
        if !std::mem::take(is_first) {
            into.push(b'&');
        } else if self.is_query && !matches!(into.last(), Some(b'?' | b'&')) {
            let has_query = memchr::memchr(b'?', into).is_some();
            into.push(if has_query { b'&' } else { b'?' });
        }
    }
}
