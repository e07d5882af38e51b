//! Expressions: what may stand between `{{` and `}}` in a text value.

use std::ops::Range;

use indexmap::IndexMap;

use crate::problem::{Problem, suggestion};
use crate::template::Segment;

/// A value of a data list.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Text(String),
    Integer(i64),
    Float(f64),
    Bool(bool),
}

impl Value {
    /// The value as it stands within a text.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Integer(number) => number.to_string(),
            Self::Float(number) => ryu::Buffer::new().format(*number).to_owned(),
            Self::Bool(value) => value.to_string(),
        }
    }
}

/// The lists of `[data]`, by name.
pub(crate) type Data = IndexMap<String, Vec<Value>>;

/// A part of a text value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Part<'a> {
    Text(&'a str),
    Expression(Expression<'a>),
}

/// An expression whose names are resolved.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Expression<'a> {
    Pick(&'a [Value]),
    Uniform(f64, f64),
    RandInt(i64, i64),
}

impl Expression<'_> {
    /// Compiles it; `encode` writes a picked value as the place of the expression needs it.
    pub(crate) fn segment(&self, encode: impl Fn(&Value) -> Vec<u8>) -> Segment {
        match self {
            Self::Pick(values) => {
                Segment::Pick(values.iter().map(|value| encode(value).into()).collect())
            }
            Self::Uniform(low, high) => Segment::Uniform(*low, *high),
            Self::RandInt(low, high) => Segment::RandInt(*low, *high),
        }
    }
}

const FUNCTIONS: [&str; 3] = ["pick", "uniform", "randint"];

/// Splits a text value into its parts. `span` is the value's place in the file.
pub(crate) fn parse<'a>(
    text: &'a str,
    data: &'a Data,
    span: &Range<usize>,
) -> Result<Vec<Part<'a>>, Problem> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(begin) = rest.find("{{") {
        if begin > 0 {
            parts.push(Part::Text(&rest[..begin]));
        }
        let inside = &rest[begin + 2..];
        let Some(end) = inside.find("}}") else {
            return Err(Problem::new("an expression has no end")
                .at(span.clone(), "`{{` without `}}`")
                .help("close it with `}}`"));
        };
        parts.push(Part::Expression(expression(
            inside[..end].trim(),
            data,
            span,
        )?));
        rest = &inside[end + 2..];
    }
    if !rest.is_empty() {
        parts.push(Part::Text(rest));
    }
    Ok(parts)
}

fn expression<'a>(
    text: &str,
    data: &'a Data,
    span: &Range<usize>,
) -> Result<Expression<'a>, Problem> {
    let problem = |message: String, help: String| {
        Err(Problem::new(message).at(span.clone(), "here").help(help))
    };
    let call = text.strip_suffix(')').and_then(|call| call.split_once('('));
    let Some((function, arguments)) = call else {
        return problem(
            format!("`{text}` is no expression"),
            "write a call: pick(LIST), uniform(LOW, HIGH) or randint(LOW, HIGH)".into(),
        );
    };
    let function = function.trim();
    let arguments: Vec<&str> = arguments.split(',').map(str::trim).collect();
    match function {
        "pick" => {
            let [name] = arguments[..] else {
                return problem(
                    format!("pick takes one list, not {}", arguments.len()),
                    "write pick(LIST) with a list of [data]".into(),
                );
            };
            match data.get(name) {
                Some(values) if values.is_empty() => problem(
                    format!("data list `{name}` is empty"),
                    "give it a value".into(),
                ),
                Some(values) => Ok(Expression::Pick(values)),
                None => problem(
                    format!("no data list is named `{name}`"),
                    suggestion(name, data.keys().map(String::as_str)),
                ),
            }
        }
        "uniform" => match range::<f64>(&arguments) {
            Some((low, high)) if low.is_finite() && high.is_finite() && low <= high => {
                Ok(Expression::Uniform(low, high))
            }
            _ => problem(
                format!("`{text}` gives no range"),
                "write uniform(LOW, HIGH) with two numbers, the lower one first".into(),
            ),
        },
        "randint" => match range::<i64>(&arguments) {
            Some((low, high)) if low <= high => Ok(Expression::RandInt(low, high)),
            _ => problem(
                format!("`{text}` gives no range"),
                "write randint(LOW, HIGH) with two whole numbers, the lower one first".into(),
            ),
        },
        _ => problem(
            format!("no function is named `{function}`"),
            suggestion(function, FUNCTIONS),
        ),
    }
}

fn range<N: std::str::FromStr>(arguments: &[&str]) -> Option<(N, N)> {
    match arguments {
        [low, high] => Some((low.parse().ok()?, high.parse().ok()?)),
        _ => None,
    }
}
